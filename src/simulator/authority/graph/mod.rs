//! The subset of Microsoft Graph that clients need to look up principals of role assignments by name.
//!
//! Any access token for Microsoft Graph is sufficient; the real service requires permissions as well.

mod filter;
mod refusal;

use std::sync::Arc;

use axum::extract::rejection::{JsonRejection, QueryRejection};
use axum::extract::{DefaultBodyLimit, FromRequestParts, Path, Query, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::routing::{any, get, post};
use axum::{Json, Router};
use jsonwebtoken::{Algorithm, Validation, decode};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Authority, Client};
use filter::Filter;
use refusal::Refusal;

/// The maximum size of a request body, in bytes.
const LONGEST_REQUEST: usize = 64 * 1024;
/// The maximum number of ids in a `getByIds` request.
const MOST_IDS: usize = 1000;

pub(super) fn routes() -> Router<Arc<Authority>> {
    Router::new()
        .route("/v1.0/directoryObjects/getByIds", post(by_ids))
        .route("/v1.0/servicePrincipals", get(service_principals))
        .route("/v1.0/servicePrincipals/{id}", get(one_service_principal))
        .route("/v1.0/users", get(users))
        .route("/v1.0/{*rest}", any(not_implemented))
        .route("/beta/{*rest}", any(not_implemented))
        .layer(DefaultBodyLimit::max(LONGEST_REQUEST))
}

/// Extractor that requires an access token for Microsoft Graph.
struct Reader;

#[derive(Deserialize)]
struct Claims {
    aud: String,
}

impl FromRequestParts<Arc<Authority>> for Reader {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, authority: &Arc<Authority>) -> Result<Self, Refusal> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let token = header
            .and_then(|header| header.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or_else(|| Refusal::unauthenticated("Access token is empty."))?;
        let settings = &authority.settings;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_issuer(&[&settings.issuer, &settings.issuer_v2]);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // The audiences are compared below; the library only supports a list of exact values.
        validation.validate_aud = false;
        validation.leeway = 0;
        let decoded = decode::<Claims>(token, &authority.verifying_key, &validation)
            .map_err(|_| Refusal::unauthenticated("Access token validation failure."))?;
        if !authority.directory_audiences.contain(&decoded.claims.aud) {
            return Err(Refusal::unauthenticated("Access token validation failure. Invalid audience."));
        }
        Ok(Self)
    }
}

/// The body of a `getByIds` request.
#[derive(Deserialize)]
struct ByIds {
    ids: Vec<String>,
    /// The requested object types; all types if missing or empty.
    #[serde(default)]
    types: Vec<String>,
}

async fn by_ids(
    _: Reader,
    State(authority): State<Arc<Authority>>,
    body: Result<Json<ByIds>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let Ok(Json(request)) = body else {
        return Err(Refusal::bad_request(
            "Request_BadRequest",
            "The body must be JSON with the member 'ids'.",
        ));
    };
    if request.ids.len() > MOST_IDS {
        return Err(Refusal::bad_request(
            "Request_BadRequest",
            "Too many ids: at most 1000 can be asked for.",
        ));
    }
    let is_supported = |kind: &String| matches!(kind.as_str(), "servicePrincipal" | "directoryObject");
    let ids: Vec<Uuid> = request.ids.iter().filter_map(|id| Uuid::parse_str(id).ok()).collect();
    let mut found = Vec::new();
    if request.types.is_empty() || request.types.iter().any(is_supported) {
        found = authority.clients.all();
        found.retain(|client| ids.contains(&client.object_id.0));
    }
    let shown = |client: &Client| {
        let mut object = service_principal(client);
        object["@odata.type"] = json!("#microsoft.graph.servicePrincipal");
        object
    };
    Ok(Json(json!({ "value": found.iter().map(shown).collect::<Vec<_>>() })))
}

#[derive(Deserialize)]
struct Filtered {
    #[serde(rename = "$filter")]
    filter: Option<String>,
}

async fn service_principals(
    _: Reader,
    State(authority): State<Arc<Authority>>,
    query: Result<Query<Filtered>, QueryRejection>,
) -> Result<Json<Value>, Refusal> {
    let Ok(Query(query)) = query else {
        return Err(Refusal::bad_request(
            "Request_BadRequest",
            "The query has duplicate parameters, or is not UTF-8.",
        ));
    };
    let mut found = authority.clients.all();
    if let Some(text) = query.filter.filter(|text| !text.trim().is_empty()) {
        let filter: Filter = text.parse()?;
        found.retain(|client| filter.matches(client));
    }
    Ok(Json(json!({ "value": found.iter().map(service_principal).collect::<Vec<_>>() })))
}

async fn one_service_principal(
    _: Reader,
    State(authority): State<Arc<Authority>>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let known = authority.clients.all();
    let found = known.iter().find(|client| Uuid::parse_str(&id).is_ok_and(|id| id == client.object_id.0));
    found.map(|client| Json(service_principal(client))).ok_or_else(|| Refusal::no_such_object(&id))
}

/// All other resources of Microsoft Graph are not implemented, which is not the same as not found.
async fn not_implemented(_: Reader, Path(rest): Path<String>) -> Refusal {
    Refusal::not_implemented(&rest)
}

/// Returns no users: the principals of the simulator are applications.
async fn users(_: Reader) -> Json<Value> {
    Json(json!({ "value": [] }))
}

fn service_principal(client: &Client) -> Value {
    json!({
        "id": client.object_id,
        "accountEnabled": true,
        "appId": client.client_id,
        "appDisplayName": client.name,
        "displayName": client.name,
        "servicePrincipalNames": [client.client_id],
        "servicePrincipalType": "Application",
    })
}
