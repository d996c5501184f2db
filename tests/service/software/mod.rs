//! Keys and algorithms implemented with RustCrypto, as a reference for the service's results.

pub(crate) mod ec_key;
pub(crate) mod rsa_key;
pub(crate) mod symmetric;

use sha2::{Digest as _, Sha256, Sha384, Sha512};
use strongroom::api::grpc::pb;

pub(crate) const RSA_SIGNATURES: [&str; 7] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "RSNULL"];
pub(crate) const RSA_ENCRYPTIONS: [&str; 3] = ["RSA1_5", "RSA-OAEP", "RSA-OAEP-256"];
pub(crate) const MACS: [&str; 3] = ["HS256", "HS384", "HS512"];

/// Each curve, its signature algorithm, and the size of its field in bytes.
pub(crate) const CURVES: [(&str, &str, usize); 4] =
    [("P-256", "ES256", 32), ("P-256K", "ES256K", 32), ("P-384", "ES384", 48), ("P-521", "ES512", 66)];

/// Returns the input of a signature algorithm for a message: its digest, or the message itself with RSNULL.
pub(crate) fn digest(algorithm: &str, message: &[u8]) -> Vec<u8> {
    match algorithm {
        "RSNULL" => message.to_vec(),
        "RS384" | "PS384" | "ES384" | "HS384" => Sha384::digest(message).to_vec(),
        "RS512" | "PS512" | "ES512" | "HS512" => Sha512::digest(message).to_vec(),
        _ => Sha256::digest(message).to_vec(),
    }
}

/// Returns whether a signature is valid for the public key.
pub(crate) fn verifies(key: &pb::JsonWebKey, algorithm: &str, digest: &[u8], signature: &[u8]) -> bool {
    if key.crv.is_empty() {
        rsa_key::verifies(key, algorithm, digest, signature)
    } else {
        ec_key::verifies(key, digest, signature)
    }
}

/// Returns the bytes with one bit flipped.
pub(crate) fn flip(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

/// Returns a message of this length whose adjacent bytes differ.
pub(crate) fn message(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}
