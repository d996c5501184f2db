//! Files of PKCS#12 (RFC 7292): a private key with certificates, under a password.

mod encryption;
mod key_derivation;
mod read;
mod structures;
mod write;

pub(crate) use read::{decrypt_private_key, read};
pub(crate) use write::write;
