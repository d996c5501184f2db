//! Wrapping a key supplied by the caller.

use crate::calls::{
    State, UNUSABLE, import, invalid_field, key, precondition, refusal, set_key_ops, set_state, unwrap, wrap,
};
use crate::software::ec_key::EcKey;
use crate::software::rsa_key::{RsaKey, longest};
use crate::software::{RSA_ENCRYPTIONS, message, symmetric};
use crate::support::{Server, oct};

#[tokio::test]
async fn other_implementations_unwrap_rsa_ciphertexts() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let imported = RsaKey::of_2048_bits();
    let name = import(&mut dev, "wrapper", imported.material()).await.name;
    for algorithm in RSA_ENCRYPTIONS {
        let longest = longest(algorithm, 256);
        for length in [1, 16, 32, longest] {
            let value = message(length);
            let wrapped = wrap(&mut dev, &name, algorithm, &value).await.unwrap();
            assert_eq!((wrapped.name.as_str(), wrapped.algorithm.as_str()), (name.as_str(), algorithm));
            assert_eq!(imported.decrypt(algorithm, &wrapped.wrapped_key), value, "{algorithm} {length}");
        }
        for length in [0, longest + 1, 5000] {
            let answer = wrap(&mut dev, &name, algorithm, &message(length)).await;
            assert_eq!(invalid_field(answer), "key", "{algorithm} {length}");
        }
    }
}

#[tokio::test]
async fn aes_key_wrap_matches_another_implementation() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for bits in symmetric::SIZES {
        let name = import(&mut dev, &format!("wrapper-{bits}"), symmetric::material(bits)).await.name;
        let algorithm = format!("A{bits}KW");
        for length in [16, 24, 32, 64, 200, 4096] {
            let value = message(length);
            let wrapped = wrap(&mut dev, &name, &algorithm, &value).await.unwrap();
            assert_eq!((&wrapped.name, &wrapped.algorithm), (&name, &algorithm));
            assert!(wrapped.wrapped_key == symmetric::wrap(bits, &value), "{algorithm} {length}");
            assert!(symmetric::unwrap(bits, &wrapped.wrapped_key) == value, "{algorithm} {length}");
        }
        for length in [0, 8, 15, 17, 31, 33, 199, 4104] {
            let answer = wrap(&mut dev, &name, &algorithm, &message(length)).await;
            assert_eq!(invalid_field(answer), "key", "{algorithm} {length}");
        }
    }
}

#[tokio::test]
async fn rejects_algorithms_of_other_key_types() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    import(&mut dev, "rsa", RsaKey::of_2048_bits().material()).await;
    import(&mut dev, "ec", EcKey::new("P-256", 5).material()).await;
    import(&mut dev, "oct", symmetric::material(192)).await;
    for (id, algorithm) in [
        ("rsa", "A256KW"),
        ("rsa", "RS256"),
        ("ec", "RSA-OAEP"),
        ("ec", "A128KW"),
        ("oct", "A128KW"),
        ("oct", "A256KW"),
        ("oct", "A192GCM"),
        ("oct", "RSA-OAEP-256"),
        ("oct", ""),
    ] {
        let answer = wrap(&mut dev, &key(id), algorithm, &[1; 32]).await;
        assert_eq!(invalid_field(answer), "algorithm", "{id} {algorithm}");
    }
}

#[tokio::test]
async fn requires_an_enabled_valid_key_that_permits_wrap() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    import(&mut dev, "rsa", RsaKey::of_2048_bits().material()).await;
    dev.create(oct("oct", 256)).await.unwrap();
    for (name, algorithm) in [(key("rsa"), "RSA-OAEP"), (key("oct"), "A256KW")] {
        for (state, reason) in UNUSABLE {
            set_state(&mut dev, &name, state).await;
            let answer = wrap(&mut dev, &name, algorithm, &[1; 32]).await;
            assert_eq!(refusal(answer), precondition(reason), "{algorithm} {state:?}");
        }
        set_state(&mut dev, &name, State::Usable).await;
        set_key_ops(&mut dev, &name, &["encrypt", "decrypt", "unwrapKey"]).await;
        let answer = wrap(&mut dev, &name, algorithm, &[1; 32]).await;
        assert_eq!(refusal(answer), precondition("KEY_OPERATION_NOT_PERMITTED"));
        set_key_ops(&mut dev, &name, &["wrapKey"]).await;
        wrap(&mut dev, &name, algorithm, &[1; 32]).await.unwrap();
    }
}

#[tokio::test]
async fn uses_the_current_version_unless_one_is_named() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let first = dev.create(oct("wrapper", 256)).await.unwrap().name;
    let second = dev.create(oct("wrapper", 256)).await.unwrap().name;
    for (asked, used) in [(&key("wrapper"), &second), (&first, &first), (&second, &second)] {
        let wrapped = wrap(&mut dev, asked, "A256KW", &[1; 32]).await.unwrap();
        assert_eq!(&wrapped.name, used);
        let opened = unwrap(&mut dev, used, "A256KW", &wrapped.wrapped_key).await.unwrap();
        assert_eq!((&opened.name, &opened.key[..]), (used, &[1; 32][..]));
    }
}
