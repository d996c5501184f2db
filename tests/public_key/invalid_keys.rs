//! Tests the rejection of invalid public keys, and of algorithms and digests that do not match the key.

use strongroom::model::algorithm::SignatureAlgorithm as Algorithm;
use strongroom::model::key::{Curve, PublicMaterial};
use strongroom::public_key::{PublicKey, strip_leading_zeros};

use crate::keys::{Ec, RSA_ALGORITHMS, digest, ecdsa, field, flip_bit, rsa_2048};

fn rsa(n: &[u8], e: &[u8]) -> &'static str {
    field(PublicKey::parse(&PublicMaterial::Rsa { n: n.to_vec(), e: e.to_vec() }))
}

#[test]
fn rejects_unsupported_rsa_modulus_or_exponent() {
    let key = rsa_2048();
    let long = [&[0x80], &key.n[..]].concat();
    let even = flip_bit(&key.n, 8 * 255);
    for n in [&[] as &[u8], &[0], &key.n[1..], &key.n[..255], &long, &even, &[0x81; 128], &[0x81; 1024]] {
        assert_eq!(rsa(n, &key.e), "key.n", "{} bytes", n.len());
    }
    // 2047 bits in 256 bytes
    assert_eq!(rsa(&flip_bit(&key.n, 7), &key.e), "key.n");
    let exponents: [&[u8]; 8] = [&[], &[0], &[1], &[0, 1], &[2], &[4], &[1, 0, 0], &[1, 0, 0, 0, 1]];
    for e in exponents {
        assert_eq!(rsa(&key.n, e), "key.e", "{e:?}");
    }
    for e in [&[3][..], &[17], &[0, 1, 0, 1], &[0xff; 4]] {
        assert!(PublicKey::parse(&PublicMaterial::Rsa { n: key.n.clone(), e: e.to_vec() }).is_ok(), "{e:?}");
    }
}

#[test]
fn rejects_points_not_on_curve() {
    for curve in Curve::ALL {
        let key = Ec::new(curve, 3);
        let parse = |x: &[u8], y: &[u8]| {
            PublicKey::parse(&PublicMaterial::Ec { crv: curve, x: x.to_vec(), y: y.to_vec() })
        };
        assert!(parse(&key.x, &key.y).is_ok());
        let zero = vec![0; curve.field_len()];
        let huge = vec![0xff; curve.field_len()];
        for (x, y) in [(&key.y, &key.x), (&zero, &zero), (&huge, &huge), (&key.x, &flip_bit(&key.y, 8))] {
            assert_eq!(field(parse(x, y)), "key.x", "{curve}");
        }
        assert_eq!(field(parse(&key.x[1..], &key.y)), "key.x");
        assert_eq!(field(parse(&[&[0], &key.x[..]].concat(), &key.y)), "key.x");
        assert_eq!(field(parse(&key.x, &key.y[1..])), "key.y");
        assert_eq!(field(parse(&key.x, &[])), "key.y");
    }
}

#[test]
fn rejects_symmetric_keys() {
    assert_eq!(field(PublicKey::parse(&PublicMaterial::Oct { key_size: 256 })), "algorithm");
}

#[test]
fn rejects_algorithm_or_digest_not_matching_key() {
    let rsa = PublicKey::parse(&rsa_2048().public()).unwrap();
    for curve in Curve::ALL {
        let key = PublicKey::parse(&Ec::new(curve, 5).public()).unwrap();
        for algorithm in Algorithm::ALL.iter().copied().filter(|algorithm| *algorithm != ecdsa(curve)) {
            assert_eq!(field(key.verify(algorithm, &digest(algorithm, "x"), &[0; 64])), "algorithm");
        }
        assert_eq!(field(key.verify(ecdsa(curve), &[0; 20], &[0; 64])), "digest");
        assert_eq!(field(rsa.verify(ecdsa(curve), &digest(ecdsa(curve), "x"), &[0; 256])), "algorithm");
    }
    for algorithm in RSA_ALGORITHMS {
        for length in [0, 246, 1000] {
            assert_eq!(field(rsa.verify(algorithm, &vec![0; length], &[0; 256])), "digest", "{algorithm}");
        }
    }
}

#[test]
fn debug_output_shows_only_type_and_size() {
    assert_eq!(
        format!("{:?}", PublicKey::parse(&rsa_2048().public()).unwrap()),
        "PublicKey(RSA with 2048 bits)"
    );
}

#[test]
fn minimal_strips_leading_zeros() {
    assert_eq!(strip_leading_zeros(&[0, 0, 1, 0]), [1, 0]);
    assert_eq!(strip_leading_zeros(&[1, 0]), [1, 0]);
    assert_eq!(strip_leading_zeros(&[0, 0]), [] as [u8; 0]);
    assert_eq!(strip_leading_zeros(&[]), [] as [u8; 0]);
}
