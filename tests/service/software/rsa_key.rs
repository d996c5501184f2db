//! RSA by the `rsa` crate, with keys that OpenSSL made.

use rand::RngCore as _;
use rsa::pkcs1::der::Decode as _;
use rsa::sha2::{Sha256, Sha384, Sha512};
use rsa::{BigUint, Oaep, Pkcs1v15Encrypt, Pkcs1v15Sign, Pss, RsaPrivateKey, RsaPublicKey};
use sha1::{Digest as _, Sha1};
use strongroom::api::grpc::pb;

/// An RSA private key.
#[derive(Clone)]
pub(crate) struct RsaKey(pb::ImportKeyMaterial);

impl RsaKey {
    pub(crate) fn of_2048_bits() -> Self {
        Self::read(include_str!("../../vectors/rsa-2048.hex"))
    }

    pub(crate) fn of_3072_bits() -> Self {
        Self::read(include_str!("../../vectors/rsa-3072.hex"))
    }

    pub(crate) fn of_4096_bits() -> Self {
        Self::read(include_str!("../../vectors/rsa-4096.hex"))
    }

    fn read(hex: &str) -> Self {
        let hex: String = hex.split_whitespace().collect();
        let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        let der: Vec<u8> = (0..hex.len()).step_by(2).map(byte).collect();
        let key = rsa::pkcs1::RsaPrivateKey::from_der(&der).unwrap();
        Self(pb::ImportKeyMaterial {
            kty: "RSA-HSM".to_owned(),
            n: key.modulus.as_bytes().to_vec(),
            e: key.public_exponent.as_bytes().to_vec(),
            d: key.private_exponent.as_bytes().to_vec(),
            p: key.prime1.as_bytes().to_vec(),
            q: key.prime2.as_bytes().to_vec(),
            dp: key.exponent1.as_bytes().to_vec(),
            dq: key.exponent2.as_bytes().to_vec(),
            qi: key.coefficient.as_bytes().to_vec(),
            ..Default::default()
        })
    }

    /// The key as it is imported.
    pub(crate) fn material(&self) -> pb::ImportKeyMaterial {
        self.0.clone()
    }

    fn private(&self) -> RsaPrivateKey {
        let primes = vec![number(&self.0.p), number(&self.0.q)];
        RsaPrivateKey::from_components(number(&self.0.n), number(&self.0.e), number(&self.0.d), primes)
            .unwrap()
    }

    pub(crate) fn sign(&self, algorithm: &str, digest: &[u8]) -> Vec<u8> {
        let (key, mut random) = (self.private(), rand::thread_rng());
        match algorithm {
            "RS256" => key.sign(Pkcs1v15Sign::new::<Sha256>(), digest),
            "RS384" => key.sign(Pkcs1v15Sign::new::<Sha384>(), digest),
            "RS512" => key.sign(Pkcs1v15Sign::new::<Sha512>(), digest),
            "PS256" => key.sign_with_rng(&mut random, Pss::new::<Sha256>(), digest),
            "PS384" => key.sign_with_rng(&mut random, Pss::new::<Sha384>(), digest),
            "PS512" => key.sign_with_rng(&mut random, Pss::new::<Sha512>(), digest),
            "RSNULL" => key.sign(Pkcs1v15Sign::new_unprefixed(), digest),
            _ => panic!("{algorithm}"),
        }
        .unwrap()
    }

    pub(crate) fn decrypt(&self, algorithm: &str, ciphertext: &[u8]) -> Vec<u8> {
        assert_eq!(ciphertext.len(), self.0.n.len());
        match algorithm {
            "RSA1_5" => self.private().decrypt(Pkcs1v15Encrypt, ciphertext).unwrap(),
            "RSA-OAEP-256" => self.private().decrypt(Oaep::new::<Sha256>(), ciphertext).unwrap(),
            "RSA-OAEP" => open_oaep_sha1(&self.0, ciphertext),
            _ => panic!("{algorithm}"),
        }
    }
}

