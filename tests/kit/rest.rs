//! A client of the REST surface that returns whole responses.

use http::{HeaderMap, Method};
use serde_json::Value;

use crate::support::Server;

/// The `api-version` that tests send.
pub(crate) const VERSION: &str = "7.6";

/// A client of one data plane.
#[derive(Clone)]
pub(crate) struct Rest {
    client: reqwest::Client,
    /// `https://local.managedhsm.localhost:{port}`
    pub(crate) base: String,
    token: Option<String>,
}

/// A response.
#[derive(Debug)]
pub(crate) struct RestResponse {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl RestResponse {
    /// Returns the value of a header; empty if it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts the status, and returns the body.
    #[track_caller]
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts status and code of an error; returns its message without the activity id, which must match the header.
    #[track_caller]
    pub(crate) fn error(&self, status: u16, code: &str) -> String {
        let json = self.json(status);
        assert_eq!(json["error"]["code"], code, "{self:?}");
        assert_eq!(json["error"].as_object().unwrap().len(), 2, "{self:?}");
        let message = json["error"]["message"].as_str().unwrap();
        let id = format!(" (Activity ID: {})", self.header("x-ms-request-id"));
        message.strip_suffix(&id).unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }
}

impl Rest {
    /// Returns a client authenticated as a principal of the seed, at the seed's HSM.
    pub(crate) async fn authenticated(server: &Server, principal: &str) -> Self {
        let token = server.access_token(principal).await;
        Self { token: Some(token), ..Self::unauthenticated(server) }
    }

    /// Returns a client without an access token.
    pub(crate) fn unauthenticated(server: &Server) -> Self {
        let endpoint = server.connection().endpoint;
        let port = endpoint.rsplit(':').next().unwrap();
        let base = format!("https://local.managedhsm.localhost:{port}");
        Self { client: server.http(), base, token: None }
    }

    /// Returns this client with another access token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Returns this client at another host, given with its port if it has one.
    pub(crate) fn at_host(&self, host: &str) -> Self {
        Self { base: format!("https://{host}"), ..self.clone() }
    }

    /// Sends a request as it is, with only the access token added.
    pub(crate) async fn raw(
        &self,
        method: Method,
        url: &str,
        body: impl Into<reqwest::Body>,
    ) -> RestResponse {
        let url = if url.starts_with("https:") { url.to_owned() } else { format!("{}{url}", self.base) };
        let mut request = self.client.request(method, url).body(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        RestResponse { status, headers, text: response.text().await.unwrap() }
    }

    async fn send(&self, method: Method, path: &str, body: impl Into<reqwest::Body>) -> RestResponse {
        let joint = if path.contains('?') { '&' } else { '?' };
        self.raw(method, &format!("{path}{joint}api-version={VERSION}"), body).await
    }

    pub(crate) async fn get(&self, path: &str) -> RestResponse {
        self.send(Method::GET, path, "").await
    }

    pub(crate) async fn delete(&self, path: &str) -> RestResponse {
        self.send(Method::DELETE, path, "").await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> RestResponse {
        self.send(Method::POST, path, text(&body)).await
    }

    pub(crate) async fn put(&self, path: &str, body: Value) -> RestResponse {
        self.send(Method::PUT, path, text(&body)).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> RestResponse {
        self.send(Method::PATCH, path, text(&body)).await
    }

    /// Creates a key, and returns its bundle.
    pub(crate) async fn create(&self, name: &str, body: Value) -> Value {
        self.post(&format!("/keys/{name}/create"), body).await.json(200)
    }

    /// Returns the path of a URL of this data plane.
    #[track_caller]
    pub(crate) fn path<'a>(&self, url: &'a Value) -> &'a str {
        let url = url.as_str().unwrap();
        url.strip_prefix(&self.base).unwrap_or_else(|| panic!("{url} is not at {}", self.base))
    }
}

/// Returns an empty body for null, as clients send when no body is required.
fn text(body: &Value) -> String {
    if body.is_null() { String::new() } else { body.to_string() }
}

/// Encodes bytes as base64url without padding.
pub(crate) fn base64url(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
