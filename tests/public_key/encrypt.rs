//! Tests that RustCrypto decrypts what the service encrypts.

use rsa::sha2::Sha256;
use rsa::{BigUint, Oaep, Pkcs1v15Encrypt};
use sha1::{Digest as _, Sha1};
use strongroom::model::algorithm::{Hash, RsaPadding};
use strongroom::model::key::Curve;
use strongroom::public_key::PublicKey;

use crate::keys::{Ec, Rsa, all_rsa, field, rsa_2048, widen};

const PADDINGS: [RsaPadding; 3] =
    [RsaPadding::Pkcs1, RsaPadding::Oaep(Hash::Sha1), RsaPadding::Oaep(Hash::Sha256)];

fn decrypt(key: &Rsa, padding: RsaPadding, ciphertext: &[u8]) -> Vec<u8> {
    match padding {
        RsaPadding::Pkcs1 => key.private().decrypt(Pkcs1v15Encrypt, ciphertext).unwrap(),
        RsaPadding::Oaep(Hash::Sha256) => key.private().decrypt(Oaep::new::<Sha256>(), ciphertext).unwrap(),
        RsaPadding::Oaep(Hash::Sha1) => decrypt_oaep_sha1(key, ciphertext),
        RsaPadding::Oaep(hash) => panic!("{hash:?} is not a supported padding"),
    }
}

/// Implements RFC 8017, section 7.1.2: no dependency of the tests supports OAEP with SHA-1.
fn decrypt_oaep_sha1(key: &Rsa, ciphertext: &[u8]) -> Vec<u8> {
    let number = BigUint::from_bytes_be;
    let encoded = widen(&number(ciphertext).modpow(&number(&key.d), &number(&key.n)), key.n.len());
    let (masked_seed, masked_block) = encoded[1..].split_at(20);
    let seed = xor(masked_seed, &mgf1_sha1(masked_block, 20));
    let block = xor(masked_block, &mgf1_sha1(&seed, masked_block.len()));
    assert_eq!(encoded[0], 0);
    assert_eq!(block[..20], Sha1::digest(b"")[..], "the label is empty");
    let one = block[20..].iter().position(|byte| *byte != 0).unwrap() + 20;
    assert_eq!(block[one], 1);
    block[one + 1..].to_vec()
}

fn mgf1_sha1(seed: &[u8], length: usize) -> Vec<u8> {
    let blocks = (0u32..).flat_map(|count| Sha1::digest([seed, &count.to_be_bytes()].concat()).to_vec());
    blocks.take(length).collect()
}

fn xor(a: &[u8], b: &[u8]) -> Vec<u8> {
    a.iter().zip(b).map(|(a, b)| a ^ b).collect()
}

#[test]
fn rsa_ciphertexts_decrypt_with_rustcrypto() {
    for key in all_rsa() {
        let public = PublicKey::parse(&key.public()).unwrap();
        for padding in PADDINGS {
            let longest = padding.longest_plaintext(key.n.len());
            for length in [0, 1, 32, longest] {
                let plaintext: Vec<u8> = (0..=255).cycle().take(length).collect();
                let ciphertext = public.encrypt(padding, &plaintext).unwrap();
                assert_eq!(ciphertext.len(), key.n.len());
                assert_eq!(
                    decrypt(&key, padding, &ciphertext),
                    plaintext,
                    "{} {padding:?} {length}",
                    key.name
                );
            }
        }
    }
}

#[test]
fn longest_plaintext_follows_rfc_8017() {
    let longest = PADDINGS.map(|padding| padding.longest_plaintext(256));
    assert_eq!(longest, [245, 214, 190]);
}

#[test]
fn rejects_too_long_plaintext() {
    let public = PublicKey::parse(&rsa_2048().public()).unwrap();
    for padding in PADDINGS {
        for length in [padding.longest_plaintext(256) + 1, 256, 257, 100_000] {
            assert_eq!(field(public.encrypt(padding, &vec![1; length])), "plaintext");
        }
    }
}

#[test]
fn rsa_padding_is_randomized() {
    let public = PublicKey::parse(&rsa_2048().public()).unwrap();
    for padding in PADDINGS {
        assert_ne!(public.encrypt(padding, b"twice").unwrap(), public.encrypt(padding, b"twice").unwrap());
    }
}

#[test]
fn ec_keys_cannot_encrypt() {
    for curve in Curve::ALL {
        let public = PublicKey::parse(&Ec::new(curve, 1).public()).unwrap();
        assert_eq!(field(public.encrypt(RsaPadding::Pkcs1, b"no")), "algorithm");
    }
}
