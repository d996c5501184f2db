//! Deleting a resource group.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::{OWNER, assign, create_group, delete_group, get_group, group};
use crate::hsms::{self, Container};
use crate::roles::support::{assert_audited, assert_grpc_error, assert_not_granted, metadata};
use crate::support::Server;

#[tokio::test]
async fn deleted_group_frees_its_name() {
    let mut server = Server::start();
    let mut owner = server.client("owner").await;
    let made = create_group(&mut owner, "team").await;
    let request = pb::DeleteResourceGroupRequest { name: group("TEAM") };
    let answer = owner.resources.delete_resource_group(request).await;
    assert_audited(&server, metadata(&answer), "ResourceGroupDelete", "OK", &format!("/{}", group("TEAM")));
    assert_eq!(answer.unwrap().into_inner(), made);
    server.restart();
    let mut owner = server.client("owner").await;
    assert_grpc_error(get_group(&mut owner, "team").await, Code::NotFound, "RESOURCE_GROUP_NOT_FOUND");
    assert_grpc_error(delete_group(&mut owner, "team").await, Code::NotFound, "RESOURCE_GROUP_NOT_FOUND");
    create_group(&mut owner, "team").await;
}

#[tokio::test]
async fn hsms_are_soft_deleted_and_recoverable_into_a_new_group() {
    let mut server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let mut protected = container.create_request("protected");
    protected.managed_hsm.as_mut().unwrap().purge_protection = true;
    for request in [protected, container.create_request("earlier")] {
        owner.hsms.create_managed_hsm(request).await.unwrap();
    }
    let earlier = hsms::delete(&mut owner, container.hsm("earlier")).await.unwrap();
    let live = hsms::live_names(&mut owner, &container).await;
    assert_eq!(live, ["local", "protected"]);
    delete_group(&mut owner, "dev").await.unwrap();
    // One transaction: a crash does not leave it half done.
    server.kill();
    server.start_again();
    let mut owner = server.client("owner").await;
    assert_grpc_error(get_group(&mut owner, "dev").await, Code::NotFound, "RESOURCE_GROUP_NOT_FOUND");
    let deleted = hsms::deleted_names(&mut owner, &container).await;
    assert_eq!(deleted, ["earlier", "local", "protected"]);
    let request = pb::GetDeletedManagedHsmRequest { name: container.deleted("earlier") };
    assert_eq!(owner.hsms.get_deleted_managed_hsm(request).await.unwrap().into_inner(), earlier);
    assert_grpc_error(
        hsms::purge(&mut owner, container.deleted("protected")).await,
        Code::FailedPrecondition,
        "PURGE_PROTECTED",
    );
    assert_grpc_error(
        hsms::recover(&mut owner, container.deleted("local")).await,
        Code::NotFound,
        "RESOURCE_GROUP_NOT_FOUND",
    );
    hsms::purge(&mut owner, container.deleted("earlier")).await.unwrap();
    create_group(&mut owner, "dev").await;
    hsms::recover(&mut owner, container.deleted("local")).await.unwrap();
    assert_eq!(hsms::live_names(&mut owner, &container).await, ["local"]);
}

#[tokio::test]
async fn group_permission_suffices_and_ends_with_the_group() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let nobody = server.principal("nobody").object_id;
    assign(&mut owner, OWNER, &nobody, &group("dev")).await;
    let mut caller = server.client("nobody").await;
    delete_group(&mut caller, "dev").await.unwrap();
    assert_eq!(hsms::deleted_names(&mut owner, &container).await, ["local"]);
    // Assignments at the deleted group do not apply to a new group of the same name.
    create_group(&mut owner, "dev").await;
    assert_not_granted(get_group(&mut caller, "dev").await);
    assert_not_granted(hsms::recover(&mut caller, container.deleted("local")).await);
}

/// In any order, no HSM remains in a deleted group, and no call fails with an internal error.
#[tokio::test]
async fn concurrently_created_hsms_do_not_outlive_the_group() {
    let server = Server::start();
    let container = Container::of(&server);
    let owner = server.client("owner").await;
    let create = async |name: &str| {
        let mut owner = owner.clone();
        owner.hsms.create_managed_hsm(container.create_request(name)).await.map(drop)
    };
    let delete = async || {
        let mut owner = owner.clone();
        delete_group(&mut owner, "dev").await.map(drop)
    };
    let (one, two, deleted, again) = tokio::join!(create("one"), create("two"), delete(), delete());
    for outcome in [one, two, deleted.clone(), again.clone()] {
        let code = outcome.map_or_else(|status| status.code(), |()| Code::Ok);
        assert!(matches!(code, Code::Ok | Code::NotFound | Code::FailedPrecondition), "{code:?}");
    }
    let mut owner = owner.clone();
    if deleted.is_err() && again.is_err() {
        delete_group(&mut owner, "dev").await.unwrap();
    }
    assert!(hsms::live_names(&mut owner, &container).await.is_empty());
    assert_grpc_error(get_group(&mut owner, "dev").await, Code::NotFound, "RESOURCE_GROUP_NOT_FOUND");
}

#[tokio::test]
async fn refusal_does_not_disclose_existence() {
    let server = Server::start();
    for name in ["contributor", "reader", "administrator", "nobody"] {
        let mut caller = server.client(name).await;
        for wanted in ["dev", "none"] {
            assert_not_granted(delete_group(&mut caller, wanted).await);
        }
    }
}
