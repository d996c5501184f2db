//! Every operation on the contents of vaults, over gRPC and REST: by every role with Azure RBAC, and by every permission of access
//! policies. Exactly the recorded ones allow it.

mod requests;

use std::collections::BTreeMap;

use strongroom::api::grpc::pb;
use strongroom::config::control_plane_roles;
use strongroom::model::vault_rbac::VaultAction;
use strongroom::ops;
use tonic::Code;
use tonic::transport::Channel;

use self::requests::{KEYS_VAULT, OBJECTS_VAULT, grpc_request, rest_request};
use crate::control::support::{assign, group, unassign};
use crate::hsms::Container;
use crate::raw;
use crate::rest::client::Rest;
use crate::support::{Client, Server, error_metadata, reason};
use crate::vaults;

/// The recorded roles and the actions that each is granted.
const ROLES: &str = include_str!("../golden/vault-roles.txt");
/// The recorded permissions of each action.
const PERMISSIONS: &str = include_str!("../golden/vault-permissions.txt");
/// The vaults in which requests name objects.
const VAULTS: [&str; 2] = [KEYS_VAULT, OBJECTS_VAULT];
/// Operations that Azure's REST surface does not have.
const GRPC_ONLY: [&str; 7] = [
    "WatchLifecycle",
    "BatchSign",
    "BatchVerify",
    "BatchEncrypt",
    "BatchDecrypt",
    "BatchWrapKey",
    "BatchUnwrapKey",
];

