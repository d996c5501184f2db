//! Decrypting, and the uniform error for ciphertexts that cannot be decrypted.

use strongroom::api::grpc::pb;

use crate::calls::{
    State, UNUSABLE, assert_decryption_failed, decrypt, decrypt_request, encrypt, import, invalid_field, key,
    precondition, refusal, set_key_ops, set_state,
};
use crate::software::rsa_key::{self, RsaKey, longest};
use crate::software::{RSA_ENCRYPTIONS, flip, message, symmetric};
use crate::support::{Server, oct, rsa};

const NONCE: [u8; 12] = *b"a nonce once";
const IV: [u8; 16] = *b"chosen by caller";
/// The maximum length of an AES plaintext, in bytes.
const LONGEST: usize = 256 * 1024;

fn request(name: &str, algorithm: &str, ciphertext: &[u8]) -> pb::DecryptRequest {
    pb::DecryptRequest {
        name: name.to_owned(),
        algorithm: algorithm.to_owned(),
        ciphertext: ciphertext.to_vec(),
        ..Default::default()
    }
}

fn cbc(name: &str, algorithm: &str, ciphertext: &[u8]) -> pb::DecryptRequest {
    pb::DecryptRequest { iv: IV.to_vec(), ..request(name, algorithm, ciphertext) }
}

#[tokio::test]
async fn rsa_decrypts_ciphertexts_of_other_implementations() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(rsa("made", 2048)).await.unwrap();
    let taken = import(&mut dev, "taken", RsaKey::of_3072_bits().material()).await;
    for bundle in [made, taken] {
        let public = bundle.key.unwrap();
        for algorithm in RSA_ENCRYPTIONS {
            for length in [0, 1, 32, longest(algorithm, public.n.len())] {
                let plaintext = message(length);
                let ciphertext = rsa_key::encrypt(&public, algorithm, &plaintext);
                let opened = decrypt(&mut dev, &request(&bundle.name, algorithm, &ciphertext)).await.unwrap();
                let (name, algorithm) = (bundle.name.clone(), algorithm.to_owned());
                assert_eq!(opened, pb::DecryptResponse { name, algorithm, plaintext });
            }
        }
    }
}

#[tokio::test]
async fn invalid_rsa_ciphertexts_share_one_error() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(rsa("made", 2048)).await.unwrap();
    let other = import(&mut dev, "other", RsaKey::of_2048_bits().material()).await;
    let (public, foreign) = (made.key.unwrap(), other.key.unwrap());
    for algorithm in RSA_ENCRYPTIONS {
        let right = rsa_key::encrypt(&public, algorithm, b"plaintext");
        let mut wrong = vec![
            ("zero", vec![0; 256]),
            ("beyond the modulus", vec![0xff; 256]),
            ("the modulus", public.n.clone()),
            ("of another key", rsa_key::encrypt(&foreign, algorithm, b"plaintext")),
        ];
        for bit in [0, 100, 1000, 2047] {
            wrong.push(("a flipped bit", flip(&right, bit)));
        }
        for other in RSA_ENCRYPTIONS {
            // One OAEP encoding in 400 is a well-formed encoding of PKCS #1 v1.5, too.
            if other != algorithm && algorithm != "RSA1_5" {
                wrong.push((other, rsa_key::encrypt(&public, other, b"plaintext")));
            }
        }
        // Padded blocks with a wrong header, with padding that is too short or unterminated, and of zeros.
        let block = |start: &[u8], fill: u8| [start, &vec![fill; 256 - start.len()]].concat();
        for (what, block) in [
            ("first byte", block(&[1, 2], 9)),
            ("signature's block type", block(&[0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0], 9)),
            ("padding of 7", block(&[0, 2, 1, 2, 3, 4, 5, 6, 7, 0], 9)),
            ("no end of padding", block(&[0, 2], 9)),
            ("nothing", block(&[0, 2], 0)),
        ] {
            wrong.push((what, rsa_key::encrypt_raw(&public, &block)));
        }
        for (what, ciphertext) in wrong {
            let answer = decrypt(&mut dev, &request(&made.name, algorithm, &ciphertext)).await;
            assert_decryption_failed(answer, &format!("{algorithm} {what}"));
        }
        // The length of a ciphertext is public, so it has an error of its own.
        for length in [0, 1, 255, 257, 512] {
            let answer = decrypt(&mut dev, &request(&made.name, algorithm, &vec![1; length])).await;
            assert_eq!(invalid_field(answer), "ciphertext", "{algorithm} {length}");
        }
        let opened = decrypt(&mut dev, &request(&made.name, algorithm, &right)).await.unwrap();
        assert_eq!(opened.plaintext, b"plaintext");
    }
}

