//! Decrypting many ciphertexts with one key, and the uniform error for those that cannot be decrypted.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::batches::{
    Decrypt, assert_limits, assert_requires_usable_key, assert_same_error, audited, item_error, results,
    values,
};
use crate::calls::{decrypt, import, key};
use crate::software::rsa_key;
use crate::software::{RSA_ENCRYPTIONS, flip, message, symmetric};
use crate::support::{Server, rsa};

const IV: [u8; 16] = *b"chosen by caller";

fn item(algorithm: &str, ciphertext: &[u8]) -> pb::DecryptItem {
    pb::DecryptItem { algorithm: algorithm.to_owned(), ciphertext: ciphertext.to_vec(), ..Default::default() }
}

fn gcm(plaintext: &[u8], nonce: u8) -> pb::DecryptItem {
    let iv = [nonce; 12];
    let (ciphertext, authentication_tag) = symmetric::seal_gcm(256, iv, b"header", plaintext);
    pb::DecryptItem {
        iv: iv.to_vec(),
        authentication_tag,
        additional_authenticated_data: b"header".to_vec(),
        ..item("A256GCM", &ciphertext)
    }
}

fn cbc(plaintext: &[u8]) -> pb::DecryptItem {
    let ciphertext = symmetric::cbc(256, IV, &symmetric::pad_with_count(plaintext));
    pb::DecryptItem { iv: IV.to_vec(), ..item("A256CBCPAD", &ciphertext) }
}

#[tokio::test]
async fn decrypts_ciphertexts_of_other_implementations() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(rsa("rsa", 2048)).await.unwrap();
    let public = made.key.unwrap();
    let algorithms = RSA_ENCRYPTIONS.into_iter().cycle().take(30);
    let inputs: Vec<_> =
        algorithms.enumerate().map(|(length, algorithm)| (algorithm, message(length))).collect();
    let items = inputs
        .iter()
        .map(|(algorithm, plaintext)| item(algorithm, &rsa_key::encrypt(&public, algorithm, plaintext)));
    let opened = values::<Decrypt>(&mut dev, &made.name, items.collect()).await;
    assert_eq!(opened, inputs.into_iter().map(|(_, plaintext)| plaintext).collect::<Vec<_>>());

    let name = import(&mut dev, "aes", symmetric::material(256)).await.name;
    let lengths = [0, 1, 16, 100, 4096];
    let items = lengths.iter().flat_map(|length| [gcm(&message(*length), 7), cbc(&message(*length))]);
    let opened = values::<Decrypt>(&mut dev, &name, items.collect()).await;
    assert_eq!(
        opened,
        lengths.iter().flat_map(|length| [message(*length), message(*length)]).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn items_fail_separately_with_the_error_of_the_single_call() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let name = import(&mut dev, "aes", symmetric::material(256)).await.name;
    let right = gcm(b"plaintext", 7);
    let flipped = pb::DecryptItem { ciphertext: flip(&right.ciphertext, 3), ..right.clone() };
    let wrong_tag =
        pb::DecryptItem { authentication_tag: flip(&right.authentication_tag, 3), ..right.clone() };
    let short_tag = pb::DecryptItem { authentication_tag: vec![1; 12], ..right.clone() };
    let padding = cbc(b"plaintext");
    let padding = pb::DecryptItem { ciphertext: flip(&padding.ciphertext, 127), ..padding };
    let half = pb::DecryptItem { ciphertext: vec![1; 8], ..cbc(b"plaintext") };
    let items =
        vec![right.clone(), flipped, wrong_tag, padding, short_tag, half, item("A256KW", &[1; 16]), right];
    let results = results::<Decrypt>(&mut dev, &name, items.clone()).await;
    for (number, (item, result)) in items.into_iter().zip(&results).enumerate() {
        if [0, 7].contains(&number) {
            assert_eq!(result.as_ref().unwrap(), b"plaintext");
            continue;
        }
        let single = pb::DecryptRequest {
            name: name.clone(),
            algorithm: item.algorithm,
            ciphertext: item.ciphertext,
            iv: item.iv,
            authentication_tag: item.authentication_tag,
            additional_authenticated_data: item.additional_authenticated_data,
        };
        assert_same_error(result, decrypt(&mut dev, &single).await);
        // All ciphertexts that are not authentic have the same error.
        if number <= 3 {
            assert_eq!(item_error(result), (Code::InvalidArgument, "DECRYPTION_FAILED".to_owned()));
        }
    }
    assert_eq!(audited(&server, "KeyDecryptBatch", 1), [(200, Some(8), Some(6))]);
}

#[tokio::test]
async fn has_1_to_1000_items_and_requires_a_usable_key() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    import(&mut dev, "aes", symmetric::material(256)).await;
    let right = gcm(b"plaintext", 7);
    assert_limits::<Decrypt>(&mut dev, &key("aes"), right.clone()).await;
    assert_requires_usable_key::<Decrypt>(&mut dev, &key("aes"), ("decrypt", false), right).await;
}
