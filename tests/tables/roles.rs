//! The built-in roles as a matrix: what each grants, operation by operation.

use std::fmt::Write as _;

use strongroom::config::built_in_roles;
use strongroom::model::rbac::RoleDefinition;
use strongroom::ops;

use crate::golden::assert_golden;

#[test]
fn roles_grant_what_they_granted() {
    let roles = built_in_roles().unwrap();
    let mut table =
        "Which built-in role may do what, once assigned at /. Roles are columns, operations are rows.\n\n"
            .to_owned();
    for (column, role) in roles.iter().enumerate() {
        writeln!(table, "{:24}{}{}", "", "| ".repeat(column), role.role_name).unwrap();
    }
    let mut free = Vec::new();
    for operation in ops::ALL {
        let Some(action) = operation.action else {
            free.push(operation.name);
            continue;
        };
        let mark = |role: &RoleDefinition| if role.grants(action) { "x " } else { ". " };
        let marks: String = roles.iter().map(mark).collect();
        writeln!(table, "{:24}{marks} {action}", operation.name).unwrap();
    }
    writeln!(table, "\nNot for these roles to grant: {}", free.join(", ")).unwrap();
    assert_golden("roles.txt", &table);
}
