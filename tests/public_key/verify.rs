//! Tests that exactly the signatures of other implementations are valid.

use rsa::sha2::Sha256;
use rsa::{BigUint, Pss};
use strongroom::model::algorithm::SignatureAlgorithm as Algorithm;
use strongroom::model::key::Curve;
use strongroom::public_key::PublicKey;

use crate::keys::{
    self, Ec, RSA_ALGORITHMS, Rsa, all_rsa, digest, ecdsa, flip_bit, order, rsa_2048, rsa_2048_e3, widen,
};

/// Asserts that the signature is valid, and that modified digests and modified, truncated, extended or empty
/// signatures are not.
fn assert_only_valid_signature(key: &PublicKey, algorithm: Algorithm, digest: &[u8], signature: &[u8]) {
    let valid = |digest: &[u8], signature: &[u8]| key.verify(algorithm, digest, signature).unwrap();
    assert!(valid(digest, signature), "{key:?} {algorithm}");
    for bit in [0, 7, 8 * digest.len() / 2, 8 * digest.len() - 1] {
        assert!(!valid(&flip_bit(digest, bit), signature), "{key:?} {algorithm} digest bit {bit}");
    }
    for bit in [0, 7, 8, 4 * signature.len(), 8 * signature.len() - 8, 8 * signature.len() - 1] {
        assert!(!valid(digest, &flip_bit(signature, bit)), "{key:?} {algorithm} signature bit {bit}");
    }
    let longer = [signature, &[0]].concat();
    let shifted = [&[0], signature].concat();
    for wrong in [&signature[1..], &signature[..signature.len() - 1], &longer, &shifted, &[], &[0]] {
        assert!(!valid(digest, wrong), "{key:?} {algorithm} {} bytes", wrong.len());
    }
    for fill in [0, 0xff] {
        assert!(!valid(digest, &vec![fill; signature.len()]), "{key:?} {algorithm} all {fill:#x}");
    }
}

fn check_every_rsa_algorithm(key: &Rsa) {
    let public = PublicKey::parse(&key.public()).unwrap();
    for algorithm in RSA_ALGORITHMS {
        let digest = digest(algorithm, key.name);
        assert_only_valid_signature(&public, algorithm, &digest, &key.sign(algorithm, &digest));
    }
}

#[test]
fn verifies_rsa_2048_signatures() {
    check_every_rsa_algorithm(&keys::rsa_2048());
}

#[test]
fn verifies_rsa_3072_signatures() {
    check_every_rsa_algorithm(&keys::rsa_3072());
}

#[test]
fn verifies_rsa_4096_signatures() {
    check_every_rsa_algorithm(&keys::rsa_4096());
}

#[test]
fn verifies_rsa_signatures_with_unusual_exponents() {
    for key in [keys::rsa_2048_e3(), keys::rsa_2048_e17(), keys::rsa_2048_e4294967295()] {
        check_every_rsa_algorithm(&key);
    }
}

#[test]
fn signature_is_valid_for_one_algorithm_and_key_only() {
    let (key, other) = (rsa_2048(), rsa_2048_e3());
    let (public, foreign) =
        (PublicKey::parse(&key.public()).unwrap(), PublicKey::parse(&other.public()).unwrap());
    let digest = digest(Algorithm::Rs256, "one");
    for signed in [Algorithm::Rs256, Algorithm::Ps256, Algorithm::RsNull] {
        let signature = key.sign(signed, &digest);
        assert!(!foreign.verify(signed, &digest, &signature).unwrap());
        for algorithm in [Algorithm::Rs256, Algorithm::Ps256, Algorithm::RsNull] {
            assert_eq!(
                public.verify(algorithm, &digest, &signature).unwrap(),
                algorithm == signed,
                "{signed} {algorithm}"
            );
        }
    }
}

#[test]
fn pss_salt_length_must_equal_digest_length() {
    let key = rsa_2048();
    let public = PublicKey::parse(&key.public()).unwrap();
    let digest = digest(Algorithm::Ps256, "salt");
    for salt in [0, 20, 31, 32, 33, 222] {
        let scheme = Pss::new_with_salt::<Sha256>(salt);
        let signature = key.private().sign_with_rng(&mut rand::thread_rng(), scheme, &digest).unwrap();
        assert_eq!(public.verify(Algorithm::Ps256, &digest, &signature).unwrap(), salt == 32, "{salt}");
    }
}

