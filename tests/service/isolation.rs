//! Tests that two managed HSMs of one service are isolated from each other.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::support::{Client, Server, ec, oct, reason};

const SEED: &str = r#"
tenant_id = "80f21547-34fa-57ae-8d8d-ff24c182a929"
resource_group = "dev"

[subscription]
id = "e091ccde-12fe-56c1-a9da-c98193d4bdb5"
name = "dev"

[[hsm]]
name = "north"

[[hsm]]
name = "south"
retention_days = 7

[[principal]]
name = "dev"
object_id = "5f5f0fe6-58db-5998-91a5-15b9b035d751"
client_id = "57a6fa86-5ca6-5419-900e-a5be23357152"
roles = ["Managed HSM Administrator", "Managed HSM Crypto Officer", "Managed HSM Crypto User"]

[[principal]]
name = "guest"
object_id = "017ef382-ccfc-5a21-8811-f306212af370"
client_id = "ea50281e-832d-5a7b-994f-0e1f8623868e"
"#;

fn hsm(name: &str) -> String {
    format!("hsms/{name}")
}

async fn create(
    client: &mut Client,
    hsm: &str,
    request: pb::CreateKeyRequest,
) -> Result<pb::KeyBundle, Status> {
    client.create(pb::CreateKeyRequest { parent: format!("hsms/{hsm}"), ..request }).await
}

async fn sign(client: &mut Client, name: &str) -> Result<Vec<u8>, Status> {
    let request =
        pb::SignRequest { name: name.to_owned(), algorithm: "ES256".to_owned(), digest: vec![5; 32] };
    Ok(client.crypto.sign(request).await?.into_inner().signature)
}

async fn names(client: &mut Client, hsm: &str) -> (Vec<String>, Vec<String>) {
    let parent = format!("hsms/{hsm}");
    let keys = pb::ListKeysRequest { parent: parent.clone(), ..Default::default() };
    let deleted = pb::ListDeletedKeysRequest { parent, ..Default::default() };
    let keys = client.keys.list_keys(keys).await.unwrap().into_inner().keys;
    let deleted = client.keys.list_deleted_keys(deleted).await.unwrap().into_inner().deleted_keys;
    (keys.into_iter().map(|key| key.name).collect(), deleted.into_iter().map(|key| key.name).collect())
}

fn assert_not_found(result: Result<impl std::fmt::Debug, Status>) {
    let status = result.unwrap_err();
    assert_eq!(status.code(), Code::NotFound, "{status:?}");
    assert!(["KEY_NOT_FOUND", "DELETED_KEY_NOT_FOUND"].contains(&reason(&status).as_str()), "{status:?}");
}

fn server() -> Server {
    let directory = tempfile::tempdir().unwrap();
    let seed = directory.path().join("seed.toml");
    std::fs::write(&seed, SEED).unwrap();
    let seed = seed.to_str().unwrap().to_owned();
    Server::start_in(directory, &[], &[("STRONGROOM_SIMULATOR__SEED_FILE", &seed)])
}

