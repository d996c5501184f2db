//! The token endpoints: issue access tokens to applications that authenticate with a secret or a client assertion (RFC
//! 6749, section 4.4).

use std::sync::Arc;

use axum::extract::rejection::FormRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, PRAGMA};
use axum::http::{HeaderMap, HeaderName};
use axum::routing::post;
use axum::{Extension, Form, Json, Router};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::identity::system_clock;

use super::assertion::JWT_BEARER;
use super::claims::{ClientAuthentication, Recipients};
use super::refusal::Refusal;
use super::token_request::IssuedToken;
use super::{Authority, Client};

/// An authenticated application.
struct AuthenticatedClient {
    client: Client,
    proof: ClientAuthentication<'static>,
}

/// The maximum size of a request body, in bytes.
const LONGEST_REQUEST: usize = 64 * 1024;

pub(super) fn routes() -> Router<Arc<Authority>> {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", post(token_v2))
        .route("/{tenant}/oauth2/token", post(token_v1))
        .layer(DefaultBodyLimit::max(LONGEST_REQUEST))
}

/// The supported parameters of the form. Other parameters are ignored; a duplicate one of these is an error.
#[derive(Deserialize)]
struct Request {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    client_assertion: Option<String>,
    client_assertion_type: Option<String>,
    scope: Option<String>,
    resource: Option<String>,
}

type Body = Result<Form<Request>, FormRejection>;
type TokenResponse = Result<([(HeaderName, &'static str); 2], Extension<IssuedToken>, Json<Value>), Refusal>;

const NEVER_STORED: [(HeaderName, &str); 2] = [(CACHE_CONTROL, "no-store"), (PRAGMA, "no-cache")];

async fn token_v2(
    State(authority): State<Arc<Authority>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> TokenResponse {
    let (authenticated, request) = authority.authenticate(&tenant, &headers, body)?;
    let scope = request.scope.filter(|scope| !scope.is_empty()).ok_or_else(|| Refusal::missing("scope"))?;
    // Only the suffix is removed: `https://management.azure.com//.default` keeps one trailing slash.
    let audience = scope
        .strip_suffix("/.default")
        .filter(|audience| !audience.contains(' '))
        .ok_or_else(|| Refusal::wrong_scope(&scope))?;
    let issued = IssuedToken::new(&authenticated.client, audience, true);
    let (token, lifetime) = authority.grant(&authenticated.client, authenticated.proof, audience)?;
    let response = json!({
        "token_type": "Bearer",
        "expires_in": lifetime,
        "ext_expires_in": lifetime,
        "access_token": token,
    });
    Ok((NEVER_STORED, Extension(issued), Json(response)))
}

/// The v1 endpoint: `resource` instead of `scope`, and numbers as strings.
async fn token_v1(
    State(authority): State<Arc<Authority>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> TokenResponse {
    let (authenticated, request) = authority.authenticate(&tenant, &headers, body)?;
    let resource = request
        .resource
        .filter(|resource| !resource.is_empty())
        .ok_or_else(|| Refusal::missing("resource"))?;
    let now = system_clock::unix_seconds();
    let issued = IssuedToken::new(&authenticated.client, &resource, true);
    let (token, lifetime) = authority.grant(&authenticated.client, authenticated.proof, &resource)?;
    let response = json!({
        "token_type": "Bearer",
        "expires_in": lifetime.to_string(),
        "ext_expires_in": lifetime.to_string(),
        "expires_on": now.saturating_add(lifetime).to_string(),
        "not_before": now.to_string(),
        "resource": resource,
        "access_token": token,
    });
    Ok((NEVER_STORED, Extension(issued), Json(response)))
}

impl Authority {
    /// Authenticates the application.
    fn authenticate(
        &self,
        tenant: &str,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<(AuthenticatedClient, Request), Refusal> {
        if !self.knows_tenant(tenant) {
            return Err(Refusal::unknown_tenant(tenant, "invalid_request"));
        }
        let Ok(Form(mut request)) = body else {
            return Err(Refusal::invalid_request(
                90_023,
                "The request body must be a form (application/x-www-form-urlencoded) that names each parameter once.",
            ));
        };
        match request.grant_type.as_deref() {
            None | Some("") => return Err(Refusal::missing("grant_type")),
            Some("client_credentials") => {}
            Some(other) => return Err(Refusal::unsupported_grant(other)),
        }
        let (client_id, secret) = match basic(headers) {
            Some((id, secret)) => (Some(id), Some(secret)),
            None => (request.client_id.take(), request.client_secret.take().map(Zeroizing::new)),
        };
        let client_id = client_id.filter(|id| !id.is_empty()).ok_or_else(|| Refusal::missing("client_id"))?;
        let known = Uuid::parse_str(&client_id).ok().filter(|id| self.clients.get(*id).is_some());
        let Some(id) = known else {
            return Err(Refusal::unknown_application(&client_id, self.settings.tenant));
        };
        let is_present = |text: &String| !text.is_empty();
        if let Some(assertion) = request.client_assertion.take().filter(is_present).map(Zeroizing::new) {
            let kind = request.client_assertion_type.take().filter(is_present);
            let kind = kind.ok_or_else(|| Refusal::missing("client_assertion_type"))?;
            if kind != JWT_BEARER {
                return Err(Refusal::unsupported_assertion_type(&kind));
            }
            let client = self.verify_assertion(id, &assertion)?;
            return Ok((AuthenticatedClient { client, proof: ClientAuthentication::Certificate }, request));
        }
        let secret = secret.filter(|secret| !secret.is_empty()).ok_or_else(Refusal::missing_secret)?;
        let client = self.clients.authenticate(id, &secret).ok_or_else(|| Refusal::wrong_secret(id))?;
        Ok((AuthenticatedClient { client, proof: ClientAuthentication::Secret }, request))
    }

    /// Issues an access token; returns it with its lifetime, in seconds.
    pub(super) fn grant(
        &self,
        client: &Client,
        proof: ClientAuthentication<'_>,
        audience: &str,
    ) -> Result<(String, u64), Refusal> {
        if !self.audiences.contain(audience) {
            return Err(Refusal::unknown_resource(audience, self.settings.tenant));
        }
        let lifetime = self.settings.lifetime.as_secs();
        let seconds = i64::try_from(lifetime).unwrap_or(i64::MAX);
        let token = self.sign(client, proof, Recipients::One(audience), seconds).map_err(|error| {
            tracing::error!(error = %error.with_causes(), "cannot sign an access token");
            Refusal::our_fault()
        })?;
        Ok((token, lifetime))
    }
}

/// Returns client id and secret from HTTP Basic authentication. They are not form-decoded (RFC 6749, section 2.3.1),
/// since ids and secrets of this authority have no characters that need it.
fn basic(headers: &HeaderMap) -> Option<(String, Zeroizing<String>)> {
    let (scheme, value) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = Zeroizing::new(String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?);
    let (id, secret) = decoded.split_once(':')?;
    Some((id.to_owned(), Zeroizing::new(secret.to_owned())))
}
