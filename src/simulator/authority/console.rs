//! Access tokens for the web console, for a principal that its user chooses, without a credential.
//!
//! Any page in a browser on this machine can send requests here, so requests of pages of other origins are refused: by
//! `Origin` and `Sec-Fetch-Site`, which pages cannot set, by the host, against DNS rebinding, and by the content type,
//! for which browsers ask for permission first.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::rejection::JsonRejection;
use axum::extract::{ConnectInfo, FromRequest as _, Request, State};
use axum::http::header::{CACHE_CONTROL, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Json, Router, middleware};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::Authority;
use super::claims::{ClientAuthentication, Recipients};
use super::refusal::OAuthErrorCode;
use super::token_request::{self, IssuedToken};
use crate::api::HostAndPort;

/// The path of the endpoint.
const PATH: &str = "/console/token";

/// How the page that sends a request is related to this origin (<https://www.w3.org/TR/fetch-metadata/>).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The endpoint with its principals.
pub struct ConsoleTokens {
    /// The authority, which issues the access tokens.
    pub authority: Arc<Authority>,
    /// The names and client ids of the principals.
    pub principals: Vec<(String, Uuid)>,
    /// The resources for which each access token is valid.
    pub audiences: Vec<String>,
    /// The names of the service, as in its certificate: `*` may be their first label.
    pub names: Vec<String>,
    /// Whether clients on other machines get access tokens.
    pub from_anywhere: bool,
}

/// The body of a request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenRequest {
    principal: String,
}

