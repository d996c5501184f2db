//! Converts the messages of `vault.proto`.

use super::super::pb;
use super::access::{check_group_count, checked_actions, groups, optional_guid};
use super::authorization::control_assignment;
use super::containers::{
    check_name, deleted_path, deleted_resource_name, list, mask_paths, named_but_unset, network, page, path,
    resource_name, tenant, unavailability, wire_network,
};
use super::resources::{group, subscription};
use super::{named, parse_field, wire_instant};
use crate::model::name::VaultName;
use crate::model::retention::RetentionDays;
use crate::model::vault::{
    AccessPolicies, AccessPolicy, EnabledFor, Permissions, PolicyChange, Vault, VaultSku,
};
use crate::model::{Error, Field, Result};
use crate::ops::Page;
use crate::ops::containers::NameAvailability;
use crate::ops::rbac::Checked;
use crate::ops::vaults::{
    CheckVaultAccess, CheckVaultName, CreateVault, DeleteVault, GetDeletedVault, GetVault, ListDeletedVaults,
    ListVaults, PurgeDeletedVault, RecoverDeletedVault, UpdateVault, UpdateVaultAccessPolicies, VaultAccess,
    VaultBundle, VaultChanges, VaultPath,
};

/// The fields that an update mask may contain.
const MASK: &str = "the update mask may contain sku, tags, purge_protection, rbac_authorization, access_policies, \
    network, virtual_network_rules, enabled_for_deployment, enabled_for_disk_encryption, \
    enabled_for_template_deployment, soft_delete and retention_days";

impl TryFrom<pb::CreateVaultRequest> for CreateVault {
    type Error = Error;

    fn try_from(request: pb::CreateVaultRequest) -> Result<Self> {
        let (subscription, resource_group) = group(Field::Parent, &request.parent)?;
        let name: VaultName = parse_field(Field::VaultId, &request.vault_id)?;
        let given = request.vault.ok_or_else(|| Error::invalid(Field::Vault, "the vault is missing"))?;
        Ok(Self {
            path: VaultPath { subscription, resource_group, name },
            location: given.location,
            sku: Some(given.sku.map_or(Ok(VaultSku::Standard), |sku| sku.parse())?),
            tenant: tenant(&given.tenant_id)?,
            soft_delete: given.soft_delete.unwrap_or(true),
            retention: given.retention_days.map_or(Ok(RetentionDays::DEFAULT), RetentionDays::try_from)?,
            purge_protection: given.purge_protection,
            rbac_authorization: given.rbac_authorization.unwrap_or(true),
            access_policies: policies(given.access_policies)?,
            network: network(given.network.unwrap_or_default())?.into(),
            virtual_network_rules: given.virtual_network_rules,
            enabled_for: EnabledFor {
                deployment: given.enabled_for_deployment,
                disk_encryption: given.enabled_for_disk_encryption,
                template_deployment: given.enabled_for_template_deployment,
            },
            tags: given.tags.into_iter().collect(),
        })
    }
}

impl TryFrom<pb::UpdateVaultRequest> for UpdateVault {
    type Error = Error;

    fn try_from(request: pb::UpdateVaultRequest) -> Result<Self> {
        let given = request.vault.ok_or_else(|| Error::invalid(Field::Vault, "the vault is missing"))?;
        let path = path(Field::VaultName, &given.name)?;
        let mut changes = VaultChanges::default();
        for field in mask_paths(request.update_mask)? {
            set_change(&mut changes, &field, &given)?;
        }
        Ok(Self { path, changes })
    }
}

/// Sets the change of the field that the update mask names.
fn set_change(changes: &mut VaultChanges, field: &str, given: &pb::Vault) -> Result<()> {
    /// Returns the value of an optional field.
    fn required<T: Clone>(value: Option<&T>, field: Field) -> Result<Option<T>> {
        value.cloned().map(Some).ok_or_else(|| named_but_unset(field))
    }
    match field {
        "sku" => {
            let sku = given.sku.as_ref().ok_or_else(|| named_but_unset(Field::Sku))?;
            changes.sku = Some(sku.parse()?);
        }
        "tags" => {
            changes.tags =
                Some(given.tags.iter().map(|(name, value)| (name.clone(), value.clone())).collect());
        }
        "purge_protection" => changes.purge_protection = Some(given.purge_protection),
        "rbac_authorization" => {
            changes.rbac_authorization =
                required(given.rbac_authorization.as_ref(), Field::RbacAuthorization)?;
        }
        "access_policies" => changes.access_policies = Some(policies(given.access_policies.clone())?),
        "network" => changes.network = network(given.network.clone().unwrap_or_default())?.into(),
        "virtual_network_rules" => changes.virtual_network_rules = Some(given.virtual_network_rules.clone()),
        "enabled_for_deployment" => changes.enabled_for_deployment = Some(given.enabled_for_deployment),
        "enabled_for_disk_encryption" => {
            changes.enabled_for_disk_encryption =
                required(given.enabled_for_disk_encryption.as_ref(), Field::EnabledForDiskEncryption)?;
        }
        "enabled_for_template_deployment" => {
            changes.enabled_for_template_deployment = required(
                given.enabled_for_template_deployment.as_ref(),
                Field::EnabledForTemplateDeployment,
            )?;
        }
        "retention_days" => {
            let days = given.retention_days.ok_or_else(|| named_but_unset(Field::RetentionDays))?;
            changes.retention = Some(days.try_into()?);
        }
        "soft_delete" => changes.soft_delete = required(given.soft_delete.as_ref(), Field::SoftDelete)?,
        _ => return Err(Error::invalid(Field::UpdateMask, MASK)),
    }
    Ok(())
}

