//! The routes of the data planes of managed HSMs and of vaults: a table per noun.
//!
//! Source: the data-plane reference of Key Vault, <https://learn.microsoft.com/rest/api/keyvault/>.

use std::sync::LazyLock;

use http::{Method, StatusCode};

use super::super::azure::arguments::Arguments;
use super::super::azure::path::{Segments, first_authorization};
use super::super::azure::response::CallResponse;
use super::super::azure::route::{self, RouteTable};
use super::super::azure::unsupported;
use super::endpoint::Endpoint;
use super::wire::{
    access, backup, certificates, crypto, full_backup, keys, rotation, secrets, security_domain, settings,
    vault_keys,
};
use crate::model::container_id::ContainerKind;
use crate::model::{Error, Result};
use crate::ops::backup::{
    BackupCheckKind, BackupKind, GetBackupJobKind, GetRestoreJobKind, RestoreCheckKind, RestoreKind,
};

pub(super) type Route = route::Route<Endpoint>;

/// All routes of the data plane of a managed HSM.
static ROUTES_OF_HSMS: LazyLock<RouteTable<Endpoint>> = LazyLock::new(|| {
    RouteTable::new([
        of_keys(),
        of_deleted_keys(),
        of_crypto(),
        of_backups(),
        of_security_domain(),
        of_settings(),
        of_roles(),
    ])
});

/// All routes of the data plane of a vault.
static ROUTES_OF_VAULTS: LazyLock<RouteTable<Endpoint>> = LazyLock::new(|| {
    RouteTable::new([
        of_secrets(),
        of_deleted_secrets(),
        of_keys_of_vaults(),
        of_crypto_of_vaults(),
        of_certificates(),
        of_deleted_certificates(),
    ])
});

/// Returns the routes of the data planes of this kind of container.
pub(super) fn table(kind: ContainerKind) -> &'static RouteTable<Endpoint> {
    match kind {
        ContainerKind::ManagedHsm => &ROUTES_OF_HSMS,
        ContainerKind::Vault => &ROUTES_OF_VAULTS,
    }
}

/// Fixed segments come before names, because a secret may have any name.
fn of_secrets() -> Vec<Route> {
    vec![
        Route::json(("GET", "secrets"), secrets::list_secrets, secrets::listed),
        Route::json(("POST", "secrets/restore"), secrets::restore, secrets::bundle),
        Route::json(("POST", "secrets/{secret}/backup"), secrets::back_up, backup::backed_up),
        Route::json(("PUT", "secrets/{secret}"), secrets::set, secrets::revealed),
        Route::json(("DELETE", "secrets/{secret}"), secrets::delete, secrets::deleted_bundle),
        Route::json(("GET", "secrets/{secret}/versions"), secrets::list_versions, secrets::listed_versions),
        Route::json(("GET", "secrets/{secret}/{version?}"), secrets::get, secrets::revealed),
        Route::json(("PATCH", "secrets/{secret}/{version?}"), secrets::update, secrets::bundle),
    ]
}

fn of_deleted_secrets() -> Vec<Route> {
    vec![
        Route::json(("GET", "deletedsecrets"), secrets::list_deleted, secrets::listed_deleted),
        Route::json(("GET", "deletedsecrets/{secret}"), secrets::get_deleted, secrets::deleted_bundle),
        Route::json(("POST", "deletedsecrets/{secret}/recover"), secrets::recover, secrets::bundle),
        Route::responding(("DELETE", "deletedsecrets/{secret}"), secrets::purge, |_, ()| {
            Ok(CallResponse::empty(StatusCode::NO_CONTENT))
        }),
    ]
}