#[tokio::test]
async fn gcm_decrypts_only_authentic_ciphertexts() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for bits in symmetric::SIZES {
        let name = import(&mut dev, &format!("data-{bits}"), symmetric::material(bits)).await.name;
        let algorithm = format!("A{bits}GCM");
        for (length, aad) in [(14, &b"header"[..]), (0, b""), (0, b"header"), (16, b""), (LONGEST, b"")] {
            let plaintext = message(length);
            let (ciphertext, tag) = symmetric::seal_gcm(bits, NONCE, aad, &plaintext);
            let right = pb::DecryptRequest {
                iv: NONCE.to_vec(),
                authentication_tag: tag,
                additional_authenticated_data: aad.to_vec(),
                ..request(&name, &algorithm, &ciphertext)
            };
            let opened = decrypt(&mut dev, &right).await.unwrap();
            let expected =
                pb::DecryptResponse { name: name.clone(), algorithm: algorithm.clone(), plaintext };
            assert!(opened == expected, "{algorithm} {length}");

            let mut wrong = vec![
                ("iv", pb::DecryptRequest { iv: flip(&right.iv, 95), ..right.clone() }),
                (
                    "longer",
                    pb::DecryptRequest { ciphertext: [&ciphertext[..], &[0]].concat(), ..right.clone() },
                ),
                (
                    "aad",
                    pb::DecryptRequest { additional_authenticated_data: b"other".to_vec(), ..right.clone() },
                ),
            ];
            for bit in [0, 127] {
                let tag = flip(&right.authentication_tag, bit);
                wrong.push(("tag", pb::DecryptRequest { authentication_tag: tag, ..right.clone() }));
            }
            if length > 0 {
                let changed = flip(&ciphertext, 8 * length - 1);
                wrong.push(("ciphertext", pb::DecryptRequest { ciphertext: changed, ..right.clone() }));
                let shorter = ciphertext[1..].to_vec();
                wrong.push(("shorter", pb::DecryptRequest { ciphertext: shorter, ..right.clone() }));
            }
            for (what, wrong) in wrong {
                assert_decryption_failed(decrypt(&mut dev, &wrong).await, &format!("{algorithm} {what}"));
            }
            for length in [0, 11, 13, 16] {
                let wrong = pb::DecryptRequest { iv: vec![0; length], ..right.clone() };
                assert_eq!(invalid_field(decrypt(&mut dev, &wrong).await), "iv", "{length}");
            }
            for length in [0, 12, 15, 17] {
                let wrong = pb::DecryptRequest { authentication_tag: vec![0; length], ..right.clone() };
                assert_eq!(invalid_field(decrypt(&mut dev, &wrong).await), "authentication_tag", "{length}");
            }
        }
    }
}

#[tokio::test]
async fn cbc_decrypts_ciphertexts_of_other_implementations() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for bits in symmetric::SIZES {
        let name = import(&mut dev, &format!("data-{bits}"), symmetric::material(bits)).await.name;
        let (plain, padded) = (format!("A{bits}CBC"), format!("A{bits}CBCPAD"));
        for length in [1, 16, 100, LONGEST] {
            // Zero padding is not removed: it is indistinguishable from plaintext.
            let blocks = symmetric::pad_with_zeros(&message(length));
            let opened = decrypt(&mut dev, &cbc(&name, &plain, &symmetric::cbc(bits, IV, &blocks))).await;
            assert!(opened.unwrap().plaintext == blocks, "{plain} {length}");
        }
        for length in [0, 1, 15, 16, 100, LONGEST] {
            let blocks = symmetric::pad_with_count(&message(length));
            let opened = decrypt(&mut dev, &cbc(&name, &padded, &symmetric::cbc(bits, IV, &blocks))).await;
            assert!(opened.unwrap().plaintext == message(length), "{padded} {length}");
        }
        for algorithm in [&plain, &padded] {
            for length in [0, 1, 15, 17, LONGEST + 32] {
                let answer = decrypt(&mut dev, &cbc(&name, algorithm, &vec![1; length])).await;
                assert_eq!(invalid_field(answer), "ciphertext", "{algorithm} {length}");
            }
            let answer = decrypt(&mut dev, &request(&name, algorithm, &[1; 16])).await;
            assert_eq!(invalid_field(answer), "iv");
        }
    }
}

