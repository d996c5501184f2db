//! The web console: static files, and what they need to know of the service. It calls the service by gRPC-Web.

mod assets;
mod headers;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use hyper::body::Bytes;
use serde_json::Value;

use assets::ASSETS;
use headers::SecurityHeaders;

/// The path of the first page.
const HOME: &str = "/console/";
/// The path of what the console needs to know of the service.
const CONFIG: &str = "/console/config.json";

/// What differs between the console of a gateway and that of a simulator.
pub(crate) struct ConsoleSettings {
    /// What the console needs to know of the service, public.
    pub(crate) config: Value,
    /// The origins besides its own to which the console connects.
    pub(crate) connect_origins: Vec<String>,
    /// Further routes below `/console/`, with which the console signs in.
    pub(crate) sign_in: Option<Router>,
}

impl ConsoleSettings {
    /// Returns the routes of the console. Every response has its security headers.
    ///
    /// # Errors
    /// If an origin cannot be in a header.
    pub(crate) fn routes(self) -> anyhow::Result<Router> {
        let config = Bytes::from(serde_json::to_vec(&self.config)?);
        let headers = Arc::new(SecurityHeaders::new(&self.connect_origins)?);
        let home = || async { Redirect::temporary(HOME) };
        let mut routes = Router::new()
            .route("/", get(home))
            .route(HOME.trim_end_matches('/'), get(home))
            .route(CONFIG, get(config_json).with_state(config));
        for asset in &ASSETS {
            let etag = asset.etag()?;
            let answer = move |headers: HeaderMap| async move { asset.answer(&etag, &headers) };
            routes = routes.route(asset.path, get(answer));
        }
        Ok(routes
            .merge(self.sign_in.unwrap_or_default())
            .fallback(not_found)
            .layer(axum::middleware::map_response_with_state(headers, headers::set)))
    }
}

/// Whether a path belongs to the console on every host that serves it.
pub(super) fn is_own_path(path: &str) -> bool {
    path.strip_prefix("/console").is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn config_json(State(config): State<Bytes>) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, config).into_response()
}

async fn not_found() -> Response {
    (StatusCode::NOT_FOUND, "The console has no such page.\n").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn console_has_its_prefix_and_nothing_beside_it() {
        for path in ["/console", "/console/", "/console/console.js", "/console//", "/console/a/b"] {
            assert!(is_own_path(path), "{path}");
        }
        for path in ["/", "", "/consoles", "/console.js", "/keys/console", "/Console/"] {
            assert!(!is_own_path(path), "{path}");
        }
    }
}
