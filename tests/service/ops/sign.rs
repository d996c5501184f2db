//! Signing digests and computing MACs.

use tonic::Code;

use crate::calls::{
    State, UNUSABLE, import, invalid_field, key, precondition, refusal, set_key_ops, set_state, sign,
};
use crate::software::ec_key::EcKey;
use crate::software::rsa_key::RsaKey;
use crate::software::{CURVES, MACS, RSA_SIGNATURES, digest, symmetric, verifies};
use crate::support::{Client, Server, ec, oct, rsa};

/// Signs, and verifies with another implementation and the public key that the service returned.
async fn assert_signs(dev: &mut Client, bundle: &strongroom::api::grpc::pb::KeyBundle, algorithm: &str) {
    let public = bundle.key.as_ref().unwrap();
    let right = digest(algorithm, b"pay 100 to Alice");
    let signed = sign(dev, &bundle.name, algorithm, &right).await.unwrap();
    assert_eq!((signed.name.as_str(), signed.algorithm.as_str()), (bundle.name.as_str(), algorithm));
    assert!(verifies(public, algorithm, &right, &signed.signature), "{algorithm}");
    let wrong = digest(algorithm, b"pay 999 to Mallory");
    assert!(!verifies(public, algorithm, &wrong, &signed.signature), "{algorithm}");
}

#[tokio::test]
async fn rsa_signatures_verify_with_another_implementation() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(rsa("payments", 2048)).await.unwrap();
    for algorithm in RSA_SIGNATURES {
        assert_signs(&mut dev, &made, algorithm).await;
    }
    // The tests of CreateKey cover generated keys of these sizes.
    for (id, imported, algorithm) in
        [("larger", RsaKey::of_3072_bits(), "PS384"), ("largest", RsaKey::of_4096_bits(), "RS512")]
    {
        let taken = import(&mut dev, id, imported.material()).await;
        assert_signs(&mut dev, &taken, algorithm).await;
    }
    let taken = import(&mut dev, "imported", RsaKey::of_2048_bits().material()).await;
    for algorithm in RSA_SIGNATURES {
        assert_signs(&mut dev, &taken, algorithm).await;
    }
    // PKCS #1 v1.5 signatures are deterministic: two implementations compute the same.
    let right = digest("RS256", b"the same");
    let signed = sign(&mut dev, &taken.name, "RS256", &right).await.unwrap();
    assert_eq!(signed.signature, RsaKey::of_2048_bits().sign("RS256", &right));
}

#[tokio::test]
async fn ec_signatures_verify_with_another_implementation() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for (curve, algorithm, width) in CURVES {
        let made = dev.create(ec(&format!("made-{curve}"), curve)).await.unwrap();
        let taken = import(&mut dev, &format!("taken-{curve}"), EcKey::new(curve, 5).material()).await;
        for bundle in [&made, &taken] {
            // Repeated to cover leading zeros and an `s` in the upper half of the order.
            for _ in 0..8 {
                assert_signs(&mut dev, bundle, algorithm).await;
            }
            let digest = digest(algorithm, b"width");
            let signed = sign(&mut dev, &bundle.name, algorithm, &digest).await.unwrap();
            assert_eq!(signed.signature.len(), 2 * width, "{curve}");
        }
    }
}

#[tokio::test]
async fn macs_match_another_implementation() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for bits in symmetric::SIZES {
        let taken = import(&mut dev, &format!("taken-{bits}"), symmetric::material(bits)).await;
        for algorithm in MACS {
            let digest = digest(algorithm, b"pay 100 to Alice");
            let made = sign(&mut dev, &taken.name, algorithm, &digest).await.unwrap();
            assert_eq!(made.signature, symmetric::mac(algorithm, bits, &digest), "{algorithm} {bits}");
        }
    }
    for bits in [128, 256] {
        let one = dev.create(oct(&format!("one-{bits}"), bits)).await.unwrap().name;
        let other = dev.create(oct(&format!("other-{bits}"), bits)).await.unwrap().name;
        for algorithm in MACS {
            let digest = digest(algorithm, b"pay 100 to Alice");
            let first = sign(&mut dev, &one, algorithm, &digest).await.unwrap().signature;
            assert_eq!(first.len(), digest.len());
            assert_eq!(first, sign(&mut dev, &one, algorithm, &digest).await.unwrap().signature);
            assert_ne!(first, sign(&mut dev, &other, algorithm, &digest).await.unwrap().signature);
        }
    }
}

/// SoftHSM requires MAC keys as long as the hash, and can pad only whole blocks inside the token.
#[tokio::test]
async fn mechanisms_missing_in_the_token_are_unimplemented() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let name = dev.create(oct("data", 192)).await.unwrap().name;
    for algorithm in MACS {
        let status = sign(&mut dev, &name, algorithm, &digest(algorithm, b"")).await.unwrap_err();
        assert!(status.message().contains(algorithm), "{status}");
        assert_eq!(refusal::<()>(Err(status)), (Code::Unimplemented, "NOT_AVAILABLE".to_owned()));
    }
}

