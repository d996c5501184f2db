//! Updates the mutable properties of a vault.

use std::sync::Arc;

use uuid::Uuid;

use super::create::lowercase;
use super::{LiveVault, VaultBundle, VaultPath, check_purge_protection, check_virtual_networks};
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::hsm::{NetworkChanges, NetworkRules};
use crate::model::key::Tags;
use crate::model::location::normalize;
use crate::model::resource::check_resource_tags;
use crate::model::retention::RetentionDays;
use crate::model::vault::{AccessPolicies, EnabledFor, Vault, VaultSku};
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation};

/// Changes to a vault. A property that is `None` is kept, or, in a replacement, reset.
#[derive(Clone, Debug, Default)]
pub struct VaultChanges {
    /// Whether the request replaces the vault: access policies, network settings, uses by Azure's services and tags that are
    /// `None` are reset to those of a new vault. The other properties are kept nevertheless.
    ///
    /// Source: "Azure Resource Manager deployment modes" of Azure's documentation for properties that a `PUT` omits;
    /// "Default access control for Key Vault" for the permission model, which a `PUT` without it keeps.
    pub is_replacement: bool,
    /// The SKU.
    pub sku: Option<VaultSku>,
    /// Soft-delete, which can be enabled but not disabled.
    pub soft_delete: Option<bool>,
    /// The retention interval, which can be changed only together with enabling soft-delete. Clients send back what they have
    /// read.
    pub retention: Option<RetentionDays>,
    /// Purge protection, which can be enabled but not disabled.
    pub purge_protection: Option<bool>,
    /// Whether Azure RBAC decides about access to the contents, instead of the access policies.
    pub rbac_authorization: Option<bool>,
    /// Access policies that replace all existing ones.
    pub access_policies: Option<AccessPolicies>,
    /// Changes to the network rules.
    pub network: NetworkChanges,
    /// Rules for virtual networks that replace all existing ones.
    pub virtual_network_rules: Option<Vec<String>>,
    /// Whether virtual machines may read its secrets.
    pub enabled_for_deployment: Option<bool>,
    /// Whether disk encryption may read its secrets.
    pub enabled_for_disk_encryption: Option<bool>,
    /// Whether deployments of templates may read its secrets.
    pub enabled_for_template_deployment: Option<bool>,
    /// Tags that replace all existing ones.
    pub tags: Option<Tags>,
    /// Immutable properties, accepted if they equal the existing ones: clients send back what they have read.
    pub fixed: ImmutableVaultProperties,
}

/// The immutable properties of a vault.
#[derive(Clone, Debug, Default)]
pub struct ImmutableVaultProperties {
    /// The region, by name or display name.
    pub location: Option<String>,
    /// The tenant whose principals it accepts.
    // assumption: a vault stays in the tenant of its subscription.
    pub tenant: Option<Uuid>,
}

impl ImmutableVaultProperties {
    fn check(&self, vault: &Vault) -> Result<()> {
        let Self { location, tenant } = self;
        let moved = location.as_ref().is_some_and(|given| normalize(given) != normalize(&vault.location));
        for (field, differs) in
            [(Field::Location, moved), (Field::TenantId, tenant.is_some_and(|given| given != vault.tenant))]
        {
            if differs {
                return Err(Error::invalid(field, "this cannot be changed after the vault is created"));
            }
        }
        Ok(())
    }
}

impl VaultChanges {
    /// Returns the vault whose properties those that are `None` take.
    fn base(&self, vault: &Vault) -> Vault {
        if !self.is_replacement {
            return vault.clone();
        }
        Vault {
            network: NetworkRules::default(),
            virtual_network_rules: Vec::new(),
            enabled_for: EnabledFor::default(),
            tags: Tags::default(),
            ..vault.clone()
        }
    }

    /// Checks the access policies: a replacement has them, unless Azure RBAC decides about access.
    fn check_policies(&self, vault: &Vault) -> Result<()> {
        match &self.access_policies {
            Some(policies) => policies.check(vault.tenant),
            None if self.is_replacement && !self.rbac_authorization.unwrap_or(vault.rbac_authorization) => {
                Err(Error::invalid(
                    Field::AccessPolicies,
                    "this is required unless Azure RBAC decides about access",
                ))
            }
            None => Ok(()),
        }
    }