/// Fixed segments come before names, because a certificate may have any name.
fn of_certificates() -> Vec<Route> {
    use certificates as wire;
    vec![
        Route::json(("GET", "certificates"), wire::list_certificates, wire::listed),
        Route::json(("PUT", "certificates/contacts"), wire::set_contacts, wire::contacts),
        Route::json(("GET", "certificates/contacts"), wire::get_contacts, wire::contacts),
        Route::json(("DELETE", "certificates/contacts"), wire::delete_contacts, wire::contacts),
        Route::json(("GET", "certificates/issuers"), wire::list_issuers, wire::listed_issuers),
        Route::json(("PUT", "certificates/issuers/{issuer}"), wire::set_issuer, wire::issuer),
        Route::json(("PATCH", "certificates/issuers/{issuer}"), wire::update_issuer, wire::issuer),
        Route::json(("GET", "certificates/issuers/{issuer}"), wire::get_issuer, wire::issuer),
        Route::json(("DELETE", "certificates/issuers/{issuer}"), wire::delete_issuer, wire::issuer),
        Route::json(("POST", "certificates/restore"), wire::restore, wire::bundle),
        Route::json(("POST", "certificates/{certificate}/backup"), wire::back_up, backup::backed_up),
        Route::monitored(("POST", "certificates/{certificate}/create"), wire::create, wire::created),
        Route::json(("POST", "certificates/{certificate}/import"), wire::import, wire::bundle),
        Route::json(
            ("GET", "certificates/{certificate}/versions"),
            wire::list_versions,
            wire::listed_versions,
        ),
        Route::json(("GET", "certificates/{certificate}/policy"), wire::get_policy, wire::shown_policy),
        Route::json(("PATCH", "certificates/{certificate}/policy"), wire::update_policy, wire::shown_policy),
        Route::responding(("GET", "certificates/{certificate}/pending"), wire::get_operation, wire::pending),
        Route::json(("PATCH", "certificates/{certificate}/pending"), wire::cancel, wire::operation),
        Route::json(
            ("DELETE", "certificates/{certificate}/pending"),
            wire::delete_operation,
            wire::operation,
        ),
        Route::monitored(("POST", "certificates/{certificate}/pending/merge"), wire::merge, wire::merged),
        Route::json(("DELETE", "certificates/{certificate}"), wire::delete, wire::deleted_bundle),
        Route::json(("GET", "certificates/{certificate}/{version?}"), wire::get, wire::bundle),
        Route::json(("PATCH", "certificates/{certificate}/{version?}"), wire::update, wire::bundle),
    ]
}

fn of_deleted_certificates() -> Vec<Route> {
    use certificates as wire;
    vec![
        Route::json(("GET", "deletedcertificates"), wire::list_deleted, wire::listed_deleted),
        Route::json(("GET", "deletedcertificates/{certificate}"), wire::get_deleted, wire::deleted_bundle),
        Route::json(("POST", "deletedcertificates/{certificate}/recover"), wire::recover, wire::bundle),
        Route::responding(("DELETE", "deletedcertificates/{certificate}"), wire::purge, |_, ()| {
            Ok(CallResponse::empty(StatusCode::NO_CONTENT))
        }),
    ]
}

/// The keys of vaults: the operations of those of managed HSMs, with responses of their own.
fn of_keys_of_vaults() -> Vec<Route> {
    use vault_keys as shown;
    vec![
        Route::json(("GET", "keys"), keys::list, shown::listed),
        Route::json(("POST", "keys/{key}/create"), keys::create, shown::bundle),
        Route::json(("POST", "keys/restore"), backup::restore_key, shown::bundle),
        Route::json(("POST", "keys/{key}/backup"), backup::key, backup::backed_up),
        Route::json(("PUT", "keys/{key}"), keys::import, shown::bundle),
        Route::json(("DELETE", "keys/{key}"), keys::delete, shown::deleted_bundle),
        Route::json(("GET", "keys/{key}/versions"), keys::list_versions, shown::listed_versions),
        Route::json(("POST", "keys/{key}/rotate"), rotation::rotate, shown::bundle),
        Route::json(("GET", "keys/{key}/rotationpolicy"), rotation::get, shown::policy),
        Route::json(("PUT", "keys/{key}/rotationpolicy"), rotation::put_of_vault, shown::policy),
        Route::json(("GET", "keys/{key}/{version?}"), keys::get, shown::bundle),
        Route::json(("PATCH", "keys/{key}/{version?}"), keys::update, shown::bundle),
        Route::json(("GET", "deletedkeys"), keys::list_deleted, shown::listed_deleted),
        Route::json(("GET", "deletedkeys/{key}"), keys::get_deleted, shown::deleted_bundle),
        Route::json(("POST", "deletedkeys/{key}/recover"), keys::recover, shown::bundle),
        Route::responding(("DELETE", "deletedkeys/{key}"), keys::purge, |_, ()| {
            Ok(CallResponse::empty(StatusCode::NO_CONTENT))
        }),
    ]
}

