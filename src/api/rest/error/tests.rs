//! Every error has a code and a message on this surface: a table, seen in diffs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::route::Route;
use super::super::site::Site;
use super::told;
use crate::api::tests::{SECRET, every_kind};

fn site() -> Site {
    Site {
        base: "https://local.managedhsm.localhost:8443".to_owned(),
        hsm: "local".parse(),
        location: None,
        authority: String::new(),
        resource: String::new(),
    }
}

#[test]
fn errors_are_answered_as_they_were() {
    let lines: BTreeMap<_, _> = every_kind()
        .iter()
        .map(|error| {
            let (code, message) = told(error, Route::ListKeys, &site());
            (error.reason(), format!("{:28}{}  {code:24}{message}", error.reason(), error.status()))
        })
        .collect();
    let mut table = "Reason, HTTP status, code, message.\n\n".to_owned();
    for line in lines.into_values() {
        writeln!(table, "{line}").unwrap();
    }
    let path = "tests/golden/rest-errors.txt";
    let seen = std::fs::read_to_string(path).unwrap_or_default();
    assert!(table == seen, "{path} differs; it would be:\n{table}");
}

#[test]
fn what_is_internal_stays_inside() {
    for error in every_kind() {
        assert!(!told(&error, Route::ListKeys, &site()).1.contains(SECRET), "{error:?}");
    }
}

#[test]
fn who_rotates_what_is_not_there_is_told_twice() {
    let missing = every_kind().into_iter().find(|error| error.reason() == "KEY_NOT_FOUND").unwrap();
    let url = "https://local.managedhsm.localhost:8443/keys/invoices";
    assert_eq!(told(&missing, Route::DeleteKey("invoices"), &site()).1, format!("Key not found: {url}"));
    let twice = told(&missing, Route::RotateKey("invoices"), &site()).1;
    assert_eq!(twice, format!("Key not found: Key not found: {url}"));
}
