//! Verifying a signature: an invalid one is a result, not an error.

use strongroom::api::grpc::pb;

use crate::calls::{
    State, UNUSABLE, import, invalid_field, key, precondition, refusal, set_key_ops, set_state, sign, verify,
};
use crate::software::ec_key::EcKey;
use crate::software::rsa_key::RsaKey;
use crate::software::{CURVES, MACS, RSA_SIGNATURES, digest, flip, symmetric};
use crate::support::{Client, Server, ec, oct, rsa};

const MESSAGE: &[u8] = b"pay 100 to Alice";

/// Asserts that the signature is valid, and that altered signatures and digests are not.
async fn assert_only_valid(dev: &mut Client, name: &str, algorithm: &str, signature: &[u8]) {
    let right = digest(algorithm, MESSAGE);
    let answer = verify(dev, name, algorithm, &right, signature).await.unwrap();
    let expected = pb::VerifyResponse { name: name.to_owned(), algorithm: algorithm.to_owned(), valid: true };
    assert_eq!(answer, expected);
    let last = 8 * signature.len() - 8;
    let mut wrong: Vec<Vec<u8>> =
        [0, 9, 4 * signature.len(), last, last + 7].map(|bit| flip(signature, bit)).to_vec();
    wrong.extend([
        vec![],
        vec![0],
        signature[1..].to_vec(),
        signature[..signature.len() - 1].to_vec(),
        [signature, &[0]].concat(),
        [&[0], signature].concat(),
        vec![0; signature.len()],
        vec![0xff; signature.len()],
    ]);
    for (number, wrong) in wrong.iter().enumerate() {
        let answer = verify(dev, name, algorithm, &right, wrong).await.unwrap();
        assert!(!answer.valid, "{algorithm} wrong signature {number}");
    }
    for bit in [0, 8 * right.len() - 1] {
        let answer = verify(dev, name, algorithm, &flip(&right, bit), signature).await.unwrap();
        assert!(!answer.valid, "{algorithm} digest bit {bit}");
    }
}

#[tokio::test]
async fn verifies_rsa_signatures_of_another_implementation() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let imported = RsaKey::of_2048_bits();
    let name = import(&mut dev, "payments", imported.material()).await.name;
    for algorithm in RSA_SIGNATURES {
        let signature = imported.sign(algorithm, &digest(algorithm, MESSAGE));
        assert_only_valid(&mut dev, &name, algorithm, &signature).await;
    }
    let larger = RsaKey::of_3072_bits();
    let name_of_larger = import(&mut dev, "larger", larger.material()).await.name;
    let signature = larger.sign("PS512", &digest("PS512", MESSAGE));
    assert_only_valid(&mut dev, &name_of_larger, "PS512", &signature).await;

    // A signature is valid for one algorithm only.
    let digest = digest("RS256", MESSAGE);
    for signed in ["RS256", "PS256", "RSNULL"] {
        let signature = imported.sign(signed, &digest);
        for asked in ["RS256", "PS256", "RSNULL"] {
            let answer = verify(&mut dev, &name, asked, &digest, &signature).await.unwrap();
            assert_eq!(answer.valid, signed == asked, "{signed} {asked}");
        }
    }
}

#[tokio::test]
async fn verifies_ec_signatures_of_another_implementation() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for (curve, algorithm, _) in CURVES {
        let imported = EcKey::new(curve, 5);
        let name = import(&mut dev, curve, imported.material()).await.name;
        let signature = imported.sign(&digest(algorithm, MESSAGE));
        assert_only_valid(&mut dev, &name, algorithm, &signature).await;
        let foreign = EcKey::new(curve, 6).sign(&digest(algorithm, MESSAGE));
        let answer = verify(&mut dev, &name, algorithm, &digest(algorithm, MESSAGE), &foreign).await;
        assert!(!answer.unwrap().valid, "{curve}");
    }
}

#[tokio::test]
async fn verifies_macs_of_another_implementation() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for bits in symmetric::SIZES {
        let name = import(&mut dev, &format!("macs-{bits}"), symmetric::material(bits)).await.name;
        for algorithm in MACS {
            let mac = symmetric::mac(algorithm, bits, &digest(algorithm, MESSAGE));
            assert_only_valid(&mut dev, &name, algorithm, &mac).await;
        }
    }
}

