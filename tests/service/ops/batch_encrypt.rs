//! Encrypting many plaintexts with one key.

use std::collections::HashSet;

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::batches::{
    Encrypt, assert_limits, assert_requires_usable_key, assert_same_error, audited, item_error, results,
    values,
};
use crate::calls::{encrypt, import, key};
use crate::software::rsa_key::RsaKey;
use crate::software::{RSA_ENCRYPTIONS, message, symmetric};
use crate::support::{Server, oct};

const IV: [u8; 16] = *b"chosen by caller";

fn item(algorithm: &str, plaintext: &[u8], iv: &[u8], aad: &[u8]) -> pb::EncryptItem {
    pb::EncryptItem {
        algorithm: algorithm.to_owned(),
        plaintext: plaintext.to_vec(),
        iv: iv.to_vec(),
        additional_authenticated_data: aad.to_vec(),
    }
}

#[tokio::test]
async fn other_implementations_decrypt() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let rsa = RsaKey::of_2048_bits();
    let name = import(&mut dev, "rsa", rsa.material()).await.name;
    let algorithms = RSA_ENCRYPTIONS.into_iter().cycle().take(30);
    let inputs: Vec<_> =
        algorithms.enumerate().map(|(length, algorithm)| (algorithm, message(length))).collect();
    let items = inputs.iter().map(|(algorithm, plaintext)| item(algorithm, plaintext, &[], &[])).collect();
    for ((algorithm, plaintext), sealed) in inputs.iter().zip(values::<Encrypt>(&mut dev, &name, items).await)
    {
        assert_eq!(&rsa.decrypt(algorithm, &sealed.ciphertext), plaintext, "{algorithm}");
        assert!(sealed.iv.is_empty() && sealed.authentication_tag.is_empty());
    }

    let name = import(&mut dev, "aes", symmetric::material(256)).await.name;
    let lengths = [0, 1, 15, 16, 17, 100, 4096];
    let items = lengths.iter().flat_map(|length| {
        let plaintext = message(*length);
        // A*CBC cannot encrypt an empty plaintext.
        let padded = if *length == 0 { "A256CBCPAD" } else { "A256CBC" };
        [item("A256GCM", &plaintext, &[], b"header"), item(padded, &plaintext, &IV, b"ignored")]
    });
    let sealed = values::<Encrypt>(&mut dev, &name, items.collect()).await;
    for (length, pair) in lengths.iter().zip(sealed.chunks(2)) {
        let plaintext = message(*length);
        let gcm = pb::EncryptResponse {
            ciphertext: pair[0].ciphertext.clone(),
            iv: pair[0].iv.clone(),
            authentication_tag: pair[0].authentication_tag.clone(),
            ..Default::default()
        };
        assert_eq!(symmetric::open_gcm(256, &gcm, b"header"), plaintext, "{length}");
        let blocks = match length {
            0 => symmetric::pad_with_count(&plaintext),
            _ => symmetric::pad_with_zeros(&plaintext),
        };
        assert_eq!(pair[1].ciphertext, symmetric::cbc(256, IV, &blocks), "{length}");
        assert_eq!((&pair[1].iv[..], &pair[1].authentication_tag[..]), (&IV[..], &[][..]));
    }
}

#[tokio::test]
async fn gcm_nonces_of_a_batch_are_unique() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let name = dev.create(oct("data", 256)).await.unwrap().name;
    let sealed = values::<Encrypt>(&mut dev, &name, vec![item("A256GCM", b"same", &[], &[]); 1000]).await;
    let ivs: HashSet<_> = sealed.into_iter().map(|sealed| sealed.iv).collect();
    assert_eq!(ivs.len(), 1000);
}

#[tokio::test]
async fn items_fail_separately_with_the_error_of_the_single_call() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let name = dev.create(oct("data", 256)).await.unwrap().name;
    let long = message(256 * 1024 + 1);
    let inputs: [(&str, &[u8], &[u8]); 7] = [
        ("A256GCM", b"good", &[]),
        ("A256GCM", b"nonce of the caller", &IV[..12]),
        ("A256CBC", b"no IV", &[]),
        ("A256CBC", b"", &IV),
        ("A128GCM", b"another size", &[]),
        ("A256GCM", &long, &[]),
        ("RSA-OAEP", b"another type", &[]),
    ];
    let items = inputs.iter().map(|(algorithm, plaintext, iv)| item(algorithm, plaintext, iv, &[])).collect();
    let results = results::<Encrypt>(&mut dev, &name, items).await;
    assert!(results[0].is_ok());
    for ((algorithm, plaintext, iv), result) in inputs.iter().zip(&results).skip(1) {
        assert_same_error(result, encrypt(&mut dev, &name, algorithm, plaintext, (iv, &[])).await);
    }
    assert_eq!(audited(&server, "KeyEncryptBatch", 1), [(200, Some(7), Some(6))]);
}

#[tokio::test]
async fn has_1_to_1000_items_and_requires_a_usable_key() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(oct("data", 256)).await.unwrap();
    let right = item("A256GCM", b"plaintext", &[], &[]);
    assert_limits::<Encrypt>(&mut dev, &key("data"), right.clone()).await;
    assert_requires_usable_key::<Encrypt>(&mut dev, &key("data"), ("encrypt", true), right).await;
}

/// With separated modes, the first valid item decides the family of a version that was not used before.
#[tokio::test]
async fn items_of_one_batch_bind_a_version_to_one_family_of_modes() {
    let server = Server::start_with(&[], &[("STRONGROOM_CRYPTO__AES_MODES", "separated")]);
    let mut dev = server.client("dev").await;
    let name = dev.create(oct("data", 256)).await.unwrap().name;
    let (gcm, cbc) = (item("A256GCM", b"x", &[], &[]), item("A256CBCPAD", b"x", &IV, &[]));
    let mismatch = (Code::FailedPrecondition, "AES_MODE_FAMILY_MISMATCH".to_owned());
    // The first item is invalid, so the second decides.
    let items = vec![item("A256CBCPAD", b"x", &[], &[]), gcm.clone(), cbc.clone(), gcm.clone()];
    let first = results::<Encrypt>(&mut dev, &name, items).await;
    assert_eq!(item_error(&first[0]).0, Code::InvalidArgument);
    assert_eq!((first[1].is_ok(), item_error(&first[2]), first[3].is_ok()), (true, mismatch.clone(), true));
    // The binding is that of single calls, too.
    let single = encrypt(&mut dev, &name, "A256CBCPAD", b"x", (&IV, &[])).await;
    assert_same_error(&results::<Encrypt>(&mut dev, &name, vec![cbc.clone()]).await[0], single);
    // A batch without a valid item binds nothing.
    let other = dev.create(oct("other", 256)).await.unwrap().name;
    results::<Encrypt>(&mut dev, &other, vec![item("A256GCM", b"x", &IV, &[])]).await;
    values::<Encrypt>(&mut dev, &other, vec![cbc]).await;
    let after = results::<Encrypt>(&mut dev, &other, vec![gcm]).await;
    assert_eq!(item_error(&after[0]), mismatch);
}
