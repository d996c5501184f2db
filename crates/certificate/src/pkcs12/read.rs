//! Reads files of PKCS#12.

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, SHA384, SHA512};
use aws_lc_rs::hmac;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Encode as _};

use super::encryption::Password;
use super::key_derivation::mac_key;
use super::structures::{
    CERTIFICATE_BAG, CertificateBag, ContentInfo, DATA, ENCRYPTED_DATA, EncryptedData, EncryptedPrivateKey,
    KEY_BAG, MacData, NESTED_BAGS, Pfx, SHROUDED_KEY_BAG, SafeBag, VERSION, X509_CERTIFICATE,
};
use crate::certificate::Certificate;
use crate::private_key::PrivateKey;
use crate::{Error, MAX_CERTIFICATES, Result};

/// How deep bags may be nested; no known writer nests them.
const MAX_DEPTH: usize = 4;

/// The contents of a file.
#[derive(Default)]
pub(crate) struct Contents {
    /// The first private key.
    pub(crate) private_key: Option<PrivateKey>,
    pub(crate) certificates: Vec<Certificate>,
}

/// Reads a file. Its MAC is verified, so that a wrong password is not mistaken for a damaged file; a file without MAC is read, too.
///
/// # Errors
/// [`Error::UnreadablePkcs12`], [`Error::UnsupportedKey`], [`Error::TooManyCertificates`].
pub(crate) fn read(file: &[u8], password: &str) -> Result<Contents> {
    let pfx = Pfx::from_der(file).map_err(unreadable)?;
    if pfx.version != VERSION || pfx.auth_safe.content_type != DATA {
        return Err(Error::UnreadablePkcs12);
    }
    let safe: &OctetStringRef = pfx.auth_safe.content.decode_as().map_err(unreadable)?;
    let mut password = Password::new(password);
    if let Some(mac) = &pfx.mac_data {
        verify(mac, safe.as_bytes(), &mut password)?;
    }
    let mut contents = Contents::default();
    for part in Vec::<ContentInfo<'_>>::from_der(safe.as_bytes()).map_err(unreadable)? {
        read_part(&part, &mut password, &mut contents)?;
    }
    Ok(contents)
}

/// Decrypts a private key in PKCS#8.
///
/// # Errors
/// [`Error::UnreadablePkcs12`], [`Error::UnsupportedKey`].
pub(crate) fn decrypt_private_key(der: &[u8], password: &str) -> Result<PrivateKey> {
    decrypt_key(der, &mut Password::new(password))
}

fn decrypt_key(der: &[u8], password: &mut Password<'_>) -> Result<PrivateKey> {
    let encrypted = EncryptedPrivateKey::from_der(der).map_err(unreadable)?;
    PrivateKey::from_pkcs8(&password.decrypt(&encrypted.algorithm, encrypted.content.as_bytes())?)
}

fn unreadable(_: der::Error) -> Error {
    Error::UnreadablePkcs12
}

fn hash_of(oid: ObjectIdentifier) -> Option<&'static digest::Algorithm> {
    match oid.to_string().as_str() {
        "1.3.14.3.2.26" => Some(&SHA1_FOR_LEGACY_USE_ONLY),
        "2.16.840.1.101.3.4.2.1" => Some(&SHA256),
        "2.16.840.1.101.3.4.2.2" => Some(&SHA384),
        "2.16.840.1.101.3.4.2.3" => Some(&SHA512),
        _ => None,
    }
}

/// Verifies the MAC. The empty password has two encodings.
fn verify(mac: &MacData<'_>, safe: &[u8], password: &mut Password<'_>) -> Result<()> {
    let hash = hash_of(mac.mac.algorithm.oid).ok_or(Error::UnreadablePkcs12)?;
    let is_empty = password.encoded().len() == 2;
    let attempts = if is_empty { 2 } else { 1 };
    for attempt in 0..attempts {
        if attempt > 0 {
            password.without_terminator();
        }
        password.spend(mac.iterations)?;
        let key = mac_key(hash, password.encoded(), mac.salt.as_bytes(), mac.iterations);
        let key = key.ok_or(Error::UnreadablePkcs12)?;
        if hmac::verify(&key, safe, mac.mac.digest.as_bytes()).is_ok() {
            return Ok(());
        }
    }
    Err(Error::UnreadablePkcs12)
}

fn read_part(part: &ContentInfo<'_>, password: &mut Password<'_>, contents: &mut Contents) -> Result<()> {
    match part.content_type {
        DATA => {
            let bags: &OctetStringRef = part.content.decode_as().map_err(unreadable)?;
            read_bags(bags.as_bytes(), password, contents, 0)
        }
        ENCRYPTED_DATA => {
            let encrypted: EncryptedData<'_> = part.content.decode_as().map_err(unreadable)?;
            let bags = password.decrypt(&encrypted.info.algorithm, encrypted.info.content.as_bytes())?;
            read_bags(&bags, password, contents, 0)
        }
        _ => Err(Error::UnreadablePkcs12),
    }
}

fn read_bags(bags: &[u8], password: &mut Password<'_>, contents: &mut Contents, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::UnreadablePkcs12);
    }
    for bag in Vec::<SafeBag<'_>>::from_der(bags).map_err(unreadable)? {
        match bag.id {
            KEY_BAG if contents.private_key.is_none() => {
                let key = zeroize::Zeroizing::new(bag.value.to_der().map_err(unreadable)?);
                contents.private_key = Some(PrivateKey::from_pkcs8(&key)?);
            }
            SHROUDED_KEY_BAG if contents.private_key.is_none() => {
                let key = bag.value.to_der().map_err(unreadable)?;
                contents.private_key = Some(decrypt_key(&key, password)?);
            }
            CERTIFICATE_BAG => read_certificate(bag.value, contents)?,
            NESTED_BAGS => {
                let nested = zeroize::Zeroizing::new(bag.value.to_der().map_err(unreadable)?);
                read_bags(&nested, password, contents, depth + 1)?;
            }
            // Further private keys, and bags of other kinds such as revocation lists.
            _ => {}
        }
    }
    Ok(())
}

fn read_certificate(value: AnyRef<'_>, contents: &mut Contents) -> Result<()> {
    let bag: CertificateBag<'_> = value.decode_as().map_err(unreadable)?;
    if bag.id != X509_CERTIFICATE {
        return Ok(());
    }
    if contents.certificates.len() == MAX_CERTIFICATES {
        return Err(Error::TooManyCertificates);
    }
    let certificate = Certificate::from_der(bag.value.as_bytes()).map_err(|_| Error::UnreadablePkcs12)?;
    contents.certificates.push(certificate);
    Ok(())
}
