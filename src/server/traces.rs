//! Exports spans as traces over OTLP, and continues the traces of clients (<https://www.w3.org/TR/trace-context/>).

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, Uri};
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithTonicConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::config::Traces;
use crate::telemetry::TRACES;

/// The name under which the service appears in traces.
const SERVICE: &str = "strongroom";

/// How long the export of the last spans may take.
const SHUTDOWN: Duration = Duration::from_secs(1);

/// The exporter of traces. Exports what is left when it is shut down.
#[derive(Clone, Debug)]
pub(crate) struct TraceExporter(SdkTracerProvider);

impl TraceExporter {
    /// Starts to export to the configured collector, if there is one. Must be called in the context of a runtime.
    ///
    /// # Errors
    /// If the URL is invalid. That the collector does not answer is no error: spans are dropped meanwhile.
    pub(crate) fn start(config: &Traces) -> anyhow::Result<Option<Self>> {
        let Some(endpoint) = &config.endpoint else { return Ok(None) };
        let mut exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint);
        if endpoint.starts_with("https://") {
            exporter = exporter.with_tls_config(tonic::transport::ClientTlsConfig::new().with_native_roots());
        }
        let resource = Resource::builder_empty()
            .with_service_name(SERVICE)
            .with_attribute(opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.sample_ratio)));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter.build()?)
            .with_sampler(sampler)
            .with_resource(resource)
            .build();
        Ok(Some(Self(provider)))
    }

    /// Returns the tracer that makes traces of spans.
    pub(super) fn tracer(&self) -> SdkTracer {
        self.0.tracer(SERVICE)
    }

    /// Exports what is left. Blocks for a second at most, so that a collector that does not answer does not delay the shutdown.
    pub(crate) fn shut_down(&self) {
        if let Err(error) = self.0.shutdown_with_timeout(SHUTDOWN) {
            tracing::warn!(%error, "some traces could not be exported");
        }
    }
}

/// The headers of a request, which may contain the trace of the client.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// Returns the span of a request, in the trace of the client if the request has one.
pub(super) fn request_span(method: &Method, uri: &Uri, headers: &HeaderMap) -> Span {
    let span = tracing::trace_span!(
        target: TRACES,
        "request",
        otel.kind = "server",
        otel.name = tracing::field::Empty,
        http.request.method = %method,
        http.response.status_code = tracing::field::Empty,
        url.path = uri.path(),
    );
    if !span.is_disabled() {
        // The path of an RPC is its name; other paths contain names of objects.
        let name = uri.path().strip_prefix("/strongroom.").map_or(method.as_str(), |_| &uri.path()[1..]);
        span.record("otel.name", name);
        let context = TraceContextPropagator::new().extract(&Headers(headers));
        // Fails only without an exporter.
        let _ = span.set_parent(context);
    }
    span
}

/// Records the status of the response.
pub(super) fn record_status(span: &Span, status: StatusCode) {
    span.record("http.response.status_code", status.as_u16());
}
