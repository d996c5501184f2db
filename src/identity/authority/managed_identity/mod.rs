//! Managed identities: tokens for programs on this machine, without a secret of their own. In the forms of App Service
//! and of the Instance Metadata Service of virtual machines, which clients speak over plain HTTP.

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

use crate::model::{Error, Result};

use super::super::{files, machine_clock};
use super::attempt::{self, Issued};
use super::claims::Proof;
use super::clients::new_secret;
use super::host::HostAndPort;
use super::refusal::Refusal;
use super::{Authority, Client};

/// Where the form of App Service answers.
const APP_SERVICE: &str = "/msi/token";
/// Where the form of virtual machines answers.
const IMDS: &str = "/metadata/identity/oauth2/token";

const NEVER_STORED: [(HeaderName, &str); 2] = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];

/// An application that is a managed identity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManagedIdentity {
    /// The application's id.
    pub client_id: Uuid,
    /// The identity's Azure resource id.
    pub resource: String,
}

/// The managed identities of this machine; the first is meant where none is named.
pub struct ManagedIdentities {
    authority: Arc<Authority>,
    identities: Vec<ManagedIdentity>,
    header: SecretString,
}

/// What clients ask in both forms.
#[derive(Deserialize)]
struct Asked {
    #[serde(rename = "api-version")]
    version: Option<String>,
    resource: Option<String>,
    client_id: Option<String>,
    #[serde(alias = "principal_id")]
    object_id: Option<String>,
    #[serde(alias = "mi_res_id")]
    msi_res_id: Option<String>,
}

/// A token, and what both forms say of it.
struct Granted {
    token: String,
    issued: Issued,
    client_id: Uuid,
    /// From when, and for how long, in seconds.
    from: u64,
    lifetime: u64,
}

impl ManagedIdentities {
    /// Vouches for these identities. The secret that App Service's form asks for is kept in `directory` (mode 0600),
    /// and made if it is not there.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an application that is not registered; [`Error::Internal`] where the secret cannot be
    /// read or written.
    pub fn open(
        directory: &Path,
        authority: Arc<Authority>,
        identities: Vec<ManagedIdentity>,
    ) -> Result<Self> {
        if identities.iter().any(|identity| authority.clients.get(identity.client_id).is_none()) {
            return Err(Error::invalid("managed_identity", "no application is registered under this id"));
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

    /// What `IDENTITY_HEADER` is: who sends it in `X-IDENTITY-HEADER` runs where the identities are.
    pub const fn header(&self) -> &SecretString {
        &self.header
    }

    /// The path of `IDENTITY_ENDPOINT`.
    pub const fn app_service_path() -> &'static str {
        APP_SERVICE
    }

    /// The routes of both forms.
    pub fn router(self) -> Router {
        Router::new()
            .route(APP_SERVICE, get(app_service::token))
            .route(IMDS, get(imds::token))
            // Node's MSAL ends whatever it is told with a slash.
            .route(&format!("{APP_SERVICE}/"), get(app_service::token))
            .route(&format!("{IMDS}/"), get(imds::token))
            .route_layer(middleware::from_fn(only_from_here))
            .route_layer(middleware::from_fn_with_state(Arc::clone(&self.authority), attempt::record))
            .layer(middleware::from_fn(only_from_here))
            .with_state(Arc::new(self))
    }

    /// The identity that is meant: the first if none is named, else that which has all the names.
    fn find(&self, asked: &Asked) -> Option<(&ManagedIdentity, Client)> {
        let is = |asked: &Option<String>, known: &str| {
            asked.as_ref().is_none_or(|asked| asked.eq_ignore_ascii_case(known))
        };
        self.identities
            .iter()
            .filter_map(|identity| Some((identity, self.authority.clients.get(identity.client_id)?)))
            .find(|(identity, client)| {
                is(&asked.client_id, &client.client_id.to_string())
                    && is(&asked.object_id, &client.object_id.to_string())
                    && is(&asked.msi_res_id, &identity.resource)
            })
    }

    fn grant(
        &self,
        identity: &ManagedIdentity,
        client: &Client,
        resource: &str,
    ) -> std::result::Result<Granted, Refusal> {
        let from = machine_clock::unix_seconds();
        let proof = Proof::Platform { resource: &identity.resource };
        let (token, lifetime) = self.authority.grant(client, proof, resource)?;
        let issued = Issued::new(client, resource, false);
        Ok(Granted { token, issued, client_id: client.client_id, from, lifetime })
    }
}

/// Refuses requests that a browser was lured into: a name of theirs that leads here is still theirs.
async fn only_from_here(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let host = HostAndPort::of(&parts);
    let is_here = host.as_ref().is_some_and(|named| {
        let host = named.host();
        let address = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        host.eq_ignore_ascii_case("localhost")
            || host == "169.254.169.254"
            || address.is_ok_and(|address| address.is_loopback())
    });
    if !is_here {
        let message = "The request does not name this machine as its host.\n";
        return (StatusCode::FORBIDDEN, message).into_response();
    }
    next.run(Request::from_parts(parts, body)).await
}
