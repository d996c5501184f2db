//! Requests for vaults.
//!
//! Source: `Microsoft.KeyVault/vaults`, api-version 2026-02-01, and requests recorded from clients.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::super::azure::filter::Filter;
use super::super::super::azure::tags::SentTags;
use super::super::call::RequestInput;
use super::hsms::Days;
use super::network::{self, NetworkAcls};
use super::{decoded, page, subscription, unfiltered};
use crate::model::key::Tags;
use crate::model::retention::RetentionDays;
use crate::model::vault::{AccessPolicies, AccessPolicy, EnabledFor, Permissions, PolicyChange, VaultSku};
use crate::model::{Error, Field, Result};
use crate::ops::vaults::{
    CheckVaultName, CreateVault, DeleteVault, DeletedVaultPath, GetDeletedVault, GetVault,
    GetVaultOperationResult, ImmutableVaultProperties, ListDeletedVaults, ListVaults, PurgeDeletedVault,
    RecoverDeletedVault, UpdateVault, UpdateVaultAccessPolicies, VaultChanges, VaultPath,
};

/// The resource type of vaults.
pub(super) const TYPE: &str = "Microsoft.KeyVault/vaults";

/// The first `api-version` in which a new vault uses Azure RBAC unless the request says otherwise
/// (<https://learn.microsoft.com/azure/key-vault/general/access-control-default>).
const RBAC_BY_DEFAULT: &str = "2026-02-01";

/// The request body for creating and updating. Read-only members, which clients send back, are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    location: Option<String>,
    tags: Option<SentTags>,
    properties: Option<Properties>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sku {
    family: Option<String>,
    name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Properties {
    tenant_id: Option<Uuid>,
    sku: Option<Sku>,
    access_policies: Option<Vec<SentPolicy>>,
    create_mode: Option<String>,
    enabled_for_deployment: Option<bool>,
    enabled_for_disk_encryption: Option<bool>,
    enabled_for_template_deployment: Option<bool>,
    enable_soft_delete: Option<bool>,
    soft_delete_retention_in_days: Option<Days>,
    enable_rbac_authorization: Option<bool>,
    enable_purge_protection: Option<bool>,
    network_acls: Option<NetworkAcls>,
    public_network_access: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SentPolicy {
    tenant_id: Option<Uuid>,
    object_id: Option<String>,
    application_id: Option<Uuid>,
    permissions: SentPermissions,
}

/// The permissions of a policy. A member that is null counts as absent.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(default)]
pub(super) struct SentPermissions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) keys: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) secrets: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) certificates: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) storage: Option<Vec<String>>,
}

impl SentPolicy {
    fn parse(self) -> Result<AccessPolicy> {
        let wrong = |why: &str| Error::invalid(Field::AccessPolicies, why);
        let object = self.object_id.ok_or_else(|| wrong("a policy has no objectId"))?;
        let SentPermissions { keys, secrets, certificates, storage } = self.permissions;
        Ok(AccessPolicy {
            tenant: self.tenant_id.ok_or_else(|| wrong("a policy has no tenantId"))?,
            principal: object.parse().map_err(|_| wrong("an objectId is a GUID"))?,
            application: self.application_id,
            permissions: Permissions { keys, secrets, certificates, storage },
        })
    }
}

fn required(field: Field) -> Error {
    Error::invalid(field, "this is required")
}

fn policies(sent: Vec<SentPolicy>) -> Result<AccessPolicies> {
    sent.into_iter().map(SentPolicy::parse).collect()
}

/// The error of a member that can only be enabled. The texts are recorded.
fn irreversible(message: &str) -> Error {
    Error::invalid(Field::Unnamed, message)
}

impl Properties {
    /// Checks what every request must satisfy.
    fn check(&self) -> Result<()> {
        if self.enable_purge_protection == Some(false) {
            return Err(irreversible(
                "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection for a vault is an irreversible action.",
            ));
        }
        match &self.create_mode {
            Some(mode) if !mode.eq_ignore_ascii_case("default") => {
                Err(Error::invalid(Field::PropertiesCreateMode, "this is neither default nor recover"))
            }
            _ => Ok(()),
        }
    }

    /// Returns the SKU, whose members are both required.
    fn sku(&self) -> Result<Option<VaultSku>> {
        let Some(Sku { family, name }) = &self.sku else { return Ok(None) };
        let family = family.as_deref().ok_or_else(|| required(Field::SkuFamily))?;
        if !family.eq_ignore_ascii_case(VaultSku::FAMILY) {
            return Err(Error::invalid(Field::SkuFamily, "the family of a vault's sku is A"));
        }
        Ok(Some(name.as_deref().ok_or_else(|| required(Field::Sku))?.parse()?))
    }

