//! Compares what must agree: operations, rpcs, commands, test files; and what must not change unseen: roles, protocol.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use strongroom::ops;

#[path = "tables/commands.rs"]
mod commands;
#[path = "tables/golden.rs"]
mod golden;
#[path = "tables/protocol.rs"]
mod protocol;
#[path = "tables/roles.rs"]
mod roles;
#[path = "tables/routes.rs"]
mod routes;
#[path = "tables/test_files.rs"]
mod test_files;

/// The names of all operations, but those that answer Azure Resource Manager's clients alone.
fn operations() -> BTreeSet<String> {
    ops::ALL.iter().filter(|operation| operation.is_rpc).map(|operation| operation.name.to_owned()).collect()
}

/// `CreateKey` as files and functions have it: `create_key`.
fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

/// Expects that both have the same members, and names those that only one has.
#[track_caller]
fn assert_same(these: &str, left: &BTreeSet<String>, those: &str, right: &BTreeSet<String>) {
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
    let (surplus, missing) = (only(left, right), only(right, left));
    assert!(
        surplus.is_empty() && missing.is_empty(),
        "only among {these}: {surplus:?}; only among {those}: {missing:?}"
    );
}

#[test]
fn operation_names_and_audit_events_are_unique() {
    let events: BTreeSet<_> = ops::ALL.iter().map(|operation| operation.event).collect();
    let names: BTreeSet<_> = ops::ALL.iter().map(|operation| operation.name).collect();
    assert_eq!(names.len(), events.len());
    // What is one rpc has one name; for one right there is one operation of it.
    let right = |one: &ops::Description| (one.name, one.action, one.control_action);
    let rights: Vec<_> = ops::ALL.iter().map(right).collect();
    for (number, one) in rights.iter().enumerate() {
        assert!(!rights[..number].contains(one), "{one:?} is there twice");
    }
}

#[test]
fn snake_case_converts_camel_case() {
    assert_eq!(snake_case("GenerateRandomBytes"), "generate_random_bytes");
}