#[tokio::test]
async fn rejects_mismatched_algorithm_key_and_digest() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let mut keys = vec![
        (import(&mut dev, "rsa", RsaKey::of_2048_bits().material()).await.name, RSA_SIGNATURES.to_vec()),
        (import(&mut dev, "oct", symmetric::material(256)).await.name, MACS.to_vec()),
    ];
    for (curve, algorithm, _) in CURVES {
        let name = import(&mut dev, curve, EcKey::new(curve, 5).material()).await.name;
        keys.push((name, vec![algorithm]));
    }
    let all: Vec<_> = keys.iter().flat_map(|(_, algorithms)| algorithms.clone()).collect();
    for (name, fitting) in &keys {
        for algorithm in &all {
            let right = digest(algorithm, b"message");
            if !fitting.contains(algorithm) {
                let answer = sign(&mut dev, name, algorithm, &right).await;
                assert_eq!(invalid_field(answer), "algorithm", "{name} {algorithm}");
                continue;
            }
            let wrong = match *algorithm {
                // With 2048 bits: 256 bytes less 11 of padding.
                "RSNULL" => vec![vec![], vec![1; 246], vec![1; 256]],
                _ => vec![vec![], right[1..].to_vec(), [&right[..], &[0]].concat()],
            };
            for digest in wrong {
                let answer = sign(&mut dev, name, algorithm, &digest).await;
                assert_eq!(invalid_field(answer), "digest", "{name} {algorithm} {}", digest.len());
            }
        }
        for unknown in ["", "rs256", "RS1", "none", "ECDSA256", "A256KW"] {
            let answer = sign(&mut dev, name, unknown, &[0; 32]).await;
            assert_eq!(invalid_field(answer), "algorithm", "{unknown}");
        }
    }
    for length in [1, 245] {
        assert!(sign(&mut dev, &key("rsa"), "RSNULL", &vec![0; length]).await.is_ok(), "{length}");
    }
}

#[tokio::test]
async fn requires_an_enabled_valid_key_that_permits_sign() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    dev.create(oct("macs", 256)).await.unwrap();
    for (name, algorithm) in [(key("invoices"), "ES256"), (key("macs"), "HS256")] {
        for (state, reason) in UNUSABLE {
            set_state(&mut dev, &name, state).await;
            let answer = sign(&mut dev, &name, algorithm, &[7; 32]).await;
            assert_eq!(refusal(answer), precondition(reason), "{algorithm} {state:?}");
        }
        set_state(&mut dev, &name, State::Usable).await;
        set_key_ops(&mut dev, &name, &["verify"]).await;
        let answer = sign(&mut dev, &name, algorithm, &[7; 32]).await;
        assert_eq!(refusal(answer), precondition("KEY_OPERATION_NOT_PERMITTED"));
        set_key_ops(&mut dev, &name, &["sign"]).await;
        sign(&mut dev, &name, algorithm, &[7; 32]).await.unwrap();
    }
}

#[tokio::test]
async fn uses_the_current_version_unless_one_is_named() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let first = dev.create(ec("invoices", "P-256")).await.unwrap();
    let second = dev.create(ec("invoices", "P-256")).await.unwrap();
    assert_ne!(first.name, second.name);
    let digest = digest("ES256", b"message");
    for (asked, signer, other) in [
        (key("invoices"), &second, &first),
        (second.name.clone(), &second, &first),
        (first.name.clone(), &first, &second),
        // Names of keys are matched case-insensitively and returned as they were created.
        (key("INVOICES"), &second, &first),
    ] {
        let signed = sign(&mut dev, &asked, "ES256", &digest).await.unwrap();
        assert_eq!(signed.name, signer.name);
        assert!(verifies(signer.key.as_ref().unwrap(), "ES256", &digest, &signed.signature));
        assert!(!verifies(other.key.as_ref().unwrap(), "ES256", &digest, &signed.signature));
    }
    let unknown = format!("{}/versions/{:032x}", key("invoices"), 7);
    for missing in [unknown, key("orders")] {
        let answer = sign(&mut dev, &missing, "ES256", &digest).await;
        assert_eq!(refusal(answer), (Code::NotFound, "KEY_NOT_FOUND".to_owned()));
    }
    for malformed in ["", "invoices", "hsms/local/keys/", "hsms/local/keys/invoices/versions"] {
        let answer = sign(&mut dev, malformed, "ES256", &digest).await;
        assert_eq!(refusal(answer), (Code::InvalidArgument, "BAD_PARAMETER".to_owned()), "{malformed}");
    }
}
