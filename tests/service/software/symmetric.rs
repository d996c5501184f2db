//! AES and HMAC implemented with RustCrypto's crates, with prefixes of one known key.

use aes::cipher::consts::U12;
use aes::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use aes_gcm::aead::{Aead as _, Payload};
use hmac::{KeyInit as _, Mac as _};
use strongroom::api::grpc::pb;

/// The supported key sizes, in bits.
pub(crate) const SIZES: [usize; 3] = [128, 192, 256];

/// An example key of NIST SP 800-38A.
const KEY: [u8; 32] = *b"\x60\x3d\xeb\x10\x15\xca\x71\xbe\x2b\x73\xae\xf0\x85\x7d\x77\x81\
    \x1f\x35\x2c\x07\x3b\x61\x08\xd7\x2d\x98\x10\xa3\x09\x14\xdf\xf4";

/// Returns the key of this size as import material.
pub(crate) fn material(bits: usize) -> pb::ImportKeyMaterial {
    pb::ImportKeyMaterial { kty: "oct-HSM".to_owned(), k: KEY[..bits / 8].to_vec(), ..Default::default() }
}

macro_rules! with_aes {
    ($bits:expr, $aes:ident, $key:ident => $body:expr) => {
        with_aes!(@ $bits, $aes, $key, $body, (128, Aes128, 16), (192, Aes192, 24), (256, Aes256, 32))
    };
    (@ $bits:expr, $aes:ident, $key:ident, $body:expr, $(($size:literal, $type:ident, $length:literal)),+) => {
        match $bits {
            $($size => {
                use aes::$type as $aes;
                let $key = <[u8; $length]>::try_from(&KEY[..$length]).unwrap();
                $body
            })+
            other => panic!("{other}"),
        }
    };
}

/// Encrypts with AES-GCM; returns ciphertext and tag.
pub(crate) fn seal_gcm(bits: usize, iv: [u8; 12], aad: &[u8], plaintext: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut sealed = with_aes!(bits, Aes, key => {
        let cipher = aes_gcm::AesGcm::<Aes, U12>::new(&key.into());
        cipher.encrypt(&iv.into(), Payload { msg: plaintext, aad }).unwrap()
    });
    let tag = sealed.split_off(plaintext.len());
    (sealed, tag)
}

/// Decrypts an AES-GCM ciphertext of the service.
pub(crate) fn open_gcm(bits: usize, sealed: &pb::EncryptResponse, aad: &[u8]) -> Vec<u8> {
    let iv = <[u8; 12]>::try_from(&sealed.iv[..]).unwrap();
    let joined = [&sealed.ciphertext[..], &sealed.authentication_tag].concat();
    with_aes!(bits, Aes, key => {
        let cipher = aes_gcm::AesGcm::<Aes, U12>::new(&key.into());
        cipher.decrypt(&iv.into(), Payload { msg: &joined, aad }).unwrap()
    })
}

/// Encrypts complete blocks with AES-CBC.
pub(crate) fn cbc(bits: usize, iv: [u8; 16], blocks: &[u8]) -> Vec<u8> {
    let mut blocks: Vec<_> =
        blocks.chunks(16).map(|block| <[u8; 16]>::try_from(block).unwrap().into()).collect();
    with_aes!(bits, Aes, key => {
        cbc::Encryptor::<Aes>::new(&key.into(), &iv.into()).encrypt_blocks(&mut blocks);
    });
    blocks.concat()
}

/// Pads the last block with zeros.
pub(crate) fn pad_with_zeros(plaintext: &[u8]) -> Vec<u8> {
    let mut padded = plaintext.to_vec();
    padded.resize(plaintext.len().next_multiple_of(16), 0);
    padded
}

/// Pads with PKCS#7: each padding byte is the number of padding bytes, at least one.
pub(crate) fn pad_with_count(plaintext: &[u8]) -> Vec<u8> {
    let missing = 16 - plaintext.len() % 16;
    [plaintext, &vec![missing as u8; missing]].concat()
}

/// Wraps with AES Key Wrap (RFC 3394).
pub(crate) fn wrap(bits: usize, value: &[u8]) -> Vec<u8> {
    let mut wrapped = vec![0; value.len() + 8];
    with_aes!(bits, Aes, key => {
        aes_kw::AesKw::<Aes>::new(&key.into()).wrap_key(value, &mut wrapped).unwrap();
    });
    wrapped
}

/// Unwraps with AES Key Wrap (RFC 3394).
pub(crate) fn unwrap(bits: usize, wrapped: &[u8]) -> Vec<u8> {
    let mut value = vec![0; wrapped.len() - 8];
    with_aes!(bits, Aes, key => {
        aes_kw::AesKw::<Aes>::new(&key.into()).unwrap_key(wrapped, &mut value).unwrap();
    });
    value
}

/// Computes an HMAC.
pub(crate) fn mac(algorithm: &str, bits: usize, bytes: &[u8]) -> Vec<u8> {
    macro_rules! mac {
        ($hash:ty) => {
            hmac::Hmac::<$hash>::new_from_slice(&KEY[..bits / 8])
                .unwrap()
                .chain_update(bytes)
                .finalize()
                .into_bytes()
                .to_vec()
        };
    }
    match algorithm {
        "HS256" => mac!(sha2::Sha256),
        "HS384" => mac!(sha2::Sha384),
        "HS512" => mac!(sha2::Sha512),
        _ => panic!("{algorithm}"),
    }
}