impl TryFrom<pb::UpdateVaultAccessPoliciesRequest> for UpdateVaultAccessPolicies {
    type Error = Error;

    fn try_from(request: pb::UpdateVaultAccessPoliciesRequest) -> Result<Self> {
        let change = match request.change.to_ascii_lowercase().as_str() {
            "add" => PolicyChange::Add,
            "replace" => PolicyChange::Replace,
            "remove" => PolicyChange::Remove,
            _ => return Err(Error::invalid(Field::Change, "the change is add, replace or remove")),
        };
        let path = path(Field::Name, &request.name)?;
        Ok(Self { path, change, policies: policies(request.access_policies)? })
    }
}

/// Parses access policies.
fn policies(given: Vec<pb::AccessPolicy>) -> Result<AccessPolicies> {
    given.into_iter().map(policy).collect()
}

fn policy(given: pb::AccessPolicy) -> Result<AccessPolicy> {
    let guid = |field: Field, text: &str| {
        uuid::Uuid::parse_str(text).map_err(|_| Error::invalid(field, "the id is not a GUID"))
    };
    let application = Some(given.application_id).filter(|id| !id.is_empty());
    let names = |given: Option<pb::PermissionNames>| given.map(|list| list.names);
    let permissions = given.permissions.unwrap_or_default();
    Ok(AccessPolicy {
        tenant: guid(Field::AccessPoliciesTenantId, &given.tenant_id)?,
        principal: parse_field(Field::AccessPoliciesPrincipalId, &given.principal_id)?,
        application: application.map(|id| guid(Field::AccessPoliciesApplicationId, &id)).transpose()?,
        permissions: Permissions {
            keys: names(permissions.keys),
            secrets: names(permissions.secrets),
            certificates: names(permissions.certificates),
            storage: names(permissions.storage),
        },
    })
}

impl TryFrom<pb::ListVaultsRequest> for ListVaults {
    type Error = Error;

    fn try_from(request: pb::ListVaultsRequest) -> Result<Self> {
        list(&request.parent, page(request.page_size, &request.page_token)?)
    }
}

impl TryFrom<pb::ListDeletedVaultsRequest> for ListDeletedVaults {
    type Error = Error;

    fn try_from(request: pb::ListDeletedVaultsRequest) -> Result<Self> {
        let page = page(request.page_size, &request.page_token)?;
        Ok(Self { container: subscription(Field::Parent, &request.parent)?, page })
    }
}

impl TryFrom<pb::CheckVaultNameRequest> for CheckVaultName {
    type Error = Error;

    fn try_from(request: pb::CheckVaultNameRequest) -> Result<Self> {
        check_name(&request.parent, request.vault_id)
    }
}

impl TryFrom<pb::CheckVaultAccessRequest> for CheckVaultAccess {
    type Error = Error;

    fn try_from(request: pb::CheckVaultAccessRequest) -> Result<Self> {
        check_group_count(&request.group_ids)?;
        Ok(Self {
            path: path(Field::Name, &request.name)?,
            principal: request.principal_id.parse()?,
            groups: groups(&request.group_ids)?,
            application: optional_guid(Field::ApplicationId, &request.application_id)?,
            actions: checked_actions(&request.action, &request.actions)?,
            object: request.object.parse()?,
        })
    }
}

named! {
    GetVaultRequest => GetVault { path: |name| path(Field::Name, name) },
    DeleteVaultRequest => DeleteVault { id: |name| path(Field::Name, name) },
    GetDeletedVaultRequest => GetDeletedVault { id: deleted_path },
    RecoverDeletedVaultRequest => RecoverDeletedVault { id: deleted_path },
    PurgeDeletedVaultRequest => PurgeDeletedVault { id: deleted_path },
}

