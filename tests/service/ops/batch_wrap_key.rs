//! Wrapping many symmetric keys with one key.

use strongroom::api::grpc::pb;

use crate::batches::{
    WrapKey, assert_limits, assert_requires_usable_key, assert_same_error, audited, results, values,
};
use crate::calls::{import, key, wrap};
use crate::software::rsa_key::RsaKey;
use crate::software::{RSA_ENCRYPTIONS, message, symmetric};
use crate::support::Server;

fn item(algorithm: &str, key: &[u8]) -> pb::WrapKeyItem {
    pb::WrapKeyItem { algorithm: algorithm.to_owned(), key: key.to_vec() }
}

#[tokio::test]
async fn other_implementations_unwrap() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let rsa = RsaKey::of_2048_bits();
    let name = import(&mut dev, "rsa", rsa.material()).await.name;
    let inputs: Vec<_> = RSA_ENCRYPTIONS.into_iter().cycle().zip(1..31).collect();
    let items = inputs.iter().map(|(algorithm, length)| item(algorithm, &message(*length))).collect();
    for ((algorithm, length), wrapped) in inputs.iter().zip(values::<WrapKey>(&mut dev, &name, items).await) {
        assert_eq!(rsa.decrypt(algorithm, &wrapped), message(*length), "{algorithm}");
    }
    for bits in symmetric::SIZES {
        let name = import(&mut dev, &format!("aes-{bits}"), symmetric::material(bits)).await.name;
        let lengths = [16, 24, 32, 64, 4096];
        let items = lengths.iter().map(|length| item(&format!("A{bits}KW"), &message(*length))).collect();
        for (length, wrapped) in lengths.iter().zip(values::<WrapKey>(&mut dev, &name, items).await) {
            assert_eq!(symmetric::unwrap(bits, &wrapped), message(*length), "{bits} {length}");
        }
    }
}

#[tokio::test]
async fn items_fail_separately_with_the_error_of_the_single_call() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let name = import(&mut dev, "aes", symmetric::material(256)).await.name;
    let inputs = [("A256KW", 32), ("A256KW", 0), ("A256KW", 17), ("A256KW", 4104), ("A128KW", 32), ("x", 32)];
    let items = inputs.iter().map(|(algorithm, length)| item(algorithm, &message(*length))).collect();
    let results = results::<WrapKey>(&mut dev, &name, items).await;
    assert_eq!(symmetric::unwrap(256, results[0].as_ref().unwrap()), message(32));
    for ((algorithm, length), result) in inputs.iter().zip(&results).skip(1) {
        assert_same_error(result, wrap(&mut dev, &name, algorithm, &message(*length)).await);
    }
    assert_eq!(audited(&server, "KeyWrapBatch", 1), [(200, Some(6), Some(5))]);
}

#[tokio::test]
async fn has_1_to_1000_items_and_requires_a_usable_key() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    import(&mut dev, "aes", symmetric::material(256)).await;
    let right = item("A256KW", &[7; 32]);
    assert_limits::<WrapKey>(&mut dev, &key("aes"), right.clone()).await;
    assert_requires_usable_key::<WrapKey>(&mut dev, &key("aes"), ("wrapKey", true), right).await;
}
