//! Tokens for Azure Resource Manager open it and nothing else.

use super::ask::{Arm, SUBSCRIPTION, refused};
use crate::rest::ask::Rest;
use crate::support::Server;

#[tokio::test]
async fn tokens_open_what_they_are_for() {
    let server = Server::start();
    let stranger = Arm::stranger(&server);
    let data_plane = Rest::stranger(&server);
    for audience in [
        stranger.base().to_owned(),
        format!("{}/", stranger.base()),
        "https://management.localhost".to_owned(),
        "https://management.azure.com/".to_owned(),
        "https://management.core.windows.net/".to_owned(),
    ] {
        let token = server.token_for("dev", &audience).await;
        stranger.with(&token).get(SUBSCRIPTION).await;
        assert_eq!(data_plane.with(&token).get("/keys").await.status, 401, "{audience}");
    }
    let token = server.token("dev").await;
    data_plane.with(&token).get("/keys").await.json(200);
    refused(&stranger.with(&token).ask("GET", SUBSCRIPTION).await, 401);
}

#[tokio::test]
async fn strangers_are_told_where_to_get_one() {
    let server = Server::start();
    let stranger = Arm::stranger(&server);
    for (method, path) in
        [("GET", SUBSCRIPTION), ("PUT", "/nonsense"), ("DELETE", "/subscriptions/x"), ("POST", "/")]
    {
        let answer = stranger.ask(method, path).await;
        let (code, _) = refused(&answer, 401);
        assert_eq!(code, "AuthenticationFailed");
        let challenge = answer.header("www-authenticate");
        let authority = format!(
            "Bearer authorization_uri=\"{}/{}\"",
            stranger.base().replace("management.", "login."),
            server.connection().tenant_id
        );
        assert!(challenge.starts_with(&authority), "{challenge}");
    }
}
