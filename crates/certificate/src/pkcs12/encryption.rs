//! Password-based encryption: PBES2 (RFC 8018, section 6.2), and the ciphers of RFC 7292, appendix C.

use aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{
    BlockCipherDecrypt, BlockModeDecrypt as _, BlockModeEncrypt as _, KeyInit, KeyIvInit as _,
};
use cbc::{Decryptor, Encryptor};
use der::asn1::{ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Encode as _};
use des::{TdesEde2, TdesEde3};
use pkcs8::pkcs5::pbes2;
use rc2::Rc2;
use zeroize::Zeroizing;

use super::key_derivation::{Purpose, derive, encode_password};
use super::structures::{Algorithm, PbeParameters};
use crate::{Error, Result};

const PBES2: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.5.13");
const SHA1_3DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.3");
const SHA1_2DES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.4");
const SHA1_RC2_128: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.5");
const SHA1_RC2_40: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.12.1.6");

/// The maximum number of iterations of all derivations of a file, so that a file costs at most seconds.
const MAX_ITERATIONS: u32 = 2_000_000;

/// The length of a block of 3DES and RC2 in bytes.
const BLOCK: usize = 8;

/// The iterations of the files that are written. The password is empty, so their number protects nothing; it is that of .NET.
pub(super) const WRITTEN_ITERATIONS: u32 = 2000;

/// A password, and the work that it may still cost.
pub(super) struct Password<'a> {
    text: &'a str,
    encoded: Zeroizing<Vec<u8>>,
    iterations: u32,
}

impl<'a> Password<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, encoded: encode_password(text), iterations: MAX_ITERATIONS }
    }

    /// Encodes the empty password as no bytes: some writers omit the terminating zero.
    pub(super) fn without_terminator(&mut self) {
        self.encoded = Zeroizing::new(Vec::new());
    }

    pub(super) fn encoded(&self) -> &[u8] {
        &self.encoded
    }

    /// Counts the iterations of a derivation.
    ///
    /// # Errors
    /// [`Error::UnreadablePkcs12`] if the file costs too much.
    pub(super) fn spend(&mut self, iterations: u32) -> Result<()> {
        self.iterations = self.iterations.checked_sub(iterations).ok_or(Error::UnreadablePkcs12)?;
        Ok(())
    }

    /// Decrypts.
    ///
    /// # Errors
    /// [`Error::UnreadablePkcs12`] for a wrong password or an unsupported algorithm.
    pub(super) fn decrypt(
        &mut self,
        algorithm: &Algorithm<'_>,
        content: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>> {
        let parameters = algorithm.parameters.ok_or(Error::UnreadablePkcs12)?;
        if algorithm.oid == PBES2 {
            let parameters: pbes2::Parameters = parameters.decode_as().map_err(unreadable)?;
            // scrypt is not used in files of PKCS#12, and its cost is memory.
            let pbes2::Kdf::Pbkdf2(derivation) = &parameters.kdf else { return Err(Error::UnreadablePkcs12) };
            self.spend(derivation.iteration_count)?;
            return parameters.decrypt(self.text.as_bytes(), content).map(Zeroizing::new).map_err(unreadable);
        }
        let parameters: PbeParameters<'_> = parameters.decode_as().map_err(unreadable)?;
        self.spend(parameters.iterations.saturating_mul(2))?;
        let keys = |length| self.keys(parameters.salt.as_bytes(), parameters.iterations, length);
        match algorithm.oid {
            SHA1_3DES => decrypt_cbc::<TdesEde3>(keys(24), content),
            SHA1_2DES => decrypt_cbc::<TdesEde2>(keys(16), content),
            SHA1_RC2_128 => decrypt_cbc::<Rc2>(keys(16), content),
            SHA1_RC2_40 => decrypt_cbc::<Rc2>(keys(5), content),
            _ => Err(Error::UnreadablePkcs12),
        }
    }

    /// Derives a key of this length, and an initialization vector.
    fn keys(&self, salt: &[u8], iterations: u32, length: usize) -> [Zeroizing<Vec<u8>>; 2] {
        [(Purpose::EncryptionKey, length), (Purpose::InitializationVector, BLOCK)].map(|(purpose, length)| {
            derive(&SHA1_FOR_LEGACY_USE_ONLY, purpose, &self.encoded, salt, iterations, length)
        })
    }
}

fn unreadable<E>(_: E) -> Error {
    Error::UnreadablePkcs12
}

fn decrypt_cbc<C: BlockCipherDecrypt + KeyInit>(
    [key, iv]: [Zeroizing<Vec<u8>>; 2],
    content: &[u8],
) -> Result<Zeroizing<Vec<u8>>> {
    let cipher = Decryptor::<C>::new_from_slices(&key, &iv).map_err(unreadable)?;
    let mut buffer = Zeroizing::new(content.to_vec());
    let length = cipher.decrypt_padded::<Pkcs7>(&mut buffer).map_err(unreadable)?.len();
    buffer.truncate(length);
    Ok(buffer)
}

/// Encrypts with 3DES under a key of the empty password; returns the parameters in DER and the ciphertext. Every reader of PKCS#12
/// can read 3DES, and the ciphers that are better protect nothing under an empty password.
pub(super) fn encrypt(salt: &[u8], content: &[u8]) -> Result<(Vec<u8>, Vec<u8>)> {
    let [key, iv] = Password::new("").keys(salt, WRITTEN_ITERATIONS, 24);
    let mut buffer = Zeroizing::new(vec![0; content.len() / BLOCK * BLOCK + BLOCK]);
    buffer[..content.len()].copy_from_slice(content);
    let cipher = Encryptor::<TdesEde3>::new_from_slices(&key, &iv).map_err(|_| Error::UnsupportedKey)?;
    let encrypted = cipher.encrypt_padded::<Pkcs7>(&mut buffer, content.len());
    let encrypted = encrypted.map_err(|_| Error::UnsupportedKey)?.to_vec();
    let parameters = PbeParameters { salt: OctetStringRef::new(salt)?, iterations: WRITTEN_ITERATIONS };
    Ok((parameters.to_der()?, encrypted))
}

/// Returns the algorithm of [`encrypt`] with its parameters.
pub(super) fn written_algorithm(parameters: &[u8]) -> Result<Algorithm<'_>> {
    Ok(Algorithm { oid: SHA1_3DES, parameters: Some(der::asn1::AnyRef::from_der(parameters)?) })
}
