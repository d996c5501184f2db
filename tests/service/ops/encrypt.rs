//! Encrypting a short plaintext with RSA, or data with AES.

use std::collections::HashSet;

use crate::calls::{
    State, UNUSABLE, decrypt, decrypt_request, encrypt, import, invalid_field, key, precondition, refusal,
    set_key_ops, set_state,
};
use crate::software::ec_key::EcKey;
use crate::software::rsa_key::{RsaKey, longest};
use crate::software::{RSA_ENCRYPTIONS, message, symmetric};
use crate::support::{Server, oct};

/// No IV and no additional authenticated data.
const NONE: (&[u8], &[u8]) = (&[], &[]);
const IV: [u8; 16] = *b"chosen by caller";
/// The maximum length of an AES plaintext, in bytes.
const LONGEST: usize = 256 * 1024;

#[tokio::test]
async fn other_implementations_decrypt_rsa_ciphertexts() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for (id, imported, modulus) in
        [("smaller", RsaKey::of_2048_bits(), 256), ("larger", RsaKey::of_3072_bits(), 384)]
    {
        let name = import(&mut dev, id, imported.material()).await.name;
        for algorithm in RSA_ENCRYPTIONS {
            let longest = longest(algorithm, modulus);
            for length in [0, 1, 32, longest] {
                let plaintext = message(length);
                let sealed = encrypt(&mut dev, &name, algorithm, &plaintext, NONE).await.unwrap();
                assert_eq!((sealed.name.as_str(), sealed.algorithm.as_str()), (name.as_str(), algorithm));
                assert!(sealed.iv.is_empty() && sealed.authentication_tag.is_empty());
                assert_eq!(
                    imported.decrypt(algorithm, &sealed.ciphertext),
                    plaintext,
                    "{algorithm} {length}"
                );
                let again = encrypt(&mut dev, &name, algorithm, &plaintext, NONE).await.unwrap();
                assert_ne!(sealed.ciphertext, again.ciphertext, "padding is random");
            }
            let answer = encrypt(&mut dev, &name, algorithm, &message(longest + 1), NONE).await;
            assert_eq!(invalid_field(answer), "plaintext", "{algorithm}");
        }
    }
}

#[tokio::test]
async fn other_implementations_decrypt_gcm_ciphertexts() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for bits in symmetric::SIZES {
        let name = import(&mut dev, &format!("data-{bits}"), symmetric::material(bits)).await.name;
        let algorithm = format!("A{bits}GCM");
        for (length, aad) in [
            (14, &b"header"[..]),
            (0, b""),
            (0, b"header"),
            (16, b""),
            (LONGEST, b""),
            (1, &message(LONGEST)),
        ] {
            let plaintext = message(length);
            let sealed = encrypt(&mut dev, &name, &algorithm, &plaintext, (&[], aad)).await.unwrap();
            assert_eq!((&sealed.name, &sealed.algorithm), (&name, &algorithm));
            assert_eq!((sealed.iv.len(), sealed.authentication_tag.len()), (12, 16));
            assert_eq!(sealed.ciphertext.len(), length);
            assert_eq!(sealed.additional_authenticated_data, aad);
            assert_eq!(symmetric::open_gcm(bits, &sealed, aad), plaintext, "{bits} {length}");
        }
    }
}

#[tokio::test]
async fn cbc_matches_another_implementation() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for bits in symmetric::SIZES {
        let name = import(&mut dev, &format!("data-{bits}"), symmetric::material(bits)).await.name;
        let (plain, padded) = (format!("A{bits}CBC"), format!("A{bits}CBCPAD"));
        for length in [1, 15, 16, 17, 32, 100, LONGEST] {
            let plaintext = message(length);
            // Additional authenticated data is ignored.
            let sealed = encrypt(&mut dev, &name, &plain, &plaintext, (&IV, b"header")).await.unwrap();
            let expected = symmetric::cbc(bits, IV, &symmetric::pad_with_zeros(&plaintext));
            assert!(sealed.ciphertext == expected, "{plain} {length}");
            assert_eq!((&sealed.iv[..], &sealed.authentication_tag[..]), (&IV[..], &[][..]));
            assert!(sealed.additional_authenticated_data.is_empty());
        }
        for length in [0, 1, 15, 16, 17, 32, 100, LONGEST] {
            let plaintext = message(length);
            let sealed = encrypt(&mut dev, &name, &padded, &plaintext, (&IV, b"header")).await.unwrap();
            let expected = symmetric::cbc(bits, IV, &symmetric::pad_with_count(&plaintext));
            assert!(sealed.ciphertext == expected, "{padded} {length}");
            assert_eq!(sealed.iv, IV);
        }
    }
}

