//! Tests traces, with a collector that receives OTLP over gRPC.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use strongroom::api::grpc::pb;
use tonic::{Request, Response, Status};

use crate::support::{Server, ec};

/// The trace and the span of a client, in a `traceparent` header.
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const PARENT: &str = "b7ad6b7169203331";

/// A collector that keeps the spans that it receives.
#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<Span>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let spans = request.into_inner().resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        self.0.lock().unwrap().extend(spans.flat_map(|scope| scope.spans));
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    /// Starts a collector; returns it and its URL.
    async fn start() -> (Self, String) {
        let collector = Self::default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let service = TraceServiceServer::new(collector.clone());
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
        (collector, url)
    }

    /// Returns the spans of the client's trace, once there are as many with this name.
    async fn trace(&self, name: &str, count: usize) -> Vec<Span> {
        let started = Instant::now();
        loop {
            let of_trace = |span: &&Span| hex(&span.trace_id) == TRACE;
            let spans: Vec<Span> = self.0.lock().unwrap().iter().filter(of_trace).cloned().collect();
            if spans.iter().filter(|span| span.name == name).count() >= count {
                return spans;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{:?}", names(&spans));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn names(spans: &[Span]) -> Vec<&str> {
    spans.iter().map(|span| span.name.as_str()).collect()
}

fn attribute(span: &Span, key: &str) -> String {
    let attributes: BTreeMap<&str, String> = span
        .attributes
        .iter()
        .map(|attribute| {
            let value = attribute.value.clone().and_then(|value| value.value);
            let text = match value {
                Some(Value::StringValue(text)) => text,
                Some(Value::IntValue(number)) => number.to_string(),
                other => format!("{other:?}"),
            };
            (attribute.key.as_str(), text)
        })
        .collect();
    attributes.get(key).cloned().unwrap_or_default()
}

/// Asserts that a trace has a request of the client, a call in it, and the steps of the call.
fn check_call(spans: &[Span], request: &str, operation: &str, surface: &str, steps: &[&str]) {
    let request =
        spans.iter().find(|span| span.name == request).unwrap_or_else(|| panic!("{:?}", names(spans)));
    assert_eq!(hex(&request.parent_span_id), PARENT);
    let call =
        spans.iter().find(|span| span.name == operation).unwrap_or_else(|| panic!("{:?}", names(spans)));
    assert_eq!(call.parent_span_id, request.span_id);
    assert_eq!((attribute(call, "surface").as_str(), attribute(call, "result").as_str()), (surface, "ok"));
    for step in steps {
        let found = spans.iter().any(|span| span.name == *step && span.parent_span_id == call.span_id);
        assert!(found, "{operation}: {step}: {:?}", names(spans));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn traces_have_a_span_for_each_step_and_continue_those_of_clients() {
    let (collector, url) = Collector::start().await;
    let mut server = Server::start_with(&[], &[("STRONGROOM_TRACES__ENDPOINT", &url)]);
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let traceparent = format!("00-{TRACE}-{PARENT}-01");

    let mut request = Request::new(pb::SignRequest {
        name: "hsms/local/keys/invoices".to_owned(),
        algorithm: "ES256".to_owned(),
        digest: vec![7; 32],
    });
    request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    dev.crypto.sign(request).await.unwrap();
    let token = server.access_token("dev").await;
    let port = server.connection().endpoint.rsplit_once(':').unwrap().1.to_owned();
    let answer = server
        .http()
        .post(format!("https://local.managedhsm.localhost:{port}/keys/receipts/create?api-version=7.6"))
        .bearer_auth(token)
        .header("traceparent", traceparent)
        .json(&serde_json::json!({"kty": "EC-HSM", "crv": "P-256"}))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);

    let spans = collector.trace("POST", 1).await;
    let steps = ["authenticate", "parse", "authorize", "check", "execute", "commit"];
    check_call(&spans, "strongroom.v1.CryptoService/Sign", "Sign", "grpc", &steps);
    let changing = ["authenticate", "parse", "authorize", "lock", "check", "execute", "commit"];
    check_call(&spans, "POST", "CreateKey", "rest", &changing);
    let request = spans.iter().find(|span| span.name == "POST").unwrap();
    assert_eq!(attribute(request, "http.response.status_code"), "200");
    assert_eq!(attribute(request, "url.path"), "/keys/receipts/create");

    // What is left is exported when the service stops.
    let mut request =
        Request::new(pb::GenerateRandomBytesRequest { parent: "hsms/local".to_owned(), count: 8 });
    request.metadata_mut().insert("traceparent", format!("00-{TRACE}-{PARENT}-01").parse().unwrap());
    dev.crypto.generate_random_bytes(request).await.unwrap();
    drop(dev);
    assert!(server.stop().success(), "{}", server.log());
    collector.trace("GenerateRandomBytes", 1).await;
}

#[tokio::test]
async fn service_works_while_the_collector_does_not_answer() {
    let server = Server::start_with(&[], &[("STRONGROOM_TRACES__ENDPOINT", "http://127.0.0.1:9")]);
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
}
