//! Requests about the cloud itself: its endpoints, resource providers and provider operations; and empty lists.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value, json};

use super::super::super::azure::query::Query;
use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use super::List;
use crate::model::Result;
use crate::model::arm_rbac::ControlAction;
use crate::model::local_rbac::DataAction;
use crate::model::location::Location;
use crate::model::resource::{Subscription, SubscriptionId};
use crate::model::vault_rbac::VaultAction;

/// The resource provider of managed HSMs.
const KEY_VAULT: &str = "Microsoft.KeyVault";
/// The other resource providers that are partly implemented.
const OTHERS: [&str; 2] = ["Microsoft.Authorization", "Microsoft.Resources"];
/// The `api-version` values that clients are known to use; others are accepted, too.
const VERSIONS: [&str; 4] = ["2026-05-15", "2026-02-01", "2025-05-01", "2023-07-01"];

/// Returns the endpoints of this cloud, with host names that belong to the addressed host. Needs no credential: `az cloud
/// register` requests it before login. The response has one of three shapes, depending on the `api-version`.
///
/// Source: `/metadata/endpoints` of Azure Resource Manager with 2015-01-01 (read by az up to 2.50 and `msrestazure`),
/// 2019-05-01 and 2020-06-01 (a list), and 2022-09-01.
pub(in super::super) fn metadata(endpoint: &Endpoint, query: &Query) -> Value {
    // Versions are ISO dates, so string order is their order.
    // assumption: versions between known ones have the shape of the preceding known version.
    match query.api_version() {
        "" => endpoints(endpoint),
        version if version < "2019-05-01" => first_endpoints(endpoint),
        version if version < "2022-09-01" => json!([endpoints(endpoint)]),
        _ => endpoints(endpoint),
    }
}

/// The shape of 2015-01-01, which has no suffixes.
fn first_endpoints(endpoint: &Endpoint) -> Value {
    let Endpoint { base, host, login, .. } = endpoint;
    json!({
        "galleryEndpoint": format!("https://{host}/"),
        "graphEndpoint": format!("{login}/"),
        "portalEndpoint": base,
        "authentication": {"loginEndpoint": login, "audiences": audiences(base)},
    })
}

/// The audiences of access tokens for Azure Resource Manager; clients use the first.
fn audiences(base: &str) -> [String; 2] {
    [format!("{base}/"), "https://management.core.windows.net/".to_owned()]
}

