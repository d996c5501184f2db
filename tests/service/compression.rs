//! Tests compressed messages: gzip is accepted within the size limits, other encodings are rejected by name.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::key_service_client::KeyServiceClient;
use tonic::Code;
use tonic::codec::CompressionEncoding;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::connections::LIST;
use crate::raw;
use crate::support::{Server, ec, error_metadata, reason};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Returns a gRPC frame with the compressed flag set.
fn compressed(message: &[u8]) -> Vec<u8> {
    let mut frame = raw::frame(message);
    frame[0] = 1;
    frame
}

#[tokio::test]
async fn gzip_is_accepted_and_other_encodings_are_rejected() {
    let server = Server::start();
    let channel = server.channel().await;
    let token = server.access_token("dev").await;
    server.client("dev").await.create(ec("a", "P-256")).await.unwrap();

    let mut keys = KeyServiceClient::new(channel.clone()).send_compressed(CompressionEncoding::Gzip);
    let mut request =
        tonic::Request::new(pb::ListKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() });
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    assert_eq!(keys.list_keys(request).await.unwrap().into_inner().keys.len(), 1);
    let mut health = HealthClient::new(channel.clone()).send_compressed(CompressionEncoding::Gzip);
    assert_eq!(health.check(HealthCheckRequest::default()).await.unwrap().into_inner().status, 1);

    let bearer = format!("Bearer {token}");
    let headers = |encoding| [("authorization", bearer.as_str()), ("grpc-encoding", encoding)];
    // A decompression bomb: 64 MiB of zeros in 64 KiB.
    let bomb = compressed(&gzip(&vec![0; 64 * 1024 * 1024]));
    assert!(bomb.len() < 128 * 1024, "{}", bomb.len());
    let before = server.memory();
    for _ in 0..20 {
        let status = raw::send(&channel, LIST, &headers("gzip"), bomb.clone()).await.status;
        assert_eq!((status.code(), reason(&status).as_str()), (Code::ResourceExhausted, "REQUEST_TOO_LARGE"));
        assert_eq!(error_metadata(&status, "limit"), "1048576");
    }
    let grown = server.memory().saturating_sub(before);
    assert!(grown < 32 * 1024 * 1024, "{grown} bytes");
    let open = "/grpc.health.v1.Health/Check";
    let status = raw::send(&channel, open, &[("grpc-encoding", "gzip")], bomb).await.status;
    assert_ne!(status.code(), Code::Ok);

    let status = raw::send(&channel, LIST, &headers("gzip"), compressed(b"no gzip")).await.status;
    assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
    for encoding in ["deflate", "zstd", "snappy", "GZIP"] {
        let answer = raw::send(&channel, LIST, &headers(encoding), compressed(b"x")).await;
        assert_eq!(answer.status.code(), Code::Unimplemented, "{:?}", answer.status);
        assert!(answer.status.message().contains(encoding), "{:?}", answer.status);
        assert_eq!(answer.headers["grpc-accept-encoding"], "identity,gzip");
    }
    // Unauthenticated clients get no information about encodings.
    let status = raw::send(&channel, LIST, &[("grpc-encoding", "deflate")], compressed(b"x")).await.status;
    assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
}
