//! Writes files of PKCS#12 with the empty password.

use aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
use aws_lc_rs::hmac;
use der::asn1::{Any, AnyRef, ObjectIdentifier, OctetStringRef, SetOfVec};
use der::{Decode as _, Encode};
use x509_cert::attr::Attribute;
use zeroize::Zeroizing;

use super::encryption::{Password, WRITTEN_ITERATIONS, encrypt, written_algorithm};
use super::key_derivation::mac_key;
use super::structures::{
    Algorithm, CERTIFICATE_BAG, CertificateBag, ContentInfo, DATA, DigestInfo, ENCRYPTED_DATA,
    EncryptedContentInfo, EncryptedData, EncryptedPrivateKey, LOCAL_KEY_ID, MacData, Pfx, SHROUDED_KEY_BAG,
    SafeBag, VERSION, X509_CERTIFICATE,
};
use crate::certificate::Certificate;
use crate::private_key::PrivateKey;
use crate::{Error, Result};

const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");

/// Writes a file: the certificates in one part, encrypted, and the private key in another, in which it is encrypted. Go's package
/// `pkcs12` reads files of exactly these two parts. The thumbprint of the leaf connects it with the key.
pub(crate) fn write(
    key: Option<&PrivateKey>,
    certificates: &[Certificate],
    leaf: usize,
    random: &[u8; 32],
) -> Result<Zeroizing<Vec<u8>>> {
    // The salts of certificates, key and MAC.
    let (certificates_salt, rest) = random.split_at(8);
    let (key_salt, mac_salt) = rest.split_at(8);
    let thumbprint = certificates.get(leaf).map_or(&[][..], |leaf| leaf.thumbprint());
    let local_key_id = local_key_id(thumbprint)?;
    let bags = certificate_bags(certificates, leaf, &local_key_id)?;
    let mut parts = vec![encrypted_part(certificates_salt, &bags)?];
    if let Some(key) = key {
        let (parameters, content) = encrypt(key_salt, &key.to_pkcs8()?)?;
        let encrypted = EncryptedPrivateKey {
            algorithm: written_algorithm(&parameters)?,
            content: OctetStringRef::new(&content)?,
        };
        let encrypted = encrypted.to_der()?;
        let bag = SafeBag {
            id: SHROUDED_KEY_BAG,
            value: AnyRef::from_der(&encrypted)?,
            attributes: Some(AnyRef::from_der(&local_key_id)?),
        };
        let bags = vec![bag].to_der()?;
        parts.push(content_info(DATA, &OctetStringRef::new(&bags)?)?);
    }
    let parts = parts.iter().map(|part| AnyRef::from_der(part)).collect::<Result<Vec<_>, _>>()?;
    let safe = parts.to_der()?;
    file(&safe, mac_salt)
}

/// Encodes the file with its MAC.
fn file(safe: &[u8], mac_salt: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let password = Password::new("");
    let hash = &SHA1_FOR_LEGACY_USE_ONLY;
    let mac = mac_key(hash, password.encoded(), mac_salt, WRITTEN_ITERATIONS).ok_or(Error::UnsupportedKey)?;
    let mac = hmac::sign(&mac, safe);
    let content = OctetStringRef::new(safe)?.to_der()?;
    let pfx = Pfx {
        version: VERSION,
        auth_safe: ContentInfo { content_type: DATA, content: AnyRef::from_der(&content)? },
        mac_data: Some(MacData {
            mac: DigestInfo {
                algorithm: Algorithm { oid: SHA1, parameters: Some(AnyRef::NULL) },
                digest: OctetStringRef::new(mac.as_ref())?,
            },
            salt: OctetStringRef::new(mac_salt)?,
            iterations: WRITTEN_ITERATIONS,
        }),
    };
    Ok(Zeroizing::new(pfx.to_der()?))
}

/// Encodes `SET OF` one attribute.
fn local_key_id(thumbprint: &[u8]) -> Result<Vec<u8>> {
    let thumbprint = OctetStringRef::new(thumbprint)?;
    let values = SetOfVec::try_from(vec![Any::encode_from(&thumbprint)?])?;
    let attribute = Attribute { oid: LOCAL_KEY_ID, values };
    Ok(SetOfVec::try_from(vec![attribute])?.to_der()?)
}

fn certificate_bags(certificates: &[Certificate], leaf: usize, local_key_id: &[u8]) -> Result<Vec<u8>> {
    let encoded = certificates.iter().map(|certificate| {
        let value = OctetStringRef::new(certificate.der())?;
        Ok(CertificateBag { id: X509_CERTIFICATE, value }.to_der()?)
    });
    let encoded = encoded.collect::<Result<Vec<_>>>()?;
    let bags = encoded.iter().enumerate().map(|(position, bag)| {
        let attributes = (position == leaf).then(|| AnyRef::from_der(local_key_id)).transpose()?;
        Ok(SafeBag { id: CERTIFICATE_BAG, value: AnyRef::from_der(bag)?, attributes })
    });
    Ok(bags.collect::<Result<Vec<_>>>()?.to_der()?)
}

/// Encrypts a part of a file.
fn encrypted_part(salt: &[u8], bags: &[u8]) -> Result<Vec<u8>> {
    let (parameters, content) = encrypt(salt, bags)?;
    let encrypted = EncryptedData {
        version: 0,
        info: EncryptedContentInfo {
            content_type: DATA,
            algorithm: written_algorithm(&parameters)?,
            content: OctetStringRef::new(&content)?,
        },
    };
    content_info(ENCRYPTED_DATA, &encrypted)
}

fn content_info(content_type: ObjectIdentifier, content: &impl Encode) -> Result<Vec<u8>> {
    let content = content.to_der()?;
    Ok(ContentInfo { content_type, content: AnyRef::from_der(&content)? }.to_der()?)
}
