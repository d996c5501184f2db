//! Tests the stream on which clients send requests without waiting for the responses.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::pipeline_request::Request;
use strongroom::api::grpc::pb::pipeline_response::Response;
use tokio::sync::mpsc;
use tonic::{Code, Status, Streaming};
use tonic_types::RpcStatusExt as _;

use crate::batches::ItemError;
use crate::calls::{import, key};
use crate::raw;
use crate::roles::support::{CRYPTO_USER, assign, unassign};
use crate::software::{digest, message, symmetric, verifies};
use crate::support::{Client, Server, ec, oct, reason};

/// How long a response may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open stream.
struct Pipeline {
    requests: mpsc::UnboundedSender<pb::PipelineRequest>,
    responses: Streaming<pb::PipelineResponse>,
    correlation_id: String,
}

impl Pipeline {
    async fn open(client: &mut Client) -> Result<Self, Status> {
        let (requests, mut sent) = mpsc::unbounded_channel();
        let sent = futures_util::stream::poll_fn(move |cx| sent.poll_recv(cx));
        let answer = client.crypto.pipeline(sent.boxed()).await?;
        let id = answer.metadata().get("x-correlation-id").unwrap().to_str().unwrap().to_owned();
        Ok(Self { requests, responses: answer.into_inner(), correlation_id: id })
    }

    fn send(&self, id: u64, request: impl Into<Option<Request>>) {
        self.requests.send(pb::PipelineRequest { id, request: request.into() }).unwrap();
    }

    /// Waits for the next response; `None` at the end of the stream.
    async fn next(&mut self) -> Result<Option<pb::PipelineResponse>, Status> {
        tokio::time::timeout(PATIENCE, self.responses.message()).await.expect("there is no response")
    }

    /// Waits for the response to the only request that is not answered.
    async fn answer(&mut self, id: u64) -> Result<Response, ItemError> {
        let response = self.next().await.unwrap().expect("the stream has ended");
        assert_eq!(response.id, id);
        match response.response.unwrap() {
            Response::Error(status) => Err(status),
            answered => Ok(answered),
        }
    }

    /// Closes the client's side, and returns the remaining responses by their ids.
    async fn finish(self) -> Result<BTreeMap<u64, Response>, Status> {
        let Self { requests, mut responses, .. } = self;
        drop(requests);
        let mut answered = BTreeMap::new();
        while let Some(response) =
            tokio::time::timeout(PATIENCE, responses.message()).await.expect("the stream does not end")?
        {
            let known = answered.insert(response.id, response.response.unwrap());
            assert!(known.is_none(), "two responses to {}", response.id);
        }
        Ok(answered)
    }
}

fn sign(name: &str, digest: &[u8]) -> Request {
    Request::Sign(pb::SignRequest {
        name: name.to_owned(),
        algorithm: "ES256".to_owned(),
        digest: digest.to_vec(),
    })
}

fn error<T: std::fmt::Debug>(result: Result<T, ItemError>) -> (Code, String) {
    let status = result.unwrap_err();
    (Code::from(status.code), status.get_details_error_info().unwrap().reason)
}

#[tokio::test]
async fn responses_have_the_ids_of_their_requests_in_any_order() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let keys =
        [dev.create(ec("one", "P-256")).await.unwrap(), dev.create(ec("other", "P-256")).await.unwrap()];
    let pipeline = Pipeline::open(&mut dev).await.unwrap();
    let text = |id: u64| digest("ES256", &id.to_be_bytes());
    // Ids need not be consecutive.
    let ids: Vec<u64> = (0..500).map(|number| u64::MAX - 7 * number).collect();
    for id in &ids {
        pipeline.send(*id, sign(&keys[usize::try_from(id % 2).unwrap()].name, &text(*id)));
    }
    let answered = pipeline.finish().await.unwrap();
    assert_eq!(answered.keys().copied().collect::<BTreeSet<_>>(), ids.into_iter().collect());
    for (id, response) in answered {
        let Response::Sign(signed) = response else { panic!("{id}: {response:?}") };
        let bundle = &keys[usize::try_from(id % 2).unwrap()];
        assert_eq!(signed.name, bundle.name);
        assert!(verifies(bundle.key.as_ref().unwrap(), "ES256", &text(id), &signed.signature), "{id}");
    }
    // Each request is a call with its own audit entry.
    let records = server.audit_where(500, |record| record["operationName"] == "KeySign");
    assert_eq!(records.len(), 500);
    assert!(records.iter().all(|record| record["requestUri"] == raw::PIPELINE));
    assert!(records.iter().all(|record| record["properties"].get("items").is_none()));
}

