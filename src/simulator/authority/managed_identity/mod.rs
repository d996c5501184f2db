//! Managed identities: access tokens for programs on this machine without a credential, over the plain HTTP protocols
//! of App Service and of the Instance Metadata Service of virtual machines.

mod app_service;
mod imds;

use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, PRAGMA};
use axum::http::{HeaderName, StatusCode};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use uuid::Uuid;

use crate::api::HostAndPort;
use crate::config::ConfigError;
use crate::identity::system_clock;
use crate::model::Result;
use crate::server::files;

use super::super::SetupError;
use super::claims::ClientAuthentication;
use super::clients::new_secret;
use super::refusal::Refusal;
use super::token_request::{self, IssuedToken};
use super::{Authority, Client};

/// The path of the App Service endpoint.
const APP_SERVICE: &str = "/msi/token";
/// The path of the Instance Metadata Service endpoint.
const IMDS: &str = "/metadata/identity/oauth2/token";

const NEVER_STORED: [(HeaderName, &str); 2] = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];

/// An application that is a managed identity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManagedIdentity {
    /// The application (client) id.
    pub client_id: Uuid,
    /// The Azure resource id of the identity.
    pub resource: String,
}

/// The managed identities of this machine; the first is the default.
pub struct ManagedIdentities {
    authority: Arc<Authority>,
    identities: Vec<ManagedIdentity>,
    header: SecretString,
}

/// The query parameters of both endpoints.
#[derive(Deserialize)]
struct TokenQuery {
    #[serde(rename = "api-version")]
    version: Option<String>,
    resource: Option<String>,
    client_id: Option<String>,
    #[serde(alias = "principal_id")]
    object_id: Option<String>,
    #[serde(alias = "mi_res_id")]
    msi_res_id: Option<String>,
}

/// An issued access token, with the fields of both response formats.
struct GrantedToken {
    token: String,
    issued: IssuedToken,
    client_id: Uuid,
    /// The start of its validity, in Unix seconds.
    from: u64,
    /// In seconds.
    lifetime: u64,
}

impl ManagedIdentities {
    /// Creates the endpoints for these identities. The secret header value of App Service is stored in `directory`
    /// (mode 0600), and generated if it does not exist.
    ///
    /// # Errors
    /// [`SetupError::Setting`] if an application is not registered; [`SetupError::Failed`] if the secret cannot be read or
    /// written.
    pub fn open(
        directory: &Path,
        authority: Arc<Authority>,
        identities: Vec<ManagedIdentity>,
    ) -> Result<Self, SetupError> {
        if identities.iter().any(|identity| authority.clients.get(identity.client_id).is_none()) {
            return Err(
                ConfigError::new("managed_identity: no application is registered under this id").into()
            );
        }
        let path = directory.join("identity-header");
        let header = match files::read_text(&path)? {
            Some(text) if !text.trim().is_empty() => SecretString::from(text.trim()),
            _ => {
                let header = new_secret()?;
                files::write(&path, header.expose_secret().as_bytes(), files::PRIVATE)?;
                header
            }
        };
        Ok(Self { authority, identities, header })
    }

    /// Returns the value of `IDENTITY_HEADER`, which clients send in `X-IDENTITY-HEADER`.
    pub const fn header(&self) -> &SecretString {
        &self.header
    }

    /// Returns the path of `IDENTITY_ENDPOINT`.
    pub const fn app_service_path() -> &'static str {
        APP_SERVICE
    }

    /// Returns the routes of both endpoints.
    pub fn router(self) -> Router {
        Router::new()
            .route(APP_SERVICE, get(app_service::token))
            .route(IMDS, get(imds::token))
            // MSAL for Node appends a slash to the configured URL.
            .route(&format!("{APP_SERVICE}/"), get(app_service::token))
            .route(&format!("{IMDS}/"), get(imds::token))
            .route_layer(middleware::from_fn(require_local_host))
            .route_layer(middleware::from_fn_with_state(Arc::clone(&self.authority), token_request::record))
            .layer(middleware::from_fn(require_local_host))
            .with_state(Arc::new(self))
    }

    /// Returns the first identity that has all requested ids; the first of all if the query has none.
    fn find(&self, query: &TokenQuery) -> Option<(&ManagedIdentity, Client)> {
        let is =
            |id: &Option<String>, known: &str| id.as_ref().is_none_or(|id| id.eq_ignore_ascii_case(known));
        self.identities
            .iter()
            .filter_map(|identity| Some((identity, self.authority.clients.get(identity.client_id)?)))
            .find(|(identity, client)| {
                is(&query.client_id, &client.client_id.to_string())
                    && is(&query.object_id, &client.object_id.to_string())
                    && is(&query.msi_res_id, &identity.resource)
            })
    }

    fn grant(
        &self,
        identity: &ManagedIdentity,
        client: &Client,
        resource: &str,
    ) -> std::result::Result<GrantedToken, Refusal> {
        let from = system_clock::unix_seconds();
        let proof = ClientAuthentication::Platform { resource: &identity.resource };
        let (token, lifetime) = self.authority.grant(client, proof, resource)?;
        let issued = IssuedToken::new(client, resource, false);
        Ok(GrantedToken { token, issued, client_id: client.client_id, from, lifetime })
    }
}

/// Middleware that requires a `Host` of this machine, as protection against DNS rebinding in browsers.
async fn require_local_host(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let host = HostAndPort::of(&parts);
    let is_local = host.as_ref().is_some_and(|named| {
        let host = named.host();
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host.eq_ignore_ascii_case("localhost")
            || host == "169.254.169.254"
            || address.is_ok_and(|address| address.is_loopback())
    });
    if !is_local {
        let message = "The host of the request must be this machine.\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}