    /// Checks the changes of soft-delete, of the retention interval and of purge protection. The messages are recorded from
    /// Azure, except that of purge protection.
    fn check_deletion(&self, vault: &Vault) -> Result<()> {
        if self.soft_delete == Some(false) && vault.soft_delete {
            return Err(Error::invalid(
                Field::SoftDelete,
                "The property \"enableSoftDelete\" can be set to false only for creating new vault. Enabling the 'soft delete' functionality is an irreversible action.",
            ));
        }
        // assumption: the interval is set when soft-delete is enabled.
        let is_enabled_now = self.soft_delete == Some(true) && !vault.soft_delete;
        if self.retention.is_some_and(|days| days != vault.retention) && !is_enabled_now {
            return Err(Error::invalid(
                Field::VaultRetentionDays,
                "The property \"softDeleteRetentionInDays\" has been set already and it can't be modified.",
            ));
        }
        if self.purge_protection == Some(false) && vault.purge_protection {
            let why = "purge protection is enabled and cannot be turned off";
            return Err(Error::invalid(Field::PurgeProtection, why));
        }
        check_purge_protection(vault.soft_delete || is_enabled_now, self.purge_protection == Some(true))
    }
}

/// Updates a vault. Azure: <https://learn.microsoft.com/rest/api/keyvault/keyvault/vaults/update>.
#[derive(Clone, Debug)]
pub struct UpdateVault {
    /// The vault.
    pub path: VaultPath,
    /// The changes.
    pub changes: VaultChanges,
}

impl Operation for UpdateVault {
    const NAME: &'static str = "UpdateVault";
    const EVENT: &'static str = "VaultPatch";
    const ACTION: ControlAction = ControlAction::VaultWrite;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = LiveVault;
    type Reply = VaultBundle;

    fn target(&self) -> VaultPath {
        self.path.clone()
    }

    fn check(&self, target: &LiveVault, _: Timestamp) -> Result<()> {
        let vault = &target.0;
        let changes = &self.changes;
        changes.check_deletion(vault)?;
        changes.fixed.check(vault)?;
        changes.tags.as_ref().map_or(Ok(()), check_resource_tags)?;
        changes.check_policies(vault)?;
        check_virtual_networks(changes.virtual_network_rules.as_deref().unwrap_or_default())?;
        changes.network.clone().apply_up_to(&changes.base(vault).network, Vault::MAX_IP_RULES).map(|_| ())
    }

    async fn execute(self, target: LiveVault, cx: &ControlCx) -> Result<Done<VaultBundle>> {
        let changes = self.changes;
        let before = changes.base(&target.0);
        let vault = Vault {
            sku: changes.sku.unwrap_or(before.sku),
            soft_delete: changes.soft_delete.unwrap_or(before.soft_delete),
            retention: changes.retention.unwrap_or(before.retention),
            purge_protection: changes.purge_protection.unwrap_or(before.purge_protection),
            rbac_authorization: changes.rbac_authorization.unwrap_or(before.rbac_authorization),
            access_policies: changes.access_policies.unwrap_or_else(|| before.access_policies.clone()),
            network: changes.network.apply_up_to(&before.network, Vault::MAX_IP_RULES)?,
            virtual_network_rules: match changes.virtual_network_rules {
                Some(rules) => lowercase(&rules),
                None => before.virtual_network_rules.clone(),
            },
            enabled_for: EnabledFor {
                deployment: changes.enabled_for_deployment.unwrap_or(before.enabled_for.deployment),
                disk_encryption: changes.enabled_for_disk_encryption.or(before.enabled_for.disk_encryption),
                template_deployment: changes
                    .enabled_for_template_deployment
                    .or(before.enabled_for.template_deployment),
            },
            updated: cx.now,
            tags: changes.tags.unwrap_or_else(|| before.tags.clone()),
            ..before
        };
        let bundle = VaultBundle::of(&Arc::new(vault.clone()), &cx.store);
        Ok(Done::with(bundle, [Change::ReplaceVault(vault)]))
    }
}
