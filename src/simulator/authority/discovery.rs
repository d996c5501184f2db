//! Discovery endpoints: OpenID Connect metadata, signing keys, and instance discovery.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::Authority;
use super::refusal::Refusal;
use crate::api::HostAndPort;
use crate::identity::Jwks;

pub(super) fn routes() -> Router<Arc<Authority>> {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(metadata_v2))
        .route("/{tenant}/.well-known/openid-configuration", get(metadata_v1))
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
        .route("/{tenant}/discovery/keys", get(keys))
        .route("/common/discovery/instance", get(instance))
}

/// The v2 document. Its issuer is on the requested host, as clients require, although v1 access tokens have another
/// issuer; Entra ID does the same.
async fn metadata_v2(
    State(authority): State<Arc<Authority>>,
    Path(tenant): Path<String>,
    host: HostAndPort,
) -> Result<Json<Value>, Refusal> {
    authority.check_discovery(&tenant)?;
    let issuer = format!("https://{}/{}/v2.0", host.as_str(), authority.settings.tenant);
    Ok(Json(authority.metadata(&host, &issuer, "/oauth2/v2.0", "/discovery/v2.0/keys")))
}

/// The v1 document. Its issuer is that of v1 access tokens; only AD FS clients require one on the requested host.
async fn metadata_v1(
    State(authority): State<Arc<Authority>>,
    Path(tenant): Path<String>,
    host: HostAndPort,
) -> Result<Json<Value>, Refusal> {
    authority.check_discovery(&tenant)?;
    if tenant == "adfs" {
        let issuer = format!("https://{}/adfs", host.as_str());
        return Ok(Json(authority.metadata(&host, &issuer, "/oauth2/v2.0", "/discovery/v2.0/keys")));
    }
    let issuer = &authority.settings.issuer;
    Ok(Json(authority.metadata(&host, issuer, "/oauth2", "/discovery/keys")))
}

async fn keys(
    State(authority): State<Arc<Authority>>,
    Path(tenant): Path<String>,
) -> Result<Json<Jwks>, Refusal> {
    authority.check_discovery(&tenant)?;
    Ok(Json(authority.jwks()))
}

#[derive(Deserialize)]
struct InstanceQuery {
    authorization_endpoint: Option<String>,
}

/// Instance discovery: returns the metadata endpoint of an authority. Clients ask the host of the public cloud about
/// unknown authorities, so the response is about the authority in the query, not about the requested host.
async fn instance(
    State(authority): State<Arc<Authority>>,
    Query(query): Query<InstanceQuery>,
) -> Result<Json<Value>, Refusal> {
    let unknown = || Refusal::invalid_request(50_049, "Unknown or invalid instance.");
    let endpoint = query.authorization_endpoint.ok_or_else(|| Refusal::missing("authorization_endpoint"))?;
    let rest = endpoint.strip_prefix("https://").ok_or_else(unknown)?;
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = HostAndPort::parse(host).ok_or_else(unknown)?;
    let tenant = path.split('/').next().unwrap_or_default();
    if !authority.knows_tenant(tenant) {
        return Err(Refusal::unknown_tenant(tenant, "invalid_tenant"));
    }
    let host = host.as_str();
    Ok(Json(json!({
        "tenant_discovery_endpoint": format!("https://{host}/{tenant}/v2.0/.well-known/openid-configuration"),
        "api-version": "1.1",
        "metadata": [{ "preferred_network": host, "preferred_cache": host, "aliases": [host] }],
    })))
}

impl Authority {
    fn check_discovery(&self, tenant: &str) -> Result<(), Refusal> {
        if self.knows_tenant(tenant) {
            Ok(())
        } else {
            Err(Refusal::unknown_tenant(tenant, "invalid_tenant"))
        }
    }

    /// Returns the metadata. The endpoints contain the GUID of the tenant, even if the request used an alias, because
    /// clients read the GUID from them.
    fn metadata(&self, host: &HostAndPort, issuer: &str, endpoints: &str, keys: &str) -> Value {
        let base = format!("https://{}/{}", host.as_str(), self.settings.tenant);
        json!({
            "issuer": issuer,
            "authorization_endpoint": format!("{base}{endpoints}/authorize"),
            "token_endpoint": format!("{base}{endpoints}/token"),
            "jwks_uri": format!("{base}{keys}"),
            "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt", "client_secret_basic"],
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": ["token"],
            "subject_types_supported": ["pairwise"],
            "id_token_signing_alg_values_supported": ["RS256"],
        })
    }
}
