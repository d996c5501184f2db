//! Checks that the pages on Azure's surfaces list every operation.

use std::collections::BTreeSet;

use strongroom::ops;

use crate::assert_same;

const PAGE: &str = include_str!("../../docs/azure.md");
const RESOURCE_MANAGER: &str = include_str!("../../docs/resource-manager.md");

/// An operation without a route has a row, too, which says so.
#[test]
fn azure_page_lists_every_data_plane_operation() {
    let rows =
        PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | ")).map(|(name, _)| name);
    let documented: BTreeSet<String> = rows
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .map(str::to_owned)
        .collect();
    let local = ops::ALL.iter().filter(|operation| operation.action.is_some());
    let expected = local.map(|operation| operation.name.to_owned()).collect();
    assert_same("rows of docs/azure.md", &documented, "operations of the data plane", &expected);
}

/// A row of the page may name several operations.
#[test]
fn arm_page_lists_every_control_plane_operation() {
    let cells = RESOURCE_MANAGER.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" | "));
    let names = cells.flat_map(|(names, _)| names.split(", ").map(|name| name.trim_matches('`').to_owned()));
    let documented: BTreeSet<String> =
        names.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric())).collect();
    let control = ops::ALL.iter().filter(|operation| operation.control_action.is_some());
    let mut expected: BTreeSet<String> = control.map(|operation| operation.name.to_owned()).collect();
    // Subscriptions have no parent scope, so listing them requires no action.
    expected.insert("ListSubscriptions".to_owned());
    // Documented on the data plane's page.
    expected.remove("WatchLifecycle");
    assert_same(
        "rows of docs/resource-manager.md",
        &documented,
        "operations of the control plane",
        &expected,
    );
}
