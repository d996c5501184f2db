//! Checks that the pages on Azure's surfaces list every operation.

use std::collections::BTreeSet;

use strongroom::model::container_id::ContainerKind;
use strongroom::{api, ops};

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
    let local =
        ops::ALL.iter().filter(|operation| operation.action.is_some() || operation.vault_action.is_some());
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

#[test]
fn azure_page_lists_exactly_the_routes_of_the_data_plane() {
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let documented: BTreeSet<String> = rows
        .filter(|(name, _)| ops::ALL.iter().any(|operation| operation.name == *name))
        .filter_map(|(name, cells)| {
            let (route, _) = cells.strip_prefix('`')?.split_once('`')?;
            Some(format!("{name}: {}", unnamed(route)))
        })
        .collect();
    let kinds = [ContainerKind::ManagedHsm, ContainerKind::Vault];
    let served = kinds.into_iter().flat_map(api::rest::routes).flat_map(|line| {
        let slash = if line.pattern.starts_with("{scope}") { "" } else { "/" };
        let path = line.pattern.replace("/{version?}", "[/{version}]");
        let route = unnamed(&format!("{} {slash}{path}", line.method));
        line.operations.iter().map(move |name| format!("{name}: {route}"))
    });
    assert_same("rows of docs/azure.md", &documented, "routes of the data plane", &served.collect());
}

/// Replaces the names of the segments of a path: the page has its own.
fn unnamed(route: &str) -> String {
    let mut parts = route.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + "{}" + part.split_once('}').map_or("", |(_, rest)| rest))
}
