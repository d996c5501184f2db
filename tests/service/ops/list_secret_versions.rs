//! Listing the versions of a secret.

use strongroom::api::grpc::pb;
use tonic::Status;

use crate::roles::support::assert_bad_parameter;
use crate::secrets::{
    assert_not_permitted, create_vault, delete, enable_request, policy, secret, set, start, without_value,
};
use crate::support::{Client, Server};

async fn page(
    client: &mut Client,
    name: &str,
    size: i32,
    token: &str,
) -> Result<pb::ListSecretVersionsResponse, Status> {
    let request =
        pb::ListSecretVersionsRequest { parent: secret(name), page_size: size, page_token: token.to_owned() };
    client.secrets.list_secret_versions(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn lists_oldest_first_in_pages_of_any_size() {
    let (_server, mut dev) = start().await;
    let mut made = Vec::new();
    for value in ["one", "two", "", "four", "five"] {
        made.push(without_value(&set(&mut dev, "password", value).await.unwrap()));
    }
    set(&mut dev, "other", "x").await.unwrap();
    let disabled = dev.secrets.update_secret_version(enable_request(&made[1].name, false)).await.unwrap();
    made[1] = disabled.into_inner();
    for size in [0, 1, 2, 3, 4, 5, 6] {
        let (mut versions, mut token) = (Vec::new(), String::new());
        loop {
            let page = page(&mut dev, "Password", size, &token).await.unwrap();
            assert!(size == 0 || page.versions.len() <= usize::try_from(size).unwrap());
            versions.extend(page.versions);
            token = page.next_page_token;
            if token.is_empty() {
                break;
            }
        }
        assert_eq!(versions, made, "pages of {size}");
    }
    // A version created between two pages is on the later page.
    let first = page(&mut dev, "password", 3, "").await.unwrap();
    made.push(without_value(&set(&mut dev, "password", "six").await.unwrap()));
    let rest = page(&mut dev, "password", 3, &first.next_page_token).await.unwrap();
    assert_eq!((rest.versions, rest.next_page_token.as_str()), (made[3..].to_vec(), ""));
}

#[tokio::test]
async fn unknown_and_deleted_secrets_have_no_versions() {
    let (_server, mut dev) = start().await;
    let none = pb::ListSecretVersionsResponse::default();
    assert_eq!(page(&mut dev, "nothing", 0, "").await.unwrap(), none);
    set(&mut dev, "password", "one").await.unwrap();
    delete(&mut dev, "password").await.unwrap();
    assert_eq!(page(&mut dev, "password", 0, "").await.unwrap(), none);
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let policies = vec![policy(&server, "dev", &["all"]), policy(&server, "crypto-user", &["get", "set"])];
    create_vault(&server, &mut dev, |vault| vault.access_policies = policies).await;
    let made = set(&mut dev, "password", "one").await.unwrap();
    for (size, token, field) in [
        (-1, "", "page_size"),
        (0, "password", "page_token"),
        (0, "-1", "page_token"),
        (0, "18446744073709551616", "page_token"),
    ] {
        assert_bad_parameter(page(&mut dev, "password", size, token).await, field);
    }
    for parent in ["vaults/sample", "vaults/sample/secrets/a_b", "vaults/sample/deletedSecrets/a", &made.name]
    {
        let request = pb::ListSecretVersionsRequest { parent: parent.to_owned(), ..Default::default() };
        assert_bad_parameter(dev.secrets.list_secret_versions(request).await, "parent");
    }
    assert_not_permitted(page(&mut server.client("crypto-user").await, "password", 0, "").await);
    assert_not_permitted(page(&mut server.client("crypto-user").await, "nothing", 0, "").await);
}
