//! Listing the secrets of a vault.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::roles::support::{assert_bad_parameter, assert_grpc_error};
use crate::secrets::{
    VAULT, assert_not_permitted, create_vault, delete, enable_request, list, policy, secret, set, start,
    without_value,
};
use crate::support::{Client, Server};

async fn page(client: &mut Client, size: i32, token: &str) -> Result<pb::ListSecretsResponse, Status> {
    let request =
        pb::ListSecretsRequest { parent: VAULT.to_owned(), page_size: size, page_token: token.to_owned() };
    client.secrets.list_secrets(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn lists_by_name_in_pages_of_any_size() {
    let (_server, mut dev) = start().await;
    assert_eq!(page(&mut dev, 0, "").await.unwrap(), pb::ListSecretsResponse::default());
    let mut expected = Vec::new();
    for name in ["c", "A", "b-1", "d", "deleted"] {
        set(&mut dev, name, "old").await.unwrap();
        let current = set(&mut dev, name, "new").await.unwrap();
        match name {
            "deleted" => drop(delete(&mut dev, name).await.unwrap()),
            _ => expected.push(pb::SecretBundle { name: secret(name), ..without_value(&current) }),
        }
    }
    expected.sort_by_key(|secret| secret.name.to_lowercase());
    for size in [0, 1, 2, 3, 4, 5, 1000] {
        let (mut listed, mut token) = (Vec::new(), String::new());
        loop {
            let page = page(&mut dev, size, &token).await.unwrap();
            assert!(size == 0 || page.secrets.len() <= usize::try_from(size).unwrap());
            listed.extend(page.secrets);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(listed, expected, "pages of {size}");
    }
    // Disabled secrets are listed.
    dev.secrets.update_secret_version(enable_request(&secret("a"), false)).await.unwrap();
    assert!(!list(&mut dev).await[0].enabled);
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![policy(&server, "dev", &["all"]), policy(&server, "crypto-user", &["get", "set"])];
    create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    for (size, token, field) in [(-1, "", "page_size"), (0, "%%%", "page_token")] {
        assert_bad_parameter(page(&mut dev, size, token).await, field);
    }
    for parent in ["", "sample", "vaults/a", "hsms/local", "vaults/sample/secrets"] {
        let request = pb::ListSecretsRequest { parent: parent.to_owned(), ..Default::default() };
        assert_bad_parameter(dev.secrets.list_secrets(request).await, "parent");
    }
    let request = pb::ListSecretsRequest { parent: "vaults/nothing".to_owned(), ..Default::default() };
    assert_grpc_error(dev.secrets.list_secrets(request).await, Code::NotFound, "VAULT_NOT_FOUND");
    assert_not_permitted(page(&mut server.client("crypto-user").await, 0, "").await);
    assert_not_permitted(page(&mut server.client("owner").await, 0, "").await);
}
