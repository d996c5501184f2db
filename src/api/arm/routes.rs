//! The routes of Azure Resource Manager: a table per noun.
//!
//! Source: the references of `Microsoft.KeyVault`, `Microsoft.Authorization` and `Microsoft.Resources`,
//! <https://learn.microsoft.com/rest/api/>.

use std::sync::LazyLock;

use http::{Method, StatusCode};

use super::super::azure::arguments::Arguments;
use super::super::azure::path::{Segments, last_authorization};
use super::super::azure::response::CallResponse;
use super::super::azure::route::{self, Read, RouteTable};
use super::super::azure::unsupported;
use super::call::ContainerPut;
use super::endpoint::Endpoint;
use super::wire::{
    authorization, availability, cloud, deleted, hsms, resource_list, resources, vault_keys, vault_responses,
    vault_secrets, vaults,
};
use crate::engine::PlaneAccess;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Result};
use crate::ops::{Operation, Target};

pub(super) type Route = route::Route<Endpoint>;

/// All routes of Azure Resource Manager that need a credential.
pub(super) static ROUTES: LazyLock<RouteTable<Endpoint>> = LazyLock::new(|| {
    RouteTable::new([
        of_cloud(),
        of_subscriptions(),
        of_groups(),
        of_hsms(),
        of_deleted_hsms(),
        of_vaults(),
        of_vault_contents(),
        of_roles(),
    ])
});

fn of_cloud() -> Vec<Route> {
    let provider = |method, pattern| {
        Route::json_with(
            (method, pattern),
            cloud::requested_provider,
            resources::list_locations,
            cloud::one_provider,
        )
        .when(|arguments| arguments.get("namespace").and_then(cloud::known_provider).is_some())
    };
    vec![
        Route::json(("GET", "tenants"), resources::list_subscriptions, resources::tenants),
        Route::json(
            ("GET", "providers/Microsoft.KeyVault/operations"),
            resources::list_subscriptions,
            cloud::operations,
        ),
        Route::json(
            ("GET", "subscriptions/{subscription}/providers"),
            resources::list_locations,
            cloud::providers,
        ),
        provider("GET", "subscriptions/{subscription}/providers/{namespace}"),
        provider("POST", "subscriptions/{subscription}/providers/{namespace}/register"),
    ]
}

fn of_subscriptions() -> Vec<Route> {
    vec![
        Route::json(("GET", "subscriptions"), resources::list_subscriptions, resources::subscriptions),
        Route::json(
            ("GET", "subscriptions/{subscription}"),
            resources::get_subscription,
            resources::subscription,
        ),
        Route::json(
            ("GET", "subscriptions/{subscription}/locations"),
            resources::list_locations,
            resources::locations,
        ),
    ]
}

fn of_groups() -> Vec<Route> {
    const GROUPS: &str = "subscriptions/{subscription}/resourceGroups";
    const GROUP: &str = "subscriptions/{subscription}/resourceGroups/{group}";
    vec![
        Route::json_with(("GET", GROUPS), resources::filter, resources::list_groups, resources::groups),
        Route::json(("GET", GROUP), resources::get_group, resources::got_group),
        existence(("HEAD", GROUP), resources::get_group),
        Route::responding(("PUT", GROUP), resources::put_group, resources::put_group_response),
        Route::json(("PATCH", GROUP), resources::update_group, resources::updated_group),
        Route::accepted(("DELETE", GROUP), resources::delete_group, resources::deletion_result_url),
        Route::responding(
            ("GET", "subscriptions/{subscription}/operationresults/{id}"),
            resources::deletion,
            |_, _| Ok(CallResponse::empty(StatusCode::OK)),
        ),
    ]
}

/// A route that says whether a resource exists: 204, or 404. The response to `HEAD` has no body, thus no error.
fn existence<O>(at: (&'static str, &'static str), read: Read<Endpoint, O>) -> Route
where
    O: Operation<Target: Target<Plane: PlaneAccess>>,
{
    Route::responding(at, read, |_, _| Ok(CallResponse::empty(StatusCode::NO_CONTENT))).converting(|result| {
        match result {
            Err(Error::NotFound(_)) => Ok(CallResponse::empty(StatusCode::NOT_FOUND)),
            other => other,
        }
    })
}