#[tokio::test]
async fn runs_each_of_the_six_operations() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("ec", "P-256")).await.unwrap();
    let aes = import(&mut dev, "aes", symmetric::material(256)).await.name;
    let digest = digest("ES256", b"message");
    let mut pipeline = Pipeline::open(&mut dev).await.unwrap();
    pipeline.send(1, sign(&made.name, &digest));
    let Ok(Response::Sign(signed)) = pipeline.answer(1).await else { panic!("not signed") };
    assert!(verifies(made.key.as_ref().unwrap(), "ES256", &digest, &signed.signature));
    let request = pb::VerifyRequest {
        name: made.name.clone(),
        algorithm: "ES256".to_owned(),
        digest,
        signature: signed.signature,
    };
    pipeline.send(2, Request::Verify(request));
    assert!(matches!(pipeline.answer(2).await, Ok(Response::Verify(verified)) if verified.valid));
    let request = pb::EncryptRequest {
        name: aes.clone(),
        algorithm: "A256GCM".to_owned(),
        plaintext: b"secret".to_vec(),
        ..Default::default()
    };
    pipeline.send(3, Request::Encrypt(request));
    let Ok(Response::Encrypt(sealed)) = pipeline.answer(3).await else { panic!("not encrypted") };
    assert_eq!(symmetric::open_gcm(256, &sealed, &[]), b"secret");
    pipeline.send(4, Request::Decrypt(crate::calls::decrypt_request(sealed)));
    assert!(
        matches!(pipeline.answer(4).await, Ok(Response::Decrypt(opened)) if opened.plaintext == b"secret")
    );
    let algorithm = "A256KW".to_owned();
    let request = pb::WrapKeyRequest { name: aes.clone(), algorithm: algorithm.clone(), key: vec![7; 32] };
    pipeline.send(5, Request::WrapKey(request));
    let Ok(Response::WrapKey(wrapped)) = pipeline.answer(5).await else { panic!("not wrapped") };
    assert_eq!(symmetric::unwrap(256, &wrapped.wrapped_key), [7; 32]);
    let request = pb::UnwrapKeyRequest { name: aes, algorithm, wrapped_key: wrapped.wrapped_key };
    pipeline.send(6, Request::UnwrapKey(request));
    assert!(matches!(pipeline.answer(6).await, Ok(Response::UnwrapKey(key)) if key.key == [7; 32]));
    assert_eq!(pipeline.finish().await.unwrap(), BTreeMap::new());
}

#[tokio::test]
async fn failing_request_does_not_end_the_stream() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("ec", "P-256")).await.unwrap();
    let mut pipeline = Pipeline::open(&mut dev).await.unwrap();
    for (request, expected) in [
        (Some(sign(&key("ec"), &[7; 31])), (Code::InvalidArgument, "BAD_PARAMETER")),
        (Some(sign(&key("nothing"), &[7; 32])), (Code::NotFound, "KEY_NOT_FOUND")),
        (Some(sign("nonsense", &[7; 32])), (Code::InvalidArgument, "BAD_PARAMETER")),
        (None, (Code::InvalidArgument, "BAD_PARAMETER")),
        (Some(sign("vaults/demo/keys/ec", &[7; 32])), (Code::Unauthenticated, "UNAUTHENTICATED")),
    ] {
        pipeline.send(7, request);
        assert_eq!(error(pipeline.answer(7).await), (expected.0, expected.1.to_owned()));
    }
    pipeline.send(8, sign(&key("ec"), &[7; 32]));
    assert!(matches!(pipeline.answer(8).await, Ok(Response::Sign(_))));
    let id = pipeline.correlation_id.clone();
    assert_eq!(pipeline.finish().await.unwrap(), BTreeMap::new());
    // What is no request of an operation is recorded, too, and all calls have the correlation id of the stream.
    let records = server.audit_where(6, |record| record["requestUri"] == raw::PIPELINE);
    let names: Vec<_> = records.iter().map(|record| record["operationName"].as_str().unwrap()).collect();
    assert_eq!(names, ["KeySign", "KeySign", "KeySign", "KeyPipeline", "KeySign", "KeySign"]);
    assert!(records.iter().all(|record| record["correlationId"] == id.as_str()));
}

