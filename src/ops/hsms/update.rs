//! Updates the mutable properties of a managed HSM.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::{HsmBundle, HsmPath, LiveHsm};
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::hsm::{ManagedHsm, NetworkChanges};
use crate::model::key::Tags;
use crate::model::location::normalize;
use crate::model::name::PrincipalId;
use crate::model::resource::check_resource_tags;
use crate::model::retention::RetentionDays;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation};

/// Changes to an HSM. A property that is `None` is kept.
#[derive(Clone, Debug, Default)]
pub struct HsmChanges {
    /// Tags that replace all existing ones.
    pub tags: Option<Tags>,
    /// Purge protection, which can be enabled but not disabled.
    pub purge_protection: Option<bool>,
    /// Changes to the network rules.
    pub network: NetworkChanges,
    /// Immutable properties, accepted if they equal the existing ones: clients send back what they have read.
    pub fixed: ImmutableProperties,
}

/// The immutable properties of an HSM.
#[derive(Clone, Debug, Default)]
pub struct ImmutableProperties {
    /// The retention interval.
    pub retention: Option<RetentionDays>,
    /// The region, by name or display name.
    pub location: Option<String>,
    /// The SKU, for example `Standard_B1`.
    pub sku: Option<String>,
    /// The tenant whose principals it accepts.
    pub tenant: Option<Uuid>,
    /// The initial administrators, in any order.
    pub administrators: Option<Vec<PrincipalId>>,
}

impl ImmutableProperties {
    fn check(&self, hsm: &ManagedHsm) -> Result<()> {
        let Self { retention, location, sku, tenant, administrators } = self;
        let sorted = |principals: &[PrincipalId]| principals.iter().copied().collect::<BTreeSet<_>>();
        let differ = |given: &Vec<PrincipalId>| sorted(given) != sorted(&hsm.initial_administrators);
        for (field, differs) in [
            (Field::RetentionDays, retention.is_some_and(|days| days != hsm.retention)),
            (
                Field::Location,
                location.as_ref().is_some_and(|given| normalize(given) != normalize(&hsm.location)),
            ),
            (Field::Sku, sku.as_ref().is_some_and(|given| !given.eq_ignore_ascii_case(&hsm.sku))),
            (Field::TenantId, tenant.is_some_and(|given| given != hsm.tenant)),
            (Field::Administrators, administrators.as_ref().is_some_and(differ)),
        ] {
            if differs {
                return Err(Error::invalid(field, "this cannot be changed after the HSM is created"));
            }
        }
        Ok(())
    }
}

/// Updates an HSM; network rules:
/// <https://learn.microsoft.com/azure/key-vault/managed-hsm/network-security>.
#[derive(Clone, Debug)]
pub struct UpdateManagedHsm {
    /// The HSM.
    pub path: HsmPath,
    /// The changes.
    pub changes: HsmChanges,
}

impl Operation for UpdateManagedHsm {
    const NAME: &'static str = "UpdateManagedHsm";
    const EVENT: &'static str = "ManagedHsmUpdate";
    const ACTION: ControlAction = ControlAction::HsmWrite;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = LiveHsm;
    type Reply = HsmBundle;

    fn target(&self) -> HsmPath {
        self.path.clone()
    }

    fn check(&self, target: &LiveHsm, _: Timestamp) -> Result<()> {
        let HsmChanges { tags, purge_protection, network, fixed } = &self.changes;
        if *purge_protection == Some(false) && target.0.purge_protection {
            return Err(Error::invalid(
                Field::PurgeProtection,
                "purge protection is enabled and cannot be turned off",
            ));
        }
        fixed.check(&target.0)?;
        tags.as_ref().map_or(Ok(()), check_resource_tags)?;
        network.clone().apply(&target.0.network).map(|_| ())
    }

    async fn execute(self, target: LiveHsm, cx: &ControlCx) -> Result<Done<HsmBundle>> {
        let HsmChanges { tags, purge_protection, network, fixed: _ } = self.changes;
        let before = target.0.as_ref().clone();
        let hsm = ManagedHsm {
            purge_protection: purge_protection.unwrap_or(before.purge_protection),
            tags: tags.unwrap_or_else(|| before.tags.clone()),
            network: network.apply(&before.network)?,
            ..before
        };
        let bundle = HsmBundle::of(&Arc::new(hsm.clone()), &cx.store);
        Ok(Done::with(bundle, [Change::ReplaceHsm(hsm)]))
    }
}
