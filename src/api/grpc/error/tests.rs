//! Compares the code, reason and HTTP status of every error with a golden table: clients rely on them.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use tonic_types::StatusExt as _;

use super::{DOMAIN, status};
use crate::api::tests::{SECRET, every_error};
use crate::engine::http_status;
use crate::model::Error;

#[test]
fn errors_match_golden_table() {
    let mut lines = BTreeMap::new();
    for error in every_error() {
        let status = status(&error);
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), (error.reason(), DOMAIN));
        let mut facts: Vec<String> = info.metadata.into_keys().collect();
        facts.sort_unstable();
        if status.get_details_retry_info().is_some() {
            facts.push("(when to retry)".to_owned());
        }
        let code = format!("{:?}", status.code());
        let line = format!("{:<27} {code:20}{}  {}", error.reason(), http_status(&error), facts.join(" "));
        let known = lines.insert(error.reason(), line.clone());
        assert!(known.is_none_or(|known| known == line), "errors of one reason differ: {line}");
    }
    let mut table = "Reason, gRPC code, HTTP status, facts.\n\n".to_owned();
    for line in lines.into_values() {
        writeln!(table, "{}", line.trim_end()).unwrap();
    }
    let path = "tests/golden/errors.txt";
    let seen = std::fs::read_to_string(path).unwrap_or_default();
    assert!(table == seen, "{path} differs; expected content:\n{table}");
}

#[test]
fn internal_error_text_is_not_exposed() {
    let status = status(&Error::internal_caused_by(SECRET, SECRET));
    assert!(!format!("{status:?} {:?}", status.details()).contains(SECRET));
    assert!(!status.details().windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));
}
