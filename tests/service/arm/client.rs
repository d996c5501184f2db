//! A client of Azure Resource Manager that returns whole responses.

use http::Method;
use serde_json::{Value, json};

use crate::rest::client::{Rest, RestResponse};
use crate::support::Server;

/// The `api-version` that tests send.
pub(crate) const VERSION: &str = "2026-05-15";
/// The resource id of the seed's subscription.
pub(crate) const SUBSCRIPTION: &str = "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5";

/// A client of Azure Resource Manager.
#[derive(Clone)]
pub(crate) struct Arm {
    rest: Rest,
}

/// Returns the resource id of an HSM in the seed's resource group.
pub(crate) fn hsm(name: &str) -> String {
    format!("{SUBSCRIPTION}/resourceGroups/dev/providers/Microsoft.KeyVault/managedHSMs/{name}")
}

/// Returns the resource id of a deleted HSM.
pub(crate) fn deleted(name: &str) -> String {
    format!("{SUBSCRIPTION}/providers/Microsoft.KeyVault/locations/localhost/deletedManagedHSMs/{name}")
}

/// Returns the body of a request that creates an HSM with this administrator.
pub(crate) fn hsm_body(administrator: &str) -> Value {
    json!({
        "location": "localhost",
        "sku": {"family": "B", "name": "Standard_B1"},
        "properties": {"initialAdminObjectIds": [administrator], "softDeleteRetentionInDays": "7"},
    })
}

impl Arm {
    /// Returns a client authenticated as a principal of the seed.
    pub(crate) async fn authenticated(server: &Server, principal: &str) -> Self {
        let unauthenticated = Self::unauthenticated(server);
        let token = server.access_token_for(principal, &format!("{}/", unauthenticated.rest.base)).await;
        Self { rest: unauthenticated.rest.with_token(&token) }
    }

    /// Returns a client without an access token.
    pub(crate) fn unauthenticated(server: &Server) -> Self {
        let rest = Rest::unauthenticated(server);
        let port = rest.base.rsplit(':').next().unwrap().to_owned();
        Self { rest: rest.at_host(&format!("management.localhost:{port}")) }
    }

    /// Returns this client with another access token.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self { rest: self.rest.with_token(token) }
    }

    /// `https://management.localhost:{port}`
    pub(crate) fn base(&self) -> &str {
        &self.rest.base
    }

    /// Sends a request as it is, with only the access token added.
    pub(crate) async fn raw(
        &self,
        method: Method,
        url: &str,
        body: impl Into<reqwest::Body>,
    ) -> RestResponse {
        self.rest.raw(method, url, body).await
    }

    /// Sends a request without a body.
    pub(crate) async fn request(&self, method: &str, path: &str) -> RestResponse {
        self.send(method, path, &Value::Null).await
    }

    /// Sends a request.
    pub(crate) async fn send(&self, method: &str, path: &str, body: &Value) -> RestResponse {
        let joint = if path.contains('?') { '&' } else { '?' };
        let text = if body.is_null() { String::new() } else { body.to_string() };
        self.raw(method.parse().unwrap(), &format!("{path}{joint}api-version={VERSION}"), text).await
    }

    /// Reads a resource that must exist.
    pub(crate) async fn get(&self, path: &str) -> Value {
        self.request("GET", path).await.json(200)
    }

    /// Starts a long-running operation, and reads its result as clients do; null if the result has no body.
    pub(crate) async fn run_to_completion(&self, method: &str, path: &str, body: &Value) -> Value {
        let begun = self.send(method, path, body).await;
        assert_eq!(
            (begun.status, begun.text.as_str(), begun.header("retry-after")),
            (202, "", "1"),
            "{begun:?}"
        );
        let location = begun.header("location");
        assert!(location.starts_with(self.base()), "{location}");
        let ended = self.raw(Method::GET, location, "").await;
        assert_eq!(ended.status, 200, "{ended:?}");
        if ended.text.is_empty() { Value::Null } else { ended.json(200) }
    }
}

/// Asserts an error in Azure Resource Manager's shape, with the granting roles if one is missing. Returns code and message.
#[track_caller]
pub(crate) fn assert_arm_error(answer: &RestResponse, status: u16) -> (String, String) {
    let json = answer.json(status);
    assert_eq!(json.as_object().unwrap().len(), 1, "{answer:?}");
    let error = json["error"].as_object().unwrap();
    let members = if error["code"] == "AuthorizationFailed" { 3 } else { 2 };
    assert_eq!(error.len(), members, "{answer:?}");
    let text = |name: &str| error[name].as_str().unwrap().to_owned();
    (text("code"), text("message"))
}
