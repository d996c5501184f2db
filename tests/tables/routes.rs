//! Which operations Azure's surface has, as its page tells.

use std::collections::BTreeSet;

use strongroom::ops;

use crate::assert_same;

const PAGE: &str = include_str!("../../docs/azure.md");
const RESOURCE_MANAGER: &str = include_str!("../../docs/resource-manager.md");

/// Every operation of the data plane has a row, if only to say that there is no route.
#[test]
fn azure_page_lists_every_data_plane_operation() {
    let rows =
        PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | ")).map(|(name, _)| name);
    let told: BTreeSet<String> = rows
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .map(str::to_owned)
        .collect();
    let local = ops::ALL.iter().filter(|operation| operation.action.is_some());
    let there = local.map(|operation| operation.name.to_owned()).collect();
    assert_same("rows of docs/azure.md", &told, "operations of the data plane", &there);
}

/// The same of the control plane; a row may name several.
#[test]
fn arm_page_lists_every_control_plane_operation() {
    let cells = RESOURCE_MANAGER.lines().filter_map(|line| line.strip_prefix("| `")?.split_once(" | "));
    let names = cells.flat_map(|(names, _)| names.split(", ").map(|name| name.trim_matches('`').to_owned()));
    let told: BTreeSet<String> =
        names.filter(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric())).collect();
    let control = ops::ALL.iter().filter(|operation| operation.control_action.is_some());
    let mut there: BTreeSet<String> = control.map(|operation| operation.name.to_owned()).collect();
    // Above subscriptions there are no roles.
    there.insert("ListSubscriptions".to_owned());
    // Told with the data plane's.
    there.remove("WatchLifecycle");
    assert_same("rows of docs/resource-manager.md", &told, "operations of the control plane", &there);
}