/// The longest plaintext (RFC 8017, sections 7.1.1 and 7.2.1).
pub(crate) fn longest(algorithm: &str, modulus: usize) -> usize {
    match algorithm {
        "RSA1_5" => modulus - 11,
        "RSA-OAEP" => modulus - 42,
        "RSA-OAEP-256" => modulus - 66,
        _ => panic!("{algorithm}"),
    }
}

pub(super) fn verifies(key: &pb::JsonWebKey, algorithm: &str, digest: &[u8], signature: &[u8]) -> bool {
    let key = public(key);
    match algorithm {
        "RS256" => key.verify(Pkcs1v15Sign::new::<Sha256>(), digest, signature),
        "RS384" => key.verify(Pkcs1v15Sign::new::<Sha384>(), digest, signature),
        "RS512" => key.verify(Pkcs1v15Sign::new::<Sha512>(), digest, signature),
        "PS256" => key.verify(Pss::new::<Sha256>(), digest, signature),
        "PS384" => key.verify(Pss::new::<Sha384>(), digest, signature),
        "PS512" => key.verify(Pss::new::<Sha512>(), digest, signature),
        "RSNULL" => key.verify(Pkcs1v15Sign::new_unprefixed(), digest, signature),
        _ => panic!("{algorithm}"),
    }
    .is_ok()
}

/// Encrypts for the holder of the private half.
pub(crate) fn encrypt(key: &pb::JsonWebKey, algorithm: &str, plaintext: &[u8]) -> Vec<u8> {
    let mut random = rand::thread_rng();
    match algorithm {
        "RSA1_5" => public(key).encrypt(&mut random, Pkcs1v15Encrypt, plaintext).unwrap(),
        "RSA-OAEP-256" => public(key).encrypt(&mut random, Oaep::new::<Sha256>(), plaintext).unwrap(),
        "RSA-OAEP" => seal_oaep_sha1(key, plaintext),
        _ => panic!("{algorithm}"),
    }
}

/// The public operation alone, on a block that is as wide as the modulus: for paddings that are wrong.
pub(crate) fn encrypt_raw(key: &pb::JsonWebKey, block: &[u8]) -> Vec<u8> {
    widen(&number(block).modpow(&number(&key.e), &number(&key.n)), key.n.len())
}

fn public(key: &pb::JsonWebKey) -> RsaPublicKey {
    RsaPublicKey::new(number(&key.n), number(&key.e)).unwrap()
}

/// RFC 8017, section 7.1.1, by hand: no other implementation here has RSA and SHA-1 together.
fn seal_oaep_sha1(key: &pb::JsonWebKey, plaintext: &[u8]) -> Vec<u8> {
    let mut block = Sha1::digest(b"").to_vec();
    block.resize(key.n.len() - 22 - plaintext.len(), 0);
    block.push(1);
    block.extend_from_slice(plaintext);
    let mut seed = [0; 20];
    rand::thread_rng().fill_bytes(&mut seed);
    let block = xor(&block, &mgf1_sha1(&seed, block.len()));
    let seed = xor(&seed, &mgf1_sha1(&block, 20));
    encrypt_raw(key, &[&[0][..], &seed, &block].concat())
}

/// RFC 8017, section 7.1.2, likewise.
fn open_oaep_sha1(key: &pb::ImportKeyMaterial, ciphertext: &[u8]) -> Vec<u8> {
    let encoded = widen(&number(ciphertext).modpow(&number(&key.d), &number(&key.n)), key.n.len());
    let (seed, block) = encoded[1..].split_at(20);
    let seed = xor(seed, &mgf1_sha1(block, 20));
    let block = xor(block, &mgf1_sha1(&seed, block.len()));
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

fn number(bytes: &[u8]) -> BigUint {
    BigUint::from_bytes_be(bytes)
}

fn widen(number: &BigUint, width: usize) -> Vec<u8> {
    let minimal = number.to_bytes_be();
    [vec![0; width - minimal.len()], minimal].concat()
}
