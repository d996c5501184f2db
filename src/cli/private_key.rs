//! Parses unencrypted private keys in PEM: PKCS#8 (RFC 5958), PKCS#1 (RFC 8017) and SEC 1 (RFC 5915).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
};
use pkcs8::der::asn1::{AnyRef, UintRef};
use pkcs8::der::{self, Decode as _};
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use sec1::EcPrivateKey;

use super::failure::{Failure, Outcome};
use crate::model::import::ImportMaterial;
use crate::model::key::Curve;
use crate::public_key::strip_leading_zeros;

/// `rsaEncryption` and `id-RSASSA-PSS`.
const RSA: [ObjectIdentifier; 2] = [
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1"),
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10"),
];
/// `id-ecPublicKey`.
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
/// The curves by their object identifiers (RFC 5480, section 2.1.1.1; SEC 2 for secp256k1).
const CURVES: [(ObjectIdentifier, Curve); 4] = [
    (ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"), Curve::P256),
    (ObjectIdentifier::new_unwrap("1.3.132.0.10"), Curve::P256K),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), Curve::P384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), Curve::P521),
];

/// Parses the first private key of a PEM file.
pub(crate) fn read(pem: &[u8]) -> Outcome<ImportMaterial> {
    let encrypted = pem.windows(b"ENCRYPTED".len()).any(|window| window == b"ENCRYPTED");
    if encrypted {
        return Err(Failure::problem("the private key is encrypted")
            .hint("`openssl pkcs8 -topk8 -nocrypt -in FILE | strongroom key import NAME --pem -` imports it decrypted"));
    }
    let key = PrivateKeyDer::from_pem_slice(pem)
        .map_err(|_| Failure::problem("no private key in PEM found (PKCS#8, PKCS#1 or SEC 1)"))?;
    let der = key.secret_der();
    let material = match &key {
        PrivateKeyDer::Pkcs1(_) => rsa(der),
        PrivateKeyDer::Sec1(_) => sec1(der),
        _ => pkcs8(der),
    };
    let problem = "the private key is not a valid RSA key, or EC key on P-256, P-256K, P-384 or P-521";
    material.ok_or_else(|| Failure::problem(problem))
}

/// Reads a `PrivateKeyInfo`. The decoded values borrow the input, so that no copy of the private key is left in memory.
fn pkcs8(der: &[u8]) -> Option<ImportMaterial> {
    let info = PrivateKeyInfoRef::from_der(der).ok()?;
    let (kind, key) = (info.algorithm.oid, info.private_key.as_bytes());
    if RSA.contains(&kind) {
        return rsa(key);
    }
    if kind != EC {
        return None;
    }
    let curve = curve(info.algorithm.parameters_oid().ok()?)?;
    ec(curve, EcPrivateKey::from_der(key).ok()?.private_key, der)
}

/// Reads an `ECPrivateKey`.
fn sec1(der: &[u8]) -> Option<ImportMaterial> {
    let key = EcPrivateKey::from_der(der).ok()?;
    let curve = curve(key.parameters?.named_curve()?)?;
    ec(curve, key.private_key, der)
}

/// Reads an `RSAPrivateKey`: the version, then the numbers. A key with more than two primes is not valid.
fn rsa(der: &[u8]) -> Option<ImportMaterial> {
    let numbers = AnyRef::from_der(der).ok()?.sequence(|private| -> der::Result<_> {
        u8::decode(private)?;
        let mut next = || UintRef::decode(private);
        Ok([next()?, next()?, next()?, next()?, next()?, next()?, next()?, next()?])
    });
    // Copied only now that all are valid: `ImportMaterial` wipes them when it is dropped.
    let [n, e, d, p, q, dp, dq, qi] = numbers.ok()?.map(|number| number.as_bytes().to_vec());
    Some(ImportMaterial::Rsa { n, e, d, p, q, dp, dq, qi })
}

fn curve(identifier: ObjectIdentifier) -> Option<Curve> {
    CURVES.iter().find(|(known, _)| *known == identifier).map(|(_, curve)| *curve)
}

/// Returns an EC key. The public point is computed from the scalar, since the file may omit it.
fn ec(curve: Curve, scalar: &[u8], der: &[u8]) -> Option<ImportMaterial> {
    let algorithm = match curve {
        Curve::P256 => &ECDSA_P256_SHA256_FIXED_SIGNING,
        Curve::P256K => &ECDSA_P256K1_SHA256_FIXED_SIGNING,
        Curve::P384 => &ECDSA_P384_SHA384_FIXED_SIGNING,
        Curve::P521 => &ECDSA_P521_SHA512_FIXED_SIGNING,
    };
    let pair = EcdsaKeyPair::from_private_key_der(algorithm, der).ok()?;
    let width = curve.field_len();
    let coordinates = pair.public_key().as_ref().strip_prefix(&[4])?;
    let (x, y) = coordinates.split_at_checked(width)?;
    // Some libraries omit leading zeros of the scalar, or add one.
    let scalar = strip_leading_zeros(scalar);
    let mut d = vec![0; width.checked_sub(scalar.len())?];
    d.extend_from_slice(scalar);
    Some(ImportMaterial::Ec { crv: curve, x: x.to_vec(), y: y.to_vec(), d })
}

