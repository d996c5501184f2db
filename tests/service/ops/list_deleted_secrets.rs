//! Listing the deleted secrets of a vault.

use strongroom::api::grpc::pb;
use tonic::Status;

use crate::roles::support::assert_bad_parameter;
use crate::secrets::{
    VAULT, assert_not_permitted, create_vault, delete, deleted_secret, policy, recover, set, start,
};
use crate::support::{Client, Server};

async fn page(client: &mut Client, size: i32, token: &str) -> Result<pb::ListDeletedSecretsResponse, Status> {
    let request = pb::ListDeletedSecretsRequest {
        parent: VAULT.to_owned(),
        page_size: size,
        page_token: token.to_owned(),
    };
    client.secrets.list_deleted_secrets(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn lists_by_name_in_pages_of_any_size() {
    let (_server, mut dev) = start().await;
    assert_eq!(page(&mut dev, 0, "").await.unwrap(), pb::ListDeletedSecretsResponse::default());
    let mut deleted = Vec::new();
    for name in ["c", "live", "A", "b", "d"] {
        set(&mut dev, name, "x").await.unwrap();
        if name != "live" {
            deleted.push(delete(&mut dev, name).await.unwrap());
        }
    }
    deleted.sort_by_key(|secret| secret.name.to_lowercase());
    for size in [0, 1, 2, 3, 4, 5] {
        let (mut listed, mut token) = (Vec::new(), String::new());
        loop {
            let page = page(&mut dev, size, &token).await.unwrap();
            assert!(size == 0 || page.deleted_secrets.len() <= usize::try_from(size).unwrap());
            listed.extend(page.deleted_secrets);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(listed, deleted, "pages of {size}");
    }
    recover(&mut dev, "b").await.unwrap();
    let page = page(&mut dev, 0, "").await.unwrap();
    let names: Vec<_> = page.deleted_secrets.into_iter().map(|secret| secret.name).collect();
    assert_eq!(names, ["A", "c", "d"].map(deleted_secret));
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![policy(&server, "dev", &["all"]), policy(&server, "crypto-user", &["get", "purge"])];
    create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    for (size, token, field) in [(-1, "", "page_size"), (0, "%%%", "page_token")] {
        assert_bad_parameter(page(&mut dev, size, token).await, field);
    }
    for parent in ["", "vaults/sample/deletedSecrets", "hsms/local"] {
        let request = pb::ListDeletedSecretsRequest { parent: parent.to_owned(), ..Default::default() };
        assert_bad_parameter(dev.secrets.list_deleted_secrets(request).await, "parent");
    }
    assert_not_permitted(page(&mut server.client("crypto-user").await, 0, "").await);
}
