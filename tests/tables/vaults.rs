//! Compares what grants access to the contents of vaults with golden files: role definitions, and permissions of access policies.

use std::fmt::Write as _;

use strongroom::config::control_plane_roles;
use strongroom::model::vault::Permissions;
use strongroom::model::vault_rbac::{ObjectKind, VaultAction};
use strongroom::ops;

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

#[test]
fn operations_of_vaults_match_golden_file() {
    let mut table =
        "Which data action, or permission of an access policy, an operation requires in a vault.\n\n"
            .to_owned();
    for operation in ops::ALL {
        let Some(action) = operation.vault_action else { continue };
        let permission = action.policy_permission();
        let names = format!("{} {}", permission.kind.collection(), permission.any_of.join(" or "));
        writeln!(table, "{:28}{names:26}{action}", operation.name).unwrap();
    }
    assert_golden("vault-operations.txt", &table);
    // Vaults have the operations on keys of managed HSMs, except those that only a managed HSM has.
    let keys =
        ops::ALL.iter().filter(|one| one.action.is_some_and(|action| action.as_str().contains("/keys/")));
    let missing: Vec<_> = keys.filter(|one| one.vault_action.is_none()).map(|one| one.name).collect();
    assert_eq!(missing, [] as [&str; 0]);
}
