//! Tests the web console of a gateway: it is served if it is a client of an issuer, and signs in there.

use serde_json::{Value, json};

use super::fixture::{Gateway, ISSUER};

/// Returns a client that trusts the gateway.
fn http(gateway: &Gateway) -> reqwest::Client {
    let authority = reqwest::Certificate::from_pem(gateway.authority.pem.as_bytes()).unwrap();
    reqwest::Client::builder().http1_only().tls_certs_only([authority]).build().unwrap()
}

#[tokio::test]
async fn console_is_served_as_client_of_an_issuer_only() {
    let mut gateway = Gateway::new();
    let port = gateway.start();
    let url = |path: &str, port: u16| format!("https://localhost:{port}{path}");
    let answer = http(&gateway).get(url("/console/", port)).send().await.unwrap();
    assert_eq!(answer.status(), 401, "without a client id, this is a path of the data plane");
    gateway.stop();

    let plain = gateway.configuration();
    gateway.write(
        "strongroom.toml",
        &format!("{plain}\n[console]\nscopes = [\"openid\"]\nissuer = \"{ISSUER}\"\n"),
    );
    let stderr = String::from_utf8_lossy(&gateway.fails().stderr).into_owned();
    assert!(stderr.contains("console.client_id"), "{stderr}");

    let console = "\n[console]\nclient_id = \"console\"\nscopes = [\"openid\", \"api://hsm/use\"]\n\
                   resource = \"https://hsm.example\"\nconnect_origins = [\"https://token.example\"]\n";
    gateway.write("strongroom.toml", &format!("{plain}{console}"));
    let port = gateway.start();
    let http = http(&gateway);
    let page = http.get(url("/console/", port)).send().await.unwrap();
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.ends_with("; connect-src 'self' https://login.example https://token.example"), "{policy}");
    let config: Value =
        http.get(url("/console/config.json", port)).send().await.unwrap().json().await.unwrap();
    let expected = json!({
        "mode": "gateway",
        "version": env!("CARGO_PKG_VERSION"),
        "issuer": ISSUER,
        "clientId": "console",
        "scopes": ["openid", "api://hsm/use"],
        "resource": "https://hsm.example",
    });
    assert_eq!(config, expected);
    // It signs in at the issuer, and has no access tokens of its own.
    let request = http.post(url("/console/token", port)).header("content-type", "application/json");
    let answer = request.body(r#"{"principal": "dev"}"#).send().await.unwrap();
    assert_eq!(answer.status(), 404);
}
