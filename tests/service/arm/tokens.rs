//! Access tokens for Azure Resource Manager: accepted audiences and the challenge.

use super::client::{Arm, SUBSCRIPTION, assert_arm_error};
use crate::rest::client::Rest;
use crate::support::Server;

#[tokio::test]
async fn tokens_are_accepted_for_their_audience_only() {
    let server = Server::start();
    let unauthenticated = Arm::unauthenticated(&server);
    let data_plane = Rest::unauthenticated(&server);
    let vaults = unauthenticated.base().replace("management.", "vault.");
    for audience in [
        unauthenticated.base().to_owned(),
        format!("{}/", unauthenticated.base()),
        "https://management.localhost".to_owned(),
        "https://management.azure.com/".to_owned(),
        "https://management.core.windows.net/".to_owned(),
    ] {
        let token = server.access_token_for("dev", &audience).await;
        unauthenticated.with_token(&token).get(SUBSCRIPTION).await;
        assert_eq!(data_plane.with_token(&token).get("/keys").await.status, 401, "{audience}");
    }
    for audience in
        ["https://vault.localhost".to_owned(), "https://vault.azure.net/".to_owned(), vaults.clone()]
    {
        let token = server.access_token_for("dev", &audience).await;
        assert_arm_error(&unauthenticated.with_token(&token).request("GET", SUBSCRIPTION).await, 401);
        assert_eq!(data_plane.with_token(&token).get("/keys").await.status, 401, "{audience}");
    }
    let token = server.access_token("dev").await;
    data_plane.with_token(&token).get("/keys").await.json(200);
    assert_arm_error(&unauthenticated.with_token(&token).request("GET", SUBSCRIPTION).await, 401);
}

#[tokio::test]
async fn challenge_names_the_authority() {
    let server = Server::start();
    let unauthenticated = Arm::unauthenticated(&server);
    for (method, path) in
        [("GET", SUBSCRIPTION), ("PUT", "/nonsense"), ("DELETE", "/subscriptions/x"), ("POST", "/")]
    {
        let answer = unauthenticated.request(method, path).await;
        let (code, _) = assert_arm_error(&answer, 401);
        assert_eq!(code, "AuthenticationFailed");
        let challenge = answer.header("www-authenticate");
        let authority = format!(
            "Bearer authorization_uri=\"{}/{}\"",
            unauthenticated.base().replace("management.", "login."),
            server.connection().tenant_id
        );
        assert!(challenge.starts_with(&authority), "{challenge}");
    }
}
