//! Creates a vault with its own token.

use std::sync::Arc;

use uuid::Uuid;

use super::{NewVault, VaultBundle, VaultPath, check_purge_protection, check_virtual_networks};
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, IntentVerb};
use crate::model::container::ContainerId;
use crate::model::key::Tags;
use crate::model::limit;
use crate::model::resource::check_resource_tags;
use crate::model::retention::RetentionDays;
use crate::model::vault::{AccessPolicies, EnabledFor, Vault, VaultSku};
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::containers::claims;
use crate::ops::secrets::ensure_sealing_key;
use crate::ops::{ControlCx, Done, Operation};

use crate::model::hsm::{NetworkChanges, NetworkRules};

/// Creates a vault. Azure: <https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/create-or-update>.
#[derive(Clone, Debug)]
pub struct CreateVault {
    /// The resource path of the vault.
    pub path: VaultPath,
    /// The region, by name or display name.
    pub location: String,
    /// The SKU; `None` if the request has none.
    pub sku: Option<VaultSku>,
    /// The tenant whose principals it accepts; must be that of the subscription.
    pub tenant: Option<Uuid>,
    /// Whether the vault and its contents are soft-deleted, rather than deleted permanently.
    pub soft_delete: bool,
    /// The retention interval of deleted contents and of the deleted vault; cannot be changed later.
    pub retention: RetentionDays,
    /// Whether purges before the scheduled purge date are refused.
    pub purge_protection: bool,
    /// Whether Azure RBAC decides about access to the contents, instead of the access policies.
    pub rbac_authorization: bool,
    /// The access policies.
    pub access_policies: AccessPolicies,
    /// The network settings, as changes to the default.
    pub network: NetworkChanges,
    /// The ids of the subnets whose clients are allowed.
    pub virtual_network_rules: Vec<String>,
    /// For what Azure's own services may read its secrets.
    pub enabled_for: EnabledFor,
    /// The user's tags.
    pub tags: Tags,
}

impl CreateVault {
    fn network(&self) -> Result<NetworkRules> {
        self.network.clone().apply_up_to(&NetworkRules::default(), Vault::MAX_IP_RULES)
    }

    fn sku(&self) -> Result<VaultSku> {
        self.sku.ok_or_else(|| Error::invalid(Field::Sku, "this is missing"))
    }

    /// Checks that a vault may be created without soft-delete, if the request says so.
    // assumption: Azure's messages are not recorded.
    fn check_soft_delete(&self, cx: &ControlCx) -> Result<()> {
        let wrong = |why: &str| Err(Error::invalid(Field::SoftDelete, why));
        match (self.soft_delete, cx.soft_delete_opt_out) {
            (true, _) => Ok(()),
            (false, false) => wrong(
                "The property \"enableSoftDelete\" cannot be set to false. Vaults are created with soft-delete.",
            ),
            (false, true) if cx.now >= Vault::SOFT_DELETE_REQUIRED_FROM => wrong(
                "The property \"enableSoftDelete\" cannot be set to false. Vaults are created with soft-delete since February 2025.",
            ),
            (false, true) => Ok(()),
        }
    }
}

impl Operation for CreateVault {
    const NAME: &'static str = "CreateVault";
    const EVENT: &'static str = "VaultPut";
    const ACTION: ControlAction = ControlAction::VaultWrite;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = NewVault;
    type Reply = VaultBundle;

    fn target(&self) -> VaultPath {
        self.path.clone()
    }

    fn check(&self, _: &NewVault, _: Timestamp) -> Result<()> {
        if self.location.is_empty() {
            return Err(Error::invalid(Field::Location, "this is missing"));
        }
        self.sku()?;
        check_purge_protection(self.soft_delete, self.purge_protection)?;
        check_resource_tags(&self.tags)?;
        check_virtual_networks(&self.virtual_network_rules)?;
        self.network().map(|_| ())
    }

    async fn execute(self, _: NewVault, cx: &ControlCx) -> Result<Done<VaultBundle>> {
        let tenant = cx.subscription.tenant;
        if self.tenant.is_some_and(|given| given != tenant) {
            return Err(Error::invalid(Field::TenantId, "the tenant must be that of the subscription"));
        }
        self.check_soft_delete(cx)?;
        self.access_policies.check(tenant)?;
        let location = cx.locations.find(&self.location)?.name.clone();
        // Checked before a token is allocated; the store checks again when it applies the change.
        let in_subscription = |vault: &Arc<Vault>| vault.subscription == self.path.subscription;
        limit::VAULTS.check_capacity(cx.store.vaults().into_iter().filter(in_subscription).count())?;
        let (sku, network) = (self.sku()?, self.network()?);
        let id = ContainerId::from(&self.path.name);
        cx.intents.declare(&id, IntentVerb::Provision, Vec::new()).await?;
        let token = cx.token_pool.allocate(id.as_stored(), || claims(&cx.store)).await?;
        cx.tokens.attach(&id, token.clone());
        let vault = Vault {
            id: cx.ids.guid(),
            name: self.path.name,
            tenant,
            subscription: self.path.subscription,
            resource_group: self.path.resource_group,
            location,
            sku,
            soft_delete: self.soft_delete,
            retention: self.retention,
            purge_protection: self.purge_protection,
            rbac_authorization: self.rbac_authorization,
            access_policies: self.access_policies,
            network,
            virtual_network_rules: lowercase(&self.virtual_network_rules),
            enabled_for: self.enabled_for,
            token_serial: token.info().serial.clone(),
            created: cx.now,
            updated: cx.now,
            deletion: None,
            tags: self.tags,
        };
        ensure_sealing_key(&vault, &token).await?;
        let bundle = VaultBundle::of(&Arc::new(vault.clone()), &cx.store);
        Ok(Done::with(bundle, [Change::InsertVault(vault)]))
    }
}

/// Azure returns the ids of subnets in lower case, as recorded.
pub(super) fn lowercase(ids: &[String]) -> Vec<String> {
    ids.iter().map(|id| id.to_ascii_lowercase()).collect()
}
