//! RSA public keys (RFC 8017): signature verification and encryption. Handles public data only.

use std::sync::OnceLock;

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512,
    OaepPublicEncryptingKey, Pkcs1PublicEncryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters,
    RsaPublicKeyComponents,
};
use crypto_bigint::modular::{BoxedMontyForm, BoxedMontyParams};
use crypto_bigint::{BoxedUint, Odd};
use subtle::ConstantTimeEq;

use super::strip_leading_zeros;
use crate::model::algorithm::{Hash, RsaPadding, Signature};
use crate::model::{Error, Field, Result};

/// Modulus sizes of Managed HSM, in bytes.
const MODULUS_LENGTHS: [usize; 3] = [256, 384, 512];

/// The number of signature schemes that take a digest; see [`scheme`].
const SCHEMES: usize = 6;

/// An RSA public key.
pub(super) struct RsaKey {
    n: Vec<u8>,
    e: Vec<u8>,
    pkcs1: Pkcs1PublicEncryptingKey,
    oaep: OaepPublicEncryptingKey,
    // AWS-LC ties a parsed key to one scheme. Most keys use one, so each is parsed on first use.
    verifiers: [OnceLock<ParsedPublicKey>; SCHEMES],
}

/// Checks modulus and public exponent, and returns them without leading zeros.
///
/// # Errors
/// `Invalid` naming `key.n` or `key.e`.
pub(super) fn check_public<'a>(n: &'a [u8], e: &'a [u8]) -> Result<(&'a [u8], &'a [u8])> {
    let (n, e) = (strip_leading_zeros(n), strip_leading_zeros(e));
    if !MODULUS_LENGTHS.contains(&n.len()) || n.first().is_none_or(|top| *top < 0x80) {
        return Err(Error::invalid(Field::KeyN, "an RSA modulus has 2048, 3072 or 4096 bits"));
    }
    if n.last().is_none_or(|low| low % 2 == 0) {
        return Err(Error::invalid(Field::KeyN, "an RSA modulus is odd"));
    }
    // Key creation and many tokens reject wider exponents too.
    if e.len() > 4 || e.last().is_none_or(|low| low % 2 == 0) || e == [1] {
        return Err(Error::invalid(
            Field::KeyE,
            "an RSA public exponent is odd, at least 3 and at most 32 bits",
        ));
    }
    Ok((n, e))
}

impl RsaKey {
    /// Parses a public key.
    ///
    /// # Errors
    /// Those of [`check_public`].
    pub(super) fn parse(n: &[u8], e: &[u8]) -> Result<Self> {
        let (n, e) = check_public(n, e)?;
        let encrypting: PublicEncryptingKey =
            RsaPublicKeyComponents { n, e }.try_into().map_err(Error::internal)?;
        Ok(Self {
            n: n.to_vec(),
            e: e.to_vec(),
            pkcs1: Pkcs1PublicEncryptingKey::new(encrypting.clone()).map_err(Error::internal)?,
            oaep: OaepPublicEncryptingKey::new(encrypting).map_err(Error::internal)?,
            verifiers: Default::default(),
        })
    }

    /// Verifies a signature over a digest, or over the caller's bytes for RSNULL.
    ///
    /// # Errors
    /// `Internal` if the scheme is not an RSA scheme or the digest's length does not fit it; callers check both.
    pub(super) fn verify(&self, primitive: Signature, digest: &[u8], signature: &[u8]) -> Result<bool> {
        if primitive == Signature::Pkcs1Raw {
            return Ok(self.verify_raw(digest, signature));
        }
        let Some((index, parameters, hash)) = scheme(primitive) else {
            return Err(Error::internal(format!("{primitive:?} is not an RSA signature scheme")));
        };
        let digest = Digest::import_less_safe(digest, hash).map_err(Error::internal)?;
        Ok(self.verifier(index, parameters)?.verify_digest_sig(&digest, signature).is_ok())
    }

    /// Returns the parsed key of a scheme, parsing it on first use.
    fn verifier(&self, index: usize, parameters: &'static RsaParameters) -> Result<&ParsedPublicKey> {
        let Some(verifier) = self.verifiers.get(index) else {
            return Err(Error::internal(format!("there is no RSA signature scheme {index}")));
        };
        if let Some(parsed) = verifier.get() {
            return Ok(parsed);
        }
        let parsed = RsaPublicKeyComponents { n: &self.n, e: &self.e }
            .to_parsed_public_key(parameters)
            .map_err(Error::internal)?;
        Ok(verifier.get_or_init(|| parsed))
    }

