//! The keys of a security domain in the token, and the encryption of its stored secrets.

use uuid::Uuid;
use zeroize::Zeroizing;

use super::DomainSecrets;
use crate::model::algorithm::{AesMode, Cipher};
use crate::model::hsm::ManagedHsm;
use crate::model::name::VersionId;
use crate::model::security_domain::{SealedSecret, SecurityDomain};
use crate::model::{Error, Result};
use crate::ops::Cx;
use crate::security_domain::{ContentKey, Datum, TAGS};
use crate::token::{Feature, Token};

/// The type of the sealing key, for the token.
const CIPHER: Cipher = Cipher::Aes(AesMode::Gcm, 256);

/// Whether a token can hold the keys of a security domain: it wraps keys, and encrypts with AES-GCM.
pub fn is_supported(token: &Token) -> bool {
    let features = [Feature::WrapSecretKeys, Feature::AesGcm];
    features.into_iter().all(|feature| token.capabilities().has(feature))
}

/// Creates the keys of a security domain in the token, and encrypts its secrets. The caller has declared an intent to
/// create the objects: the wrapping key, and the sealing key.
///
/// # Errors
/// Those of the token; `Unsupported` if it cannot wrap keys.
pub async fn install(
    secrets: &DomainSecrets,
    token: &Token,
    hsm: Uuid,
    [wrapping_key, sealing_key]: [VersionId; 2],
) -> Result<SecurityDomain> {
    token.import_wrapping_key(wrapping_key, secrets.wrapping_key()).await?;
    token.generate_sealing_key(sealing_key).await?;
    let mut domain = SecurityDomain { id: secrets.id(), wrapping_key, sealing_key, secrets: Vec::new() };
    for (tag, secret) in secrets.tagged() {
        let aad = additional_data(hsm, domain.id, tag);
        let sealed = token.encrypt(sealing_key, AesMode::Gcm, None, aad, secret.clone()).await?;
        domain.secrets.push(SealedSecret {
            tag: tag.to_owned(),
            iv: sealed.iv,
            ciphertext: sealed.ciphertext,
            authentication_tag: sealed.tag,
        });
    }
    // What cannot be decrypted must not become the domain of the HSM.
    let stored = DomainKeys { token, hsm, domain: &domain }.secrets().await?;
    if stored.id() == domain.id {
        Ok(domain)
    } else {
        Err(Error::internal("the token does not decrypt the secrets of the security domain"))
    }
}

/// Binds an encrypted secret to its HSM, domain and tag.
fn additional_data(hsm: Uuid, domain: Uuid, tag: &str) -> Vec<u8> {
    format!("strongroom security domain/{hsm}/{domain}/{tag}").into_bytes()
}

/// The keys of an HSM's security domain.
#[derive(Clone, Copy)]
pub struct DomainKeys<'a> {
    token: &'a Token,
    hsm: Uuid,
    domain: &'a SecurityDomain,
}

impl<'a> DomainKeys<'a> {
    /// Returns the keys of an HSM's security domain.
    ///
    /// # Errors
    /// `SecurityDomainMissing` if it has none, `Unsupported` if its token cannot hold one.
    pub fn of(hsm: &'a ManagedHsm, token: &'a Token) -> Result<Self> {
        match &hsm.security_domain {
            Some(domain) => Ok(Self { token, hsm: hsm.id, domain }),
            None if is_supported(token) => Err(Error::SecurityDomainMissing { hsm: hsm.name.clone() }),
            None => Err(super::unsupported()),
        }
    }

    /// Returns the keys of the security domain of the addressed HSM.
    ///
    /// # Errors
    /// As [`Self::of`]; `Unsupported` for a vault, which has no security domain.
    pub fn addressed(cx: &'a Cx) -> Result<Self> {
        if cx.container.vault().is_some() {
            return Err(Error::Unsupported {
                what: "backups of keys of vaults are not available yet".to_owned(),
            });
        }
        Self::of(cx.managed_hsm()?, cx.token()?)
    }

    /// The security domain.
    pub const fn domain(&self) -> &'a SecurityDomain {
        self.domain
    }

    /// The key in the token that wraps the material of keys for backups.
    pub const fn wrapping_key(&self) -> VersionId {
        self.domain.wrapping_key
    }

    /// Decrypts the content key of key backups.
    ///
    /// # Errors
    /// Those of the token.
    pub async fn key_backup_key(&self) -> Result<ContentKey> {
        let secret = self.decrypt(TAGS[1]).await?;
        ContentKey::from_slice(&secret).ok_or_else(|| Error::internal("the content key has a wrong length"))
    }

    /// Decrypts the key from which those of full backups are derived: 32 bytes.
    ///
    /// # Errors
    /// Those of the token.
    pub async fn full_backup_key(&self) -> Result<Zeroizing<Vec<u8>>> {
        self.decrypt(TAGS[2]).await
    }

    /// Decrypts all secrets, for a download.
    ///
    /// # Errors
    /// Those of the token.
    pub async fn secrets(&self) -> Result<DomainSecrets> {
        let mut data = Vec::with_capacity(TAGS.len());
        for tag in TAGS {
            let secret = self.decrypt(tag).await?;
            data.push(Datum { tag: tag.to_owned(), plaintext: DomainSecrets::with_version(&secret) });
        }
        let wrong = || Error::internal("the secrets of the security domain have wrong lengths");
        DomainSecrets::from_data(&data).ok_or_else(wrong)
    }

    async fn decrypt(&self, tag: &str) -> Result<Zeroizing<Vec<u8>>> {
        let sealed = self.domain.secrets.iter().find(|sealed| sealed.tag == tag);
        let sealed = sealed.ok_or_else(|| Error::internal("the security domain lacks a secret"))?;
        let SealedSecret { iv, ciphertext, authentication_tag, .. } = sealed.clone();
        let aad = additional_data(self.hsm, self.domain.id, tag);
        self.token.decrypt(self.domain.sealing_key, CIPHER, ciphertext, iv, authentication_tag, aad).await
    }
}