/// An operation on the contents of vaults, and the action that it requires.
type VaultOperation = (&'static ops::Description, VaultAction);

fn operations() -> Vec<VaultOperation> {
    ops::ALL.iter().filter_map(|operation| operation.vault_action.map(|action| (operation, action))).collect()
}

/// The caller, and what was found to differ from the recorded data.
struct Matrix {
    channel: Channel,
    token: String,
    principal: String,
    rest: Rest,
    rpcs: BTreeMap<String, raw::Rpc>,
    owner: Client,
    container: Container,
    breaches: Vec<String>,
    cells: usize,
}

impl Matrix {
    /// Starts a server with the vaults, in which `nobody` has no access.
    async fn start(rbac: bool) -> (Server, Self) {
        let server = Server::start();
        let channel = server.channel().await;
        let container = Container::of(&server);
        let mut owner = server.client_on(channel.clone(), "owner").await;
        for name in VAULTS {
            let request = container.vault_request_with(name, |vault| vault.rbac_authorization = Some(rbac));
            vaults::create(&mut owner, request).await.unwrap();
        }
        let port = server.connection().endpoint.rsplit(':').next().unwrap().to_owned();
        let token = server.access_tokens("nobody").await.vault;
        let rest = Rest::unauthenticated(&server)
            .at_host(&format!("{OBJECTS_VAULT}.vault.localhost:{port}"))
            .with_token(&token);
        let principal = server.principal("nobody").object_id;
        let rpcs = raw::rpcs().into_iter().map(|rpc| (rpc.name.clone(), rpc)).collect();
        let (breaches, cells) = (Vec::new(), 0);
        (server, Self { channel, token, principal, rest, rpcs, owner, container, breaches, cells })
    }

    /// Makes the call on both surfaces, and asks `CheckVaultAccess`. All must agree with `expected`; a refusal must say what is missing.
    async fn call(&mut self, who: &str, (operation, action): VaultOperation, rbac: bool, expected: bool) {
        let name = operation.name;
        let refusal = if rbac { "ACTION_NOT_GRANTED" } else { "PERMISSION_NOT_GRANTED" };
        if let Some(rpc) = self.rpcs.get(name) {
            let authorization = format!("Bearer {}", self.token);
            let headers = [("authorization", authorization.as_str())];
            let body = raw::frame(&grpc_request(name, action));
            let status = raw::send(&self.channel, &rpc.path, &headers, body).await.status;
            let refused = reason(&status) == refusal && status.code() == Code::PermissionDenied;
            let details = (error_metadata(&status, "action"), error_metadata(&status, "principal"));
            let complete = !refused || details == (action.as_str().to_owned(), self.principal.clone());
            // Other errors are found after authorization.
            let unknown =
                !refused && [Code::PermissionDenied, Code::Unauthenticated].contains(&status.code());
            if refused == expected || !complete || unknown {
                self.breaches.push(format!("{who} x {name} over gRPC: {expected}, {status:?}"));
            }
            self.cells += 1;
        }
        if !GRPC_ONLY.contains(&name) {
            let (method, path, body) = rest_request(name);
            let response = self.rest.raw(method, &format!("{path}?api-version=7.6"), body).await;
            let inner = if rbac { "ForbiddenByRbac" } else { "AccessDenied" };
            let error: serde_json::Value = serde_json::from_str(&response.text).unwrap_or_default();
            let refused = response.status == 403 && error["error"]["innererror"]["code"] == inner;
            let permission = action.policy_permission();
            let missing = if rbac {
                format!("Action: '{action}'")
            } else {
                format!("does not have {} {} permission", permission.kind.collection(), permission.any_of[0])
            };
            let complete = !refused || response.text.contains(&missing);
            if refused == expected || !complete || response.status == 401 {
                self.breaches.push(format!("{who} x {name} over REST: {expected}, {response:?}"));
            }
            self.cells += 1;
        }
        let request = pb::CheckVaultAccessRequest {
            name: self.container.vault(OBJECTS_VAULT),
            principal_id: self.principal.clone(),
            action: action.as_str().to_owned(),
            ..Default::default()
        };
        let check = self.owner.vaults.check_vault_access(request).await.unwrap().into_inner();
        // One data action may be that of several permissions, of which the check considers one.
        let is_ambiguous =
            !rbac && VaultAction::ALL.iter().filter(|one| one.as_str() == action.as_str()).count() > 1;
        if check.allowed != expected && !is_ambiguous {
            self.breaches.push(format!("CheckVaultAccess of {who} x {name}: {expected}, {check:?}"));
        }
    }

    /// Replaces the access policies of both vaults by one of the caller.
    async fn set_policy(&mut self, tenant: &str, collection: &str, permission: &str) {
        let names = Some(pb::PermissionNames { names: vec![permission.to_owned()] });
        let mut permissions = pb::AccessPermissions::default();
        match collection {
            "keys" => permissions.keys = names,
            "secrets" => permissions.secrets = names,
            _ => permissions.certificates = names,
        }
        for name in VAULTS {
            let vault = pb::Vault {
                name: self.container.vault(name),
                access_policies: vec![pb::AccessPolicy {
                    tenant_id: tenant.to_owned(),
                    principal_id: self.principal.clone(),
                    application_id: String::new(),
                    permissions: Some(permissions.clone()),
                }],
                ..Default::default()
            };
            let update_mask = Some(prost_types::FieldMask { paths: vec!["access_policies".to_owned()] });
            let request = pb::UpdateVaultRequest { vault: Some(vault), update_mask };
            self.owner.vaults.update_vault(request).await.unwrap();
        }
    }

    #[track_caller]
    fn finish(self, rows: usize) {
        assert!(self.breaches.is_empty(), "\n{}\n", self.breaches.join("\n"));
        let surfaces: usize = operations()
            .iter()
            .map(|(operation, _)| {
                usize::from(self.rpcs.contains_key(operation.name))
                    + usize::from(!GRPC_ONLY.contains(&operation.name))
            })
            .sum();
        assert_eq!(self.cells, rows * surfaces);
    }
}

/// Returns the recorded roles by name, each with the actions that it is granted.
fn recorded_roles() -> Vec<(String, Vec<String>)> {
    let (head, rows): (Vec<&str>, Vec<&str>) = ROLES.lines().skip(2).partition(|line| line.starts_with(' '));
    let name = |line: &&str| line.trim_start_matches([' ', '|']).to_owned();
    let mut roles: Vec<(String, Vec<String>)> = head.iter().map(|line| (name(line), Vec::new())).collect();
    for row in rows {
        let mut words = row.split_whitespace();
        let action = words.next().unwrap();
        for (role, mark) in roles.iter_mut().zip(words) {
            if mark == "x" {
                role.1.push(action.to_owned());
            }
        }
    }
    roles
}

#[tokio::test]
async fn every_role_is_granted_exactly_its_recorded_actions() {
    let (_server, mut matrix) = Matrix::start(true).await;
    let ids: BTreeMap<String, String> = control_plane_roles()
        .unwrap()
        .into_iter()
        .map(|role| (role.role_name.clone(), role.id.to_string()))
        .collect();
    let roles = recorded_roles();
    assert_eq!(roles.len(), ids.len());
    for (role, granted) in &roles {
        let principal = matrix.principal.clone();
        let assignment = assign(&mut matrix.owner, &ids[role], &principal, &group("dev")).await;
        for (operation, action) in operations() {
            let expected = granted.contains(&format!("{action:?}"));
            matrix.call(role, (operation, action), true, expected).await;
        }
        unassign(&mut matrix.owner, &assignment.name).await.unwrap();
    }
    for operation in operations() {
        matrix.call("no role", operation, true, false).await;
    }
    matrix.finish(roles.len() + 1);
}

/// Returns the recorded permissions: of each action whether `all` includes it, its collection, and the names that suffice.
fn recorded_permissions() -> BTreeMap<String, (bool, String, Vec<String>)> {
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let mut next = || words.next().unwrap().to_owned();
        let (action, all, collection) = (next(), next() == "all", next());
        let names = words.filter(|word| *word != "or").map(str::to_owned).collect();
        (action, (all, collection, names))
    };
    PERMISSIONS.lines().skip(2).map(row).collect()
}

#[tokio::test]
async fn every_permission_allows_exactly_its_recorded_actions() {
    let (server, mut matrix) = Matrix::start(false).await;
    let tenant = server.connection().tenant_id;
    let recorded = recorded_permissions();
    let mut listed: Vec<(String, String)> = recorded
        .values()
        .flat_map(|(_, collection, names)| names.iter().map(|name| (collection.clone(), name.clone())))
        .chain(["keys", "secrets", "certificates"].map(|kind| (kind.to_owned(), "all".to_owned())))
        .collect();
    listed.sort();
    listed.dedup();
    for (collection, permission) in &listed {
        matrix.set_policy(&tenant, collection, permission).await;
        for (operation, action) in operations() {
            let (in_all, kind, names) = &recorded[&format!("{action:?}")];
            let is_included = names.contains(permission) || (permission == "all" && *in_all);
            let expected = kind == collection && is_included;
            matrix.call(&format!("{collection} {permission}"), (operation, action), false, expected).await;
        }
    }
    matrix.finish(listed.len());
}