fn of_crypto_of_vaults() -> Vec<Route> {
    use vault_keys as shown;
    vec![
        Route::json(("POST", "keys/{key}/{version?}/sign"), crypto::sign, shown::outcome)
            .converting(crypto::digest_is_value),
        Route::json(("POST", "keys/{key}/{version?}/verify"), crypto::verify, shown::verified),
        Route::json(("POST", "keys/{key}/{version?}/encrypt"), crypto::encrypt, shown::encrypted),
        Route::json(("POST", "keys/{key}/{version?}/decrypt"), crypto::decrypt, shown::revealed),
        Route::json(("POST", "keys/{key}/{version?}/wrapkey"), crypto::wrap, shown::outcome)
            .converting(crypto::key_is_value),
        Route::json(("POST", "keys/{key}/{version?}/unwrapkey"), crypto::unwrap, shown::revealed),
    ]
}

/// Fixed segments come before names, because a key version may have any name.
fn of_keys() -> Vec<Route> {
    vec![
        Route::json(("GET", "keys"), keys::list, keys::listed),
        Route::json(("POST", "keys/{key}/create"), keys::create, keys::bundle),
        Route::json(("POST", "keys/restore"), backup::restore_key, keys::bundle),
        Route::json(("POST", "keys/{key}/backup"), backup::key, backup::backed_up),
        Route::json(("PUT", "keys/{key}"), keys::import, keys::bundle),
        Route::json(("DELETE", "keys/{key}"), keys::delete, keys::deleted_bundle),
        Route::json(("GET", "keys/{key}/versions"), keys::list_versions, keys::listed_versions),
        Route::json(("POST", "keys/{key}/rotate"), rotation::rotate, keys::bundle),
        Route::json(("GET", "keys/{key}/rotationpolicy"), rotation::get, rotation::policy),
        Route::json(("PUT", "keys/{key}/rotationpolicy"), rotation::put, rotation::policy),
        Route::json(("GET", "keys/{key}/{version?}"), keys::get, keys::bundle),
        Route::json(("PATCH", "keys/{key}/{version?}"), keys::update, keys::bundle),
    ]
}

fn of_deleted_keys() -> Vec<Route> {
    vec![
        Route::json(("GET", "deletedkeys"), keys::list_deleted, keys::listed_deleted),
        Route::json(("GET", "deletedkeys/{key}"), keys::get_deleted, keys::deleted_bundle),
        Route::json(("POST", "deletedkeys/{key}/recover"), keys::recover, keys::bundle),
        Route::responding(("DELETE", "deletedkeys/{key}"), keys::purge, |_, ()| {
            Ok(CallResponse::empty(StatusCode::NO_CONTENT))
        }),
    ]
}

fn of_crypto() -> Vec<Route> {
    vec![
        Route::json(("POST", "keys/{key}/{version?}/sign"), crypto::sign, crypto::outcome)
            .converting(crypto::digest_is_value),
        Route::json(("POST", "keys/{key}/{version?}/verify"), crypto::verify, crypto::verified),
        Route::json(("POST", "keys/{key}/{version?}/encrypt"), crypto::encrypt, crypto::encrypted),
        Route::json(("POST", "keys/{key}/{version?}/decrypt"), crypto::decrypt, crypto::revealed),
        Route::json(("POST", "keys/{key}/{version?}/wrapkey"), crypto::wrap, crypto::outcome)
            .converting(crypto::key_is_value),
        Route::json(("POST", "keys/{key}/{version?}/unwrapkey"), crypto::unwrap, crypto::revealed),
        Route::json(("POST", "rng"), crypto::random, crypto::random_bytes),
    ]
}