    /// RSASSA-PKCS1-v1_5 without `DigestInfo` (RFC 8017, section 8.2.2, with T the bytes themselves).
    /// AWS-LC's safe interface always builds a `DigestInfo`, so the public operation is computed here.
    /// The expected block is built and compared as a whole, so no input from the signer is parsed.
    fn verify_raw(&self, bytes: &[u8], signature: &[u8]) -> bool {
        let length = self.n.len();
        let Some(filler) = length.checked_sub(bytes.len() + 3).filter(|filler| *filler >= 8) else {
            return false;
        };
        let Some(encoded) = self.public_operation(signature) else { return false };
        let mut expected = Vec::with_capacity(length);
        expected.extend_from_slice(&[0, 1]);
        expected.resize(2 + filler, 0xff);
        expected.push(0);
        expected.extend_from_slice(bytes);
        encoded.ct_eq(&expected).into()
    }

    /// RSAVP1 (RFC 8017, section 5.2.2): returns `s^e mod n`, as wide as `n`; `None` if `s` is not as
    /// wide as `n` or not below it.
    fn public_operation(&self, s: &[u8]) -> Option<Box<[u8]>> {
        if s.len() != self.n.len() {
            return None;
        }
        let s = BoxedUint::from_be_slice_vartime(s);
        let n = Odd::new(BoxedUint::from_be_slice_vartime(&self.n)).into_option()?;
        if s.cmp_vartime(&*n).is_ge() {
            return None;
        }
        let e = BoxedUint::from_be_slice_vartime(&self.e);
        let modulus = BoxedMontyParams::new_vartime(n);
        Some(BoxedMontyForm::new(s, &modulus).pow_bounded_exp(&e, e.bits_vartime()).retrieve().to_be_bytes())
    }

    /// Encrypts with fresh random padding.
    ///
    /// # Errors
    /// `Invalid` naming `plaintext` if it is too long.
    pub(super) fn encrypt(&self, padding: RsaPadding, plaintext: &[u8]) -> Result<Vec<u8>> {
        let longest = padding.longest_plaintext(self.n.len());
        if plaintext.len() > longest {
            return Err(Error::invalid(
                Field::Plaintext,
                format!(
                    "at most {longest} bytes can be encrypted with this key and algorithm, {} were given",
                    plaintext.len()
                ),
            ));
        }
        let mut ciphertext = vec![0; self.n.len()];
        match padding {
            RsaPadding::Pkcs1 => self.pkcs1.encrypt(plaintext, &mut ciphertext),
            RsaPadding::Oaep(hash) => {
                let algorithm = match hash {
                    Hash::Sha1 => &OAEP_SHA1_MGF1SHA1,
                    Hash::Sha256 => &OAEP_SHA256_MGF1SHA256,
                    Hash::Sha384 => &OAEP_SHA384_MGF1SHA384,
                    Hash::Sha512 => &OAEP_SHA512_MGF1SHA512,
                };
                self.oaep.encrypt(algorithm, plaintext, &mut ciphertext, None)
            }
        }
        .map_err(Error::internal)?;
        Ok(ciphertext)
    }
}

/// Returns the index of a scheme in `verifiers`, and AWS-LC's parameters and hash for it. For PSS,
/// AWS-LC requires a salt as long as the digest, as JSON Web Algorithms do (RFC 7518, section 3.5).
fn scheme(primitive: Signature) -> Option<(usize, &'static RsaParameters, &'static digest::Algorithm)> {
    Some(match primitive {
        Signature::Pkcs1(Hash::Sha256) => (0, &RSA_PKCS1_2048_8192_SHA256, &digest::SHA256),
        Signature::Pkcs1(Hash::Sha384) => (1, &RSA_PKCS1_2048_8192_SHA384, &digest::SHA384),
        Signature::Pkcs1(Hash::Sha512) => (2, &RSA_PKCS1_2048_8192_SHA512, &digest::SHA512),
        Signature::Pss(Hash::Sha256) => (3, &RSA_PSS_2048_8192_SHA256, &digest::SHA256),
        Signature::Pss(Hash::Sha384) => (4, &RSA_PSS_2048_8192_SHA384, &digest::SHA384),
        Signature::Pss(Hash::Sha512) => (5, &RSA_PSS_2048_8192_SHA512, &digest::SHA512),
        Signature::Pkcs1(Hash::Sha1)
        | Signature::Pss(Hash::Sha1)
        | Signature::Pkcs1Raw
        | Signature::Ecdsa(_)
        | Signature::Hmac(_) => return None,
    })
}
