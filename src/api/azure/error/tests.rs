//! Compares the Azure error code and message of every error with a golden table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{code_and_message, inner_code, vault_code_and_message};
use crate::api::tests::{SECRET, every_error};
use crate::engine::http_status;
use crate::model::Error;
use crate::model::container_id::{ContainerId, KeyId};
use crate::model::name::{KeyName, VaultName, VersionId};
use crate::model::resource_kind::Resource;

const BASE: &str = "https://local.managedhsm.localhost:8443";

#[test]
fn errors_match_golden_table() {
    let lines: BTreeMap<_, _> = every_error()
        .iter()
        .map(|error| {
            let (code, message) = code_and_message(error, BASE);
            (error.reason(), format!("{:<27} {}  {code:23} {message}", error.reason(), http_status(error)))
        })
        .collect();
    let mut table = "Reason, HTTP status, code, message.\n\n".to_owned();
    for line in lines.into_values() {
        writeln!(table, "{line}").unwrap();
    }
    let path = "tests/golden/rest-errors.txt";
    let seen = std::fs::read_to_string(path).unwrap_or_default();
    assert!(table == seen, "{path} differs; expected content:\n{table}");
}

#[test]
fn internal_error_text_is_not_exposed() {
    for error in every_error() {
        assert!(!code_and_message(&error, BASE).1.contains(SECRET), "{error:?}");
    }
}

/// The errors that a vault words differently from a managed HSM, or with an inner code.
#[test]
fn errors_of_vaults_have_recorded_codes_and_messages() {
    const RECOVER: &str = "If you recently deleted this key you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182";
    let vault = ContainerId::from("contoso".parse::<VaultName>().unwrap());
    let name: KeyName = "Pay".parse().unwrap();
    let key = KeyId { container: vault.clone(), name: name.clone(), version: None };
    let version = KeyId { version: Some(VersionId::from_bytes([7; 16])), ..key.clone() };
    let text = VersionId::from_bytes([7; 16]);
    let at = "2030-01-02T03:04:05Z".parse().unwrap();
    let deleted = Resource::key(&vault, &name);
    let confusing = ContainerId::from("keys".parse::<VaultName>().unwrap());
    let confusing = Resource::version(&confusing, &"versions".parse().unwrap(), version.version);
    for (error, code, message, inner) in [
        (
            Error::NotFound((&key).into()),
            "KeyNotFound",
            format!("A key with (name/id) Pay was not found in this key vault. {RECOVER}"),
            None,
        ),
        (
            Error::NotFound((&version).into()),
            "KeyNotFound",
            format!("A key with (name/id) Pay/{text} was not found in this key vault. {RECOVER}"),
            None,
        ),
        (
            Error::NotFound(confusing),
            "KeyNotFound",
            format!("A key with (name/id) versions/{text} was not found in this key vault. {RECOVER}"),
            None,
        ),
        (
            Error::NotFound(Resource::deleted_key(&vault, &name)),
            "KeyNotFound",
            "Deleted Key not found: Pay".to_owned(),
            None,
        ),
        (
            Error::Deleted { resource: deleted, scheduled_purge_at: at },
            "Conflict",
            "Key Pay is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged.".to_owned(),
            Some("ObjectIsDeletedButRecoverable"),
        ),
        (
            Error::KeyDisabled { operation: "sign" },
            "Forbidden",
            "Operation sign is not allowed on a disabled key.".to_owned(),
            Some("KeyDisabled"),
        ),
        (Error::NotFound((&vault).into()), "ResourceNotFound", "Vault not found: vaults/contoso".to_owned(), None),
    ] {
        assert_eq!(vault_code_and_message(&error, BASE), (code, message), "{error:?}");
        assert_eq!(inner_code(&error), inner, "{error:?}");
    }
    for error in every_error() {
        let (_, message) = vault_code_and_message(&error, BASE);
        assert!(!message.contains(SECRET) && !message.contains("activity"), "{message}");
    }
}
