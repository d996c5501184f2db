//! Checks that operations, rpcs, commands and test files agree, and that roles and protocol match their golden files.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;

use strongroom::ops;

#[path = "tables/commands.rs"]
mod commands;
#[path = "tables/console.rs"]
mod console;
#[path = "tables/golden.rs"]
mod golden;
#[path = "tables/monitoring.rs"]
mod monitoring;
#[path = "tables/protocol.rs"]
mod protocol;
#[path = "tables/roles.rs"]
mod roles;
#[path = "tables/routes.rs"]
mod routes;
#[path = "tables/test_files.rs"]
mod test_files;
#[path = "tables/vaults.rs"]
mod vaults;

/// The names of all operations, except those that only Azure Resource Manager's surface has.
fn operations() -> BTreeSet<String> {
    ops::ALL.iter().filter(|operation| operation.is_rpc).map(|operation| operation.name.to_owned()).collect()
}

/// Converts an operation's name to the name of its files and functions: `CreateKey` to `create_key`.
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

/// Asserts that both sets are equal; otherwise lists the members that only one has.
#[track_caller]
fn assert_same(left_name: &str, left: &BTreeSet<String>, right_name: &str, right: &BTreeSet<String>) {
    let only = |a: &BTreeSet<String>, b: &BTreeSet<String>| a.difference(b).cloned().collect::<Vec<_>>();
    let (surplus, missing) = (only(left, right), only(right, left));
    assert!(
        surplus.is_empty() && missing.is_empty(),
        "only in {left_name}: {surplus:?}; only in {right_name}: {missing:?}"
    );
}

#[test]
fn operation_names_and_audit_events_are_unique() {
    let events: BTreeSet<_> = ops::ALL.iter().map(|operation| operation.event).collect();
    let names: BTreeSet<_> = ops::ALL.iter().map(|operation| operation.name).collect();
    assert_eq!(names.len(), events.len());
    // Operations of one rpc share its name and differ in their action.
    let identity = |one: &ops::Description| (one.name, one.action, one.control_action, one.vault_action);
    let identities: Vec<_> = ops::ALL.iter().map(identity).collect();
    for (number, one) in identities.iter().enumerate() {
        assert!(!identities[..number].contains(one), "duplicate operation: {one:?}");
    }
}

#[test]
fn snake_case_converts_camel_case() {
    assert_eq!(snake_case("GenerateRandomBytes"), "generate_random_bytes");
}
