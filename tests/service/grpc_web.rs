//! Tests gRPC-Web, the form of gRPC that browsers can send, over HTTP/1.1 and HTTP/2, with plain HTTP clients.

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, StatusCode};
use prost::Message as _;
use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::connections::{H2, LIST, list_keys};
use crate::raw::frame;
use crate::support::{Server, ec, reason};

const WATCH: &str = "/strongroom.v1.LifecycleService/WatchLifecycle";
const SIGN: &str = "/strongroom.v1.CryptoService/Sign";
const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// The first byte of the frame with the trailers.
const TRAILERS: u8 = 0x80;

/// The response to a call.
struct Reply {
    http_status: StatusCode,
    headers: HeaderMap,
    messages: Vec<Vec<u8>>,
    status: Status,
}

impl Reply {
    /// Reads a response: its frames, and the status from the last one or, if the call was refused at once, from the headers.
    fn read(http_status: StatusCode, headers: HeaderMap, body: &[u8]) -> Self {
        let (mut messages, mut trailers, mut rest) = (Vec::new(), headers.clone(), body);
        while let [kind, length @ ..] = &rest[..rest.len().min(5)]
            && let Ok(length) = <[u8; 4]>::try_from(length)
        {
            let length = usize::try_from(u32::from_be_bytes(length)).unwrap();
            let (content, after) = rest[5..].split_at(length);
            match *kind {
                0 => messages.push(content.to_vec()),
                TRAILERS => {
                    assert!(after.is_empty(), "the trailers are last");
                    for line in std::str::from_utf8(content).unwrap().lines() {
                        let (name, value) = line.split_once(':').unwrap();
                        let name: http::HeaderName = name.parse().unwrap();
                        trailers.insert(name, value.trim().parse().unwrap());
                    }
                }
                other => panic!("a frame of kind {other}"),
            }
            rest = after;
        }
        assert!(rest.is_empty(), "{rest:?}");
        let status = Status::from_header_map(&trailers).unwrap_or_else(|| Status::unknown("no status"));
        Self { http_status, headers, messages, status }
    }

    /// Returns the only message of a successful call.
    fn message<M: prost::Message + Default>(&self) -> M {
        assert_eq!((self.status.code(), self.messages.len()), (Code::Ok, 1), "{:?}", self.status);
        M::decode(self.messages[0].as_slice()).unwrap()
    }
}

/// Sends a call over HTTP/1.1, as a browser does.
async fn call(server: &Server, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
    let url = format!("{}{path}", server.connection().endpoint);
    let mut request = server.http().post(url).header("x-grpc-web", "1").body(body);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = request.send().await.unwrap();
    assert_eq!(response.version(), http::Version::HTTP_11);
    let (status, headers) = (response.status(), response.headers().clone());
    Reply::read(status, headers, &response.bytes().await.unwrap())
}

const BINARY: (&str, &str) = ("content-type", "application/grpc-web+proto");

#[tokio::test]
async fn unary_and_streaming_calls_work_over_both_versions_of_http() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let bearer = format!("Bearer {}", server.access_token("dev").await);
    let authorization = ("authorization", bearer.as_str());

    // Unary, over HTTP/1.1.
    let id = "11111111-2222-4333-8444-555555555555";
    let reply = call(&server, LIST, &[BINARY, authorization, ("x-correlation-id", id)], list_keys()).await;
    assert_eq!(reply.http_status, 200);
    assert_eq!(reply.headers["content-type"], "application/grpc-web+proto");
    assert_eq!(reply.headers["x-correlation-id"], id);
    let listed: pb::ListKeysResponse = reply.message();
    assert_eq!(listed.keys[0].name, "hsms/local/keys/invoices");

    // The same over HTTP/2.
    let h2 = H2::open(&server).await;
    let request = http::Request::post(format!("https://localhost{LIST}"))
        .header(BINARY.0, BINARY.1)
        .header(authorization.0, authorization.1);
    let response = h2.send(request, Body::from(list_keys())).await.unwrap();
    let (parts, body) = response.into_parts();
    assert_eq!(parts.version, http::Version::HTTP_2);
    let body = axum::body::to_bytes(Body::new(body), usize::MAX).await.unwrap();
    assert_eq!(Reply::read(parts.status, parts.headers, &body).message::<pb::ListKeysResponse>(), listed);

    // A stream of responses.
    let watch = pb::WatchLifecycleRequest {
        parent: "hsms/local".to_owned(),
        resume_token: "0".to_owned(),
        until_now: true,
    };
    let reply = call(&server, WATCH, &[BINARY, authorization], frame(&watch.encode_to_vec())).await;
    assert_eq!(reply.status.code(), Code::Ok, "{:?}", reply.status);
    let events = reply
        .messages
        .iter()
        .flat_map(|message| pb::WatchLifecycleResponse::decode(message.as_slice()).unwrap().events);
    assert!(
        events.into_iter().any(|event| event.kind == "key.created"),
        "the created key is among the events"
    );

    // A stream that stays open: its first message arrives at once, and the next one when something happens.
    let watch = pb::WatchLifecycleRequest { until_now: false, resume_token: String::new(), ..watch };
    let url = format!("{}{WATCH}", server.connection().endpoint);
    let request = server.http().post(url).header(BINARY.0, BINARY.1).header("authorization", &bearer);
    let mut open = request.body(frame(&watch.encode_to_vec())).send().await.unwrap();
    assert!(open.chunk().await.unwrap().is_some(), "the position of the watch");
    dev.create(ec("orders", "P-256")).await.unwrap();
    let next = tokio::time::timeout(std::time::Duration::from_secs(10), open.chunk()).await;
    let next = next.expect("an event arrives in time").unwrap().unwrap();
    assert!(next.windows(6).any(|window| window == b"orders"), "{next:?}");

    // Base64, and a service without credentials.
    let text = STANDARD.encode(frame(&[]));
    let reply = call(&server, HEALTH, &[("content-type", "application/grpc-web-text")], text.into()).await;
    assert_eq!((reply.http_status.as_u16(), reply.status.code(), reply.messages.len()), (200, Code::Ok, 1));

    // On record as every other call, with the surface and the name of gRPC.
    let entries = server.audit(1);
    let entry = entries.iter().find(|entry| entry["correlationId"] == id).unwrap();
    assert_eq!(
        (entry["operationName"].as_str(), entry["resultType"].as_str()),
        (Some("KeyList"), Some("Success"))
    );
}

