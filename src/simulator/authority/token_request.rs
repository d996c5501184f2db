//! Adds an entry to the audit log for each access token request: for the issued access token, or for the refusal.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::USER_AGENT;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::refusal::{OAuthErrorCode, Refusal};
use super::{Authority, Client};
use crate::ids::Ids;
use crate::model::Error;
use crate::model::audit_entry::{AuditCaller, AuditEntry, CallSurface, Meter, Origin};

/// The `operationName` of an access token request.
const EVENT: &str = "TokenIssue";

/// The maximum length of recorded client input, in bytes.
const LONGEST_TEXT: usize = 256;

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

/// Middleware that records each access token request before the response is sent.
pub(super) async fn record(
    State(authority): State<Arc<Authority>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(engine) = authority.engine.get() else { return next.run(request).await };
    let (origin, started) = (origin(&request), Instant::now());
    let response = next.run(request).await;
    let issued = response.extensions().get::<IssuedToken>().cloned();
    let result = match (&issued, response.extensions().get::<OAuthErrorCode>()) {
        (Some(_), _) => Ok(()),
        (None, Some(refused)) => Err(refused.0),
        (None, None) => Err("invalid_request"),
    };
    // Access tokens of managed identities need no secret: any process on the machine can request them.
    let is_authenticated = issued.as_ref().is_some_and(|issued| issued.authenticated);
    let (caller, target) =
        issued.map_or_else(Default::default, |issued| (Some(issued.application), issued.audience));
    let entry = AuditEntry {
        at: engine.clock().now(),
        event: EVENT,
        meter: Meter::Free,
        container: None,
        target,
        caller,
        origin,
        result,
        status: response.status().as_u16(),
        duration: started.elapsed(),
        items: None,
    };
    match engine.record_event(entry, is_authenticated).await {
        Ok(()) => response,
        // The store logs the begin and the end of such a fault.
        Err(Error::StorageFailed(_)) => Refusal::our_fault().into_response(),
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
        surface: CallSurface::Authority,
        address: peer.map(|peer| peer.0.ip()),
        client_info: truncated(agent.unwrap_or_default()),
        correlation_id: Ids.guid(),
        request_uri: truncated(request.uri().path()),
        operation_version: "v1".into(),
        ..Origin::default()
    }
}

fn truncated(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}
