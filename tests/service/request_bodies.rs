//! Tests request bodies: none is buffered before authentication, each has a deadline, and all share a byte budget.

use std::convert::Infallible;
use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use axum::body::Body;
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::connections::{H2, LIST, list_keys, rpc};
use crate::support::{Server, reason};
use crate::transport::connect;

/// Returns a body that sends the first `bytes` of a large message and never ends.
fn unfinished(bytes: usize) -> Body {
    let mut start = vec![0];
    start.extend_from_slice(&1_000_000_u32.to_be_bytes());
    start.resize(bytes, b'a');
    let pieces: Vec<_> = start.chunks(16 * 1024).map(|piece| Ok::<_, Infallible>(piece.to_vec())).collect();
    Body::from_stream(futures_util::stream::iter(pieces).chain(futures_util::stream::pending()))
}

/// Sends a gRPC call, expects an error, and returns its status.
async fn refused(h2: &H2, token: Option<&str>, body: Body) -> Status {
    let answer = h2.send(rpc(LIST, token), body).await.unwrap();
    Status::from_header_map(answer.headers()).expect("refused")
}

/// Sends a request to one of the hosts and returns the response's status and headers.
async fn sent(h2: &H2, host: &str, path: &str, token: &str, body: Body) -> (StatusCode, HeaderMap) {
    let request = http::Request::put(format!("https://{host}{path}"))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/x-www-form-urlencoded");
    let request = if host.starts_with("login") { request.method("POST") } else { request };
    let answer = h2.send(request, body).await.unwrap();
    (answer.status(), answer.headers().clone())
}

const KEY: &str = "/keys/a?api-version=7.4";
const GROUP: &str =
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourcegroups/a?api-version=2024-03-01";

async fn in_time<T>(what: &str, answer: impl Future<Output = T>) -> T {
    let answer = tokio::time::timeout(Duration::from_secs(10), answer).await;
    answer.unwrap_or_else(|_| panic!("{what} is not answered"))
}

#[tokio::test]
async fn rejects_unauthenticated_caller_before_reading_body() {
    // The body deadline is longer than the test.
    let server = Server::start_with(&[], &[("STRONGROOM_SERVER__REQUEST_SECONDS", "600")]);
    let h2 = H2::open(&server).await;
    let before = server.memory();
    for (what, token) in [("no token", None), ("a bad token", Some("x"))] {
        for _ in 0..100 {
            let status = in_time(what, refused(&h2, token, unfinished(900_000))).await;
            assert_eq!(status.code(), Code::Unauthenticated, "{what}: {status:?}");
        }
    }
    for (host, path) in [("local.managedhsm.localhost", KEY), ("management.localhost", GROUP)] {
        for _ in 0..50 {
            let (status, _) = in_time(host, sent(&h2, host, path, "x", unfinished(900_000))).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{host}");
        }
    }
    // Concurrent streams.
    let all = (0..200).map(|_| refused(&h2, Some("x"), unfinished(900_000)));
    for status in in_time("all", futures_util::future::join_all(all)).await {
        assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
    }
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 64 * 1024 * 1024, "{grown} bytes");

    // Over HTTP/1.1 a client that is still writing gets its response, too.
    let mut stream = connect(&server, &rustls::version::TLS13);
    let head = "PUT /keys/a?api-version=7.4 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer x\r\n\
                connection: close\r\ncontent-length: 900000\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&[b' '; 300_000]).unwrap();
    let started = Instant::now();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 401");
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}

#[tokio::test]
async fn bodies_have_a_deadline_and_share_a_byte_budget() {
    let server = Server::start_with(
        &[],
        &[
            ("STRONGROOM_SERVER__REQUEST_SECONDS", "3"),
            ("STRONGROOM_CONNECTIONS__MAX_BUFFERED_BYTES", "2097152"),
        ],
    );
    let token = server.access_token("dev").await;
    let management = server.access_token_for("dev", "https://management.localhost").await;
    let (h2, other) = (H2::open(&server).await, H2::open(&server).await);

    // Two bodies take nearly the entire budget.
    let held =
        futures_util::future::join_all((0..2).map(|_| refused(&h2, Some(&token), unfinished(950_000))));
    let attack = async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        let status = in_time("a third", refused(&other, Some(&token), unfinished(950_000))).await;
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "OVERLOADED"));
        assert!(status.get_details_retry_info().and_then(|info| info.retry_delay).is_some(), "{status:?}");
        for (host, path, token) in
            [("local.managedhsm.localhost", KEY, &token), ("management.localhost", GROUP, &management)]
        {
            let (status, headers) = in_time(host, sent(&other, host, path, token, unfinished(950_000))).await;
            assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{host}");
            assert_eq!(headers["retry-after"], "1", "{host}");
        }
        // There is budget for small bodies.
        let answer = other.send(rpc(LIST, Some(&token)), Body::from(list_keys())).await.unwrap();
        assert_eq!(answer.headers().get("grpc-status"), None);
    };
    let (held, ()) = futures_util::future::join(in_time("the first two", held), attack).await;
    for status in held {
        assert_eq!((status.code(), reason(&status).as_str()), (Code::DeadlineExceeded, "REQUEST_TOO_SLOW"));
    }
    for (host, path, token) in
        [("local.managedhsm.localhost", KEY, &token), ("management.localhost", GROUP, &management)]
    {
        let (status, _) = in_time(host, sent(&other, host, path, token, unfinished(950_000))).await;
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT, "{host}");
    }

    // Unauthenticated callers share an eighth of the budget; the rest is reserved for authenticated ones.
    let token_path = format!("/{}/oauth2/v2.0/token", server.connection().tenant_id);
    let posts = (0..8).map(|_| sent(&h2, "login.localhost", &token_path, "", unfinished(60_000)));
    let posts = futures_util::future::join_all(posts);
    let beside = async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        let status =
            in_time("a large one", refused(&other, Some(&token), Body::from(vec![7; 900_000]))).await;
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    };
    let (posts, ()) = futures_util::future::join(in_time("the authority", posts), beside).await;
    let of = |wanted| posts.iter().filter(|(status, _)| *status == wanted).count();
    let (late, refused) = (of(StatusCode::REQUEST_TIMEOUT), of(StatusCode::SERVICE_UNAVAILABLE));
    // Four fit. Their frames arrive interleaved with those of the others, so that fewer may be complete.
    assert_eq!(late + refused, 8, "{posts:?}");
    assert!((1..=4).contains(&late), "{posts:?}");
}
