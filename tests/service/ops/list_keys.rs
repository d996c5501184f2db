//! Listing the keys of an HSM.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::support::{Client, Server, ec, error_metadata, oct, reason};

async fn page(client: &mut Client, size: i32, token: &str) -> Result<pb::ListKeysResponse, tonic::Status> {
    let request = pb::ListKeysRequest {
        parent: "hsms/local".to_owned(),
        page_size: size,
        page_token: token.to_owned(),
    };
    client.keys.list_keys(request).await.map(tonic::Response::into_inner)
}

/// Returns the names on all pages, and the number of pages.
async fn all(client: &mut Client, size: i32) -> (Vec<String>, usize) {
    let (mut names, mut pages, mut token) = (Vec::new(), 0, String::new());
    loop {
        let page = page(client, size, &token).await.unwrap();
        assert!(size == 0 || page.keys.len() <= usize::try_from(size).unwrap());
        names.extend(page.keys.into_iter().map(|key| key.name));
        pages += 1;
        if page.next_page_token.is_empty() {
            return (names, pages);
        }
        token = page.next_page_token;
    }
}

fn names(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| format!("hsms/local/keys/{key}")).collect()
}

#[tokio::test]
async fn lists_by_name_in_pages_of_any_size() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    assert_eq!(all(&mut dev, 0).await, (Vec::new(), 1));
    // Created in another order; one has two versions, one is in upper case.
    for name in ["d", "a", "C", "e-1", "b", "a"] {
        dev.create(ec(name, "P-256")).await.unwrap();
    }
    let expected = names(&["a", "b", "C", "d", "e-1"]);
    for (size, pages) in [(0, 1), (1, 5), (2, 3), (4, 2), (5, 1), (6, 1), (i32::MAX, 1)] {
        assert_eq!(all(&mut dev, size).await, (expected.clone(), pages), "pages of {size}");
    }

    // The list has the current version.
    let whole = page(&mut dev, 0, "").await.unwrap();
    let current =
        dev.keys.get_key(pb::GetKeyRequest { name: expected[0].clone() }).await.unwrap().into_inner();
    assert_eq!(whole.keys[0], pb::KeyBundle { name: expected[0].clone(), ..current });

    // A page token stays valid when its key is deleted.
    let first = page(&mut dev, 2, "").await.unwrap();
    dev.keys.delete_key(pb::DeleteKeyRequest { name: expected[1].clone() }).await.unwrap();
    let second = page(&mut dev, 2, &first.next_page_token).await.unwrap();
    let listed: Vec<_> = second.keys.into_iter().map(|key| key.name).collect();
    assert_eq!(listed, names(&["C", "d"]));
    assert_eq!(all(&mut dev, 0).await.0, names(&["a", "C", "d", "e-1"]));
}

#[tokio::test]
async fn default_page_size_is_100() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let expected: Vec<String> = (0..101).map(|number| format!("hsms/local/keys/k{number:03}")).collect();
    let mut creations = tokio::task::JoinSet::new();
    for name in &expected {
        // A key of one token object is the fastest to create.
        let name = name.rsplit('/').next().unwrap();
        let request = pb::CreateKeyRequest { key_ops: vec!["encrypt".to_owned()], ..oct(name, 128) };
        let mut dev = dev.clone();
        creations.spawn(async move { dev.create(request).await.unwrap() });
    }
    creations.join_all().await;
    assert_eq!(page(&mut dev, 0, "").await.unwrap().keys.len(), 100);
    assert_eq!(all(&mut dev, 0).await, (expected.clone(), 2));
    assert_eq!(all(&mut dev, 1000).await, (expected, 1));
}

#[tokio::test]
async fn rejects_invalid_arguments() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let long = "a".repeat(128);
    for (size, token, field) in
        [(-1, "", "page_size"), (0, "%%%", "page_token"), (0, "a b", "page_token"), (0, &long, "page_token")]
    {
        let status = page(&mut dev, size, token).await.unwrap_err();
        assert_eq!((status.code(), reason(&status).as_str()), (Code::InvalidArgument, "BAD_PARAMETER"));
        assert_eq!(error_metadata(&status, "field"), field, "{token}");
    }
    for parent in ["", "local", "hsms/", "hsms/local/keys"] {
        let request = pb::ListKeysRequest { parent: parent.to_owned(), ..Default::default() };
        let status = dev.keys.list_keys(request).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{parent}");
    }
}

#[tokio::test]
async fn requires_read_permission_at_all_keys() {
    let server = Server::start();
    let mut nobody = server.client("nobody").await;
    let status = page(&mut nobody, 0, "").await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "ACTION_NOT_GRANTED"));
    assert_eq!(error_metadata(&status, "action"), "Microsoft.KeyVault/managedHsm/keys/read/action");
    assert_eq!(error_metadata(&status, "scope"), "/keys");
    assert!(page(&mut server.client("crypto-auditor").await, 0, "").await.is_ok());
}
