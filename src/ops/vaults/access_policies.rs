//! Adds, replaces and removes access policies of a vault.

use std::sync::Arc;

use super::{LiveVault, VaultBundle, VaultPath};
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::vault::{AccessPolicies, PolicyChange, Vault};
use crate::model::{Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation};

/// Changes the access policies of some principals. Whoever may do this can give himself every permission in the vault, as
/// in Azure (<https://learn.microsoft.com/azure/key-vault/general/rbac-access-policy>).
#[derive(Clone, Debug)]
pub struct UpdateVaultAccessPolicies {
    /// The vault.
    pub path: VaultPath,
    /// The change.
    pub change: PolicyChange,
    /// The policies that are added, replace others, or are removed.
    pub policies: AccessPolicies,
}

impl Operation for UpdateVaultAccessPolicies {
    const NAME: &'static str = "UpdateVaultAccessPolicies";
    const EVENT: &'static str = "VaultAccessPolicyUpdate";
    const ACTION: ControlAction = ControlAction::VaultAccessPoliciesWrite;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = LiveVault;
    type Reply = VaultBundle;

    fn target(&self) -> VaultPath {
        self.path.clone()
    }

    fn check(&self, target: &LiveVault, _: Timestamp) -> Result<()> {
        let (vault, given) = (&target.0, &self.policies);
        given.check(vault.tenant)?;
        vault.access_policies.changed(self.change, given).check_count()
    }

    async fn execute(self, target: LiveVault, cx: &ControlCx) -> Result<Done<VaultBundle>> {
        let before = target.0.as_ref().clone();
        let access_policies = before.access_policies.changed(self.change, &self.policies);
        let vault = Vault { access_policies, updated: cx.now, ..before };
        let bundle = VaultBundle::of(&Arc::new(vault.clone()), &cx.store);
        Ok(Done::with(bundle, [Change::ReplaceVault(vault)]))
    }
}
