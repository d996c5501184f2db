//! Limits on headers, on connections, and on the time until a body is received.

use std::io::{Read as _, Write as _};

use crate::support::Server;
use crate::transport::connect;

/// Sends the head of a request, with any part of its body, and returns the response up to the end of the connection.
fn answer(server: &Server, request: &str) -> String {
    let mut stream = connect(server, &rustls::version::TLS13);
    // Writing fails if the server closes the connection before it has read all.
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.flush();
    let mut response = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        response.extend_from_slice(&buffer[..length]);
    }
    String::from_utf8_lossy(&response).into_owned()
}

fn head(rest: &str) -> String {
    format!("GET /keys?api-version=7.6 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{rest}\r\n")
}

#[tokio::test]
async fn oversized_headers_are_rejected_with_431() {
    let server = Server::start();
    let many = |count: usize| (0..count).map(|number| format!("x-{number}: 1\r\n")).collect::<String>();
    let long = format!("x-long: {}\r\n", "x".repeat(70 * 1024));
    assert!(answer(&server, &head(&many(50))).starts_with("HTTP/1.1 401 "));
    for flood in [many(1000), long] {
        let response = answer(&server, &head(&flood));
        assert!(response.starts_with("HTTP/1.1 431 "), "{response}");
    }
}

/// If all connections are authenticated, a further one waits and then gets `503` with `Retry-After`; otherwise an
/// unauthenticated connection is closed for it.
#[tokio::test]
async fn excess_connections_are_rejected_with_503() {
    let settings = [("STRONGROOM_SERVER__REQUEST_SECONDS", "1"), ("STRONGROOM_SERVER__MAX_CONNECTIONS", "2")];
    let server = Server::start_in(crate::directory::in_memory(), &[], &settings);
    let token = server.access_token("dev").await;
    let authenticated = head(&format!("authorization: Bearer {token}\r\n"));
    let authenticated = authenticated.replace("connection: close", "connection: keep-alive");
    let mut connections = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&server, &rustls::version::TLS13);
        stream.write_all(authenticated.as_bytes()).unwrap();
        let mut buffer = [0; 4096];
        assert!(stream.read(&mut buffer).unwrap() > 0);
        connections.push(stream);
    }
    let response = answer(&server, &head(""));
    assert!(response.starts_with("HTTP/1.1 503 ") && response.contains("Retry-After: 1"), "{response}");
    connections.pop();
    let mut other = connect(&server, &rustls::version::TLS13);
    other.write_all(head("").replace("connection: close", "connection: keep-alive").as_bytes()).unwrap();
    assert!(other.read(&mut [0; 4096]).unwrap() > 0);
    let response = answer(&server, &head(""));
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
}

#[tokio::test]
async fn missing_body_is_rejected_with_408() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_in(directory, &[], &[("STRONGROOM_SERVER__REQUEST_SECONDS", "1")]);
    let token = server.access_token("dev").await;
    let slow = head(&format!("authorization: Bearer {token}\r\ncontent-length: 100\r\n"))
        .replace("GET /keys", "POST /keys/slow/create");
    let response = answer(&server, &format!("{slow}{{\"kty\":"));
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    assert!(response.contains("RequestTimeout"), "{response}");
    // The body of an unauthenticated request is not read, so there is no wait.
    let response = answer(&server, &slow.replace("authorization", "x-authorization"));
    assert!(response.starts_with("HTTP/1.1 401 "), "{response}");
}