fn of_hsms() -> Vec<Route> {
    const HSMS: &str =
        "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/managedHSMs";
    const HSM: &str =
        "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/managedHSMs/{name}";
    const REGIONS: &str = "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/managedHSMs/{name}/regions";
    const CONNECTIONS: &str = "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/managedHSMs/{name}/privateEndpointConnections";
    const LINKS: &str = "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/managedHSMs/{name}/privateLinkResources";
    const NAME: &str = "subscriptions/{subscription}/providers/Microsoft.KeyVault/checkMhsmNameAvailability";
    const RESULT: &str = "subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/managedHsmOperationResults/{id}";
    let list = |pattern| Route::json_with(("GET", pattern), hsms::filter, hsms::list, hsms::listed);
    vec![
        list("subscriptions/{subscription}/providers/Microsoft.KeyVault/managedHSMs"),
        list(HSMS),
        resources_of("subscriptions/{subscription}/resources"),
        resources_of("subscriptions/{subscription}/resourceGroups/{group}/resources"),
        Route::json(("GET", HSM), hsms::get, hsms::hsm_response),
        Route::choosing(
            ("PUT", HSM),
            |call| ContainerPut::of_hsm(call) as usize,
            [
                Route::accepted(("PUT", HSM), hsms::recover, hsms::operation_result_url),
                Route::accepted(("PUT", HSM), hsms::replace, hsms::operation_result_url),
                Route::accepted(("PUT", HSM), hsms::create, hsms::operation_result_url),
            ],
        ),
        Route::accepted(("PATCH", HSM), hsms::update, hsms::operation_result_url),
        Route::accepted(("DELETE", HSM), hsms::delete, hsms::operation_result_url),
        Route::json(("GET", REGIONS), hsms::get, hsms::regions),
        Route::json(("GET", CONNECTIONS), hsms::get, cloud::empty_list),
        Route::json(("GET", LINKS), hsms::get, cloud::empty_list),
        Route::json(("POST", NAME), hsms::check_name, availability::of_hsm_name),
        Route::responding(("GET", RESULT), hsms::operation_result, hsms::operation_outcome),
    ]
}

/// A list of resources of all types.
fn resources_of(pattern: &'static str) -> Route {
    Route::joining(("GET", pattern), (hsms::list, vaults::list), |call| {
        Box::pin(resource_list::respond(call))
    })
}

fn of_vaults() -> Vec<Route> {
    const VAULTS: &str =
        "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults";
    const VAULT: &str =
        "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}";
    const POLICIES: &str = "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}/accessPolicies/{change}";
    const CONNECTIONS: &str = "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}/privateEndpointConnections";
    const LINKS: &str = "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}/privateLinkResources";
    const NAME: &str = "subscriptions/{subscription}/providers/Microsoft.KeyVault/checkNameAvailability";
    const RESULT: &str = "subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/operationResults/{id}";
    const DELETED: &str = "subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedVaults";
    const ONE_DELETED: &str =
        "subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}";
    const PURGE: &str = "subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}/purge";
    use vault_responses::vault_response;
    let list =
        |pattern| Route::json_with(("GET", pattern), vaults::filter, vaults::list, vault_responses::listed);
    vec![
        list("subscriptions/{subscription}/providers/Microsoft.KeyVault/vaults"),
        list(VAULTS),
        Route::json(("GET", VAULT), vaults::get, vault_response),
        existence(("HEAD", VAULT), vaults::get),
        Route::choosing(
            ("PUT", VAULT),
            |call| ContainerPut::of_vault(call) as usize,
            [
                Route::json(("PUT", VAULT), vaults::recover, vault_response),
                Route::json(("PUT", VAULT), vaults::replace, vault_response),
                Route::json(("PUT", VAULT), vaults::create, vault_response),
            ],
        ),
        Route::json(("PATCH", VAULT), vaults::update, vault_response),
        // A vault that does not exist counts as deleted.
        Route::responding(("DELETE", VAULT), vaults::delete, vault_responses::deleted).converting(|result| {
            match result {
                Err(Error::NotFound(Resource { kind: ResourceKind::Vault, .. })) => {
                    Ok(CallResponse::empty(StatusCode::NO_CONTENT))
                }
                other => other,
            }
        }),
        Route::json(("PUT", POLICIES), vaults::update_policies, vault_responses::policies_response),
        Route::json(("GET", CONNECTIONS), vaults::get, cloud::empty_list),
        Route::json(("GET", LINKS), vaults::get, vault_responses::link_resources),
        Route::json_with(
            ("POST", NAME),
            vaults::checked_name,
            vaults::check_name,
            availability::of_vault_name,
        ),
        Route::json(("GET", DELETED), vaults::list_deleted, vault_responses::listed_deleted),
        Route::json(("GET", ONE_DELETED), vaults::get_deleted, vault_responses::deleted_vault_response),
        Route::accepted(("POST", PURGE), vaults::purge, vault_responses::purge_result_url)
            .converting(vault_responses::purge_refusal),
        Route::responding(("GET", RESULT), vaults::operation_result, vault_responses::purge_result),
    ]
}