impl From<VaultBundle> for pb::Vault {
    fn from(VaultBundle { resource: vault, level }: VaultBundle) -> Self {
        Self {
            name: resource_name(&*vault),
            location: vault.location.clone(),
            sku: Some(vault.sku.as_str().to_owned()),
            tenant_id: vault.tenant.to_string(),
            soft_delete: Some(vault.soft_delete),
            retention_days: Some(vault.retention.days()),
            purge_protection: vault.purge_protection,
            rbac_authorization: Some(vault.rbac_authorization),
            access_policies: vault.access_policies.iter().map(wire_policy).collect(),
            network: Some(wire_network(&vault.network)),
            virtual_network_rules: vault.virtual_network_rules.clone(),
            enabled_for_deployment: vault.enabled_for.deployment,
            enabled_for_disk_encryption: vault.enabled_for.disk_encryption,
            enabled_for_template_deployment: vault.enabled_for.template_deployment,
            tags: vault.tags.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            recovery_level: level.as_str().to_owned(),
            data_plane: format!("vaults/{}", vault.name),
            created: Some(wire_instant(vault.created)),
            updated: Some(wire_instant(vault.updated)),
        }
    }
}

fn wire_policy(policy: &AccessPolicy) -> pb::AccessPolicy {
    let names =
        |list: &Option<Vec<String>>| list.as_ref().map(|names| pb::PermissionNames { names: names.clone() });
    let Permissions { keys, secrets, certificates, storage } = &policy.permissions;
    pb::AccessPolicy {
        tenant_id: policy.tenant.to_string(),
        principal_id: policy.principal.to_string(),
        application_id: policy.application.map(|id| id.to_string()).unwrap_or_default(),
        permissions: Some(pb::AccessPermissions {
            keys: names(keys),
            secrets: names(secrets),
            certificates: names(certificates),
            storage: names(storage),
        }),
    }
}

impl From<Checked<VaultAccess>> for pb::CheckVaultAccessResponse {
    fn from(decisions: Checked<VaultAccess>) -> Self {
        let Checked { one, further: decisions } = decisions.map(pb::VaultAccessDecision::from);
        let pb::VaultAccessDecision {
            allowed,
            action,
            permission,
            scope,
            role_assignment,
            role_name,
            access_policy,
            reason,
            granting_roles,
        } = one.unwrap_or_default();
        Self {
            allowed,
            action,
            permission,
            scope,
            role_assignment,
            role_name,
            access_policy,
            reason,
            decisions,
            granting_roles,
        }
    }
}

impl From<VaultAccess> for pb::VaultAccessDecision {
    fn from(decision: VaultAccess) -> Self {
        let role = decision.role.as_ref();
        Self {
            allowed: decision.allowed,
            action: decision.action.to_string(),
            permission: decision.action.policy_permission().to_string(),
            scope: decision.scope.to_string(),
            role_assignment: role.map(|grant| control_assignment(&grant.assignment)),
            role_name: role.map(|grant| grant.definition.role_name.clone()).unwrap_or_default(),
            access_policy: decision.policy.as_ref().map(wire_policy),
            reason: decision.reason,
            granting_roles: decision.roles,
        }
    }
}

impl From<VaultBundle> for pb::DeletedVault {
    fn from(bundle: VaultBundle) -> Self {
        let Vault { deletion, .. } = *bundle.resource;
        Self {
            name: deleted_resource_name(&*bundle.resource),
            deleted_at: deletion.map(|deletion| wire_instant(deletion.deleted_at)),
            scheduled_purge_at: deletion.map(|deletion| wire_instant(deletion.scheduled_purge_at)),
            vault: Some(bundle.into()),
        }
    }
}

impl From<Page<VaultBundle>> for pb::ListVaultsResponse {
    fn from(page: Page<VaultBundle>) -> Self {
        Self {
            vaults: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next.unwrap_or_default(),
        }
    }
}

impl From<Page<VaultBundle>> for pb::ListDeletedVaultsResponse {
    fn from(page: Page<VaultBundle>) -> Self {
        Self {
            deleted_vaults: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next.unwrap_or_default(),
        }
    }
}

impl From<NameAvailability> for pb::CheckVaultNameResponse {
    fn from(availability: NameAvailability) -> Self {
        let unavailable = unavailability::<Vault>(availability);
        let available = unavailable.is_none();
        let (reason, message) = unavailable.unwrap_or_default();
        Self { available, reason: reason.to_owned(), message }
    }
}

impl From<VaultBundle> for pb::PurgeDeletedVaultResponse {
    fn from(_: VaultBundle) -> Self {
        Self {}
    }
}