#[tokio::test]
async fn generated_keys_verify_their_own_signatures() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let rsa = dev.create(rsa("rsa", 2048)).await.unwrap().name;
    let oct = dev.create(oct("oct", 128)).await.unwrap().name;
    let mut cases: Vec<_> = RSA_SIGNATURES.map(|algorithm| (rsa.clone(), algorithm)).to_vec();
    cases.extend(MACS.map(|algorithm| (oct.clone(), algorithm)));
    for (curve, algorithm, _) in CURVES {
        cases.push((dev.create(ec(curve, curve)).await.unwrap().name, algorithm));
    }
    for (name, algorithm) in cases {
        let signed = sign(&mut dev, &name, algorithm, &digest(algorithm, MESSAGE)).await.unwrap();
        assert_only_valid(&mut dev, &name, algorithm, &signed.signature).await;
    }
}

#[tokio::test]
async fn rejects_mismatched_algorithm_key_and_digest() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    import(&mut dev, "rsa", RsaKey::of_2048_bits().material()).await;
    import(&mut dev, "ec", EcKey::new("P-256", 5).material()).await;
    import(&mut dev, "oct", symmetric::material(256)).await;
    for (id, algorithm) in [
        ("rsa", "ES256"),
        ("rsa", "HS256"),
        ("ec", "RS256"),
        ("ec", "ES256K"),
        ("ec", "ES384"),
        ("oct", "PS256"),
        ("oct", "ES256"),
        ("oct", ""),
    ] {
        let answer = verify(&mut dev, &key(id), algorithm, &digest(algorithm, MESSAGE), &[1; 64]).await;
        assert_eq!(invalid_field(answer), "algorithm", "{id} {algorithm}");
    }
    for (id, algorithm) in [("rsa", "RS256"), ("rsa", "PS384"), ("ec", "ES256"), ("oct", "HS512")] {
        for length in [0, 31, 33, 128] {
            let answer = verify(&mut dev, &key(id), algorithm, &vec![1; length], &[1; 64]).await;
            assert_eq!(invalid_field(answer), "digest", "{id} {algorithm} {length}");
        }
    }
}

#[tokio::test]
async fn verifies_outside_validity_but_not_when_disabled() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    dev.create(oct("macs", 256)).await.unwrap();
    for (name, algorithm) in [(key("invoices"), "ES256"), (key("macs"), "HS256")] {
        let digest = digest(algorithm, MESSAGE);
        let signature = sign(&mut dev, &name, algorithm, &digest).await.unwrap().signature;
        for (state, reason) in UNUSABLE {
            set_state(&mut dev, &name, state).await;
            let answer = verify(&mut dev, &name, algorithm, &digest, &signature).await;
            match state {
                State::Disabled => assert_eq!(refusal(answer), precondition(reason)),
                _ => assert!(answer.unwrap().valid, "{state:?}"),
            }
        }
        set_state(&mut dev, &name, State::Usable).await;
        set_key_ops(&mut dev, &name, &["sign"]).await;
        let answer = verify(&mut dev, &name, algorithm, &digest, &signature).await;
        assert_eq!(refusal(answer), precondition("KEY_OPERATION_NOT_PERMITTED"));
        set_key_ops(&mut dev, &name, &["verify"]).await;
        assert!(verify(&mut dev, &name, algorithm, &digest, &signature).await.unwrap().valid);
    }
}

#[tokio::test]
async fn only_the_signing_version_verifies() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let first = dev.create(ec("invoices", "P-256")).await.unwrap().name;
    let digest = digest("ES256", MESSAGE);
    let signature = sign(&mut dev, &first, "ES256", &digest).await.unwrap().signature;
    let second = dev.create(ec("invoices", "P-256")).await.unwrap().name;
    for (asked, answering, valid) in
        [(&first, &first, true), (&second, &second, false), (&key("invoices"), &second, false)]
    {
        let answer = verify(&mut dev, asked, "ES256", &digest, &signature).await.unwrap();
        assert_eq!((&answer.name, answer.valid), (answering, valid));
    }
}
