//! Generating random bytes with the token.

use strongroom::api::grpc::pb;
use tonic::{Code, Response, Status};

use crate::calls::{invalid_field, refusal};
use crate::support::{Client, Server};

async fn random(client: &mut Client, parent: &str, count: i32) -> Result<Vec<u8>, Status> {
    let request = pb::GenerateRandomBytesRequest { parent: parent.to_owned(), count };
    client.crypto.generate_random_bytes(request).await.map(Response::into_inner).map(|answer| answer.value)
}

#[tokio::test]
async fn returns_the_requested_number_of_random_bytes() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for count in [1, 2, 127, 128] {
        let bytes = random(&mut dev, "hsms/local", count).await.unwrap();
        assert_eq!(bytes.len(), usize::try_from(count).unwrap());
    }
    // An HSM's name is part of a host name, which is case-insensitive.
    assert_eq!(random(&mut dev, "hsms/LOCAL", 1).await.unwrap().len(), 1);
    let first = random(&mut dev, "hsms/local", 128).await.unwrap();
    let second = random(&mut dev, "hsms/local", 128).await.unwrap();
    assert_ne!(first, second);
    // The probability that 256 random bytes have fewer than 100 distinct values is negligible.
    let different: std::collections::HashSet<u8> = first.into_iter().chain(second).collect();
    assert!(different.len() > 100, "{}", different.len());

    for count in [0, -1, 129, i32::MIN, i32::MAX] {
        assert_eq!(invalid_field(random(&mut dev, "hsms/local", count).await), "count", "{count}");
    }
    for parent in ["", "local", "hsms/local/keys/x"] {
        assert_eq!(invalid_field(random(&mut dev, parent, 1).await), "parent", "{parent}");
    }
    let answer = random(&mut dev, "hsms/elsewhere", 1).await;
    assert_eq!(refusal(answer), (Code::NotFound, "HSM_NOT_FOUND".to_owned()));
}
