//! Unwrapping many symmetric keys with one key, and the uniform error for those that cannot be unwrapped.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::batches::{
    UnwrapKey, assert_limits, assert_requires_usable_key, assert_same_error, audited, item_error, results,
    values,
};
use crate::calls::{import, key, unwrap};
use crate::software::rsa_key;
use crate::software::{RSA_ENCRYPTIONS, flip, message, symmetric};
use crate::support::{Server, rsa};

fn item(algorithm: &str, wrapped_key: &[u8]) -> pb::UnwrapKeyItem {
    pb::UnwrapKeyItem { algorithm: algorithm.to_owned(), wrapped_key: wrapped_key.to_vec() }
}

#[tokio::test]
async fn unwraps_keys_of_other_implementations() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(rsa("rsa", 2048)).await.unwrap();
    let public = made.key.unwrap();
    let inputs: Vec<_> = RSA_ENCRYPTIONS.into_iter().cycle().zip(1..31).collect();
    let items = inputs
        .iter()
        .map(|(algorithm, length)| item(algorithm, &rsa_key::encrypt(&public, algorithm, &message(*length))));
    let keys = values::<UnwrapKey>(&mut dev, &made.name, items.collect()).await;
    assert_eq!(keys, inputs.iter().map(|(_, length)| message(*length)).collect::<Vec<_>>());
    for bits in symmetric::SIZES {
        let name = import(&mut dev, &format!("aes-{bits}"), symmetric::material(bits)).await.name;
        let lengths = [16, 24, 32, 64, 4096];
        let wrapped = |length: &usize| symmetric::wrap(bits, &message(*length));
        let items = lengths.iter().map(|length| item(&format!("A{bits}KW"), &wrapped(length))).collect();
        let keys = values::<UnwrapKey>(&mut dev, &name, items).await;
        assert_eq!(keys, lengths.map(message), "{bits}");
    }
}

#[tokio::test]
async fn items_fail_separately_with_the_error_of_the_single_call() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let name = import(&mut dev, "aes", symmetric::material(256)).await.name;
    let right = symmetric::wrap(256, &message(32));
    let inputs = [
        ("A256KW", right.clone()),
        ("A256KW", flip(&right, 3)),
        ("A256KW", right[8..].to_vec()),
        ("A256KW", vec![0; 40]),
        ("A256KW", vec![0; 39]),
        ("A128KW", right.clone()),
        ("x", right.clone()),
    ];
    let items = inputs.iter().map(|(algorithm, wrapped)| item(algorithm, wrapped)).collect();
    let results = results::<UnwrapKey>(&mut dev, &name, items).await;
    assert_eq!(results[0].as_ref().unwrap(), &message(32));
    for (number, ((algorithm, wrapped), result)) in inputs.iter().zip(&results).enumerate().skip(1) {
        assert_same_error(result, unwrap(&mut dev, &name, algorithm, wrapped).await);
        if number <= 3 {
            assert_eq!(item_error(result), (Code::InvalidArgument, "DECRYPTION_FAILED".to_owned()));
        }
    }
    assert_eq!(audited(&server, "KeyUnwrapBatch", 1), [(200, Some(7), Some(6))]);
}

#[tokio::test]
async fn has_1_to_1000_items_and_requires_a_usable_key() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    import(&mut dev, "aes", symmetric::material(256)).await;
    let right = item("A256KW", &symmetric::wrap(256, &message(32)));
    assert_limits::<UnwrapKey>(&mut dev, &key("aes"), right.clone()).await;
    assert_requires_usable_key::<UnwrapKey>(&mut dev, &key("aes"), ("unwrapKey", false), right).await;
}
