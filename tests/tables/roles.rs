//! Compares the built-in roles of both planes with golden files: matrices of roles and operations.

use std::fmt::{Display, Write as _};

use strongroom::config::{built_in_roles, control_plane_roles};
use strongroom::model::local_rbac::RoleDefinition;
use strongroom::model::role::GrantableAction;
use strongroom::ops;

use crate::golden::assert_golden;

/// Formats a matrix with a heading: roles are columns, operations are rows.
fn matrix<A: GrantableAction + Display>(
    heading: &str,
    roles: &[RoleDefinition],
    action: fn(&ops::Description) -> Option<A>,
) -> String {
    let mut table = format!("{heading} Roles are columns, operations are rows.\n\n");
    let names = ops::ALL.iter().filter(|operation| action(operation).is_some());
    let wide = names.map(|operation| operation.name.len() + 2).max().unwrap_or_default();
    for (column, role) in roles.iter().enumerate() {
        writeln!(table, "{:wide$}{}{}", "", "| ".repeat(column), role.role_name).unwrap();
    }
    for operation in ops::ALL {
        let Some(action) = action(operation) else { continue };
        let mark = |role: &RoleDefinition| if role.grants(action) { "x " } else { ". " };
        let marks: String = roles.iter().map(mark).collect();
        writeln!(table, "{:wide$}{marks} {action}", operation.name).unwrap();
    }
    table
}

#[test]
fn built_in_roles_match_golden_file() {
    let roles = built_in_roles().unwrap();
    let mut table = matrix("Which built-in role may do what, once assigned at /.", &roles, |one| one.action);
    let free = ops::ALL
        .iter()
        .filter(|one| one.action.is_none() && one.control_action.is_none() && one.vault_action.is_none());
    let free: Vec<_> = free.map(|one| one.name).collect();
    writeln!(table, "\nNot for roles of any plane to grant: {}", free.join(", ")).unwrap();
    assert_golden("roles.txt", &table);
}

#[test]
fn control_plane_roles_match_golden_file() {
    let roles = control_plane_roles().unwrap();
    let table = matrix("Which role of the control plane may do what, where it is assigned.", &roles, |one| {
        one.control_action
    });
    assert_golden("control-roles.txt", &table);
}