#[tokio::test]
async fn refusals_and_limits_are_those_of_grpc() {
    let server = Server::start();
    let tokens = server.access_tokens("dev").await;
    let bearer = format!("Bearer {}", tokens.data);
    let authorization = ("authorization", bearer.as_str());

    for (what, headers, body, code, why) in [
        ("no credential", &[BINARY][..], list_keys(), Code::Unauthenticated, "UNAUTHENTICATED"),
        (
            "a malformed message",
            &[BINARY, authorization],
            frame(&[0xff; 4]),
            Code::InvalidArgument,
            "BAD_PARAMETER",
        ),
        (
            "a large message",
            &[BINARY, authorization],
            frame(&[0; 3_000_000]),
            Code::ResourceExhausted,
            "REQUEST_TOO_LARGE",
        ),
        (
            "an unknown compression",
            &[BINARY, authorization, ("grpc-encoding", "br")],
            list_keys(),
            Code::Unimplemented,
            "NOT_AVAILABLE",
        ),
    ] {
        let reply = call(&server, LIST, headers, body).await;
        assert_eq!(reply.http_status, 200, "{what}");
        assert_eq!(
            (reply.status.code(), reason(&reply.status).as_str()),
            (code, why),
            "{what}: {:?}",
            reply.status
        );
        assert!(reply.headers.contains_key("x-correlation-id"), "{what}");
    }
    let nobody = format!("Bearer {}", server.access_token("nobody").await);
    let reply = call(&server, LIST, &[BINARY, ("authorization", &nobody)], list_keys()).await;
    assert_eq!(
        (reply.status.code(), reason(&reply.status).as_str()),
        (Code::PermissionDenied, "ACTION_NOT_GRANTED")
    );

    // A call that has not begun at its deadline does not use the token.
    server.client("dev").await.create(ec("invoices", "P-256")).await.unwrap();
    let sign = pb::SignRequest {
        name: "hsms/local/keys/invoices".to_owned(),
        algorithm: "ES256".to_owned(),
        digest: vec![0x2a; 32],
    };
    let late = [BINARY, authorization, ("grpc-timeout", "0m")];
    let reply = call(&server, SIGN, &late, frame(&sign.encode_to_vec())).await;
    assert_eq!(
        (reply.status.code(), reason(&reply.status).as_str()),
        (Code::DeadlineExceeded, "DEADLINE_EXCEEDED")
    );
    let reply = call(&server, SIGN, &late[..2], frame(&sign.encode_to_vec())).await;
    assert_eq!(reply.message::<pb::SignResponse>().signature.len(), 64);

    let url = format!("{}{LIST}", server.connection().endpoint);
    let answer = server.http().get(&url).header(BINARY.0, BINARY.1).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn no_response_permits_other_origins() {
    let server = Server::start();
    let bearer = format!("Bearer {}", server.access_token("dev").await);
    let http = server.http();
    for path in [LIST, HEALTH, "/console/token", "/console/config.json", "/keys?api-version=7.4"] {
        let url = format!("{}{path}", server.connection().endpoint);
        let preflight = http
            .request(http::Method::OPTIONS, &url)
            .header("origin", "https://attacker.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,authorization")
            .send();
        let sent = http
            .post(&url)
            .header("origin", "https://attacker.example")
            .header(BINARY.0, BINARY.1)
            .header("authorization", &bearer)
            .body(list_keys())
            .send();
        for answer in [preflight.await.unwrap(), sent.await.unwrap()] {
            let permits = answer.headers().keys().find(|name| name.as_str().starts_with("access-control-"));
            assert_eq!(permits, None, "{path}");
        }
    }
}
