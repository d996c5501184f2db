//! Connections as sockets see them: how header fields are written, and what a client that sends no credential can hold.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use crate::support::Server;
use crate::transport::connect;

/// Whether the answer is HTTP/1.1 with each name of a header field in title case.
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

/// Sends a request and reads until the other side closes.
fn exchange(mut stream: impl std::io::Read + std::io::Write, request: &str) -> Vec<u8> {
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // A close without TLS's farewell is an error after the whole answer.
    let _ = stream.read_to_end(&mut answer);
    answer
}

fn get(host: &str, path: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}\r\n")
}

#[test]
fn header_names_of_http_1_are_in_title_case_on_every_listener() {
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

    let told = std::fs::read(server.directory().join("connection.json")).unwrap();
    let told: serde_json::Value = serde_json::from_slice(&told).unwrap();
    let address = told["managed_identity"]["host"].as_str().unwrap().strip_prefix("http://").unwrap();
    for path in ["/metadata/identity/oauth2/token?resource=https://vault.azure.net", "/msi/token", "/"] {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        assert_title_case(&exchange(stream, &get(address, path, "metadata: true\r\n")), path);
    }

    // Two connections are all that are served; a third is told so.
    let held: Vec<_> = (0..2)
        .map(|_| {
            let mut stream = connect(&server, &rustls::version::TLS13);
            stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            stream
        })
        .collect();
    let refused = exchange(connect(&server, &rustls::version::TLS13), &get("localhost", "/healthz", ""));
    assert!(refused.starts_with(b"HTTP/1.1 503"), "{}", String::from_utf8_lossy(&refused));
    assert_title_case(&refused, "too many connections");
    drop(held);
}