type TokenResponse = Result<([(HeaderName, &'static str); 1], Extension<IssuedToken>, Json<Value>), Denied>;

const NEVER_STORED: [(HeaderName, &str); 1] = [(CACHE_CONTROL, "no-store")];

impl ConsoleTokens {
    /// Returns the route. Every request is recorded in the audit log.
    pub fn router(self) -> Router {
        let recorded = middleware::from_fn_with_state(Arc::clone(&self.authority), token_request::record);
        Router::new().route(PATH, post(token)).route_layer(recorded).with_state(Arc::new(self))
    }

    /// Checks that a request is not of a page of another origin, and that its client may get access tokens.
    fn check(&self, parts: &Parts) -> Result<(), Denied> {
        let host = HostAndPort::of(parts).filter(|host| self.is_own(host.host()));
        let host =
            host.ok_or_else(|| Denied::forbidden("the host of the request is no name of this service"))?;
        let header = |name| parts.headers.get(name).map(HeaderValue::as_bytes);
        let own = format!("https://{}", host.as_str());
        if header(ORIGIN).is_some_and(|origin| !origin.eq_ignore_ascii_case(own.as_bytes())) {
            return Err(Denied::forbidden("the request is of a page of another origin"));
        }
        if header(FETCH_SITE).is_some_and(|site| !matches!(site, b"same-origin" | b"none")) {
            return Err(Denied::forbidden("the request is of a page of another site"));
        }
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        if !self.from_anywhere && !peer.is_some_and(|peer| peer.0.ip().to_canonical().is_loopback()) {
            return Err(Denied::forbidden(
                "only browsers on the machine of the simulator may sign in; simulator.console_sign_in = \"any\" permits others",
            ));
        }
        Ok(())
    }

    /// Whether a host, as written in a request, is a name of the service.
    fn is_own(&self, host: &str) -> bool {
        let host = host.trim_matches(['[', ']']);
        self.names.iter().any(|name| match name.strip_prefix("*.") {
            Some(suffix) => host
                .split_once('.')
                .is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(suffix)),
            None => name.eq_ignore_ascii_case(host),
        })
    }
}

async fn token(State(tokens): State<Arc<ConsoleTokens>>, request: Request) -> TokenResponse {
    let (parts, body) = request.into_parts();
    tokens.check(&parts)?;
    let Json(request) = Json::<TokenRequest>::from_request(Request::from_parts(parts, body), &()).await?;
    let chosen = tokens.principals.iter().find(|(name, _)| *name == request.principal);
    let client = chosen.and_then(|(_, id)| tokens.authority.clients.get(*id));
    let client = client.ok_or_else(Denied::unknown_principal)?;
    let lifetime = tokens.authority.settings.lifetime.as_secs();
    let seconds = i64::try_from(lifetime).unwrap_or(i64::MAX);
    let recipients = Recipients::Several(&tokens.audiences);
    let signed = tokens.authority.sign(&client, ClientAuthentication::None, recipients, seconds);
    let token = signed.map_err(|error| {
        tracing::error!(error = %error.with_causes(), "cannot sign an access token");
        Denied::failed()
    })?;
    let issued = IssuedToken::new(&client, &tokens.audiences.join(" "), false);
    Ok((NEVER_STORED, Extension(issued), Json(json!({ "accessToken": token, "expiresIn": lifetime }))))
}

/// A refused request.
#[derive(Debug)]
struct Denied {
    status: StatusCode,
    code: &'static str,
    /// The error code in the audit log (RFC 6749, section 5.2).
    recorded: &'static str,
    message: String,
}

impl Denied {
    fn forbidden(message: &str) -> Self {
        let message = message.to_owned();
        Self { status: StatusCode::FORBIDDEN, code: "Forbidden", recorded: "access_denied", message }
    }

    fn unknown_principal() -> Self {
        let message = "principal: the seed of the simulator has no principal of this name".to_owned();
        let status = StatusCode::BAD_REQUEST;
        Self { status, code: "UnknownPrincipal", recorded: "unauthorized_client", message }
    }

    fn failed() -> Self {
        let message = "internal error; the server's log has the details".to_owned();
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        Self { status, code: "InternalError", recorded: "server_error", message }
    }
}

impl From<JsonRejection> for Denied {
    fn from(rejection: JsonRejection) -> Self {
        // A well-formed document of another form is 400 here, as on the other surfaces.
        let status = match rejection.status() {
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            other => other,
        };
        let message = rejection.body_text();
        Self { status, code: "InvalidRequest", recorded: "invalid_request", message }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let body = json!({ "error": { "code": self.code, "message": self.message } });
        (self.status, NEVER_STORED, Extension(OAuthErrorCode(self.recorded)), Json(body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::AuthoritySettings;
    use super::*;
    use crate::config::AccessTokenVersion;

    fn tokens(directory: &std::path::Path, from_anywhere: bool) -> ConsoleTokens {
        let settings = AuthoritySettings {
            tenant: Uuid::nil(),
            issuer: "https://sts.example/".to_owned(),
            issuer_v2: "https://login.example/v2.0".to_owned(),
            access_token_version: AccessTokenVersion::V1,
            hosts: Vec::new(),
            audiences: Vec::new(),
            lifetime: Duration::from_secs(60),
        };
        ConsoleTokens {
            authority: Arc::new(Authority::open(directory, settings).unwrap()),
            principals: Vec::new(),
            audiences: Vec::new(),
            names: ["localhost", "console.localhost", "*.vault.localhost", "::1"].map(str::to_owned).into(),
            from_anywhere,
        }
    }

    #[test]
    fn requests_of_other_origins_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        let (local, any) = (tokens(directory.path(), false), tokens(directory.path(), true));
        let is_accepted = |tokens: &ConsoleTokens, headers: &[(&str, &str)], peer: &str| {
            let mut request = Request::post(PATH);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (mut parts, ()) = request.body(()).unwrap().into_parts();
            parts.extensions.insert(ConnectInfo::<SocketAddr>(peer.parse().unwrap()));
            tokens.check(&parts).is_ok()
        };
        let own = ("host", "console.localhost:8443");
        for accepted in [
            &[own][..],
            &[("host", "LOCALHOST")],
            &[("host", "[::1]:8443"), ("origin", "https://[::1]:8443")],
            &[("host", "demo.vault.localhost:1")],
            &[own, ("origin", "https://console.localhost:8443"), ("sec-fetch-site", "same-origin")],
            &[own, ("sec-fetch-site", "none")],
        ] {
            assert!(is_accepted(&local, accepted, "127.0.0.1:9"), "{accepted:?}");
        }
        for refused in [
            &[][..],
            &[("host", "attacker.example:8443")],
            &[("host", "vault.localhost")],
            &[("host", ".vault.localhost")],
            &[("host", "a.b.vault.localhost")],
            &[("host", "console.localhost.attacker.example")],
            &[own, ("origin", "https://attacker.example")],
            &[own, ("origin", "https://console.localhost")],
            &[own, ("origin", "http://console.localhost:8443")],
            &[own, ("origin", "https://demo.vault.localhost:8443")],
            &[own, ("origin", "null")],
            &[own, ("sec-fetch-site", "cross-site")],
            &[own, ("sec-fetch-site", "same-site")],
        ] {
            assert!(!is_accepted(&local, refused, "127.0.0.1:9"), "{refused:?}");
            assert!(!is_accepted(&any, refused, "127.0.0.1:9"), "{refused:?}");
        }
        for (peer, is_local) in [
            ("[::1]:9", true),
            ("[::ffff:127.0.0.1]:9", true),
            ("192.0.2.1:9", false),
            ("[2001:db8::1]:9", false),
        ] {
            assert_eq!(is_accepted(&local, &[own], peer), is_local, "{peer}");
            assert!(is_accepted(&any, &[own], peer), "{peer}");
        }
    }
}
