//! The managed identity endpoint of App Service, Functions and Container Apps.
//!
//! Source: "How to use managed identities for App Service and Azure Functions" on learn.microsoft.com.

use std::sync::Arc;

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use secrecy::ExposeSecret;
use serde_json::json;
use subtle::ConstantTimeEq;

use super::{ManagedIdentities, NEVER_STORED, TokenQuery};
use crate::ids::Ids;

/// The API version that clients request.
const VERSION: &str = "2019-08-01";

pub(super) async fn token(
    State(identities): State<Arc<ManagedIdentities>>,
    headers: HeaderMap,
    query: Result<Query<TokenQuery>, QueryRejection>,
) -> Response {
    let received = headers.get("x-identity-header").map(|header| header.as_bytes()).unwrap_or_default();
    let expected = identities.header.expose_secret().as_bytes();
    if !bool::from(received.ct_eq(expected)) {
        // assumption: the status is recorded, the message is not.
        return refuse(StatusCode::UNAUTHORIZED, "The X-IDENTITY-HEADER header is missing or wrong.");
    }
    let bad = |message: &str| refuse(StatusCode::BAD_REQUEST, message);
    let Ok(Query(asked)) = query else { return bad("A query parameter is duplicate, or is not UTF-8.") };
    if asked.version.as_deref() != Some(VERSION) {
        return bad("The api-version must be 2019-08-01.");
    }
    let Some(resource) = asked.resource.as_deref().filter(|resource| !resource.is_empty()) else {
        return bad("The parameter resource is missing.");
    };
    let Some((identity, client)) = identities.find(&asked) else {
        return bad(
            "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.",
        );
    };
    match identities.grant(identity, &client, resource) {
        Ok(granted) => {
            let body = json!({
                "access_token": granted.token,
                "client_id": granted.client_id,
                "expires_on": granted.from.saturating_add(granted.lifetime).to_string(),
                "resource": resource,
                "token_type": "Bearer",
            });
            (NEVER_STORED, Extension(granted.issued), Json(body)).into_response()
        }
        // Azure responds with 500 and no reason, which clients retry in vain.
        Err(refusal) => bad(&refusal.description()),
    }
}

fn refuse(status: StatusCode, message: &str) -> Response {
    let body = json!({ "statusCode": status.as_u16(), "message": message, "correlationId": Ids.guid() });
    (status, NEVER_STORED, Json(body)).into_response()
}
