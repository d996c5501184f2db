//! Unwrapping a key, and the uniform error for keys that cannot be unwrapped.

use strongroom::api::grpc::pb;

use crate::calls::{
    State, UNUSABLE, assert_decryption_failed, import, invalid_field, key, precondition, refusal,
    set_key_ops, set_state, unwrap, wrap,
};
use crate::software::rsa_key::{self, RsaKey, longest};
use crate::software::{RSA_ENCRYPTIONS, flip, message, symmetric};
use crate::support::{Server, oct, rsa};

#[tokio::test]
async fn rsa_unwraps_only_valid_ciphertexts() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(rsa("wrapper", 2048)).await.unwrap();
    let public = made.key.unwrap();
    for algorithm in RSA_ENCRYPTIONS {
        for length in [1, 32, longest(algorithm, 256)] {
            let value = message(length);
            let wrapped = rsa_key::encrypt(&public, algorithm, &value);
            let opened = unwrap(&mut dev, &made.name, algorithm, &wrapped).await.unwrap();
            let (name, algorithm) = (made.name.clone(), algorithm.to_owned());
            assert_eq!(opened, pb::UnwrapKeyResponse { name, algorithm, key: value });
        }
        let right = rsa_key::encrypt(&public, algorithm, &[7; 32]);
        let mut wrong = vec![vec![0; 256], vec![0xff; 256], public.n.clone()];
        wrong.extend([0, 100, 2047].map(|bit| flip(&right, bit)));
        // One OAEP encoding in 400 is a well-formed encoding of PKCS #1 v1.5, too.
        let others = RSA_ENCRYPTIONS.iter().filter(|other| **other != algorithm && algorithm != "RSA1_5");
        wrong.extend(others.map(|other| rsa_key::encrypt(&public, other, &[7; 32])));
        for (number, wrapped) in wrong.iter().enumerate() {
            let answer = unwrap(&mut dev, &made.name, algorithm, wrapped).await;
            assert_decryption_failed(answer, &format!("{algorithm} {number}"));
        }
        for length in [0, 255, 257] {
            let answer = unwrap(&mut dev, &made.name, algorithm, &vec![1; length]).await;
            assert_eq!(invalid_field(answer), "wrapped_key", "{algorithm} {length}");
        }
    }
}

#[tokio::test]
async fn aes_unwraps_only_authentic_ciphertexts() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for bits in symmetric::SIZES {
        let name = import(&mut dev, &format!("wrapper-{bits}"), symmetric::material(bits)).await.name;
        let algorithm = format!("A{bits}KW");
        // Up to the longest key that can be wrapped.
        for length in [16, 24, 32, 64, 200, 4096] {
            let value = message(length);
            let opened = unwrap(&mut dev, &name, &algorithm, &symmetric::wrap(bits, &value)).await.unwrap();
            assert!(opened.key == value, "{algorithm} {length}");
            assert_eq!((&opened.name, &opened.algorithm), (&name, &algorithm));
        }
        let right = symmetric::wrap(bits, &message(32));
        for bit in (0..8 * right.len()).step_by(31) {
            let answer = unwrap(&mut dev, &name, &algorithm, &flip(&right, bit)).await;
            assert_decryption_failed(answer, &format!("{algorithm} bit {bit}"));
        }
        for (what, wrapped) in
            [("shorter", &right[8..]), ("longer", &[&right[..], &[0; 8]].concat()), ("zeros", &[0; 40])]
        {
            assert_decryption_failed(unwrap(&mut dev, &name, &algorithm, wrapped).await, what);
        }
        for length in [0, 8, 16, 23, 25, 39, 8192] {
            let answer = unwrap(&mut dev, &name, &algorithm, &vec![1; length]).await;
            assert_eq!(invalid_field(answer), "wrapped_key", "{algorithm} {length}");
        }
    }
    // Another key of the same size cannot unwrap it.
    let other = dev.create(oct("other", 256)).await.unwrap().name;
    let answer = unwrap(&mut dev, &other, "A256KW", &symmetric::wrap(256, &message(32))).await;
    assert_decryption_failed(answer, "by another key");
}

#[tokio::test]
async fn rejects_algorithms_of_other_key_types() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    import(&mut dev, "rsa", RsaKey::of_2048_bits().material()).await;
    import(&mut dev, "oct", symmetric::material(256)).await;
    for (id, algorithm) in [
        ("rsa", "A256KW"),
        ("rsa", "PS256"),
        ("oct", "A128KW"),
        ("oct", "A192KW"),
        ("oct", "A256CBC"),
        ("oct", "RSA1_5"),
        ("oct", ""),
    ] {
        let answer = unwrap(&mut dev, &key(id), algorithm, &[1; 256]).await;
        assert_eq!(invalid_field(answer), "algorithm", "{id} {algorithm}");
    }
}

#[tokio::test]
async fn unwraps_outside_validity_but_not_when_disabled() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    import(&mut dev, "rsa", RsaKey::of_2048_bits().material()).await;
    dev.create(oct("oct", 128)).await.unwrap();
    for (name, algorithm) in [(key("rsa"), "RSA1_5"), (key("oct"), "A128KW")] {
        let wrapped = wrap(&mut dev, &name, algorithm, &[7; 32]).await.unwrap().wrapped_key;
        for (state, reason) in UNUSABLE {
            set_state(&mut dev, &name, state).await;
            let answer = unwrap(&mut dev, &name, algorithm, &wrapped).await;
            match state {
                State::Disabled => assert_eq!(refusal(answer), precondition(reason)),
                _ => assert_eq!(answer.unwrap().key, [7; 32], "{state:?}"),
            }
        }
        set_state(&mut dev, &name, State::Usable).await;
        set_key_ops(&mut dev, &name, &["encrypt", "decrypt", "wrapKey"]).await;
        let answer = unwrap(&mut dev, &name, algorithm, &wrapped).await;
        assert_eq!(refusal(answer), precondition("KEY_OPERATION_NOT_PERMITTED"));
        set_key_ops(&mut dev, &name, &["unwrapKey"]).await;
        assert_eq!(unwrap(&mut dev, &name, algorithm, &wrapped).await.unwrap().key, [7; 32]);
    }
}

#[tokio::test]
async fn only_the_wrapping_version_unwraps() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let first = dev.create(oct("wrapper", 256)).await.unwrap().name;
    let wrapped = wrap(&mut dev, &first, "A256KW", &[7; 32]).await.unwrap().wrapped_key;
    dev.create(oct("wrapper", 256)).await.unwrap();
    assert_eq!(unwrap(&mut dev, &first, "A256KW", &wrapped).await.unwrap().name, first);
    let answer = unwrap(&mut dev, &key("wrapper"), "A256KW", &wrapped).await;
    assert_decryption_failed(answer, "by another version");
}
