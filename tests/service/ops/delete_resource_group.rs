//! Deleting a resource group.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::ask::{delete_group, get_group, group, make_group};
use crate::hsms::{self, Place};
use crate::roles::ask::{assert_recorded, fails, metadata, not_granted};
use crate::support::{Server, fact};

#[tokio::test]
async fn an_empty_group_goes_and_its_name_is_free() {
    let mut server = Server::start();
    let mut owner = server.client("owner").await;
    let made = make_group(&mut owner, "team").await;
    let request = pb::DeleteResourceGroupRequest { name: group("TEAM") };
    let answer = owner.resources.delete_resource_group(request).await;
    assert_recorded(&server, metadata(&answer), "ResourceGroupDelete", "OK", &format!("/{}", group("TEAM")));
    assert_eq!(answer.unwrap().into_inner(), made);
    server.restart();
    let mut owner = server.client("owner").await;
    fails(get_group(&mut owner, "team").await, Code::NotFound, "RESOURCE_GROUP_NOT_FOUND");
    fails(delete_group(&mut owner, "team").await, Code::NotFound, "RESOURCE_GROUP_NOT_FOUND");
    make_group(&mut owner, "team").await;
}

#[tokio::test]
async fn a_group_that_holds_an_hsm_live_or_deleted_stays() {
    let server = Server::start();
    let place = Place::of(&server);
    let mut owner = server.client("owner").await;
    for _ in 0..2 {
        let refused = delete_group(&mut owner, "dev").await;
        let status = fails(refused, Code::FailedPrecondition, "RESOURCE_GROUP_NOT_EMPTY");
        let facts = (fact(&status, "hsm"), fact(&status, "resource_group"));
        assert_eq!(facts, ("local".to_owned(), "dev".to_owned()));
        assert!(get_group(&mut owner, "dev").await.is_ok());
        // The second time, it is deleted already.
        let _ = hsms::delete(&mut owner, place.hsm("local")).await;
    }
    hsms::purge(&mut owner, place.deleted("local")).await.unwrap();
    delete_group(&mut owner, "dev").await.unwrap();
}

#[tokio::test]
async fn who_may_not_is_told_nothing() {
    let server = Server::start();
    for name in ["contributor", "reader", "administrator", "nobody"] {
        let mut caller = server.client(name).await;
        for wanted in ["dev", "none"] {
            not_granted(delete_group(&mut caller, wanted).await);
        }
    }
}
