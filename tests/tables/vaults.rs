//! Compares what grants access to the contents of vaults with golden files: role definitions, and permissions of access policies.

use std::fmt::Write as _;

use strongroom::config::control_plane_roles;
use strongroom::model::vault::Permissions;
use strongroom::model::vault_rbac::{ObjectKind, VaultAction};

use crate::golden::assert_golden;

#[test]
fn data_actions_of_roles_match_golden_file() {
    let roles = control_plane_roles().unwrap();
    let mut table =
        "Which role may do what in a vault with Azure RBAC. Roles are columns, actions are rows.\n\n"
            .to_owned();
    let wide =
        VaultAction::ALL.iter().map(|action| format!("{action:?}").len() + 2).max().unwrap_or_default();
    for (column, role) in roles.iter().enumerate() {
        writeln!(table, "{:wide$}{}{}", "", "| ".repeat(column), role.role_name).unwrap();
    }
    for action in VaultAction::ALL {
        let grants = |role: &strongroom::model::local_rbac::RoleDefinition| {
            role.grants(*action) || action.included_in().is_some_and(|other| role.grants(other))
        };
        let marks: String = roles.iter().map(|role| if grants(role) { "x " } else { ". " }).collect();
        writeln!(table, "{:wide$}{marks} {action}", format!("{action:?}")).unwrap();
    }
    assert_golden("vault-roles.txt", &table);
}

#[test]
fn permissions_of_access_policies_match_golden_file() {
    let mut table =
        "Which permission of an access policy allows what in a vault, and whether `all` includes it.\n\n"
            .to_owned();
    for action in VaultAction::ALL {
        let permission = action.policy_permission();
        let listing = |listed: &str| {
            let list = Some(vec![listed.to_owned()]);
            let mut permissions = Permissions::default();
            match permission.kind {
                ObjectKind::Key => permissions.keys = list,
                ObjectKind::Secret => permissions.secrets = list,
                ObjectKind::Certificate => permissions.certificates = list,
            }
            permissions
        };
        // Every permission is one that a policy may list, and suffices.
        for name in permission.any_of {
            assert_eq!(listing(name).check(), Ok(()), "{action:?}");
            assert_eq!(listing(name).including(permission), Some(*name), "{action:?}");
        }
        let all = if listing("all").including(permission).is_some() { "all" } else { "-" };
        let names = permission.any_of.join(" or ");
        writeln!(table, "{:26}{all:5}{} {names}", format!("{action:?}"), permission.kind.collection())
            .unwrap();
    }
    assert_golden("vault-permissions.txt", &table);
}
