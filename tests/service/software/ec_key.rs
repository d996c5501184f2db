//! Elliptic-curve keys implemented with RustCrypto's crates.

use strongroom::api::grpc::pb;

/// An elliptic-curve private key.
#[derive(Clone)]
pub(crate) struct EcKey(pb::ImportKeyMaterial);

macro_rules! with_curve {
    ($curve:expr, $implementation:ident => $body:expr) => {
        match $curve {
            "P-256" => {
                use p256 as $implementation;
                $body
            }
            "P-256K" => {
                use k256 as $implementation;
                $body
            }
            "P-384" => {
                use p384 as $implementation;
                $body
            }
            "P-521" => {
                use p521 as $implementation;
                $body
            }
            other => panic!("{other}"),
        }
    };
}

impl EcKey {
    /// Creates a key with a scalar derived from a seed, below the order of every curve.
    pub(crate) fn new(curve: &str, seed: u8) -> Self {
        let point = |d: &[u8]| {
            with_curve!(curve, implementation => {
                use implementation::elliptic_curve::sec1::ToSec1Point as _;
                let secret = implementation::SecretKey::from_slice(d).unwrap();
                secret.public_key().to_sec1_point(false).as_bytes().to_vec()
            })
        };
        let width = match curve {
            "P-384" => 48,
            "P-521" => 66,
            _ => 32,
        };
        let mut d = vec![seed; width];
        d[..2].copy_from_slice(&[0, 1]);
        let point = point(&d);
        let (x, y) = point[1..].split_at(width);
        Self(pb::ImportKeyMaterial {
            kty: "EC-HSM".to_owned(),
            crv: curve.to_owned(),
            x: x.to_vec(),
            y: y.to_vec(),
            d,
            ..Default::default()
        })
    }

    /// Returns the key as import material.
    pub(crate) fn material(&self) -> pb::ImportKeyMaterial {
        self.0.clone()
    }

    /// Signs a digest; returns `r || s`.
    pub(crate) fn sign(&self, digest: &[u8]) -> Vec<u8> {
        with_curve!(self.0.crv.as_str(), implementation => {
            use implementation::ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner as _};
            let signature: Signature =
                SigningKey::from_slice(&self.0.d).unwrap().sign_prehash(digest).unwrap();
            signature.to_bytes().to_vec()
        })
    }
}

pub(super) fn verifies(key: &pb::JsonWebKey, digest: &[u8], signature: &[u8]) -> bool {
    let point = [&[4], key.x.as_slice(), &key.y].concat();
    with_curve!(key.crv.as_str(), implementation => {
        use implementation::ecdsa::signature::hazmat::PrehashVerifier as _;
        let verifier = implementation::ecdsa::VerifyingKey::from_sec1_bytes(&point).unwrap();
        implementation::ecdsa::Signature::from_slice(signature)
            .is_ok_and(|signature| verifier.verify_prehash(digest, &signature).is_ok())
    })
}
