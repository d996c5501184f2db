//! The managed identity endpoint of virtual machines: the Instance Metadata Service.
//!
//! Source: "How to use managed identities for Azure resources on an Azure VM to acquire an access token", and "Azure
//! Instance Metadata Service for virtual machines", on learn.microsoft.com.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde_json::json;

use super::{GrantedToken, ManagedIdentities, NEVER_STORED, TokenQuery};

/// The API version that clients request.
const VERSION: &str = "2018-02-01";

pub(super) async fn token(
    State(identities): State<Arc<ManagedIdentities>>,
    headers: HeaderMap,
    query: Result<Query<TokenQuery>, QueryRejection>,
) -> Response {
    // Both checks protect against server-side request forgery.
    if headers.get("metadata").is_none_or(|value| value != "true") {
        return refuse("Required metadata header not specified");
    }
    if headers.contains_key("x-forwarded-for") {
        return refuse("Requests that were forwarded (X-Forwarded-For) are not served");
    }
    let Ok(Query(asked)) = query else { return refuse("A query variable is duplicate, or is not UTF-8") };
    if asked.version.as_deref().is_none_or(str::is_empty) {
        let body = json!({
            "error": "Bad request. api-version was not specified in the request. For more information refer to aka.ms/azureimds",
            "newest-versions": [VERSION],
        });
        return (StatusCode::BAD_REQUEST, Json(body)).into_response();
    }
    let Some(resource) = asked.resource.as_deref().filter(|resource| !resource.is_empty()) else {
        return refuse("Required query variable 'resource' is missing");
    };
    let Some((identity, client)) = identities.find(&asked) else { return refuse("Identity not found") };
    match identities.grant(identity, &client, resource) {
        Ok(granted) => {
            let body = response_body(&granted, resource);
            (NEVER_STORED, Extension(granted.issued), Json(body)).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

/// Returns the response body, in which numbers are strings.
fn response_body(granted: &GrantedToken, resource: &str) -> serde_json::Value {
    let lifetime = granted.lifetime.to_string();
    json!({
        "access_token": granted.token,
        "client_id": granted.client_id,
        "expires_in": lifetime,
        "expires_on": granted.from.saturating_add(granted.lifetime).to_string(),
        "ext_expires_in": lifetime,
        "not_before": granted.from.to_string(),
        "resource": resource,
        "token_type": "Bearer",
    })
}

fn refuse(description: &str) -> Response {
    let body = json!({ "error": "invalid_request", "error_description": description });
    (StatusCode::BAD_REQUEST, NEVER_STORED, Json(body)).into_response()
}