/// Secrets and keys of vaults as resources.
fn of_vault_contents() -> Vec<Route> {
    const SECRETS: &str = "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}/secrets";
    const SECRET: &str = "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}/secrets/{secret}";
    const KEYS: &str =
        "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}/keys";
    const KEY: &str = "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}/keys/{key}";
    const VERSIONS: &str = "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}/keys/{key}/versions";
    const VERSION: &str = "subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{name}/keys/{key}/versions/{version}";
    vec![
        Route::json(("GET", SECRETS), vault_secrets::list, vault_secrets::listed),
        Route::json(("GET", SECRET), vault_secrets::get, vault_secrets::shown),
        Route::json(("PUT", SECRET), vault_secrets::put, vault_secrets::written),
        Route::json(("PATCH", SECRET), vault_secrets::update, vault_secrets::shown),
        Route::json(("GET", KEYS), vault_keys::list, vault_keys::listed),
        Route::json(("GET", KEY), vault_keys::get, vault_keys::shown),
        Route::json(("PUT", KEY), vault_keys::put, vault_keys::shown),
        Route::json(("GET", VERSIONS), vault_keys::list_versions, vault_keys::listed_versions),
        Route::json(("GET", VERSION), vault_keys::get, vault_keys::shown_version),
    ]
}

fn of_deleted_hsms() -> Vec<Route> {
    const ALL: &str = "subscriptions/{subscription}/providers/Microsoft.KeyVault/deletedManagedHSMs";
    const ONE: &str = "subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedManagedHSMs/{name}";
    const PURGE: &str = "subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedManagedHSMs/{name}/purge";
    vec![
        Route::json(("GET", ALL), deleted::list, deleted::listed),
        Route::json(("GET", ONE), deleted::get, deleted::deleted_hsm_response),
        Route::accepted(("POST", PURGE), deleted::purge, hsms::operation_result_url),
    ]
}

fn of_roles() -> Vec<Route> {
    const DEFINITIONS: &str = "{scope}/providers/Microsoft.Authorization/roleDefinitions";
    const DEFINITION: &str = "{scope}/providers/Microsoft.Authorization/roleDefinitions/{id}";
    const ASSIGNMENTS: &str = "{scope}/providers/Microsoft.Authorization/roleAssignments";
    const ASSIGNMENT: &str = "{scope}/providers/Microsoft.Authorization/roleAssignments/{id}";
    vec![
        Route::json_with(
            ("GET", DEFINITIONS),
            authorization::definition_filter,
            authorization::list_definitions,
            authorization::definitions,
        ),
        Route::json(("GET", DEFINITION), authorization::get_definition, authorization::definition),
        Route::json(("PUT", DEFINITION), authorization::put_definition, authorization::definition).created(),
        // A definition that does not exist counts as deleted.
        Route::json(("DELETE", DEFINITION), authorization::delete_definition, authorization::definition)
            .converting(|result| match result {
                Err(Error::NotFound(Resource { kind: ResourceKind::RoleDefinition, .. })) => {
                    Ok(CallResponse::empty(StatusCode::NO_CONTENT))
                }
                other => other,
            }),
        Route::json(("GET", ASSIGNMENTS), authorization::list_assignments, authorization::assignments),
        Route::json(("GET", ASSIGNMENT), authorization::get_assignment, authorization::assignment),
        Route::json(("PUT", ASSIGNMENT), authorization::put_assignment, authorization::assignment).created(),
        Route::json(("DELETE", ASSIGNMENT), authorization::delete_assignment, authorization::assignment),
    ]
}

/// Whether a request is for the endpoints of the cloud, which need no credential.
pub(super) fn is_cloud_metadata(method: &Method, path: &str) -> bool {
    let segments = Segments::of(path);
    *method == Method::GET && segments.is_some_and(|path| path.lowercase() == ["metadata", "endpoints"])
}

/// Returns the route of a request, with the names in its path as the client wrote them: they are not validated, because
/// the caller is not yet authenticated.
///
/// # Errors
/// `RouteNotFound`; `MethodNotAllowed` if the path has routes with other methods; `Unsupported` for a route of Azure that is not
/// implemented.
pub(super) fn find<'a>(method: &Method, path: &'a str) -> Result<(&'static Route, Arguments<'a>)> {
    let segments = Segments::of(path).ok_or(Error::RouteNotFound)?;
    // The last provider counts: the one before it is part of the scope.
    let (scope, rest) = match segments.at_scope(path, last_authorization) {
        Some((scope, rest)) => (Some(scope), rest),
        None => (None, segments.given.as_slice()),
    };
    ROUTES.find(method, scope, rest).ok_or_else(|| {
        let feature = unsupported::resource_manager_feature(method, &segments.given, &segments.lowercase());
        feature.map_or_else(|| ROUTES.refusal(scope, rest), Error::from)
    })
}

#[cfg(test)]
mod tests;