#[cfg(test)]
mod tests {
    use p256::elliptic_curve::sec1::ToSec1Point;
    use p256::pkcs8::{EncodePrivateKey, LineEnding};
    use rsa::pkcs1::EncodeRsaPrivateKey;
    use rsa::traits::{PrivateKeyParts, PublicKeyParts};

    use super::*;

    /// Declares a test that compares a parsed key with the encoded one.
    macro_rules! reads_ec_keys {
        ($($test:ident: $library:ident, $curve:expr;)+) => {$(
            #[test]
            fn $test() {
                // The leading zeros are part of the scalar.
                let mut scalar = vec![0; $curve.field_len()];
                *scalar.last_mut().unwrap() = 7;
                let key = $library::SecretKey::from_slice(&scalar).unwrap();
                let point = key.public_key().to_sec1_point(false);
                let (x, y) = (point.x().unwrap().to_vec(), point.y().unwrap().to_vec());
                let sec1 = key.to_sec1_pem(LineEnding::LF).unwrap();
                let pkcs8 = key.to_pkcs8_pem(LineEnding::LF).unwrap();
                for pem in [sec1, pkcs8] {
                    let ImportMaterial::Ec { crv, x: ours_x, y: ours_y, d } = &read(pem.as_bytes()).unwrap() else {
                        panic!("not EC")
                    };
                    assert_eq!((*crv, ours_x, ours_y, d), ($curve, &x, &y, &scalar));
                }
            }
        )+};
    }

    reads_ec_keys! {
        reads_p256_keys: p256, Curve::P256;
        reads_p256k_keys: k256, Curve::P256K;
        reads_p384_keys: p384, Curve::P384;
        reads_p521_keys: p521, Curve::P521;
    }

    /// RFC 5915 requires the full width, but some libraries omit leading zeros of the scalar, or add a sign byte.
    #[test]
    fn reads_ec_scalars_of_any_width() {
        for (identifier, curve) in CURVES {
            for scalar in [vec![0xf7], [&[0; 70], &[0xf7][..]].concat()] {
                let element =
                    |tag: u8, value: &[u8]| [&[tag, u8::try_from(value.len()).unwrap()], value].concat();
                let parameters = element(0xa0, &element(0x06, identifier.as_bytes()));
                let key =
                    element(0x30, &[&[0x02, 0x01, 0x01], &*element(0x04, &scalar), &parameters].concat());
                let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, key);
                let pem = format!("-----BEGIN EC PRIVATE KEY-----\n{base64}\n-----END EC PRIVATE KEY-----\n");
                let material = read(pem.as_bytes()).unwrap();
                let ImportMaterial::Ec { crv, x, y, d } = &material else { panic!("not EC") };
                let width = curve.field_len();
                assert_eq!(
                    (*crv, x.len(), y.len(), d.len(), d[width - 1]),
                    (curve, width, width, width, 0xf7)
                );
                assert!(d[..width - 1].iter().all(|byte| *byte == 0));
                crate::public_key::validate(&material).unwrap();
            }
        }
    }

    #[test]
    fn reads_rsa_keys() {
        let key = rsa::RsaPrivateKey::new(&mut rand::thread_rng(), 2048).unwrap();
        let pkcs1 = key.to_pkcs1_pem(rsa::pkcs1::LineEnding::LF).unwrap();
        let pkcs8 = rsa::pkcs8::EncodePrivateKey::to_pkcs8_pem(&key, rsa::pkcs8::LineEnding::LF).unwrap();
        for pem in [pkcs1.as_bytes(), pkcs8.as_bytes()] {
            let ImportMaterial::Rsa { n, e, d, p, q, dp, dq, qi } = &read(pem).unwrap() else {
                panic!("not RSA")
            };
            let number = rsa::BigUint::from_bytes_be;
            assert_eq!((&number(n), &number(e), &number(d)), (key.n(), key.e(), key.d()));
            assert_eq!(number(p) * number(q), *key.n());
            assert_eq!((Some(&number(dp)), Some(&number(dq))), (key.dp(), key.dq()));
            assert_eq!(number(qi) * number(q) % number(p), number(&[1]));
            assert_eq!(n.len(), 256);
        }
    }

    #[test]
    fn rejects_input_without_a_private_key() {
        let key = p256::SecretKey::from_slice(&[7; 32]).unwrap();
        let pem = key.to_pkcs8_pem(LineEnding::LF).unwrap();
        for wrong in ["", "x", &pem[..pem.len() / 2], &pem.replace("PRIVATE", "PUBLIC")] {
            assert!(read(wrong.as_bytes()).is_err());
        }
        let encrypted =
            format!("{:?}", read(pem.replace("PRIVATE", "ENCRYPTED PRIVATE").as_bytes()).unwrap_err());
        assert!(encrypted.contains("openssl pkcs8"), "{encrypted}");
    }
}
