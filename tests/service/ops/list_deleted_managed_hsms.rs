//! Listing deleted managed HSMs.

use strongroom::api::grpc::pb;

use crate::hsms::{Container, delete};
use crate::roles::support::{assert_bad_parameter, assert_not_granted};
use crate::support::Server;

fn request(parent: &str) -> pb::ListDeletedManagedHsmsRequest {
    pb::ListDeletedManagedHsmsRequest { parent: parent.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn lists_by_name_in_pages_of_any_size() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    let mut expected = vec![delete(&mut contributor, container.hsm("local")).await.unwrap()];
    for name in ["alpha", "live", "beta"] {
        contributor.hsms.create_managed_hsm(container.create_request(name)).await.unwrap();
    }
    for name in ["beta", "alpha"] {
        expected.insert(0, delete(&mut contributor, container.hsm(name)).await.unwrap());
    }
    for page_size in [1, 2, 3] {
        let mut found = Vec::new();
        let mut request = pb::ListDeletedManagedHsmsRequest { page_size, ..request(&container.subscription) };
        loop {
            let page =
                contributor.hsms.list_deleted_managed_hsms(request.clone()).await.unwrap().into_inner();
            found.extend(page.deleted_managed_hsms);
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(found, expected, "by {page_size}");
    }
}

#[tokio::test]
async fn requires_a_control_plane_role() {
    let server = Server::start();
    let container = Container::of(&server);
    for name in ["administrator", "crypto-officer", "nobody"] {
        let mut caller = server.client(name).await;
        assert_not_granted(caller.hsms.list_deleted_managed_hsms(request(&container.subscription)).await);
    }
    let mut reader = server.client("reader").await;
    let none = reader.hsms.list_deleted_managed_hsms(request(&container.subscription)).await.unwrap();
    assert_eq!(none.into_inner().deleted_managed_hsms, []);
    assert_bad_parameter(reader.hsms.list_deleted_managed_hsms(request(&container.group)).await, "parent");
}
