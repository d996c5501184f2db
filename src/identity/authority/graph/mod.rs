//! The part of Microsoft Graph that clients need to give roles by name: who is in the directory.
//!
//! Everybody with a token for the directory may read it; the real one asks for permissions, too.

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

/// The host of the real one, under which clients know no other.
pub const GRAPH_HOST: &str = "graph.microsoft.com";

/// The longest request that is read, in bytes.
const LONGEST_REQUEST: usize = 64 * 1024;
/// So many objects can be asked for at once.
const MOST_IDS: usize = 1000;

pub(super) fn routes() -> Router<Arc<Authority>> {
    Router::new()
        .route("/v1.0/directoryObjects/getByIds", post(by_ids))
        .route("/v1.0/servicePrincipals", get(service_principals))
        .route("/v1.0/servicePrincipals/{id}", get(one_service_principal))
        .route("/v1.0/users", get(users))
        .route("/v1.0/{*rest}", any(unbuilt))
        .route("/beta/{*rest}", any(unbuilt))
        .layer(DefaultBodyLimit::max(LONGEST_REQUEST))
}

/// Whoever has a token for the directory.
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
        // Ours are no list that the library could compare with.
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

/// Which objects.
#[derive(Deserialize)]
struct ByIds {
    ids: Vec<String>,
    /// Of which kinds; of all if it is missing or empty.
    #[serde(default)]
    types: Vec<String>,
}

async fn by_ids(
    _: Reader,
    State(authority): State<Arc<Authority>>,
    body: Result<Json<ByIds>, JsonRejection>,
) -> Result<Json<Value>, Refusal> {
    let Ok(Json(asked)) = body else {
        return Err(Refusal::bad_request(
            "Request_BadRequest",
            "The body must be JSON with the member 'ids'.",
        ));
    };
    if asked.ids.len() > MOST_IDS {
        return Err(Refusal::bad_request(
            "Request_BadRequest",
            "Too many ids: at most 1000 can be asked for.",
        ));
    }
    let is_ours = |kind: &String| matches!(kind.as_str(), "servicePrincipal" | "directoryObject");
    let ids: Vec<Uuid> = asked.ids.iter().filter_map(|id| Uuid::parse_str(id).ok()).collect();
    let mut found = Vec::new();
    if asked.types.is_empty() || asked.types.iter().any(is_ours) {
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
            "The query names something twice, or is not text.",
        ));
    };
    let mut found = authority.clients.all();
    if let Some(text) = query.filter.filter(|text| !text.trim().is_empty()) {
        let filter: Filter = text.parse()?;
        found.retain(|client| filter.admits(client));
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

/// What else Microsoft Graph has: not here, which is another answer than "there is none".
async fn unbuilt(_: Reader, Path(rest): Path<String>) -> Refusal {
    Refusal::unbuilt(&rest)
}

/// There are none: principals of the simulator are applications.
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
