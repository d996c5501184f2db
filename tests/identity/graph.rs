//! Tests the directory (Microsoft Graph) over HTTP, with the requests of Azure's command line.

use serde_json::{Value, json};
use strongroom::identity::KeySource;
use uuid::Uuid;

use crate::authority::{APPLICATION, HOST, RunningAuthority};
use crate::support::*;

/// A directory and an access token for it.
struct Directory {
    running: RunningAuthority,
    token: String,
}

impl Directory {
    async fn start() -> Self {
        let running = RunningAuthority::start().await;
        let (_, answer) = running.request_token(&[("scope", "https://graph.microsoft.com//.default")]).await;
        let token = answer["access_token"].as_str().unwrap().to_owned();
        Self { running, token }
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> (u16, Value) {
        let url = format!("{}{path}", self.running.base);
        let url = reqwest::Url::parse_with_params(&url, query).unwrap();
        let answer = self.running.http.get(url).bearer_auth(&self.token).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn by_ids(&self, token: &str, body: &Value) -> (u16, Value) {
        let request = self.running.http.post(format!("{}/v1.0/directoryObjects/getByIds", self.running.base));
        let answer = request.bearer_auth(token).json(body).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

#[tokio::test]
async fn get_by_ids_returns_service_principals() {
    let directory = Directory::start().await;
    let ids = json!({"ids": [PRINCIPAL, Uuid::from_u128(99), "nobody"]});
    let (status, answer) = directory.by_ids(&directory.token, &ids).await;
    let expected = json!({"value": [{"@odata.type": "#microsoft.graph.servicePrincipal", "id": PRINCIPAL,
        "accountEnabled": true, "appId": APPLICATION, "appDisplayName": "payroll", "displayName": "payroll",
        "servicePrincipalNames": [APPLICATION], "servicePrincipalType": "Application"}]});
    assert_eq!((status, answer), (200, expected));
    for (types, found) in
        [(json!([]), 1), (json!(["user", "group"]), 0), (json!(["user", "servicePrincipal"]), 1)]
    {
        let request = json!({"ids": [PRINCIPAL], "types": types});
        let (_, answer) = directory.by_ids(&directory.token, &request).await;
        assert_eq!(answer["value"].as_array().unwrap().len(), found, "{request}");
    }
    let many: Vec<Uuid> = vec![PRINCIPAL; 1001];
    for body in [json!({}), json!([]), json!({"ids": "x"}), json!({ "ids": many })] {
        let (status, answer) = directory.by_ids(&directory.token, &body).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!("Request_BadRequest")));
    }
}

#[tokio::test]
async fn service_principals_support_filter() {
    let directory = Directory::start().await;
    let by_name = format!("servicePrincipalNames/any(c:c eq '{APPLICATION}')");
    let upper = format!("appId eq '{}'", APPLICATION.to_string().to_uppercase());
    for (filter, found) in [
        ("", 1),
        (by_name.as_str(), 1),
        (upper.as_str(), 1),
        ("displayName eq 'Payroll'", 1),
        ("startswith(displayName,'pay')", 1),
        ("displayName eq 'billing'", 0),
    ] {
        let (status, answer) = directory.get("/v1.0/servicePrincipals", &[("$filter", filter)]).await;
        assert_eq!(
            (status, answer["value"].as_array().map(Vec::len)),
            (200, Some(found)),
            "{filter} {answer}"
        );
    }
    let (status, answer) = directory.get("/v1.0/servicePrincipals", &[("$filter", "a or b")]).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("Request_UnsupportedQuery")));
    let twice = [("$filter", "id eq 'a'"), ("$filter", "id eq 'b'")];
    let (status, answer) = directory.get("/v1.0/servicePrincipals", &twice).await;
    assert_eq!((status, &answer["error"]["code"]), (400, &json!("Request_BadRequest")));
    let filter = [("$filter", "userPrincipalName eq 'eve@example.com'")];
    assert_eq!(directory.get("/v1.0/users", &filter).await, (200, json!({"value": []})));
}

#[tokio::test]
async fn unknown_objects_and_resources_return_graph_errors() {
    let directory = Directory::start().await;
    let (status, answer) = directory.get(&format!("/v1.0/servicePrincipals/{PRINCIPAL}"), &[]).await;
    assert_eq!(
        (status, &answer["displayName"], &answer["appId"]),
        (200, &json!("payroll"), &json!(APPLICATION))
    );
    for (path, status, code) in [
        (format!("/v1.0/servicePrincipals/{APPLICATION}"), 404, "Request_ResourceNotFound"),
        ("/v1.0/servicePrincipals/x".to_owned(), 404, "Request_ResourceNotFound"),
        ("/v1.0/applications".to_owned(), 501, "NotSupported"),
        ("/v1.0/me".to_owned(), 501, "NotSupported"),
        ("/beta/servicePrincipals".to_owned(), 501, "NotSupported"),
        (format!("/v1.0/servicePrincipals/{PRINCIPAL}/owners"), 501, "NotSupported"),
    ] {
        let (actual, answer) = directory.get(&path, &[]).await;
        assert_eq!((actual, &answer["error"]["code"]), (status, &json!(code)), "{path} {answer}");
    }
    let unauthenticated = directory.running.http.get(format!("{}/v1.0/applications", directory.running.base));
    assert_eq!(unauthenticated.send().await.unwrap().status(), 401);
}

#[tokio::test]
async fn directory_accepts_only_tokens_with_its_audience() {
    let directory = Directory::start().await;
    let authority = &directory.running.authority;
    let issue = |audience: &str, seconds| authority.issue(APPLICATION, audience, seconds).unwrap();
    for audience in [
        "https://graph.microsoft.com",
        "https://graph.microsoft.com/",
        "https://login.localhost:8443/",
        &format!("https://{HOST}"),
        "https://login.example",
    ] {
        let (status, _) = directory.by_ids(&issue(audience, 60), &json!({"ids": []})).await;
        assert_eq!(status, 200, "{audience}");
        let (_, answer) =
            directory.running.request_token(&[("scope", &format!("{audience}/.default"))]).await;
        assert!(answer["access_token"].is_string(), "{audience} {answer}");
    }
    let other = RunningAuthority::start().await;
    for (what, token) in [
        ("empty token", String::new()),
        ("not a JWT", "x".to_owned()),
        ("for a data plane", issue(AUDIENCE, 60)),
        ("for Resource Manager", issue("https://management.example", 60)),
        ("expired", issue("https://graph.microsoft.com", -10)),
        (
            "of another authority",
            other.authority.issue(APPLICATION, "https://graph.microsoft.com", 60).unwrap(),
        ),
    ] {
        // The access token is checked before the body is parsed.
        let (status, answer) = directory.by_ids(&token, &json!(7)).await;
        assert_eq!((status, &answer["error"]["code"]), (401, &json!("InvalidAuthenticationToken")), "{what}");
    }
    let identity = identity(issuer(KeySource::Static(authority.jwks()))).await;
    assert_eq!(
        rejection_reason(&identity, &directory.token).await,
        "the access token is for another audience"
    );
}
