//! Listing deleted vaults.

use strongroom::api::grpc::pb;

use crate::hsms::Container;
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_not_granted, metadata};
use crate::support::Server;
use crate::vaults::{create, delete};

fn request(parent: &str) -> pb::ListDeletedVaultsRequest {
    pb::ListDeletedVaultsRequest { parent: parent.to_owned(), ..Default::default() }
}

#[tokio::test]
async fn lists_by_name_in_pages_of_any_size() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    for name in ["alpha", "live", "beta", "gamma"] {
        create(&mut owner, container.vault_request(name)).await.unwrap();
    }
    let mut expected = Vec::new();
    for name in ["gamma", "beta", "alpha"] {
        expected.insert(0, delete(&mut owner, container.vault(name)).await.unwrap());
    }
    // Deleted HSMs are not listed.
    crate::hsms::delete(&mut owner, container.hsm("local")).await.unwrap();
    for page_size in [1, 2, 3] {
        let mut found = Vec::new();
        let mut request = pb::ListDeletedVaultsRequest { page_size, ..request(&container.subscription) };
        loop {
            let page = owner.vaults.list_deleted_vaults(request.clone()).await.unwrap().into_inner();
            found.extend(page.deleted_vaults);
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        assert_eq!(found, expected, "by {page_size}");
    }
    let answer = owner.vaults.list_deleted_vaults(request(&container.subscription)).await;
    let scope = format!("/{}/providers/Microsoft.KeyVault/deletedVaults", container.subscription);
    assert_audited(&server, metadata(&answer), "VaultListDeleted", "OK", &scope);
}

#[tokio::test]
async fn requires_a_control_plane_role() {
    let server = Server::start();
    let container = Container::of(&server);
    for name in ["contributor", "administrator", "crypto-officer", "nobody"] {
        let mut caller = server.client(name).await;
        assert_not_granted(caller.vaults.list_deleted_vaults(request(&container.subscription)).await);
    }
    let mut reader = server.client("reader").await;
    let none = reader.vaults.list_deleted_vaults(request(&container.subscription)).await.unwrap();
    assert_eq!(none.into_inner().deleted_vaults, []);
    assert_bad_parameter(reader.vaults.list_deleted_vaults(request(&container.group)).await, "parent");
}
