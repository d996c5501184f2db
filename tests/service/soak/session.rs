//! Clients of the running server, and what its answers mean.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use serde_json::Value;
use tokio::sync::watch;

use crate::support::{Client, Server, reason};

/// How long a server may take to be back.
const BACK: Duration = Duration::from_secs(90);

/// The reasons that faults of the token, overload and shutdown may have.
const TEMPORARY: [&str; 8] = [
    "TOKEN_UNAVAILABLE",
    "TOKEN_FAILED",
    "TOKEN_TIMEOUT",
    "TOKEN_BUSY",
    "OVERLOADED",
    "SERVICE_STOPPING",
    "DEADLINE_EXCEEDED",
    "CONCURRENT_CHANGE",
];

/// Why there is no result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// The connection was lost: it is unknown whether the call took effect.
    Lost,
    /// The service refused the call for a temporary reason: it took no effect.
    Refused(String),
    /// There is no such object.
    NotFound,
}

/// Connections to one process of the server.
pub(super) struct Session {
    pub(super) number: u64,
    pub(super) grpc: Client,
    http: reqwest::Client,
    port: String,
    hsm_token: String,
    vault_token: String,
    control_token: String,
}

impl Session {
    /// Connects to a server that was just started.
    pub(super) async fn open(server: &Server, number: u64) -> Self {
        let tokens = server.access_tokens("dev").await;
        let grpc = Client::with_tokens(server.channel().await, &tokens);
        let endpoint = server.connection().endpoint;
        let port = endpoint.rsplit(':').next().unwrap().to_owned();
        let http = server.http_builder().timeout(Duration::from_secs(30)).build().unwrap();
        let (hsm_token, vault_token, control_token) = (tokens.data, tokens.vault, tokens.control);
        Self { number, grpc, http, port, hsm_token, vault_token, control_token }
    }

    /// Sends a request of the data plane of the HSM, of the data plane of the vault, or of the control plane.
    pub(super) async fn rest(&self, method: Method, url: &str, body: Value) -> Result<Value, Failure> {
        let (host, path) = url.split_once('/').unwrap();
        let (token, version) = match host {
            "management.localhost" => (&self.control_token, "2023-07-01"),
            "demo.vault.localhost" => (&self.vault_token, "7.6"),
            _ => (&self.hsm_token, "7.6"),
        };
        let url = format!("https://{host}:{}/{path}?api-version={version}", self.port);
        let mut request = self.http.request(method, &url).bearer_auth(token);
        if !body.is_null() {
            request = request.json(&body);
        }
        let answer = request.send().await.map_err(|_| Failure::Lost)?;
        let status = answer.status().as_u16();
        let text = answer.text().await.map_err(|_| Failure::Lost)?;
        match status {
            200..=299 => Ok(serde_json::from_str(&text).unwrap_or(Value::Null)),
            404 => Err(Failure::NotFound),
            409 | 429 | 500 | 503 | 504 => Err(Failure::Refused(refused(status, &text))),
            _ => panic!("{url}: {status} {text}"),
        }
    }
}

/// Returns the reason of a refusal. A fault of the token is an internal error of the service in Azure's terms.
fn refused(status: u16, text: &str) -> String {
    let body: Value = serde_json::from_str(text).unwrap_or(Value::Null);
    format!("{status} {}", body["error"]["code"].as_str().unwrap_or_default())
}

/// Returns what the status of a call means.
pub(super) fn failure(status: &tonic::Status) -> Failure {
    use std::error::Error as _;
    let answered = status.metadata().contains_key("x-correlation-id") && status.source().is_none();
    let why = reason(status);
    match status.code() {
        _ if !answered => Failure::Lost,
        tonic::Code::NotFound => Failure::NotFound,
        _ if TEMPORARY.contains(&why.as_str()) => Failure::Refused(why),
        _ => panic!("{status:?}"),
    }
}

/// A receiver of the current session.
#[derive(Clone)]
pub(super) struct Current(pub(super) watch::Receiver<Arc<Session>>);

impl Current {
    pub(super) fn session(&self) -> Arc<Session> {
        Arc::clone(&self.0.borrow())
    }

    /// Waits for a session with another process, after a connection of this one was lost.
    pub(super) async fn replaced(&mut self, lost: u64) {
        let changed = self.0.wait_for(|session| session.number > lost);
        tokio::time::timeout(BACK, changed).await.expect("the server is back in time").unwrap();
    }
}