    fn retention(&self) -> Result<Option<RetentionDays>> {
        self.soft_delete_retention_in_days.as_ref().map(Days::parse).transpose()
    }

    fn subnets(&self) -> Result<Option<Vec<String>>> {
        Ok(self.network_acls.as_ref().map(NetworkAcls::subnets).transpose()?.flatten())
    }
}

pub(in super::super) fn path(input: &RequestInput<'_>) -> Result<VaultPath> {
    Ok(VaultPath {
        subscription: subscription(input)?,
        resource_group: decoded(input.argument("group")).parse()?,
        name: input.argument("name").parse()?,
    })
}

/// Whether a `PUT` is a recovery. The body is inspected before the caller is authorized, and only to choose the
/// operation.
pub(in super::super) fn is_recovery(input: &RequestInput<'_>) -> bool {
    let mode = input.body::<Request>().ok().and_then(|request| request.properties?.create_mode);
    mode.is_some_and(|mode| mode.eq_ignore_ascii_case("recover"))
}

pub(in super::super) fn create(input: &RequestInput<'_>) -> Result<CreateVault> {
    let (path, request) = (path(input)?, put_request(input)?);
    let properties = request.properties.unwrap_or_default();
    let rbac_authorization =
        properties.enable_rbac_authorization.unwrap_or(input.query.api_version() >= RBAC_BY_DEFAULT);
    if properties.access_policies.is_none() && !rbac_authorization {
        return Err(required(Field::AccessPolicies));
    }
    Ok(CreateVault {
        path,
        location: request.location.unwrap_or_default(),
        sku: properties.sku()?,
        tenant: properties.tenant_id,
        soft_delete: properties.enable_soft_delete.unwrap_or(true),
        retention: properties.retention()?.unwrap_or(RetentionDays::DEFAULT),
        purge_protection: properties.enable_purge_protection.unwrap_or(false),
        rbac_authorization,
        network: network::network(
            properties.network_acls.as_ref(),
            properties.public_network_access.as_deref(),
        )?,
        virtual_network_rules: properties.subnets()?.unwrap_or_default(),
        enabled_for: EnabledFor {
            deployment: properties.enabled_for_deployment.unwrap_or(false),
            disk_encryption: properties.enabled_for_disk_encryption,
            template_deployment: properties.enabled_for_template_deployment,
        },
        access_policies: policies(properties.access_policies.unwrap_or_default())?,
        tags: request.tags.unwrap_or_default().into(),
    })
}

/// Parses a `PUT` that is no recovery, and checks that it has what every such request must have.
fn put_request(input: &RequestInput<'_>) -> Result<Request> {
    let request = input.body::<Request>()?;
    let properties = request.properties.as_ref();
    let missing = [
        (Field::Location, request.location.is_none()),
        (Field::TenantId, properties.is_none_or(|properties| properties.tenant_id.is_none())),
        (Field::Sku, properties.is_none_or(|properties| properties.sku.is_none())),
    ];
    if let Some((field, _)) = missing.into_iter().find(|(_, is_missing)| *is_missing) {
        return Err(required(field));
    }
    properties.map_or(Ok(()), Properties::check)?;
    Ok(request)
}

/// Parses a recovery. Clients send a SKU and policies that the service ignores (recorded), so only the location is used.
pub(in super::super) fn recover(input: &RequestInput<'_>) -> Result<RecoverDeletedVault> {
    let (path, request) = (path(input)?, input.body::<Request>()?);
    let location = request.location.ok_or_else(|| required(Field::Location))?;
    if request.properties.is_none_or(|properties| properties.tenant_id.is_none()) {
        return Err(required(Field::TenantId));
    }
    let VaultPath { subscription, name, .. } = path;
    Ok(RecoverDeletedVault { id: DeletedVaultPath { subscription, location, name } })
}

/// Converts the changes of a request. Absent members are kept, or reset in a replacement.
fn changes(request: Request, is_replacement: bool) -> Result<VaultChanges> {
    let properties = request.properties.unwrap_or_default();
    Ok(VaultChanges {
        is_replacement,
        sku: properties.sku()?,
        soft_delete: properties.enable_soft_delete,
        retention: properties.retention()?,
        purge_protection: properties.enable_purge_protection,
        rbac_authorization: properties.enable_rbac_authorization,
        network: network::network(
            properties.network_acls.as_ref(),
            properties.public_network_access.as_deref(),
        )?,
        virtual_network_rules: properties.subnets()?,
        enabled_for_deployment: properties.enabled_for_deployment,
        enabled_for_disk_encryption: properties.enabled_for_disk_encryption,
        enabled_for_template_deployment: properties.enabled_for_template_deployment,
        tags: request.tags.map(Tags::from),
        fixed: ImmutableVaultProperties { location: request.location, tenant: properties.tenant_id },
        access_policies: properties.access_policies.map(policies).transpose()?,
    })
}

