//! Verifying many signatures with one key.

use strongroom::api::grpc::pb;

use crate::batches::{
    Verify, assert_limits, assert_requires_usable_key, assert_same_error, audited, results, values,
};
use crate::calls::{import, key, verify};
use crate::software::ec_key::EcKey;
use crate::software::rsa_key::RsaKey;
use crate::software::{CURVES, RSA_SIGNATURES, digest, flip, symmetric};
use crate::support::Server;

fn item(algorithm: &str, digest: &[u8], signature: &[u8]) -> pb::VerifyItem {
    let (algorithm, digest, signature) = (algorithm.to_owned(), digest.to_vec(), signature.to_vec());
    pb::VerifyItem { algorithm, digest, signature }
}

#[tokio::test]
async fn tells_valid_from_invalid_signatures_of_another_implementation() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let rsa = RsaKey::of_2048_bits();
    let mut batches = Vec::new();
    let name = import(&mut dev, "rsa", rsa.material()).await.name;
    let signed =
        RSA_SIGNATURES.map(|algorithm| (algorithm, rsa.sign(algorithm, &digest(algorithm, b"message"))));
    batches.push((name, signed.to_vec()));
    for (curve, algorithm, _) in CURVES {
        let pair = EcKey::new(curve, 5);
        let name = import(&mut dev, curve, pair.material()).await.name;
        batches.push((name, vec![(algorithm, pair.sign(&digest(algorithm, b"message")))]));
    }
    let name = import(&mut dev, "oct", symmetric::material(256)).await.name;
    let mac = symmetric::mac("HS256", 256, &digest("HS256", b"message"));
    batches.push((name, vec![("HS256", mac)]));
    for (name, signed) in batches {
        let (mut items, mut expected) = (Vec::new(), Vec::new());
        for (algorithm, signature) in &signed {
            let (right, wrong) = (digest(algorithm, b"message"), digest(algorithm, b"another"));
            items.push(item(algorithm, &right, signature));
            items.push(item(algorithm, &wrong, signature));
            items.push(item(algorithm, &right, &flip(signature, 77)));
            items.push(item(algorithm, &right, &[]));
            items.push(item(algorithm, &right, signature));
            expected.extend([true, false, false, false, true]);
        }
        assert_eq!(values::<Verify>(&mut dev, &name, items).await, expected, "{name}");
    }
}

#[tokio::test]
async fn items_fail_separately_with_the_error_of_the_single_call() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let pair = EcKey::new("P-256", 5);
    let name = import(&mut dev, "ec", pair.material()).await.name;
    let right = digest("ES256", b"message");
    let signature = pair.sign(&right);
    let inputs = [("ES256", &right[..]), ("ES256", &right[1..]), ("PS256", &right), ("x", &right)];
    let items = inputs.iter().map(|(algorithm, digest)| item(algorithm, digest, &signature)).collect();
    let results = results::<Verify>(&mut dev, &name, items).await;
    assert_eq!(results[0], Ok(true));
    for ((algorithm, digest), result) in inputs.iter().zip(&results).skip(1) {
        assert_same_error(result, verify(&mut dev, &name, algorithm, digest, &signature).await);
    }
    assert_eq!(audited(&server, "KeyVerifyBatch", 1), [(200, Some(4), Some(3))]);
}

#[tokio::test]
async fn has_1_to_1000_items_and_requires_a_usable_key() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let pair = EcKey::new("P-256", 5);
    import(&mut dev, "ec", pair.material()).await;
    let right = item("ES256", &[7; 32], &pair.sign(&[7; 32]));
    assert_limits::<Verify>(&mut dev, &key("ec"), right.clone()).await;
    // Signatures outlive the key that made them.
    assert_requires_usable_key::<Verify>(&mut dev, &key("ec"), ("verify", false), right).await;
}
