//! What is told of each request for a token, to whoever keeps the audit log.

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
use crate::model::entry::{CallerRecord, Origin};

/// What is kept of a text that a client chose, in bytes.
const LONGEST_TEXT: usize = 256;

/// A request for a token that has ended. Holds neither the token nor what the application has shown for it.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Where the request came from.
    pub origin: Origin,
    /// The application that the token names; absent where none was issued.
    pub application: Option<CallerRecord>,
    /// Whether the application has shown a secret of its own: not so managed identities, nor whom is refused.
    pub authenticated: bool,
    /// What the token is meant for; empty where none was issued.
    pub audience: String,
    /// Whether a token was issued, or the OAuth 2 error code.
    pub result: std::result::Result<(), &'static str>,
    /// The HTTP status of the answer.
    pub status: u16,
    /// How long it took.
    pub took: Duration,
}

/// Records requests for tokens.
pub trait Recorder: Send + Sync + 'static {
    /// Records one, durably before it returns.
    ///
    /// # Errors
    /// Where that fails; then no token is given out.
    fn record(&self, attempt: Attempt) -> Pin<Box<dyn Future<Output = Result<()>> + Send + '_>>;
}

/// What a handler says of the token it gives out, as an extension of its response.
#[derive(Clone)]
pub(super) struct Issued {
    application: CallerRecord,
    audience: String,
    authenticated: bool,
}

impl Issued {
    pub(super) fn new(client: &Client, audience: &str, authenticated: bool) -> Self {
        let application = CallerRecord {
            principal: client.object_id,
            application: Some(client.client_id.to_string()),
            user: None,
        };
        Self { application, audience: cut(audience), authenticated }
    }
}

/// The OAuth 2 error code of a refusal, as an extension of its response.
#[derive(Clone, Copy)]
pub(super) struct Refused(pub(super) &'static str);

/// Records each request for a token before it is answered.
pub(super) async fn record(
    State(authority): State<Arc<Authority>>,
    request: Request,
    next: Next,
) -> Response {
    let Some(recorder) = authority.recorder() else { return next.run(request).await };
    let (origin, started) = (origin(&request), Instant::now());
    let response = next.run(request).await;
    let issued = response.extensions().get::<Issued>().cloned();
    let result = match (&issued, response.extensions().get::<Refused>()) {
        (Some(_), _) => Ok(()),
        (None, Some(refused)) => Err(refused.0),
        (None, None) => Err("invalid_request"),
    };
    let authenticated = issued.as_ref().is_some_and(|issued| issued.authenticated);
    let (application, audience) =
        issued.map_or_else(Default::default, |issued| (Some(issued.application), issued.audience));
    let attempt = Attempt {
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
            tracing::error!(%error, "a request for a token could not be recorded");
            Refusal::our_fault().into_response()
        }
    }
}

fn origin(request: &Request) -> Origin {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
    Origin {
        address: peer.map(|peer| peer.0.ip()),
        client_info: cut(agent.unwrap_or_default()),
        correlation_id: Ids.guid(),
        request_uri: cut(request.uri().path()),
        operation_version: "v1".into(),
    }
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(LONGEST_TEXT)].to_owned()
}
