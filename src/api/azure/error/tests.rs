//! Compares the Azure error code and message of every error with a golden table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::code_and_message;
use crate::api::tests::{SECRET, every_error};
use crate::engine::http_status;

const BASE: &str = "https://local.managedhsm.localhost:8443";

#[test]
fn errors_match_golden_table() {
    let lines: BTreeMap<_, _> = every_error()
        .iter()
        .map(|error| {
            let (code, message) = code_and_message(error, BASE);
            (error.reason(), format!("{:28}{}  {code:23} {message}", error.reason(), http_status(error)))
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