#[tokio::test]
async fn revoked_role_takes_effect_for_the_next_request() {
    let server = Server::start();
    let (mut dev, mut nobody) = (server.client("dev").await, server.client("nobody").await);
    dev.create(ec("ec", "P-256")).await.unwrap();
    // A stream needs no role; each of its requests does.
    let mut pipeline = Pipeline::open(&mut nobody).await.unwrap();
    let refused = (Code::PermissionDenied, "ACTION_NOT_GRANTED".to_owned());
    pipeline.send(1, sign(&key("ec"), &[7; 32]));
    assert_eq!(error(pipeline.answer(1).await), refused);
    let object_id = server.principal("nobody").object_id;
    let assignment = assign(&mut dev, CRYPTO_USER, &object_id, "/keys/ec").await.name;
    pipeline.send(2, sign(&key("ec"), &[7; 32]));
    assert!(pipeline.answer(2).await.is_ok());
    unassign(&mut dev, &assignment).await;
    pipeline.send(3, sign(&key("ec"), &[7; 32]));
    assert_eq!(error(pipeline.answer(3).await), refused);
    let records = server.audit_where(3, |record| record["operationName"] == "KeySign");
    let statuses: Vec<_> = records.iter().map(|record| record["httpStatusCode"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [403, 200, 403]);
}

#[tokio::test]
async fn expiry_of_the_credential_takes_effect_for_the_next_request() {
    let server = Server::start_with(&[], &[("STRONGROOM_SIMULATOR__TOKEN_LIFETIME_SECONDS", "2")]);
    let mut dev = server.client("dev").await;
    dev.create(ec("ec", "P-256")).await.unwrap();
    let mut pipeline = Pipeline::open(&mut dev).await.unwrap();
    pipeline.send(0, sign(&key("ec"), &[7; 32]));
    assert!(pipeline.answer(0).await.is_ok());
    // The permitted clock skew is five seconds.
    let started = Instant::now();
    for id in 1.. {
        pipeline.send(id, sign(&key("ec"), &[7; 32]));
        match pipeline.answer(id).await {
            Ok(_) => assert!(started.elapsed() < Duration::from_secs(12), "the token is still accepted"),
            refused => {
                assert_eq!(error(refused), (Code::Unauthenticated, "UNAUTHENTICATED".to_owned()));
                break;
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // The stream stays open, and so do its errors.
    pipeline.send(0, sign(&key("ec"), &[7; 32]));
    assert_eq!(error(pipeline.answer(0).await).0, Code::Unauthenticated);
    assert_eq!(pipeline.finish().await.unwrap(), BTreeMap::new());
}

#[tokio::test]
async fn requires_a_credential_of_the_data_plane() {
    let server = Server::start();
    let channel = server.channel().await;
    let tokens = server.access_tokens("dev").await;
    for token in [None, Some(tokens.control.as_str())] {
        let refused = Pipeline::open(&mut Client::new(channel.clone(), token)).await.err().unwrap();
        assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unauthenticated, "UNAUTHENTICATED"));
    }
    let records = server.audit_where(2, |record| record["operationName"] == "KeyPipeline");
    assert!(records.iter().all(|record| record["httpStatusCode"] == 401), "{records:?}");
}

#[tokio::test]
async fn undecodable_message_ends_the_stream_with_an_audited_error() {
    let server = Server::start();
    let channel = server.channel().await;
    let authorization = format!("Bearer {}", server.access_token("dev").await);
    for (body, code) in [
        (raw::frame(&[0xff; 40]), Code::InvalidArgument),
        (vec![7, 0, 0, 0, 1, 0], Code::InvalidArgument),
        (raw::frame(&vec![0; 1 << 21]), Code::ResourceExhausted),
    ] {
        let headers = [("authorization", authorization.as_str())];
        let trailer = raw::trailing_status(&channel, raw::PIPELINE, &headers, body).await;
        assert_eq!(trailer.code(), code, "{trailer:?}");
        assert!(["BAD_PARAMETER", "REQUEST_TOO_LARGE"].contains(&reason(&trailer).as_str()), "{trailer:?}");
    }
    let records = server.audit_where(3, |record| record["operationName"] == "KeyPipeline");
    let statuses: Vec<_> = records.iter().map(|record| record["httpStatusCode"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [400, 400, 413]);
}

#[tokio::test]
async fn server_stops_reading_while_responses_are_not_read() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let name = dev.create(oct("data", 256)).await.unwrap().name;
    let pipeline = Pipeline::open(&mut dev).await.unwrap();
    let count = 200;
    let plaintext = message(200 * 1024);
    for id in 0..count {
        let (algorithm, plaintext) = ("A256GCM".to_owned(), plaintext.clone());
        let request = pb::EncryptRequest { name: name.clone(), algorithm, plaintext, ..Default::default() };
        pipeline.send(id, Request::Encrypt(request));
    }
    // Some responses are on their way to the client: in the windows of the connection, and in the server's.
    let calls = |least| server.audit_where(least, |record| record["operationName"] == "KeyEncrypt").len();
    let mut before = 0;
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now = calls(0);
        if now == before && now > 0 {
            break;
        }
        before = now;
    }
    assert!(before < usize::try_from(count).unwrap() / 2, "{before} of {count} requests were read");
    // Nothing is lost: all are answered once the client reads.
    assert_eq!(pipeline.finish().await.unwrap().len(), usize::try_from(count).unwrap());
    assert_eq!(calls(usize::try_from(count).unwrap()), usize::try_from(count).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cancelled_stream_ends_its_calls_and_frees_the_connection() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let large = crate::software::rsa_key::RsaKey::of_4096_bits();
    let name = import(&mut dev, "large", large.material()).await.name;
    let pipeline = Pipeline::open(&mut dev).await.unwrap();
    for id in 0..100 {
        let (name, algorithm) = (name.clone(), "RS512".to_owned());
        pipeline.send(id, Request::Sign(pb::SignRequest { name, algorithm, digest: vec![7; 64] }));
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    drop(pipeline);
    // The calls in progress are recorded as cancelled, and the others never begin.
    let cancelled = |record: &serde_json::Value| record["httpStatusCode"] == 499;
    assert!(!server.audit_where(1, cancelled).is_empty());
    crate::calls::sign(&mut dev, &name, "RS512", &[7; 64]).await.unwrap();
    assert!(server.audit_where(0, |record| record["operationName"] == "KeySign").len() < 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_answers_what_was_read_and_ends_the_stream() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("ec", "P-256")).await.unwrap();
    let mut pipeline = Pipeline::open(&mut dev).await.unwrap();
    pipeline.send(1, sign(&key("ec"), &[7; 32]));
    assert!(pipeline.answer(1).await.is_ok());
    let started = Instant::now();
    let stopped = tokio::task::spawn_blocking(move || (server.stop(), server));
    // An idle stream does not keep the server from stopping.
    let end = pipeline.next().await.unwrap_err();
    assert_eq!((end.code(), reason(&end).as_str()), (Code::Unavailable, "SERVICE_STOPPING"), "{end:?}");
    let (status, server) = stopped.await.unwrap();
    assert!(status.success() && started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

/// A stream may be idle for longer than a request may take to arrive.
#[tokio::test]
async fn idle_stream_stays_open() {
    let server = Server::start_with(
        &[],
        &[("STRONGROOM_SERVER__REQUEST_SECONDS", "1"), ("STRONGROOM_CONNECTIONS__IDLE_SECONDS", "2")],
    );
    let mut dev = server.client("dev").await;
    dev.create(ec("ec", "P-256")).await.unwrap();
    let mut pipeline = Pipeline::open(&mut dev).await.unwrap();
    for id in 0..2 {
        tokio::time::sleep(Duration::from_millis(3500)).await;
        pipeline.send(id, sign(&key("ec"), &[7; 32]));
        assert!(pipeline.answer(id).await.is_ok());
    }
    assert_eq!(pipeline.finish().await.unwrap(), BTreeMap::new());
}
