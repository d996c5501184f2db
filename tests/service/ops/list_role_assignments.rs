//! Listing role assignments.

use strongroom::api::grpc::pb;
use tonic::Status;

use crate::roles::support::{
    CRYPTO_AUDITOR, CRYPTO_USER, HSM, assert_audited, assert_bad_parameter, assert_not_granted, assign, guid,
    metadata,
};
use crate::support::{Client, Server, error_metadata};

fn request(scope: &str, principal: &str) -> pb::ListRoleAssignmentsRequest {
    pb::ListRoleAssignmentsRequest {
        parent: HSM.to_owned(),
        scope: scope.to_owned(),
        principal_id: principal.to_owned(),
    }
}

async fn list(client: &mut Client, scope: &str, principal: &str) -> Result<Vec<String>, Status> {
    let answer = client.access.list_role_assignments(request(scope, principal)).await?.into_inner();
    Ok(answer.role_assignments.into_iter().map(|one| one.name).collect())
}

#[tokio::test]
async fn lists_all_or_filters_by_scope_and_principal() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let answer = dev.access.list_role_assignments(request("", "")).await;
    let target = "hsms/local/roleAssignments at /";
    assert_audited(&server, metadata(&answer), "RoleAssignmentList", "OK", target);
    let seeded = answer.unwrap().into_inner().role_assignments;
    // `hsm-config/dev.toml` assigns three roles to `dev`, and one to each of nine principals.
    assert_eq!(seeded.len(), 12);
    assert!(seeded.iter().all(|one| one.scope == "/"));

    let mut made = Vec::new();
    for (role, principal, scope) in [
        (CRYPTO_USER, 100, "/keys/invoices"),
        (CRYPTO_AUDITOR, 100, "/keys"),
        (CRYPTO_AUDITOR, 101, "/keys/Invoices"),
        (CRYPTO_USER, 101, "/"),
        (CRYPTO_USER, 100, "/keys/letters"),
    ] {
        made.push(assign(&mut dev, role, &guid(principal), scope).await.name);
    }
    let pick = |wanted: &[usize]| wanted.iter().map(|at| made[*at].clone()).collect::<Vec<_>>();
    // In the order of creation.
    assert_eq!(list(&mut dev, "", "").await.unwrap()[seeded.len()..], made);
    assert_eq!(list(&mut dev, "/", "").await.unwrap()[seeded.len()..], pick(&[3]));
    for (scope, principal, wanted) in [
        // Exactly at the scope, neither above nor below it.
        ("/keys", "", pick(&[1])),
        ("/keys/invoices", "", pick(&[0, 2])),
        ("/keys/INVOICES", "", pick(&[0, 2])),
        ("/keys/none", "", Vec::new()),
        ("", &guid(100), pick(&[0, 1, 4])),
        ("", &guid(101).to_uppercase(), pick(&[2, 3])),
        ("/keys/invoices", &guid(101), pick(&[2])),
        ("", &guid(102), Vec::new()),
    ] {
        assert_eq!(list(&mut dev, scope, principal).await.unwrap(), wanted, "{scope} {principal}");
    }
    assert_bad_parameter(list(&mut dev, "keys", "").await, "scope");
    assert_bad_parameter(list(&mut dev, "", "dev").await, "principal_id");
}

#[tokio::test]
async fn read_permission_is_limited_to_its_scope() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    let own = server.principal("nobody").object_id;
    assert_not_granted(list(&mut nobody, "", &own).await);
    let assigned = assign(&mut dev, CRYPTO_AUDITOR, &own, "/keys/invoices").await;
    assert_eq!(list(&mut nobody, "/keys/invoices", "").await.unwrap(), [assigned.name]);
    // Listing without a scope requires the permission at `/`.
    for (scope, asked) in [("", "/"), ("/", "/"), ("/keys", "/keys"), ("/keys/letters", "/keys/letters")] {
        assert_eq!(error_metadata(&assert_not_granted(list(&mut nobody, scope, "").await), "scope"), asked);
    }
}
