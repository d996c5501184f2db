//! Authenticated encryption with AES-256-CBC and HMAC-SHA-512: `A256CBC-HS512` (RFC 7518, section 5.2.5).

use std::fmt;

use aws_lc_rs::cipher::{
    AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
    UnboundCipherKey,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{hmac, iv::FixedLength, rand};
use zeroize::Zeroizing;

use crate::error::Error;

const KEY_BYTES: usize = 64;
const BLOCK_BYTES: usize = 16;
const TAG_BYTES: usize = 32;

/// A key of `A256CBC-HS512`: 32 bytes for the MAC, then 32 bytes for AES. Zeroized on drop.
pub struct ContentKey(Zeroizing<[u8; KEY_BYTES]>);

/// What encryption returns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Encrypted {
    pub(crate) iv: Vec<u8>,
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) tag: Vec<u8>,
}

/// The ciphertext or its additional data was modified, or the key is another one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAuthentic;

impl ContentKey {
    pub(crate) const fn new(bytes: Zeroizing<[u8; KEY_BYTES]>) -> Self {
        Self(bytes)
    }

    /// Returns a key of these bytes, or `None` if they are not 64.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        (bytes.len() == KEY_BYTES).then(|| key.copy_from_slice(bytes))?;
        Some(Self(key))
    }

    /// Generates a key.
    ///
    /// # Errors
    /// [`Error::Library`].
    pub fn generate() -> Result<Self, Error> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        rand::fill(&mut *key).map_err(|_| Error::Library)?;
        Ok(Self(key))
    }

    /// Returns the 64 bytes of the key.
    pub fn as_bytes(&self) -> &[u8] {
        &*self.0
    }

    /// Encrypts with a random initialization vector.
    pub(crate) fn encrypt(&self, plaintext: &[u8], additional_data: &[u8]) -> Result<Encrypted, Error> {
        let mut iv = [0; BLOCK_BYTES];
        rand::fill(&mut iv).map_err(|_| Error::Library)?;
        self.encrypt_with_iv(iv, plaintext, additional_data)
    }

    fn encrypt_with_iv(
        &self,
        iv: [u8; BLOCK_BYTES],
        plaintext: &[u8],
        additional_data: &[u8],
    ) -> Result<Encrypted, Error> {
        let key = PaddedBlockEncryptingKey::cbc_pkcs7(self.aes()?).map_err(|_| Error::Library)?;
        // Full capacity from the start: a vector that grows leaves a copy of the plaintext in memory.
        let mut data = Zeroizing::new(Vec::with_capacity(plaintext.len() + BLOCK_BYTES));
        data.extend_from_slice(plaintext);
        let context = EncryptionContext::Iv128(FixedLength::from(iv));
        key.less_safe_encrypt(&mut *data, context).map_err(|_| Error::Library)?;
        let tag = self.mac(&iv, &data, additional_data)[..TAG_BYTES].to_vec();
        Ok(Encrypted { iv: iv.to_vec(), ciphertext: std::mem::take(&mut *data), tag })
    }

    /// Verifies the tag, in constant time, and then decrypts.
    pub(crate) fn decrypt(
        &self,
        encrypted: &Encrypted,
        additional_data: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, NotAuthentic> {
        let Encrypted { iv, ciphertext, tag } = encrypted;
        let mac = self.mac(iv, ciphertext, additional_data);
        verify_slices_are_equal(&mac[..TAG_BYTES], tag).map_err(|_| NotAuthentic)?;
        let iv: [u8; BLOCK_BYTES] = iv.as_slice().try_into().map_err(|_| NotAuthentic)?;
        let key = self.aes().map_err(|_| NotAuthentic)?;
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).map_err(|_| NotAuthentic)?;
        let mut data = Zeroizing::new(ciphertext.clone());
        let context = DecryptionContext::Iv128(FixedLength::from(iv));
        let plaintext = key.decrypt(&mut data, context).map_err(|_| NotAuthentic)?;
        let len = plaintext.len();
        data.truncate(len);
        Ok(data)
    }

    fn aes(&self) -> Result<UnboundCipherKey, Error> {
        UnboundCipherKey::new(&AES_256, &self.0[KEY_BYTES / 2..]).map_err(|_| Error::Library)
    }

    /// The MAC over additional data, initialization vector, ciphertext, and the length of the additional data in bits.
    fn mac(&self, iv: &[u8], ciphertext: &[u8], additional_data: &[u8]) -> [u8; 64] {
        let key = hmac::Key::new(hmac::HMAC_SHA512, &self.0[..KEY_BYTES / 2]);
        let mut context = hmac::Context::with_key(&key);
        let bits = additional_data.len() as u64 * 8;
        for part in [additional_data, iv, ciphertext, &bits.to_be_bytes()] {
            context.update(part);
        }
        let mut mac = [0; 64];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}

