//! Stopping and starting again.

use strongroom::api::grpc::pb;

use crate::support::{Server, ec};

#[tokio::test]
async fn everything_is_as_it_was_after_a_restart() {
    let mut server = Server::start();
    let before = server.connection();
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    server.restart();

    let after = server.connection();
    assert_eq!(before.principals[0].client_secret, after.principals[0].client_secret);
    let mut dev = server.client("dev").await;
    let found = dev.keys.get_key(pb::GetKeyRequest { name: made.name.clone() }).await.unwrap().into_inner();
    assert_eq!(found, made);
    let request = pb::SignRequest { name: made.name, algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    assert_eq!(dev.crypto.sign(request).await.unwrap().into_inner().signature.len(), 64);
}
