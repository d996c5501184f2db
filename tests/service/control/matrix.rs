//! Every ARM role (control plane) with every operation: exactly the granted operations are authorized.
//!
//! Operations are called with the requests from which tests derive malformed ones: whether the resource exists does
//! not matter here, only whether the call is authorized.

use std::fmt::Write as _;

use strongroom::ops;
use tonic::{Code, Status};

use super::support::check;
use crate::raw::{self, Rpc};
use crate::requests::{SUBSCRIPTION, operation_request};
use crate::support::{Server, error_metadata, reason};

/// A role, parsed independently of the program's own types, which are under test.
struct Role {
    name: String,
    granted: Vec<String>,
    excluded: Vec<String>,
}

fn roles() -> Vec<Role> {
    let data: serde_json::Value =
        serde_json::from_str(include_str!("../../../hsm-config/control-plane-roles.json")).unwrap();
    let texts = |list: &serde_json::Value| -> Vec<String> {
        let texts = list.as_array().unwrap().iter();
        texts.map(|text| text.as_str().unwrap().to_lowercase()).collect()
    };
    let role = |definition: &serde_json::Value| {
        let properties = &definition["properties"];
        let [block] = properties["permissions"].as_array().unwrap().as_slice() else {
            panic!("the role has several permission blocks")
        };
        assert_eq!(block["notDataActions"].as_array().unwrap().len(), 0, "{definition}");
        Role {
            name: properties["roleName"].as_str().unwrap().to_owned(),
            granted: texts(&block["actions"]),
            excluded: texts(&block["notActions"]),
        }
    };
    data["value"].as_array().unwrap().iter().map(role).collect()
}

impl Role {
    fn grants(&self, action: &str) -> bool {
        let action = action.to_lowercase();
        let any = |patterns: &[String]| patterns.iter().any(|pattern| fits(pattern, &action));
        any(&self.granted) && !any(&self.excluded)
    }
}

/// Returns whether an action matches a pattern. The patterns of these roles have at most one `*`.
fn fits(pattern: &str, action: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == action,
        Some((before, after)) => {
            assert!(!after.contains('*'), "{pattern}");
            action.len() >= before.len() + after.len()
                && action.starts_with(before)
                && action.ends_with(after)
        }
    }
}

