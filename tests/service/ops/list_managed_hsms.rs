//! Listing managed HSMs.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::hsms::{Container, delete};
use crate::roles::support::{assert_bad_parameter, assert_grpc_error, assert_not_granted};
use crate::support::Server;

fn request(parent: &str) -> pb::ListManagedHsmsRequest {
    pb::ListManagedHsmsRequest { parent: parent.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn lists_live_hsms_by_name_in_pages_of_any_size() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    for name in ["beta", "alpha", "deleted"] {
        contributor.hsms.create_managed_hsm(container.create_request(name)).await.unwrap();
    }
    delete(&mut contributor, container.hsm("deleted")).await.unwrap();
    for parent in [&container.subscription, &container.group] {
        for page_size in [1, 2, 3, 100] {
            let mut names = Vec::new();
            let mut request = pb::ListManagedHsmsRequest { page_size, ..request(parent) };
            loop {
                let page = contributor.hsms.list_managed_hsms(request.clone()).await.unwrap().into_inner();
                names.extend(page.managed_hsms.into_iter().map(|hsm| hsm.data_plane));
                if page.next_page_token.is_empty() {
                    break;
                }
                request.page_token = page.next_page_token;
            }
            assert_eq!(names, ["hsms/alpha", "hsms/beta", "hsms/local"], "{parent} by {page_size}");
        }
    }
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut reader = server.client("reader").await;
    let none = format!("{}/resourceGroups/none", container.subscription);
    assert_grpc_error(
        reader.hsms.list_managed_hsms(request(&none)).await,
        Code::NotFound,
        "RESOURCE_GROUP_NOT_FOUND",
    );
    for parent in ["", "hsms/local", "subscriptions/x"] {
        assert_bad_parameter(reader.hsms.list_managed_hsms(request(parent)).await, "parent");
    }
    let wrong = pb::ListManagedHsmsRequest { page_size: -1, ..request(&container.subscription) };
    assert_bad_parameter(reader.hsms.list_managed_hsms(wrong).await, "page_size");
    let mut user = server.client("crypto-user").await;
    assert_not_granted(user.hsms.list_managed_hsms(request(&container.subscription)).await);
}