fn of_backups() -> Vec<Route> {
    use full_backup as wire;
    vec![
        Route::monitored(("POST", "backup"), wire::back_up::<BackupKind>, wire::started),
        Route::monitored(("POST", "prebackup"), wire::back_up::<BackupCheckKind>, wire::started),
        Route::json(("GET", "backup/{job}/pending"), wire::job_state::<GetBackupJobKind>, wire::status),
        Route::monitored(("PUT", "restore"), wire::restore::<RestoreKind>, wire::started),
        Route::monitored(("PUT", "prerestore"), wire::restore::<RestoreCheckKind>, wire::started),
        Route::monitored(("PUT", "keys/{key}/restore"), wire::restore_key, wire::started),
        Route::json(("GET", "restore/{job}/pending"), wire::job_state::<GetRestoreJobKind>, wire::status),
    ]
}

fn of_security_domain() -> Vec<Route> {
    use security_domain as wire;
    vec![
        Route::monitored(("POST", "securitydomain/download"), wire::download, wire::downloaded),
        Route::monitored(
            ("GET", "securitydomain/download/pending"),
            wire::download_status,
            wire::download_state,
        ),
        Route::responding(("GET", "securitydomain/upload"), wire::transfer_key, wire::transfer_key_document),
        Route::monitored(("POST", "securitydomain/upload"), wire::upload, wire::uploaded),
        Route::monitored(("GET", "securitydomain/upload/pending"), wire::upload_status, wire::upload_state),
    ]
}

fn of_settings() -> Vec<Route> {
    vec![
        Route::json(("GET", "settings"), settings::list, settings::listed),
        Route::json(("GET", "settings/{name}"), settings::get, settings::setting),
        Route::json(("PATCH", "settings/{name}"), settings::update, settings::setting),
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
            access::definition_filter,
            access::list_definitions,
            access::definitions,
        ),
        Route::json(("GET", DEFINITION), access::get_definition, access::definition),
        Route::json(("PUT", DEFINITION), access::put_definition, access::definition).created(),
        Route::json(("DELETE", DEFINITION), access::delete_definition, access::definition),
        Route::json(("GET", ASSIGNMENTS), access::list_assignments, access::assignments),
        Route::json(("GET", ASSIGNMENT), access::get_assignment, access::assignment),
        Route::json(("PUT", ASSIGNMENT), access::create_assignment, access::assignment).created(),
        Route::json(("DELETE", ASSIGNMENT), access::delete_assignment, access::assignment),
    ]
}

/// Returns the route of a request, with the names in its path as the client wrote them: they are not validated, because
/// the caller is not yet authenticated.
///
/// # Errors
/// `RouteNotFound`; `Unsupported` for a route of Azure that is not implemented; `Invalid` for roles at an invalid scope of a
/// managed HSM.
pub(super) fn find<'a>(
    kind: ContainerKind,
    method: &Method,
    path: &'a str,
) -> Result<(&'static Route, Arguments<'a>)> {
    let (segments, table) = (Segments::of(path).ok_or(Error::RouteNotFound)?, table(kind));
    let at_scope = match kind {
        ContainerKind::ManagedHsm => segments.at_scope(path, first_authorization),
        // A vault has no roles of its own.
        ContainerKind::Vault => None,
    };
    let found = match at_scope {
        Some((scope, _)) if !access::is_scope(scope) => return Err(access::malformed_scope()),
        Some((scope, rest)) => table.find(method, Some(scope), rest),
        // Checked first: a key may have any name.
        None => match unsupported::data_plane_feature(kind, method, &segments.lowercase()) {
            Some(feature) => return Err(feature.into()),
            None => table.find(method, None, &segments.given),
        },
    };
    found.ok_or(Error::RouteNotFound)
}

#[cfg(test)]
mod tests;