/// Starts a simulator with one more principal for each role.
fn server(roles: &[Role]) -> Server {
    let mut seed = include_str!("../../../hsm-config/dev.toml").to_owned();
    for (number, Role { name, .. }) in roles.iter().enumerate() {
        write!(
            seed,
            "\n[[principal]]\nname = \"only {name}\"\nobject_id = \"0b1ec700-0000-4000-9000-{number:012}\"\n\
             client_id = \"c11e0700-0000-4000-9000-{number:012}\"\ncontrol_plane_roles = [{name:?}]\n"
        )
        .unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("seed.toml");
    std::fs::write(&file, seed).unwrap();
    Server::start_in(directory, &[], &[("STRONGROOM_SIMULATOR__SEED_FILE", file.to_str().unwrap())])
}

fn rpc(name: &str) -> Rpc {
    raw::rpcs().into_iter().find(|rpc| rpc.name == name).unwrap()
}

/// Returns whether the call was authorized. If not, asserts the details of the refusal.
fn authorized(status: &Status, action: &str, principal: &str) -> bool {
    if reason(status) != "ACTION_NOT_GRANTED" {
        // Other errors are detected after authorization.
        assert_ne!(status.code(), Code::PermissionDenied, "{status:?}");
        assert_ne!(status.code(), Code::Unauthenticated, "{status:?}");
        return true;
    }
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(
        (error_metadata(status, "action").as_str(), error_metadata(status, "principal").as_str()),
        (action, principal)
    );
    false
}

#[tokio::test]
async fn every_role_is_granted_exactly_its_recorded_actions() {
    let roles = roles();
    let server = server(&roles);
    let channel = server.channel().await;
    let mut owner = server.client_on(channel.clone(), "owner").await;
    let mut breaches = Vec::new();
    for role in &roles {
        let name = format!("only {}", role.name);
        let (bearers, principal) = (server.access_tokens(&name).await, server.principal(&name).object_id);
        for operation in ops::ALL.iter().filter(|operation| operation.is_rpc) {
            let Some(action) = operation.control_action else { continue };
            let request = operation_request(operation);
            let status = raw::call(&channel, &rpc(operation.name), &bearers, &request).await;
            let (granted, found) =
                (role.grants(action.as_str()), authorized(&status, action.as_str(), &principal));
            if granted != found {
                breaches.push(format!("{} x {}: {status:?}", role.name, operation.name));
            }
            let access_check = check(&mut owner, &principal, action.as_str(), SUBSCRIPTION).await;
            if access_check.allowed != granted {
                breaches.push(format!("CheckControlAccess differs: {}", access_check.reason));
            }
        }
    }
    assert!(breaches.is_empty(), "\n{}\n", breaches.join("\n"));
}

#[tokio::test]
async fn roles_of_one_plane_do_not_apply_on_the_other() {
    let roles = roles();
    let server = server(&roles);
    let channel = server.channel().await;
    // Principals with roles of local RBAC only; together they have all of them.
    let local = ["administrator", "crypto-officer", "crypto-user", "crypto-auditor", "policy-administrator"];
    for name in local.iter().chain(&["encryption-user", "backup-user", "restore-user", "nobody"]) {
        let (bearers, principal) = (server.access_tokens(name).await, server.principal(name).object_id);
        for operation in ops::ALL.iter().filter(|operation| operation.is_rpc) {
            let Some(action) = operation.control_action else { continue };
            let request = operation_request(operation);
            let status = raw::call(&channel, &rpc(operation.name), &bearers, &request).await;
            assert!(!authorized(&status, action.as_str(), &principal), "{name} x {}", operation.name);
        }
    }
    for role in &roles {
        let name = format!("only {}", role.name);
        let (bearers, principal) = (server.access_tokens(&name).await, server.principal(&name).object_id);
        for operation in ops::ALL.iter().filter(|operation| operation.is_rpc) {
            let Some(action) = operation.action else { continue };
            let request = operation_request(operation);
            let status = raw::call(&channel, &rpc(operation.name), &bearers, &request).await;
            assert!(!authorized(&status, action.as_str(), &principal), "{name} x {}", operation.name);
        }
    }
}

/// The separation of duties, written out independently of the data that the matrix follows.
#[test]
fn duties_are_separated() {
    let roles = roles();
    let may = |name: &str, action: &str| {
        let role = roles.iter().find(|role| role.name == name).unwrap();
        role.grants(&format!("Microsoft.{action}"))
    };
    let (assign, create) = ("Authorization/roleAssignments/write", "KeyVault/managedHSMs/write");
    let purge = "KeyVault/locations/deletedManagedHsms/purge/action";
    assert!(may("Owner", assign) && may("Owner", create) && may("Owner", purge));
    assert!(!may("Contributor", assign) && may("Contributor", create) && may("Contributor", purge));
    assert!(may("User Access Administrator", assign));
    assert!(!may("User Access Administrator", create) && !may("User Access Administrator", purge));
    assert!(may("Reader", "KeyVault/managedHSMs/read"));
    assert!(!may("Reader", assign) && !may("Reader", create) && !may("Reader", purge));
    assert!(may("Managed HSM contributor", create) && may("Managed HSM contributor", purge));
    assert!(!may("Managed HSM contributor", assign));
    let (write, purge) = ("KeyVault/vaults/write", "KeyVault/locations/deletedVaults/purge/action");
    let (policies, delete) = ("KeyVault/vaults/accessPolicies/write", "KeyVault/vaults/delete");
    for action in [write, policies, delete, purge] {
        assert!(may("Owner", action) && may("Contributor", action), "{action}");
        for role in ["Reader", "User Access Administrator", "Managed HSM contributor"] {
            assert!(!may(role, action), "{role} {action}");
        }
        assert_eq!(may("Key Vault Contributor", action), action != purge, "{action}");
        assert_eq!(may("Key Vault Purge Operator", action), action == purge, "{action}");
    }
    assert!(may("Reader", "KeyVault/vaults/read") && !may("Key Vault Contributor", create));
    assert!(!may("Key Vault Contributor", assign) && !may("Key Vault Purge Operator", assign));
}