/// Parses a `PATCH`.
pub(in super::super) fn update(input: &RequestInput<'_>) -> Result<UpdateVault> {
    let (path, request) = (path(input)?, input.body::<Request>()?);
    request.properties.as_ref().map_or(Ok(()), Properties::check)?;
    Ok(UpdateVault { path, changes: changes(request, false)? })
}

/// Parses a `PUT` of an existing vault.
pub(in super::super) fn replace(input: &RequestInput<'_>) -> Result<UpdateVault> {
    Ok(UpdateVault { path: path(input)?, changes: changes(put_request(input)?, true)? })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PoliciesRequest {
    properties: Option<Properties>,
}

/// Parses a change of the access policies.
pub(in super::super) fn update_policies(input: &RequestInput<'_>) -> Result<UpdateVaultAccessPolicies> {
    let path = path(input)?;
    let change = match input.argument("change").to_ascii_lowercase().as_str() {
        "add" => PolicyChange::Add,
        "replace" => PolicyChange::Replace,
        "remove" => PolicyChange::Remove,
        _ => return Err(Error::RouteNotFound),
    };
    let sent = input.body::<PoliciesRequest>()?.properties.and_then(|properties| properties.access_policies);
    let sent = sent.ok_or_else(|| required(Field::AccessPolicies))?;
    Ok(UpdateVaultAccessPolicies { path, change, policies: policies(sent)? })
}

pub(in super::super) fn get(input: &RequestInput<'_>) -> Result<GetVault> {
    Ok(GetVault { path: path(input)? })
}

pub(in super::super) fn delete(input: &RequestInput<'_>) -> Result<DeleteVault> {
    Ok(DeleteVault { id: path(input)? })
}

pub(in super::super) fn list(input: &RequestInput<'_>) -> Result<ListVaults> {
    let resource_group = input.arguments.get("group").map(|group| decoded(group).parse()).transpose()?;
    let (subscription, page) = (subscription(input)?, page(input)?);
    Ok(ListVaults { subscription, resource_group, page, kind: PhantomData })
}

fn deleted_path(input: &RequestInput<'_>) -> Result<DeletedVaultPath> {
    Ok(DeletedVaultPath {
        subscription: subscription(input)?,
        location: decoded(input.argument("location")),
        name: input.argument("name").parse()?,
    })
}

pub(in super::super) fn get_deleted(input: &RequestInput<'_>) -> Result<GetDeletedVault> {
    Ok(GetDeletedVault { id: deleted_path(input)? })
}

pub(in super::super) fn purge(input: &RequestInput<'_>) -> Result<PurgeDeletedVault> {
    Ok(PurgeDeletedVault { id: deleted_path(input)? })
}

pub(in super::super) fn list_deleted(input: &RequestInput<'_>) -> Result<ListDeletedVaults> {
    unfiltered(input)?;
    Ok(ListDeletedVaults { container: subscription(input)?, page: page(input)? })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NameRequest {
    name: Option<String>,
    r#type: Option<String>,
}

/// Returns the name whose availability is checked.
pub(in super::super) fn checked_name(input: &RequestInput<'_>) -> Result<String> {
    let NameRequest { name, r#type: kind } = input.body()?;
    let name = name.ok_or_else(|| required(Field::Name))?;
    match kind {
        None => Err(required(Field::Type)),
        Some(kind) if kind.eq_ignore_ascii_case(TYPE) => Ok(name),
        Some(_) => Err(Error::invalid(Field::Type, format!("the type is {TYPE}"))),
    }
}

pub(in super::super) fn check_name(input: &RequestInput<'_>) -> Result<CheckVaultName> {
    let name = checked_name(input)?;
    Ok(CheckVaultName { subscription: subscription(input)?, name, kind: PhantomData })
}

pub(in super::super) fn operation_result(input: &RequestInput<'_>) -> Result<GetVaultOperationResult> {
    let id = Uuid::parse_str(input.argument("id")).map_err(|_| Error::RouteNotFound)?;
    Ok(GetVaultOperationResult { subscription: subscription(input)?, id })
}

/// Parses the filter of a list of vaults, or of resources.
pub(in super::super) fn filter(input: &RequestInput<'_>) -> Result<Filter> {
    super::hsms::filter(input)
}
