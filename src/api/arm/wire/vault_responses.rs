//! Responses about vaults.
//!
//! Source: `Microsoft.KeyVault/vaults`, api-version 2026-02-01, and responses recorded from the service.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::super::super::azure::filter::{self, Filter};
use super::super::super::azure::response::CallResponse;
use super::super::endpoint::Endpoint;
use super::network::{IpRuleResponse, NetworkAclsResponse, SubnetRuleResponse};
use super::vaults::{SentPermissions, TYPE};
use super::{List, paged, seconds};
use crate::model::hsm::NetworkRules;
use crate::model::key::Tags;
use crate::model::name::PrincipalId;
use crate::model::vault::{AccessPolicies, AccessPolicy, Permissions, Vault, VaultSku};
use crate::model::{Error, Result, Timestamp};
use crate::ops::Page;
use crate::ops::vaults::VaultBundle;

/// A vault. Members are in the order of the service's responses.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct VaultResponse {
    id: String,
    name: String,
    r#type: &'static str,
    location: String,
    tags: Tags,
    system_data: SystemData,
    properties: VaultProperties,
}

// assumption: the principals, `createdBy` and `lastModifiedBy`, are not reported.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SystemData {
    created_at: String,
    last_modified_at: String,
}

#[derive(Serialize)]
struct SkuResponse {
    family: &'static str,
    name: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyResponse {
    tenant_id: Uuid,
    object_id: PrincipalId,
    #[serde(skip_serializing_if = "Option::is_none")]
    application_id: Option<Uuid>,
    permissions: SentPermissions,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VaultProperties {
    sku: SkuResponse,
    tenant_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    network_acls: Option<NetworkAclsResponse>,
    access_policies: Vec<PolicyResponse>,
    enabled_for_deployment: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled_for_disk_encryption: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    enabled_for_template_deployment: Option<bool>,
    enable_soft_delete: bool,
    soft_delete_retention_in_days: u32,
    enable_rbac_authorization: bool,
    /// Absent instead of `false`, as recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    enable_purge_protection: Option<bool>,
    vault_uri: String,
    // assumption: a new vault is `RegisteringDns` for half a minute in Azure. Here its name resolves at once.
    provisioning_state: &'static str,
    public_network_access: &'static str,
}

fn policy_responses(policies: &AccessPolicies) -> Vec<PolicyResponse> {
    let response = |policy: &AccessPolicy| {
        let Permissions { keys, secrets, certificates, storage } = policy.permissions.clone();
        PolicyResponse {
            tenant_id: policy.tenant,
            object_id: policy.principal,
            application_id: policy.application,
            permissions: SentPermissions { keys, secrets, certificates, storage },
        }
    };
    policies.iter().map(response).collect()
}

/// Returns the network rules; `None` if they allow everything, as recorded.
fn network_response(vault: &Vault) -> Option<NetworkAclsResponse> {
    let NetworkRules { default_action, bypass, ip_rules, .. } = &vault.network;
    let default = NetworkRules::default();
    let is_default = (*default_action, *bypass) == (default.default_action, default.bypass)
        && ip_rules.is_empty()
        && vault.virtual_network_rules.is_empty();
    // An address is returned as a range, as recorded.
    let range = |rule: &String| if rule.contains('/') { rule.clone() } else { format!("{rule}/32") };
    let ip_rule = |rule: &String| IpRuleResponse { value: range(rule) };
    let subnet = |id: &String| SubnetRuleResponse { id: id.clone() };
    (!is_default).then(|| NetworkAclsResponse {
        bypass: bypass.as_str(),
        default_action: default_action.as_str(),
        ip_rules: ip_rules.iter().map(ip_rule).collect(),
        virtual_network_rules: vault.virtual_network_rules.iter().map(subnet).collect(),
    })
}

pub(in super::super) fn vault_response(endpoint: &Endpoint, bundle: VaultBundle) -> VaultResponse {
    let vault = &bundle.resource;
    let instant = |at: Timestamp| format!("{at:.3}");
    VaultResponse {
        id: vault.scope().to_string(),
        name: vault.name.to_string(),
        r#type: TYPE,
        location: vault.location.clone(),
        tags: vault.tags.clone(),
        system_data: SystemData {
            created_at: instant(vault.created),
            last_modified_at: instant(vault.updated),
        },
        properties: VaultProperties {
            sku: SkuResponse { family: VaultSku::FAMILY, name: vault.sku.as_str() },
            tenant_id: vault.tenant,
            network_acls: network_response(vault),
            access_policies: policy_responses(&vault.access_policies),
            enabled_for_deployment: vault.enabled_for.deployment,
            enabled_for_disk_encryption: vault.enabled_for.disk_encryption,
            enabled_for_template_deployment: vault.enabled_for.template_deployment,
            enable_soft_delete: vault.soft_delete,
            soft_delete_retention_in_days: vault.retention.days(),
            enable_rbac_authorization: vault.rbac_authorization,
            enable_purge_protection: vault.purge_protection.then_some(true),
            vault_uri: format!("https://{}.{}/", vault.name.to_case_insensitive(), endpoint.vaults),
            provisioning_state: "Succeeded",
            public_network_access: vault.network.public_network_access.as_str(),
        },
    }
}

/// What of a vault private endpoints can be connected to.
#[derive(Serialize)]
pub(in super::super) struct LinkResource {
    id: String,
    name: &'static str,
    r#type: &'static str,
    properties: LinkProperties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LinkProperties {
    group_id: &'static str,
    required_members: [&'static str; 1],
    required_zone_names: [&'static str; 1],
}

/// Source: the example of `PrivateLinkResources_ListByVault` of Azure's REST specification.
pub(in super::super) fn link_resources(_: &Endpoint, bundle: VaultBundle) -> List<LinkResource> {
    List::all([LinkResource {
        id: format!("{}/privateLinkResources/vault", bundle.resource.scope()),
        name: "vault",
        r#type: "Microsoft.KeyVault/vaults/privateLinkResources",
        properties: LinkProperties {
            group_id: "vault",
            required_members: ["default"],
            required_zone_names: ["privatelink.vaultcore.azure.net"],
        },
    }])
}

/// The access policies of a vault after a change.
#[derive(Serialize)]
pub(in super::super) struct PoliciesResponse {
    id: String,
    r#type: &'static str,
    properties: PoliciesProperties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PoliciesProperties {
    access_policies: Vec<PolicyResponse>,
}

pub(in super::super) fn policies_response(_: &Endpoint, bundle: VaultBundle) -> PoliciesResponse {
    let vault = &bundle.resource;
    PoliciesResponse {
        id: format!("{}/accessPolicies/", vault.scope()),
        r#type: "Microsoft.KeyVault/vaults/accessPolicies",
        properties: PoliciesProperties { access_policies: policy_responses(&vault.access_policies) },
    }
}

/// Responds to a deletion: with an empty body, as recorded.
pub(in super::super) fn deleted(_: &Endpoint, _: VaultBundle) -> Result<CallResponse> {
    Ok(CallResponse::empty(StatusCode::OK))
}

fn matching(page: Page<VaultBundle>, filter: &Filter) -> Page<VaultBundle> {
    let Page { mut items, next } = page;
    items.retain(|VaultBundle { resource: vault, .. }| {
        filter.matches(&filter::Candidate {
            name: vault.name.as_str(),
            location: &vault.location,
            resource_group: vault.resource_group.as_str(),
            resource_type: TYPE,
            tags: &vault.tags,
        })
    });
    Page { items, next }
}

/// Returns the vaults of a page that match a filter; further pages may have more.
pub(in super::super) fn listed(
    endpoint: &Endpoint,
    page: Page<VaultBundle>,
    filter: &Filter,
) -> List<VaultResponse> {
    paged(endpoint, matching(page, filter), vault_response)
}

/// Returns the URL of the result of a purge.
pub(in super::super) fn purge_result_url(endpoint: &Endpoint, bundle: &VaultBundle, version: &str) -> String {
    let Vault { subscription, location, id, .. } = bundle.resource.as_ref();
    let location: String = location.chars().filter(char::is_ascii_alphanumeric).collect();
    format!(
        "{}/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{}/operationResults/{id}?api-version={version}",
        endpoint.base,
        location.to_ascii_lowercase()
    )
}

/// Responds with the result of a purge, as recorded.
pub(in super::super) fn purge_result(_: &Endpoint, at: Timestamp) -> Result<CallResponse> {
    let at = at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let body = json!({"createdDateTime": at, "lastActionDateTime": at, "status": "Succeeded"});
    CallResponse::json(StatusCode::OK, &body)
}

/// Converts the refusal of a purge by purge protection to the error that is recorded from Azure.
pub(in super::super) fn purge_refusal(result: Result<CallResponse>) -> Result<CallResponse> {
    match result {
        Err(Error::PurgeProtected { .. }) => {
            let error = json!({
                "code": "MethodNotAllowed",
                "message": "Operation 'DeletedVaultPurge' is not allowed.",
            });
            CallResponse::json(StatusCode::METHOD_NOT_ALLOWED, &json!({ "error": error }))
        }
        other => other,
    }
}

/// A deleted vault.
#[derive(Serialize)]
pub(in super::super) struct DeletedVault {
    id: String,
    name: String,
    r#type: &'static str,
    properties: DeletedVaultProperties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeletedVaultProperties {
    vault_id: String,
    location: String,
    tags: Tags,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_purge_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purge_protection_enabled: Option<bool>,
}

pub(in super::super) fn deleted_vault_response(_: &Endpoint, bundle: VaultBundle) -> DeletedVault {
    let vault = &bundle.resource;
    DeletedVault {
        id: vault.deleted_id(),
        name: vault.name.to_string(),
        r#type: "Microsoft.KeyVault/deletedVaults",
        properties: DeletedVaultProperties {
            vault_id: vault.scope().to_string(),
            location: vault.location.clone(),
            tags: vault.tags.clone(),
            deletion_date: vault.deletion.map(|deletion| seconds(deletion.deleted_at)),
            scheduled_purge_date: vault.deletion.map(|deletion| seconds(deletion.scheduled_purge_at)),
            purge_protection_enabled: vault.purge_protection.then_some(true),
        },
    }
}

pub(in super::super) fn listed_deleted(endpoint: &Endpoint, page: Page<VaultBundle>) -> List<DeletedVault> {
    paged(endpoint, page, deleted_vault_response)
}
