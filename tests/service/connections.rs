//! Tests connections at the socket level: header name case, idle timeouts, and eviction of unauthenticated connections.

use std::io::{Read as _, Write as _};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use strongroom::api::grpc::pb;
use tokio::net::TcpSocket;
use tokio::task::JoinHandle;
use tonic_health::pb::HealthCheckRequest;

use crate::raw;
use crate::support::{Client, Server};
use crate::transport::connect;

/// An HTTP/2 connection from a chosen source address.
pub(crate) struct H2 {
    pub(crate) sender: SendRequest<Body>,
    /// The task that drives the connection; it ends when the connection is closed.
    pub(crate) connection: JoinHandle<()>,
}

impl H2 {
    pub(crate) async fn open(server: &Server) -> Self {
        Self::open_from(server, IpAddr::from([127, 0, 0, 1])).await.unwrap()
    }

    async fn open_from(server: &Server, from: IpAddr) -> std::io::Result<Self> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(server.connection().ca_file).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let address: SocketAddr =
            server.connection().endpoint.strip_prefix("https://").unwrap().parse().unwrap();
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(from, 0))?;
        let socket = socket.connect(address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, socket).await?;
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
        let (sender, connection) = handshake.await.map_err(std::io::Error::other)?;
        let connection = tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender, connection })
    }

    /// Sends a request and returns the response head.
    pub(crate) async fn send(
        &self,
        request: http::request::Builder,
        body: Body,
    ) -> Result<http::Response<hyper::body::Incoming>, hyper::Error> {
        let mut sender = self.sender.clone();
        sender.ready().await?;
        sender.send_request(request.body(body).unwrap()).await
    }

    /// Returns whether the connection is closed within this time.
    async fn ends_within(&mut self, seconds: u64) -> bool {
        tokio::time::timeout(Duration::from_secs(seconds), &mut self.connection).await.is_ok()
    }
}

/// Returns a gRPC request to host `localhost`.
pub(crate) fn rpc(path: &str, token: Option<&str>) -> http::request::Builder {
    let request = http::Request::post(format!("https://localhost{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    match token {
        Some(token) => request.header("authorization", format!("Bearer {token}")),
        None => request,
    }
}

/// Returns the gRPC frame of a `ListKeys` request.
pub(crate) fn list_keys() -> Vec<u8> {
    let request = pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
    raw::frame(&prost::Message::encode_to_vec(&request))
}

pub(crate) const LIST: &str = "/strongroom.v1.KeyService/ListKeys";

/// Asserts that the response is HTTP/1.1 with all header names in title case.
fn assert_title_case(answer: &[u8], what: &str) {
    let answer = String::from_utf8_lossy(answer);
    let head = answer.split_once("\r\n\r\n").map_or(&*answer, |(head, _)| head);
    let mut lines = head.split("\r\n");
    assert!(lines.next().unwrap().starts_with("HTTP/1.1 "), "{what}: {answer}");
    let names: Vec<&str> = lines.map(|line| line.split_once(':').unwrap().0).collect();
    assert!(!names.is_empty(), "{what}: {answer}");
    for name in names {
        let is_title = |word: &str| !word.starts_with(|first: char| first.is_ascii_lowercase());
        assert!(name.split('-').all(is_title), "{what}: {name} in {head}");
    }
}

/// Sends a request and reads until the server closes the connection.
fn exchange(mut stream: impl std::io::Read + std::io::Write, request: &str) -> Vec<u8> {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A close without close_notify is an error after the complete response.
    let _ = stream.read_to_end(&mut answer);
    answer
}

fn get(host: &str, path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}\r\n")
}