#[tokio::test]
async fn keys_of_one_hsm_are_not_found_in_the_other() {
    let mut server = server();
    let mut dev = server.client("dev").await;
    let north = create(&mut dev, "north", ec("invoices", "P-256")).await.unwrap();
    let south = create(&mut dev, "south", ec("Invoices", "P-256")).await.unwrap();
    create(&mut dev, "north", oct("data", 256)).await.unwrap();
    assert_ne!(north.key, south.key, "keys of the same name are different keys");
    assert_eq!((north.recoverable_days, south.recoverable_days), (90, 7));
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        names(&mut dev, "north").await,
        (list(&["hsms/north/keys/data", "hsms/north/keys/invoices"]), vec![])
    );
    assert_eq!(names(&mut dev, "south").await, (list(&["hsms/south/keys/Invoices"]), vec![]));

    // A version of one HSM's key is not found under the other HSM's key of the same name.
    let foreign = north.name.replace("north", "south");
    assert_not_found(dev.keys.get_key(pb::GetKeyRequest { name: foreign.clone() }).await);
    assert_not_found(sign(&mut dev, &foreign).await);
    assert_not_found(dev.keys.get_key(pb::GetKeyRequest { name: "hsms/south/keys/data".to_owned() }).await);

    // A deleted key reserves its name only in its own HSM, and cannot be accessed through the other.
    let name = "hsms/north/keys/invoices".to_owned();
    dev.keys.delete_key(pb::DeleteKeyRequest { name }).await.unwrap();
    assert_eq!(names(&mut dev, "north").await.1, ["hsms/north/deletedKeys/invoices"]);
    assert_eq!(names(&mut dev, "south").await.1, [] as [&str; 0]);
    let taken = create(&mut dev, "north", ec("invoices", "P-256")).await.unwrap_err();
    assert_eq!(taken.code(), Code::AlreadyExists);
    create(&mut dev, "south", ec("invoices", "P-256")).await.unwrap();
    let elsewhere = "hsms/south/deletedKeys/invoices".to_owned();
    assert_not_found(dev.keys.get_deleted_key(pb::GetDeletedKeyRequest { name: elsewhere.clone() }).await);
    assert_not_found(
        dev.keys.recover_deleted_key(pb::RecoverDeletedKeyRequest { name: elsewhere.clone() }).await,
    );
    assert_not_found(dev.keys.purge_deleted_key(pb::PurgeDeletedKeyRequest { name: elsewhere }).await);

    // A purge in one HSM does not affect the other's key of the same name, also after a restart.
    let name = "hsms/north/deletedKeys/invoices".to_owned();
    dev.keys.purge_deleted_key(pb::PurgeDeletedKeyRequest { name }).await.unwrap();
    sign(&mut dev, &south.name).await.unwrap();
    server.restart();
    let mut dev = server.client("dev").await;
    sign(&mut dev, &south.name).await.unwrap();
    assert_eq!(names(&mut dev, "north").await, (list(&["hsms/north/keys/data"]), vec![]));
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn roles_of_one_hsm_grant_nothing_in_the_other() {
    let server = server();
    let mut dev = server.client("dev").await;
    let mut guest = server.client("guest").await;
    for hsm in ["north", "south"] {
        create(&mut dev, hsm, ec("invoices", "P-256")).await.unwrap();
    }
    let (north, south) = ("hsms/north/keys/invoices", "hsms/south/keys/invoices");
    let roles = pb::ListRoleDefinitionsRequest { parent: hsm("north") };
    let roles = dev.access.list_role_definitions(roles).await.unwrap().into_inner().role_definitions;
    let user = roles.iter().find(|role| role.role_name == "Managed HSM Crypto User").unwrap().name.clone();

    let mut request = pb::CreateRoleAssignmentRequest {
        parent: hsm("south"),
        role_definition: user.clone(),
        principal_id: server.principal("guest").object_id,
        scope: "/".to_owned(),
        ..Default::default()
    };
    let refused = dev.access.create_role_assignment(request.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "a role definition of the other HSM: {refused:?}");
    request.parent = hsm("north");
    let given = dev.access.create_role_assignment(request).await.unwrap().into_inner();

    sign(&mut guest, north).await.unwrap();
    assert_eq!(sign(&mut guest, south).await.unwrap_err().code(), Code::PermissionDenied);
    let why = pb::CheckAccessRequest {
        parent: hsm("south"),
        principal_id: server.principal("guest").object_id,
        action: "keys/sign".to_owned(),
        scope: "/keys/invoices".to_owned(),
        ..Default::default()
    };
    assert!(!dev.access.check_access(why).await.unwrap().into_inner().allowed);

    // Neither the assignment nor a custom role can be read or deleted through the other HSM.
    let foreign = given.name.replace("north", "south");
    let got = dev.access.get_role_assignment(pb::GetRoleAssignmentRequest { name: foreign.clone() }).await;
    assert_eq!(got.unwrap_err().code(), Code::NotFound);
    let result = dev.access.delete_role_assignment(pb::DeleteRoleAssignmentRequest { name: foreign }).await;
    assert_eq!(result.unwrap_err().code(), Code::NotFound);
    let custom = pb::PutRoleDefinitionRequest {
        parent: hsm("north"),
        role_definition: Some(pb::RoleDefinition { role_name: "Signer".to_owned(), ..Default::default() }),
        ..Default::default()
    };
    let custom = dev.access.put_role_definition(custom).await.unwrap().into_inner();
    let listed = pb::ListRoleDefinitionsRequest { parent: hsm("south") };
    let listed = dev.access.list_role_definitions(listed).await.unwrap().into_inner().role_definitions;
    assert!(listed.iter().all(|role| role.role_name != "Signer"));
    let foreign = custom.name.replace("north", "south");
    let result = dev.access.delete_role_definition(pb::DeleteRoleDefinitionRequest { name: foreign }).await;
    assert_eq!(result.unwrap_err().code(), Code::NotFound);
    let assignments = pb::ListRoleAssignmentsRequest { parent: hsm("south"), ..Default::default() };
    let assignments =
        dev.access.list_role_assignments(assignments).await.unwrap().into_inner().role_assignments;
    assert!(assignments.iter().all(|one| one.principal_id != server.principal("guest").object_id));
    sign(&mut guest, north).await.unwrap();
}
