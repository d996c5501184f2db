//! Clients that are slow, or send too much before they have asked for anything.

use std::io::{Read as _, Write as _};

use crate::support::Server;
use crate::transport::connect;

/// What the server says to a head, and to as much of a body; nothing more comes.
fn answer(server: &Server, request: &str) -> String {
    let mut stream = connect(server, &rustls::version::TLS13);
    // Whoever is cut off may not get rid of the rest.
    let _ = stream.write_all(request.as_bytes());
    let _ = stream.flush();
    let mut said = Vec::new();
    let mut piece = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        said.extend_from_slice(&piece[..length]);
    }
    String::from_utf8_lossy(&said).into_owned()
}

fn head(rest: &str) -> String {
    format!("GET /keys?api-version=7.6 HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{rest}\r\n")
}

#[tokio::test]
async fn floods_of_headers_are_cut_off() {
    let server = Server::start();
    let many = |count: usize| (0..count).map(|number| format!("x-{number}: 1\r\n")).collect::<String>();
    let long = format!("x-long: {}\r\n", "x".repeat(70 * 1024));
    assert!(answer(&server, &head(&many(50))).starts_with("HTTP/1.1 401 "));
    for flood in [many(1000), long] {
        let said = answer(&server, &head(&flood));
        assert!(said.starts_with("HTTP/1.1 431 "), "{said}");
    }
}

/// Where all connections are authenticated, a further one waits a while, and is told to come back then; where they are
/// not, one of them ends for it.
#[tokio::test]
async fn too_many_connections_are_turned_away() {
    let settings = [("STRONGROOM_SERVER__REQUEST_SECONDS", "1"), ("STRONGROOM_SERVER__MAX_CONNECTIONS", "2")];
    let server = Server::start_in(tempfile::tempdir().unwrap(), &[], &settings);
    let token = server.token("dev").await;
    let asked = head(&format!("authorization: Bearer {token}\r\n"));
    let asked = asked.replace("connection: close", "connection: keep-alive");
    let mut taken = Vec::new();
    for _ in 0..2 {
        let mut stream = connect(&server, &rustls::version::TLS13);
        stream.write_all(asked.as_bytes()).unwrap();
        let mut piece = [0; 4096];
        assert!(stream.read(&mut piece).unwrap() > 0);
        taken.push(stream);
    }
    let said = answer(&server, &head(""));
    assert!(said.starts_with("HTTP/1.1 503 ") && said.contains("Retry-After: 1"), "{said}");
    taken.pop();
    let mut other = connect(&server, &rustls::version::TLS13);
    other.write_all(head("").replace("connection: close", "connection: keep-alive").as_bytes()).unwrap();
    assert!(other.read(&mut [0; 4096]).unwrap() > 0);
    let said = answer(&server, &head(""));
    assert!(said.starts_with("HTTP/1.1 401 "), "{said}");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start_in(directory, &[], &[("STRONGROOM_SERVER__REQUEST_SECONDS", "1")]);
    let token = server.token("dev").await;
    let slow = head(&format!("authorization: Bearer {token}\r\ncontent-length: 100\r\n"))
        .replace("GET /keys", "POST /keys/slow/create");
    let said = answer(&server, &format!("{slow}{{\"kty\":"));
    assert!(said.starts_with("HTTP/1.1 408 "), "{said}");
    assert!(said.contains("RequestTimeout"), "{said}");
    // Of who is not known, nothing is read, and so nothing is waited for.
    let said = answer(&server, &slow.replace("authorization", "x-authorization"));
    assert!(said.starts_with("HTTP/1.1 401 "), "{said}");
}