impl fmt::Debug for ContentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ContentKey")
    }
}

#[cfg(test)]
mod tests {
    use ::hmac::{KeyInit as _, Mac as _};
    use aes::cipher::{BlockModeEncrypt as _, KeyIvInit as _, block_padding::Pkcs7};

    use super::*;

    fn unhex(text: &str) -> Vec<u8> {
        let digits: Vec<char> = text.chars().filter(|digit| !digit.is_whitespace()).collect();
        digits.chunks(2).map(|two| u8::from_str_radix(&two.iter().collect::<String>(), 16).unwrap()).collect()
    }

    /// RFC 7518, appendix B.3.
    #[test]
    fn encrypts_and_decrypts_the_vector_of_rfc_7518() {
        let key: Vec<u8> = (0..64).collect();
        let key = ContentKey::from_slice(&key).unwrap();
        let plaintext = "A cipher system must not be required to be secret, and it must be able to fall into the \
                         hands of the enemy without inconvenience";
        let iv = unhex("1af38c2dc2b96ffdd86694092341bc04").try_into().unwrap();
        let encrypted = key
            .encrypt_with_iv(iv, plaintext.as_bytes(), b"The second principle of Auguste Kerckhoffs")
            .unwrap();
        let ciphertext = "4affaaadb78c31c5da4b1b590d10ffbd3dd8d5d302423526912da037ecbcc7bd
            822c301dd67c373bccb584ad3e9279c2e6d12a1374b77f077553df829410446b
            36ebd97066296ae6427ea75c2e0846a11a09ccf5370dc80bfecbad28c73f09b3
            a3b75e662a2594410ae496b2e2e6609e31e6e02cc837f053d21f37ff4f51950b
            be2638d09dd7a4930930806d0703b1f6";
        let tag = "4dd3b4c088a7f45c216839645b2012bf2e6269a8c56a816dbc1b267761955bc5";
        assert_eq!((encrypted.ciphertext.clone(), encrypted.tag.clone()), (unhex(ciphertext), unhex(tag)));
        let decrypted = key.decrypt(&encrypted, b"The second principle of Auguste Kerckhoffs").unwrap();
        assert_eq!(*decrypted, plaintext.as_bytes());
        assert_eq!(key.decrypt(&encrypted, b"another"), Err(NotAuthentic));
    }

    #[test]
    fn agrees_with_rustcrypto_for_all_lengths() {
        for len in 0..70 {
            let key = ContentKey::generate().unwrap();
            let plaintext = vec![7; len];
            let Encrypted { iv, ciphertext, tag } = key.encrypt(&plaintext, b"header").unwrap();
            let aes = cbc::Encryptor::<aes::Aes256>::new_from_slices(&key.as_bytes()[32..], &iv).unwrap();
            assert_eq!(ciphertext, aes.encrypt_padded_vec::<Pkcs7>(&plaintext));
            let mut mac = ::hmac::Hmac::<sha2::Sha512>::new_from_slice(&key.as_bytes()[..32]).unwrap();
            mac.update(&[b"header", &iv[..], &ciphertext, &48_u64.to_be_bytes()].concat());
            assert_eq!(tag, mac.finalize().into_bytes()[..32]);
        }
    }

    #[test]
    fn rejects_every_modified_bit() {
        let key = ContentKey::generate().unwrap();
        let encrypted = key.encrypt(b"plaintext", b"").unwrap();
        for part in 0..3 {
            for bit in 0..128 {
                let mut other = encrypted.clone();
                let bytes =
                    [&mut other.iv, &mut other.ciphertext, &mut other.tag].into_iter().nth(part).unwrap();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(key.decrypt(&other, b""), Err(NotAuthentic));
            }
        }
        let truncated = Encrypted { tag: encrypted.tag[..16].to_vec(), ..encrypted };
        assert_eq!(key.decrypt(&truncated, b""), Err(NotAuthentic));
    }

    #[test]
    fn debug_output_contains_no_key() {
        assert_eq!(format!("{:?}", ContentKey::generate().unwrap()), "ContentKey");
    }
}
