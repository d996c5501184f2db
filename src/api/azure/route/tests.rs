//! The tables of both surfaces are consistent.

use std::collections::HashSet;

use crate::api::{arm, rest};
use crate::model::container_id::ContainerKind;
use crate::ops;

#[test]
fn each_route_is_listed_once_in_one_spelling() {
    for lines in [
        rest::routes(ContainerKind::ManagedHsm).collect::<Vec<_>>(),
        rest::routes(ContainerKind::Vault).collect(),
        arm::routes().collect(),
    ] {
        let mut seen = HashSet::new();
        for line in lines {
            assert!(seen.insert((line.method, line.pattern.to_lowercase())), "{line:?}");
            assert!(!line.pattern.starts_with('/') && !line.pattern.contains("//"), "{line:?}");
            assert!(line.pattern.matches("?}").count() <= 1, "more than one optional segment: {line:?}");
        }
    }
}

#[test]
fn routes_run_operations_of_their_plane() {
    for (lines, is_data_plane) in [
        (rest::routes(ContainerKind::ManagedHsm).collect::<Vec<_>>(), true),
        (rest::routes(ContainerKind::Vault).collect(), true),
        (arm::routes().collect(), false),
    ] {
        for line in lines {
            assert!(!line.operations.is_empty(), "{line:?}");
            for name in &line.operations {
                let operation = ops::ALL.iter().find(|operation| operation.name == *name);
                let operation = operation.unwrap_or_else(|| panic!("{line:?} runs no operation"));
                let found = operation.action.is_some() || operation.vault_action.is_some();
                assert_eq!(found, is_data_plane, "{line:?}");
            }
        }
    }
}