#[tokio::test]
async fn invalid_cbc_paddings_share_one_error() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for bits in symmetric::SIZES {
        let name = import(&mut dev, &format!("data-{bits}"), symmetric::material(bits)).await.name;
        let algorithm = format!("A{bits}CBCPAD");
        let ending = |end: &[u8]| [&vec![9; 32 - end.len()][..], end].concat();
        for (what, blocks) in [
            ("a count of 0", ending(&[0])),
            ("a count of 17", ending(&[17])),
            ("a count of 255", ending(&[255])),
            ("2 after 1", ending(&[1, 2])),
            ("3 after 2 and 3", ending(&[2, 3, 3])),
            ("16 but the first", ending(&[[15].as_slice(), &[16; 15]].concat())),
            ("zeros", vec![0; 32]),
            ("one block", vec![0xff; 16]),
        ] {
            let ciphertext = symmetric::cbc(bits, IV, &blocks);
            let answer = decrypt(&mut dev, &cbc(&name, &algorithm, &ciphertext)).await;
            assert_decryption_failed(answer, &format!("{algorithm} {what}"));
        }
        let right = symmetric::cbc(bits, IV, &symmetric::pad_with_count(b"plaintext"));
        let opened = decrypt(&mut dev, &cbc(&name, &algorithm, &right)).await.unwrap();
        assert_eq!(opened.plaintext, b"plaintext");
    }
}

#[tokio::test]
async fn rejects_algorithms_of_other_key_types() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    import(&mut dev, "rsa", RsaKey::of_2048_bits().material()).await;
    import(&mut dev, "oct", symmetric::material(128)).await;
    for (id, algorithm) in [
        ("rsa", "A128CBC"),
        ("rsa", "RS256"),
        ("oct", "RSA-OAEP-256"),
        ("oct", "A192CBC"),
        ("oct", "A256CBCPAD"),
        ("oct", "A128KW"),
        ("oct", ""),
    ] {
        let answer = decrypt(&mut dev, &cbc(&key(id), algorithm, &[1; 256])).await;
        assert_eq!(invalid_field(answer), "algorithm", "{id} {algorithm}");
    }
}

#[tokio::test]
async fn decrypts_outside_validity_but_not_when_disabled() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    import(&mut dev, "rsa", RsaKey::of_2048_bits().material()).await;
    dev.create(oct("data", 256)).await.unwrap();
    for (name, algorithm) in [(key("rsa"), "RSA-OAEP-256"), (key("data"), "A256GCM")] {
        let sealed = encrypt(&mut dev, &name, algorithm, b"plaintext", (&[], &[])).await.unwrap();
        let request = pb::DecryptRequest { name: name.clone(), ..decrypt_request(sealed) };
        for (state, reason) in UNUSABLE {
            set_state(&mut dev, &name, state).await;
            let answer = decrypt(&mut dev, &request).await;
            match state {
                State::Disabled => assert_eq!(refusal(answer), precondition(reason)),
                _ => assert_eq!(answer.unwrap().plaintext, b"plaintext", "{state:?}"),
            }
        }
        set_state(&mut dev, &name, State::Usable).await;
        set_key_ops(&mut dev, &name, &["encrypt", "wrapKey", "unwrapKey"]).await;
        let answer = decrypt(&mut dev, &request).await;
        assert_eq!(refusal(answer), precondition("KEY_OPERATION_NOT_PERMITTED"));
        set_key_ops(&mut dev, &name, &["decrypt"]).await;
        assert_eq!(decrypt(&mut dev, &request).await.unwrap().plaintext, b"plaintext");
    }
}

#[tokio::test]
async fn only_the_encrypting_version_decrypts() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let first = dev.create(oct("data", 256)).await.unwrap().name;
    let sealed = encrypt(&mut dev, &key("data"), "A256GCM", b"plaintext", (&[], &[])).await.unwrap();
    dev.create(oct("data", 256)).await.unwrap();
    let right = decrypt_request(sealed);
    assert_eq!(right.name, first);
    let opened = decrypt(&mut dev, &right).await.unwrap();
    assert_eq!((opened.name, &opened.plaintext[..]), (first, &b"plaintext"[..]));
    let newest = pb::DecryptRequest { name: key("data"), ..right };
    assert_decryption_failed(decrypt(&mut dev, &newest).await, "by another version");
}
