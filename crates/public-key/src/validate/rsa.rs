//! Validates RSA private keys: two primes of the required size and members consistent with them
//! (RFC 8017, section 3.2; FIPS 186-5, appendix A.1.1).

use aws_lc_rs::digest;
use aws_lc_rs::rsa::KeyPairComponents;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair, RsaPublicKeyComponents};
use crypto_bigint::{BoxedUint, ConcatenatingMul, NonZero};
use zeroize::Zeroizing;

use super::super::rsa::check_public;
use super::super::{PublicKey, strip_leading_zeros};
use super::prime::is_probably_prime;
use crate::model::algorithm::SignatureAlgorithm;
use crate::model::key::PublicMaterial;
use crate::model::{Error, Field, Result};

/// A private number, wiped when dropped.
type Private = Zeroizing<BoxedUint>;

/// Checks an RSA private key. Leading zeros are ignored in every member.
///
/// # Errors
/// `Invalid` naming the wrong member, or `key`.
pub(super) fn validate(given: &KeyPairComponents<&Vec<u8>>) -> Result<PublicMaterial> {
    let (n, e) = check_public(given.public_key.n, given.public_key.e)?;
    check_numbers(n, e, given)?;
    let public = PublicMaterial::Rsa { n: n.to_vec(), e: e.to_vec() };
    check_key_pair(
        &public,
        &KeyPairComponents {
            public_key: RsaPublicKeyComponents { n, e },
            d: given.d.as_slice(),
            p: given.p,
            q: given.q,
            dP: given.dP,
            dQ: given.dQ,
            qInv: given.qInv,
        },
    )?;
    Ok(public)
}

/// Checks each member against those checked before it, to name the one that does not fit.
fn check_numbers(n: &[u8], e: &[u8], given: &KeyPairComponents<&Vec<u8>>) -> Result<()> {
    let bits = u32::try_from(n.len() * 8).map_err(Error::internal)?;
    let half = bits / 2;
    let (n, e) = (BoxedUint::from_be_slice_vartime(n), BoxedUint::from_be_slice_vartime(e));

    let p = prime(Field::KeyP, given.p, half)?;
    let q = prime(Field::KeyQ, given.q, half)?;
    if *Private::new(p.concatenating_mul(&*q)) != n {
        return Err(Error::invalid(Field::KeyN, "it is not the product of p and q"));
    }
    let distance = Private::new(if *p > *q { p.wrapping_sub(&*q) } else { q.wrapping_sub(&*p) });
    if distance.bits() <= half - 100 {
        return Err(Error::invalid(Field::KeyQ, "it is so close to p that the modulus can be factored"));
    }

    let d = number(Field::KeyD, given.d, bits)?;
    if *d >= n {
        return Err(Error::invalid(Field::KeyD, "it is not below the modulus"));
    }
    let (p_minus_one, q_minus_one) = (minus_one(&p)?, minus_one(&q)?);
    let dp_fits = *number(Field::KeyDp, given.dP, half)? == *Private::new(d.rem(&*p_minus_one));
    let dq_fits = *number(Field::KeyDq, given.dQ, half)? == *Private::new(d.rem(&*q_minus_one));
    let product = Private::new(d.concatenating_mul(&e));
    let inverse = |modulus: &NonZero<BoxedUint>| bool::from(Private::new(product.rem(modulus)).is_one());
    if !inverse(&p_minus_one) || !inverse(&q_minus_one) {
        // If d matches dp and dq, the exponent is the member that does not belong to the key.
        let field = if dp_fits && dq_fits { Field::KeyE } else { Field::KeyD };
        return Err(Error::invalid(field, "e and d are not inverse to each other modulo p-1 and q-1"));
    }
    if !dp_fits {
        return Err(Error::invalid(Field::KeyDp, "it is not d modulo p-1"));
    }
    if !dq_fits {
        return Err(Error::invalid(Field::KeyDq, "it is not d modulo q-1"));
    }

    let qi = number(Field::KeyQi, given.qInv, half)?;
    let product = Private::new(q.concatenating_mul(&*qi));
    if *qi >= *p || !bool::from(Private::new(product.rem(&*non_zero(&p)?)).is_one()) {
        return Err(Error::invalid(Field::KeyQi, "it is not the inverse of q modulo p"));
    }
    Ok(())
}

/// Parses a private number of at most `bits` bits.
fn number(field: Field, bytes: &[u8], bits: u32) -> Result<Private> {
    let bytes = strip_leading_zeros(bytes);
    if bytes.is_empty() {
        return Err(Error::invalid(field, "it is missing or zero; all members of an RSA key are required"));
    }
    BoxedUint::from_be_slice(bytes, bits)
        .map(Private::new)
        .map_err(|_| Error::invalid(field, format!("it has more than {bits} bits")))
}

/// Parses a prime of exactly `bits` bits.
// assumption: Azure, too, rejects primes of unequal size; FIPS 186-5 and many tokens do.
fn prime(field: Field, bytes: &[u8], bits: u32) -> Result<Private> {
    let prime = number(field, bytes, bits)?;
    if prime.bits() != bits {
        return Err(Error::invalid(
            field,
            format!("it does not have {bits} bits, half as many as the modulus"),
        ));
    }
    if !is_probably_prime(&prime)? {
        return Err(Error::invalid(field, "it is not prime"));
    }
    Ok(prime)
}

fn minus_one(number: &BoxedUint) -> Result<Zeroizing<NonZero<BoxedUint>>> {
    non_zero(&Private::new(number.wrapping_sub(BoxedUint::one())))
}

fn non_zero(number: &BoxedUint) -> Result<Zeroizing<NonZero<BoxedUint>>> {
    number.to_nz().into_option().map(Zeroizing::new).ok_or_else(|| Error::internal("a prime below 2"))
}

/// Checks the key pair as a whole: AWS-LC validates the private key and signs a test digest with it, and
/// the public half to be stored verifies the signature.
fn check_key_pair(public: &PublicMaterial, private: &KeyPairComponents<&[u8]>) -> Result<()> {
    let pair = RsaKeyPair::from_components(private)
        .map_err(|_| Error::invalid(Field::Key, "the members do not form an RSA private key"))?;
    let digest = digest::digest(&digest::SHA256, b"a trial signature of an imported key");
    let mut signature = vec![0; pair.public_modulus_len()];
    let signed = pair.sign_digest(&RSA_PKCS1_SHA256, &digest, &mut signature).is_ok();
    if signed && PublicKey::parse(public)?.verify(SignatureAlgorithm::Rs256, digest.as_ref(), &signature)? {
        return Ok(());
    }
    Err(Error::invalid(Field::Key, "a trial signature by the private half is not valid for the public half"))
}
