//! Tests the web console without a browser: its files and their headers, the configuration for them, and sign-in. `tests/clients/console`
//! has the tests with a browser.

use http::{Method, StatusCode};
use serde_json::{Value, json};
use strongroom::api::grpc::pb;

use crate::support::{Client, Server, reason};

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'; connect-src 'self'";

/// Returns the URL of a path on a host of the server.
fn at(server: &Server, host: &str, path: &str) -> String {
    let endpoint = server.connection().endpoint;
    format!("https://{host}:{}{path}", endpoint.rsplit(':').next().unwrap())
}

/// Sends a request for an access token, and returns status and body.
async fn sign_in(server: &Server, host: &str, headers: &[(&str, &str)], body: &str) -> (u16, Value) {
    let mut request = server.http().post(at(server, host, "/console/token")).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert!(!answer.headers().contains_key("set-cookie"));
    (answer.status().as_u16(), answer.json().await.unwrap())
}

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn files_have_security_headers_and_entity_tags() {
    let server = Server::start();
    let http =
        server.http_builder().http1_only().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let send = async |method: Method, host: &str, path: &str, headers: &[(&str, &str)]| {
        let mut request = http.request(method, at(&server, host, path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    };
    for host in ["console.localhost", "localhost", "local.managedhsm.localhost", "management.localhost"] {
        for (path, kind) in [
            ("/console/", "text/html; charset=utf-8"),
            ("/console/console.js", "text/javascript; charset=utf-8"),
            ("/console/console.css", "text/css; charset=utf-8"),
        ] {
            let got = send(Method::GET, host, path, &[]).await;
            assert_eq!(
                (got.status().as_u16(), got.headers()["content-type"].to_str().unwrap()),
                (200, kind),
                "{path}"
            );
            assert_eq!(got.headers()["cache-control"], "no-cache");
            let (tag, length) = (got.headers()["etag"].clone(), got.headers()["content-length"].clone());
            assert!(!got.bytes().await.unwrap().is_empty());
            let head = send(Method::HEAD, host, path, &[]).await;
            assert_eq!((head.status().as_u16(), &head.headers()["content-length"]), (200, &length), "{path}");
            assert_eq!(head.headers()["etag"], tag);
            let same = send(Method::GET, host, path, &[("if-none-match", tag.to_str().unwrap())]).await;
            assert_eq!((same.status().as_u16(), &same.headers()["etag"]), (304, &tag), "{path}");
            assert_eq!(same.headers()["content-security-policy"], POLICY);
            assert!(same.bytes().await.unwrap().is_empty());
        }
    }
    for (method, path, status) in [
        (Method::GET, "/console/", 200),
        (Method::GET, "/console/config.json", 200),
        (Method::GET, "/", 307),
        (Method::GET, "/console", 307),
        (Method::GET, "/console/nothing", 404),
        (Method::GET, "/keys", 404),
        (Method::GET, "/console/token", 405),
        (Method::POST, "/console/", 405),
        (Method::DELETE, "/console/console.js", 405),
        (Method::OPTIONS, "/console/token", 405),
    ] {
        let got = send(method.clone(), "console.localhost", path, &[]).await;
        assert_eq!(got.status().as_u16(), status, "{method} {path}");
        for (name, value) in [
            ("content-security-policy", POLICY),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(got.headers()[name], value, "{method} {path}");
        }
        assert!(!got.headers().contains_key("set-cookie"));
        match status {
            307 => assert_eq!(got.headers()["location"], "/console/"),
            405 => assert!(got.headers().contains_key("allow"), "{method} {path}"),
            _ => {}
        }
    }
    // The other surfaces have the paths of the console nowhere, and theirs at all other hosts.
    assert_eq!(send(Method::GET, "localhost", "/", &[]).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(send(Method::GET, "login.localhost", "/console/", &[]).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(send(Method::GET, "console.localhost", "/healthz", &[]).await.status(), StatusCode::OK);
    assert_eq!(send(Method::GET, "console.localhost", "/ca.pem", &[]).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn config_names_principals_and_no_secrets() {
    let server = Server::start();
    let answer =
        server.http().get(at(&server, "console.localhost", "/console/config.json")).send().await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let config: Value = answer.json().await.unwrap();
    let connection = server.connection();
    assert_eq!((&config["mode"], &config["tenant"]), (&json!("simulator"), &json!(connection.tenant_id)));
    assert_eq!(config["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!((&config["hsm"], &config["vault"]), (&json!("local"), &json!("demo")));
    assert_eq!(config["subscription"], connection.subscription_id);
    let expected: Vec<_> = connection.principals.iter().map(|principal| json!(principal.name)).collect();
    let named: Vec<_> =
        config["principals"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert_eq!(named, expected);
    let nobody = server.principal("nobody");
    let described = json!({ "name": "nobody", "id": nobody.object_id, "description": "no roles" });
    assert!(config["principals"].as_array().unwrap().contains(&described), "{config}");
    for principal in &connection.principals {
        assert!(!config.to_string().contains(&principal.client_secret));
    }
    let file = std::fs::read_to_string(server.directory().join("connection.json")).unwrap();
    let file: Value = serde_json::from_str(&file).unwrap();
    assert_eq!(file["console"], at(&server, "console.localhost", "/"));
}

#[tokio::test]
async fn one_access_token_is_valid_for_all_planes() {
    let server = Server::start();
    let (status, answer) = sign_in(&server, "console.localhost", &[JSON], r#"{"principal": "dev"}"#).await;
    assert_eq!((status, &answer["expiresIn"]), (200, &json!(3599)), "{answer}");
    let mut dev = Client::new(server.channel().await, answer["accessToken"].as_str());
    let keys = pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
    dev.keys.list_keys(keys.clone()).await.unwrap();
    dev.keys
        .list_keys(pb::ListKeysRequest { parent: "vaults/demo".to_owned(), ..keys.clone() })
        .await
        .unwrap();
    let secrets = pb::ListSecretsRequest { parent: "vaults/demo".to_owned(), ..Default::default() };
    dev.secrets.list_secrets(secrets).await.unwrap();
    let parent = format!("subscriptions/{}", server.connection().subscription_id);
    let hsms = pb::ListManagedHsmsRequest { parent, ..Default::default() };
    dev.hsms.list_managed_hsms(hsms).await.unwrap();
    dev.clock.get_clock(pb::GetClockRequest::default()).await.unwrap();

    // It has the rights of its principal.
    let (_, answer) = sign_in(&server, "localhost", &[JSON], r#"{"principal": "nobody"}"#).await;
    let mut nobody = Client::new(server.channel().await, answer["accessToken"].as_str());
    assert_eq!(reason(&nobody.keys.list_keys(keys).await.unwrap_err()), "ACTION_NOT_GRANTED");

    let issued = server.audit_where(2, |entry| entry["requestUri"] == "/console/token");
    assert_eq!(issued.len(), 2, "{issued:?}");
}

#[tokio::test]
async fn sign_in_refuses_requests_of_other_origins() {
    let server = Server::start();
    let body = r#"{"principal": "dev"}"#;
    let own = at(&server, "console.localhost", "");
    let page = [JSON, ("origin", &own), ("sec-fetch-site", "same-origin")];
    assert_eq!(sign_in(&server, "console.localhost", &page, body).await.0, 200);
    for (headers, body, status, code) in [
        (&[JSON, ("origin", "https://attacker.example")][..], body, 403, "Forbidden"),
        (&[JSON, ("origin", "null")], body, 403, "Forbidden"),
        (&[JSON, ("sec-fetch-site", "cross-site")], body, 403, "Forbidden"),
        (&[JSON, ("host", "attacker.example")], body, 403, "Forbidden"),
        (&[("content-type", "text/plain")], body, 415, "InvalidRequest"),
        (&[], body, 415, "InvalidRequest"),
        (&[JSON], "", 400, "InvalidRequest"),
        (&[JSON], "{}", 400, "InvalidRequest"),
        (&[JSON], r#"{"principal": "dev", "roles": []}"#, 400, "InvalidRequest"),
        (&[JSON], r#"{"principal": "root"}"#, 400, "UnknownPrincipal"),
    ] {
        let (got, answer) = sign_in(&server, "console.localhost", headers, body).await;
        assert_eq!((got, &answer["error"]["code"]), (status, &json!(code)), "{headers:?} {body}: {answer}");
        assert!(answer["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
    }
    let refused = server
        .audit_where(10, |entry| entry["requestUri"] == "/console/token" && entry["resultType"] != "Success");
    assert_eq!(refused.len(), 10, "{refused:?}");
}

#[tokio::test]
async fn console_can_be_switched_off() {
    let server = Server::start_with(&[], &[("STRONGROOM_SIMULATOR__CONSOLE_SIGN_IN", "off")]);
    for (host, status) in [("console.localhost", 401), ("localhost", 401), ("management.localhost", 401)] {
        let got = server.http().get(at(&server, host, "/console/")).send().await.unwrap();
        assert_eq!(got.status().as_u16(), status, "{host}");
    }
    let file = std::fs::read_to_string(server.directory().join("connection.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&file).unwrap()["console"], Value::Null);
}