fn endpoints(endpoint: &Endpoint) -> Value {
    let Endpoint { base, host, data_plane, login, .. } = endpoint;
    let cloud = if endpoint.is_azure_public_cloud { "AzureCloud" } else { "Strongroom" };
    let azure_url = |name: &str| format!("https://{name}.core.windows.net/");
    json!({
        "name": cloud,
        "portal": base,
        "authentication": {
            "loginEndpoint": login,
            "audiences": audiences(base),
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "graph": format!("{login}/"),
        "graphAudience": format!("{login}/"),
        "microsoftGraphResourceId": format!("{login}/"),
        "resourceManager": format!("{base}/"),
        "activeDirectoryDataLake": "https://datalake.azure.net/",
        "batch": "https://batch.core.windows.net/",
        "media": "https://rest.media.azure.net",
        "gallery": format!("https://{host}/"),
        "sqlManagement": azure_url("management"),
        "vmImageAliasDoc": "https://raw.githubusercontent.com/Azure/azure-rest-api-specs/main/arm-compute/quickstart-templates/aliases.json",
        "suffixes": {
            "mhsmDns": data_plane,
            "keyVaultDns": endpoint.vaults,
            "storage": "core.windows.net",
            "acrLoginServer": "azurecr.io",
            "sqlServerHostname": "database.windows.net",
            "azureDataLakeStoreFileSystem": "azuredatalakestore.net",
            "azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.net",
        },
    })
}

/// A resource provider.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Provider {
    id: String,
    namespace: String,
    registration_state: &'static str,
    registration_policy: &'static str,
    resource_types: Vec<ResourceType>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceType {
    resource_type: &'static str,
    locations: Vec<String>,
    api_versions: [&'static str; 4],
    capabilities: &'static str,
}

fn provider(subscription: SubscriptionId, namespace: &str, locations: &[Location]) -> Provider {
    let names: Vec<String> = locations.iter().map(|location| location.display_name.clone()).collect();
    let types: &[&str] = if namespace == KEY_VAULT {
        &[
            "managedHSMs",
            "deletedManagedHSMs",
            "checkMhsmNameAvailability",
            "vaults",
            "vaults/accessPolicies",
            "deletedVaults",
            "checkNameAvailability",
            "operations",
        ]
    } else {
        &[]
    };
    let resource_type = |name: &&'static str| ResourceType {
        resource_type: name,
        locations: names.clone(),
        api_versions: VERSIONS,
        capabilities: "None",
    };
    Provider {
        id: format!("/subscriptions/{subscription}/providers/{namespace}"),
        namespace: namespace.to_owned(),
        registration_state: "Registered",
        registration_policy: "RegistrationRequired",
        resource_types: types.iter().map(resource_type).collect(),
    }
}

/// Returns the resource providers; all of them are registered.
pub(in super::super) fn providers(
    _: &Endpoint,
    (subscription, locations): (SubscriptionId, Vec<Location>),
) -> List<Provider> {
    let namespaces = std::iter::once(KEY_VAULT).chain(OTHERS);
    List::all(namespaces.map(|namespace| provider(subscription, namespace, &locations)))
}

/// Returns one resource provider.
pub(in super::super) fn one_provider(
    _: &Endpoint,
    (subscription, locations): (SubscriptionId, Vec<Location>),
    namespace: &&'static str,
) -> Provider {
    provider(subscription, namespace, &locations)
}

/// Returns the resource provider in the path, in its own spelling; that of managed HSMs if the path names none.
pub(in super::super) fn requested_provider(input: &RequestInput<'_>) -> Result<&'static str> {
    Ok(known_provider(input.argument("namespace")).unwrap_or(KEY_VAULT))
}

/// Returns the spelling of a resource provider that is at least partly implemented.
pub(in super::super) fn known_provider(namespace: &str) -> Option<&'static str> {
    std::iter::once(KEY_VAULT).chain(OTHERS).find(|name| name.eq_ignore_ascii_case(namespace))
}

/// An operation of Key Vault, by its name in role definitions.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct ProviderOperation {
    name: &'static str,
    is_data_action: bool,
    display: Display,
}

#[derive(Serialize)]
struct Display {
    provider: &'static str,
    resource: &'static str,
    operation: &'static str,
    description: &'static str,
}

fn operation(name: &'static str, is_data_action: bool) -> ProviderOperation {
    let resource = name.split('/').nth(1).unwrap_or_default();
    let display = Display { provider: "Microsoft Key Vault", resource, operation: name, description: name };
    ProviderOperation { name, is_data_action, display }
}

/// Returns the operations of Key Vault that roles can grant.
pub(in super::super) fn operations(_: &Endpoint, _: Vec<Arc<Subscription>>) -> List<ProviderOperation> {
    let control = ControlAction::ALL.iter().map(|action| operation(action.as_str(), false));
    let control = control.filter(|operation| operation.name.starts_with(KEY_VAULT));
    // Several actions have the same name.
    let local: BTreeSet<_> = DataAction::ALL.iter().map(|action| action.as_str()).collect();
    let vault: BTreeSet<_> = VaultAction::ALL.iter().map(|action| action.as_str()).collect();
    List::all(control.chain(local.into_iter().chain(vault).map(|name| operation(name, true))))
}

/// Returns an empty list, for resources that cannot exist here.
pub(in super::super) fn empty_list<T>(_: &Endpoint, _: T) -> List<()> {
    List::all([])
}
