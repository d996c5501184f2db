//! Reports each access token request to the recorder, which adds it to the audit log.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::USER_AGENT;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::refusal::Refusal;
use super::{Authority, Client};
use crate::ids::Ids;
use crate::model::Result;
use crate::model::audit_entry::{AuditCaller, Origin};

/// The maximum length of recorded client input, in bytes.
const LONGEST_TEXT: usize = 256;

/// A completed access token request. Contains neither the access token nor a credential.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// The origin of the request.
    pub origin: Origin,
    /// The application in the access token; `None` if none was issued.
    pub application: Option<AuditCaller>,
    /// Whether the application authenticated itself; false for managed identities and for refused requests.
    pub authenticated: bool,
    /// The audience of the access token; empty if none was issued.
    pub audience: String,
    /// `Ok` if an access token was issued, otherwise the OAuth 2.0 error code.
    pub result: std::result::Result<(), &'static str>,
    /// The HTTP status of the response.
    pub status: u16,
    /// The duration of the request.
    pub took: Duration,
}

/// Records access token requests.
pub trait Recorder: Send + Sync + 'static {
    /// Records a request durably.
    ///
    /// # Errors
    /// If the request cannot be recorded; then no access token is issued.
    fn record(&self, attempt: TokenRequest) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>>;
}

/// A response extension that describes the issued access token.
#[derive(Clone)]
pub(super) struct IssuedToken {
    application: AuditCaller,
    audience: String,
    authenticated: bool,
}

impl IssuedToken {
    pub(super) fn new(client: &Client, audience: &str, authenticated: bool) -> Self {
        let application = AuditCaller {
            principal: client.object_id,
            application: Some(client.client_id.to_string()),
            user: None,
        };
        Self { application, audience: truncated(audience), authenticated }
    }
}

/// A response extension with the OAuth 2.0 error code.
#[derive(Clone, Copy)]
pub(super) struct OAuthErrorCode(pub(super) &'static str);

/// Middleware that records each access token request before the response is sent.
pub(super) async fn record(
    State(authority): State<Arc<Authority>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(recorder) = authority.recorder() else { return next.run(request).await };
    let (origin, started) = (origin(&request), Instant::now());
    let response = next.run(request).await;
    let issued = response.extensions().get::<IssuedToken>().cloned();
    let result = match (&issued, response.extensions().get::<OAuthErrorCode>()) {
        (Some(_), _) => Ok(()),
        (None, Some(refused)) => Err(refused.0),
        (None, None) => Err("invalid_request"),
    };
    let authenticated = issued.as_ref().is_some_and(|issued| issued.authenticated);
    let (application, audience) =
        issued.map_or_else(Default::default, |issued| (Some(issued.application), issued.audience));
    let attempt = TokenRequest {
        origin,
        application,
        authenticated,
        audience,
        result,
        status: response.status().as_u16(),
        took: started.elapsed(),
    };
    match recorder.record(attempt).await {
        Ok(()) => response,
        Err(error) => {
            tracing::error!(error = %error.with_causes(), "cannot record an access token request");
            Refusal::our_fault().into_response()
        }
    }
}

fn origin(request: &Request) -> Origin {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    Origin {
        address: peer.map(|peer| peer.0.ip()),
        client_info: truncated(agent.unwrap_or_default()),
        correlation_id: Ids.guid(),
        request_uri: truncated(request.uri().path()),
        operation_version: "v1".into(),
    }
}

fn truncated(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}