#[test]
fn rsnull_verifies_raw_bytes_up_to_limit() {
    for key in all_rsa() {
        let public = PublicKey::parse(&key.public()).unwrap();
        for length in [1, 2, 20, 51, key.n.len() - 11] {
            let bytes = vec![0xa5; length];
            let signature = key.sign(Algorithm::RsNull, &bytes);
            assert_only_valid_signature(&public, Algorithm::RsNull, &bytes, &signature);
            // A suffix of the signed bytes is not valid: the whole block is compared.
            if length > 1 {
                assert!(!public.verify(Algorithm::RsNull, &bytes[1..], &signature).unwrap());
            }
        }
    }
}

#[test]
fn rsnull_over_digest_info_equals_rs256() {
    let key = rsa_2048();
    let public = PublicKey::parse(&key.public()).unwrap();
    let digest = digest(Algorithm::Rs256, "info");
    let info = [keys::bytes("3031300d060960864801650304020105000420"), digest.clone()].concat();
    let signature = key.sign(Algorithm::Rs256, &digest);
    assert!(public.verify(Algorithm::RsNull, &info, &signature).unwrap());
    assert!(public.verify(Algorithm::Rs256, &digest, &key.sign(Algorithm::RsNull, &info)).unwrap());
}

#[test]
fn rejects_rsnull_signature_above_modulus() {
    // With a low signature, signature + n has the same residue; only one of them is valid.
    let key = rsa_2048();
    let public = PublicKey::parse(&key.public()).unwrap();
    let modulus = BigUint::from_bytes_be(&key.n);
    let room = (BigUint::from(1u8) << 2048) - &modulus;
    let (bytes, low) = (0u32..)
        .map(|count| count.to_be_bytes())
        .map(|bytes| (bytes, BigUint::from_bytes_be(&key.sign(Algorithm::RsNull, &bytes))))
        .find(|(_, signature)| *signature < room)
        .unwrap();
    let verify =
        |signature: &BigUint| public.verify(Algorithm::RsNull, &bytes, &widen(signature, 256)).unwrap();
    assert!(verify(&low));
    assert!(!verify(&(low + modulus)));
}

#[test]
fn verifies_ecdsa_signatures_on_every_curve() {
    for curve in Curve::ALL {
        let algorithm = ecdsa(curve);
        for seed in 1..=8 {
            let key = Ec::new(curve, seed);
            let public = PublicKey::parse(&key.public()).unwrap();
            let digest = digest(algorithm, "curve");
            let signature = key.sign(&digest);
            assert_eq!(signature.len(), 2 * curve.field_len());
            assert_only_valid_signature(&public, algorithm, &digest, &signature);
            let foreign = PublicKey::parse(&Ec::new(curve, seed + 1).public()).unwrap();
            assert!(!foreign.verify(algorithm, &digest, &signature).unwrap());
        }
    }
}

#[test]
fn ecdsa_accepts_high_s_and_rejects_out_of_range() {
    for curve in Curve::ALL {
        let (algorithm, width, order) = (ecdsa(curve), curve.field_len(), order(curve));
        let key = Ec::new(curve, 7);
        let public = PublicKey::parse(&key.public()).unwrap();
        let digest = digest(algorithm, "range");
        let signature = key.sign(&digest);
        let (r, s) = signature.split_at(width);
        let verify = |r: &[u8], s: &[u8]| public.verify(algorithm, &digest, &[r, s].concat()).unwrap();
        assert!(verify(r, s));
        assert!(verify(r, &keys::difference(&order, s)), "{curve}: (r, n - s) is valid, too");
        let zero = vec![0; width];
        let beyond = widen(&(BigUint::from_bytes_be(&order) + 1u8), width);
        for wrong in [&zero, &order, &beyond, &vec![0xff; width]] {
            assert!(!verify(wrong, s), "{curve}");
            assert!(!verify(r, wrong), "{curve}");
        }
        assert!(!verify(s, r), "{curve}");
    }
}

#[test]
fn public_key_is_usable_from_many_threads() {
    let key = rsa_2048();
    let public = PublicKey::parse(&key.public()).unwrap();
    let signed: Vec<_> = RSA_ALGORITHMS
        .into_iter()
        .map(|algorithm| (algorithm, digest(algorithm, "threads")))
        .map(|(algorithm, digest)| (algorithm, key.sign(algorithm, &digest), digest))
        .collect();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for (algorithm, signature, digest) in signed.iter().cycle().take(70) {
                    assert!(public.verify(*algorithm, digest, signature).unwrap());
                }
            });
        }
    });
}
