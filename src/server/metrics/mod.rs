//! Serves metrics in the text format of Prometheus, and the probes, on a listener of their own.

mod process;
mod recorder;
mod snapshot;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;

use super::connections::ConnectionStatus;
use super::plain_http;
use super::probes::Probes;
use crate::config::Config;
use crate::engine::Engine;
use recorder::Recorder;
use snapshot::Snapshot;

/// The path of the metrics.
const METRICS: &str = "/metrics";
/// The media type of the text format
/// (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A bound listener for metrics, which answers no requests yet.
pub(super) struct MetricsListener {
    listener: TcpListener,
    address: SocketAddr,
    recorder: Recorder,
}

/// The running listener, stopped on drop.
pub(super) struct ServedMetrics {
    _serving: AbortOnDropHandle<()>,
    _upkeep: AbortOnDropHandle<()>,
}

impl MetricsListener {
    /// Binds the configured address, if there is one, and begins to record metrics. If the address is in use, usually by another
    /// simulator, logs a warning and returns `None`: the service works without metrics.
    pub(super) async fn bind(config: &Config) -> Option<Self> {
        let listen = config.metrics.address(config.mode)?;
        match Self::bind_to(listen).await {
            Ok(listener) => Some(listener),
            Err(error) => {
                tracing::warn!(
                    event = "metrics.unavailable",
                    error = format!("{error:#}"),
                    "no metrics are served: cannot listen on {listen} (metrics.listen sets another address, or `off`)"
                );
                None
            }
        }
    }

    async fn bind_to(listen: SocketAddr) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        Ok(Self { address: listener.local_addr()?, listener, recorder: Recorder::install()? })
    }

    /// Returns the URL of the metrics.
    pub(super) fn url(&self) -> String {
        format!("http://{}{METRICS}", self.address)
    }

    /// Serves the metrics of a service.
    pub(super) fn serve(
        self,
        engine: Engine,
        connections: ConnectionStatus,
        probes: Probes,
    ) -> ServedMetrics {
        let Self { listener, recorder, .. } = self;
        let probes = Probes { tells_reasons: true, ..probes };
        let upkeep = AbortOnDropHandle::new(tokio::spawn(recorder.clone().run_upkeep()));
        let state = Arc::new((Snapshot::new(engine, connections, probes.clone()), recorder));
        let router = Router::new().route(METRICS, get(metrics)).with_state(state).merge(probes.routes());
        ServedMetrics { _serving: plain_http::serve(listener, router), _upkeep: upkeep }
    }
}

async fn metrics(State(state): State<Arc<(Snapshot, Recorder)>>) -> Response {
    let (snapshot, recorder) = &*state;
    snapshot.record().await;
    ([(CONTENT_TYPE, TEXT)], recorder.render()).into_response()
}