#[tokio::test]
async fn http1_header_names_are_title_case_on_every_listener() {
    let server = Server::start_with(
        &[],
        &[("STRONGROOM_SERVER__MAX_CONNECTIONS", "2"), ("STRONGROOM_SERVER__REQUEST_SECONDS", "1")],
    );
    for (what, request) in [
        ("health", get("localhost", "/healthz", "")),
        ("the certificate", get("localhost", "/ca.pem", "")),
        ("a data plane", get("local.managedhsm.localhost", "/keys?api-version=7.4", "")),
        ("a refused token", get("localhost", "/keys", "authorization: Bearer x\r\n")),
        ("Azure Resource Manager", get("management.localhost", "/metadata/endpoints", "")),
        ("a refusal of it", get("management.localhost", "/subscriptions", "")),
        ("the authority", get("login.localhost", "/common/.well-known/openid-configuration", "")),
        ("gRPC", get("localhost", "/grpc.health.v1.Health/Check", "content-type: application/grpc\r\n")),
        ("no request", "what is this\r\n\r\n".to_owned()),
    ] {
        assert_title_case(&exchange(connect(&server, &rustls::version::TLS13), &request), what);
    }

    let connection = std::fs::read(server.directory().join("connection.json")).unwrap();
    let connection: serde_json::Value = serde_json::from_slice(&connection).unwrap();
    let address = connection["managed_identity"]["host"].as_str().unwrap().strip_prefix("http://").unwrap();
    for path in ["/metadata/identity/oauth2/token?resource=https://vault.azure.net", "/msi/token", "/"] {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        // The server closes after one response, so that idle clients cannot exhaust the few connections.
        let request =
            get(address, path, "metadata: true\r\n").replace("connection: close", "connection: keep-alive");
        let started = Instant::now();
        assert_title_case(&exchange(stream, &request), path);
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }

    // Both connections of the limit are authenticated; a third gets 503.
    let token = server.access_token("dev").await;
    let held: Vec<_> = (0..2)
        .map(|_| {
            let mut stream = connect(&server, &rustls::version::TLS13);
            let request = format!(
                "GET /keys?api-version=7.4 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).unwrap();
            let mut start = [0; 12];
            stream.read_exact(&mut start).unwrap();
            assert_eq!(&start, b"HTTP/1.1 200");
            stream
        })
        .collect();
    let refused = exchange(connect(&server, &rustls::version::TLS13), &get("localhost", "/healthz", ""));
    assert!(refused.starts_with(b"HTTP/1.1 503"), "{}", String::from_utf8_lossy(&refused));
    assert_title_case(&refused, "too many connections");
    drop(held);
}

#[tokio::test]
async fn idle_connection_is_closed_despite_pings() {
    let server = Server::start_with(
        &[],
        &[
            ("STRONGROOM_CONNECTIONS__FIRST_REQUEST_SECONDS", "1"),
            ("STRONGROOM_CONNECTIONS__IDLE_SECONDS", "2"),
            ("STRONGROOM_CONNECTIONS__UNAUTHENTICATED_SECONDS", "3"),
        ],
    );
    let token = server.access_token("dev").await;

    let mut without_request = H2::open(&server).await;
    let mut idle = H2::open(&server).await;
    let answer = idle.send(rpc(LIST, Some(&token)), Body::from(list_keys())).await.unwrap();
    assert_eq!(answer.headers().get("grpc-status"), None);
    drop(axum::body::to_bytes(Body::new(answer.into_body()), usize::MAX).await.unwrap());
    // A stream that needs no credential does not keep a connection open.
    let mut watching = H2::open(&server).await;
    let watch = raw::frame(&prost::Message::encode_to_vec(&HealthCheckRequest::default()));
    let watched = watching.send(rpc("/grpc.health.v1.Health/Watch", None), Body::from(watch)).await.unwrap();
    // A stream of an authenticated caller keeps its connection open.
    let mut busy = H2::open(&server).await;
    let watch = pb::WatchLifecycleRequest { parent: "hsms/local".to_owned(), ..Default::default() };
    let watch = raw::frame(&prost::Message::encode_to_vec(&watch));
    let path = "/strongroom.v1.LifecycleService/WatchLifecycle";
    let events = busy.send(rpc(path, Some(&token)), Body::from(watch)).await.unwrap();
    assert_eq!(events.headers().get("grpc-status"), None);

    assert!(without_request.ends_within(10).await, "a connection without requests stays open");
    assert!(idle.ends_within(10).await, "an idle connection stays open");
    assert!(watching.ends_within(10).await, "an unauthenticated connection stays open");
    assert!(!busy.ends_within(1).await, "the connection of a watch was closed");
    drop((watched, events));
    assert!(busy.ends_within(10).await, "an idle connection stays open after its watch ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unauthenticated_connections_do_not_block_authenticated_ones() {
    let server = Server::start_with(
        &[],
        &[
            ("STRONGROOM_SERVER__MAX_CONNECTIONS", "8"),
            ("STRONGROOM_CONNECTIONS__RESERVED", "2"),
            ("STRONGROOM_CONNECTIONS__MAX_PER_ADDRESS", "5"),
        ],
    );
    let token = server.access_token("dev").await;
    let list = async || {
        let started = Instant::now();
        let mut client = Client::new(server.channel().await, Some(&token));
        let request = pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
        client.keys.list_keys(request).await.unwrap();
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        client
    };
    let mut held = vec![list().await];
    // From other addresses, and from the address of the authenticated client.
    for from in [2, 3, 4, 1] {
        let mut attack = Vec::new();
        for _ in 0..12 {
            // The server may close it before the handshake is complete.
            if let Ok(h2) = H2::open_from(&server, IpAddr::from([127, 0, 0, from])).await {
                let request = http::Request::get("https://localhost/healthz");
                drop(h2.send(request, Body::empty()).await);
                attack.push(h2);
            }
        }
        held.push(list().await);
        held.truncate(2);
        tokio::time::sleep(Duration::from_millis(1500)).await;
        let open = attack.iter().filter(|h2| !h2.connection.is_finished()).count();
        assert!(open <= 5, "{open} connections of one address");
    }
    // No authenticated connection was evicted.
    for client in &mut held {
        let request = pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
        client.keys.list_keys(request).await.unwrap();
    }
    assert!(!server.log().contains("refusing one with 503"), "{}", server.log());
}