#[tokio::test]
async fn gcm_nonces_are_unique() {
    let server = Server::start();
    let dev = server.client("dev").await;
    dev.clone().create(oct("data", 256)).await.unwrap();
    let callers = (0..10).map(|_| {
        let mut dev = dev.clone();
        tokio::spawn(async move {
            let mut ivs = Vec::new();
            for _ in 0..100 {
                ivs.push(encrypt(&mut dev, &key("data"), "A256GCM", b"same", NONE).await.unwrap().iv);
            }
            ivs
        })
    });
    let mut ivs = HashSet::new();
    for caller in callers.collect::<Vec<_>>() {
        ivs.extend(caller.await.unwrap());
    }
    assert_eq!(ivs.len(), 1000);
}

#[tokio::test]
async fn rejects_mismatched_algorithms_and_invalid_lengths() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    import(&mut dev, "rsa", RsaKey::of_2048_bits().material()).await;
    import(&mut dev, "ec", EcKey::new("P-256", 5).material()).await;
    for bits in symmetric::SIZES {
        import(&mut dev, &format!("oct-{bits}"), symmetric::material(bits)).await;
    }
    for (id, algorithm) in [
        ("rsa", "A128GCM"),
        ("rsa", "A256CBC"),
        ("rsa", "RS256"),
        ("rsa", "RSA-OAEP-512"),
        ("ec", "RSA-OAEP"),
        ("ec", "A256GCM"),
        ("oct-128", "RSA1_5"),
        ("oct-128", "A192GCM"),
        ("oct-128", "A256CBC"),
        ("oct-192", "A128CBCPAD"),
        ("oct-192", "A256GCM"),
        ("oct-256", "A128GCM"),
        ("oct-256", "A192CBC"),
        ("oct-256", "A256KW"),
        ("oct-256", "a256gcm"),
        ("oct-256", ""),
    ] {
        let answer = encrypt(&mut dev, &key(id), algorithm, b"plaintext", NONE).await;
        assert_eq!(invalid_field(answer), "algorithm", "{id} {algorithm}");
    }
    let name = key("oct-256");
    for length in [1, 12, 16] {
        let answer = encrypt(&mut dev, &name, "A256GCM", b"plaintext", (&IV[..length], b"")).await;
        assert_eq!(invalid_field(answer), "iv", "GCM {length}");
    }
    for algorithm in ["A256CBC", "A256CBCPAD"] {
        for iv in [&[][..], &IV[..12], &IV[..15], &[7; 17]] {
            let answer = encrypt(&mut dev, &name, algorithm, b"plaintext", (iv, b"")).await;
            assert_eq!(invalid_field(answer), "iv", "{algorithm} {}", iv.len());
        }
    }
    let answer = encrypt(&mut dev, &name, "A256CBC", b"", (&IV, b"")).await;
    assert_eq!(invalid_field(answer), "plaintext");
    let long = message(LONGEST + 1);
    for (algorithm, iv) in [("A256GCM", &[][..]), ("A256CBC", &IV), ("A256CBCPAD", &IV)] {
        let answer = encrypt(&mut dev, &name, algorithm, &long, (iv, b"")).await;
        assert_eq!(invalid_field(answer), "plaintext", "{algorithm}");
    }
    let answer = encrypt(&mut dev, &name, "A256GCM", b"plaintext", (&[], &long)).await;
    assert_eq!(invalid_field(answer), "additional_authenticated_data");
}

#[tokio::test]
async fn requires_an_enabled_valid_key_that_permits_encrypt() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    import(&mut dev, "rsa", RsaKey::of_2048_bits().material()).await;
    dev.create(oct("data", 256)).await.unwrap();
    for (name, algorithm) in [(key("rsa"), "RSA-OAEP"), (key("data"), "A256GCM")] {
        for (state, reason) in UNUSABLE {
            set_state(&mut dev, &name, state).await;
            let answer = encrypt(&mut dev, &name, algorithm, b"plaintext", NONE).await;
            assert_eq!(refusal(answer), precondition(reason), "{algorithm} {state:?}");
        }
        set_state(&mut dev, &name, State::Usable).await;
        set_key_ops(&mut dev, &name, &["decrypt", "wrapKey", "unwrapKey"]).await;
        let answer = encrypt(&mut dev, &name, algorithm, b"plaintext", NONE).await;
        assert_eq!(refusal(answer), precondition("KEY_OPERATION_NOT_PERMITTED"));
        set_key_ops(&mut dev, &name, &["encrypt"]).await;
        encrypt(&mut dev, &name, algorithm, b"plaintext", NONE).await.unwrap();
    }
}

#[tokio::test]
async fn uses_the_current_version_unless_one_is_named() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let first = dev.create(oct("data", 256)).await.unwrap().name;
    let second = dev.create(oct("data", 256)).await.unwrap().name;
    for (asked, used) in [(&key("data"), &second), (&first, &first), (&second, &second)] {
        let sealed = encrypt(&mut dev, asked, "A256GCM", b"plaintext", NONE).await.unwrap();
        assert_eq!(&sealed.name, used);
        let opened = decrypt(&mut dev, &decrypt_request(sealed)).await.unwrap();
        assert_eq!((&opened.name, &opened.plaintext[..]), (used, &b"plaintext"[..]));
    }
}
