//! Encryption of the values of secrets under the sealing key of their vault, which does not leave the token.

use zeroize::Zeroizing;

use crate::model::algorithm::{AesMode, Cipher};
use crate::model::name::{SecretName, VersionId};
use crate::model::secret::{SealedValue, SecretValue, SecretVersion};
use crate::model::vault::Vault;
use crate::model::{Error, Result};
use crate::ops::Cx;
use crate::token::{Feature, Token};

/// The type of the sealing key, for the token.
const CIPHER: Cipher = Cipher::Aes(AesMode::Gcm, 256);

/// Generates the sealing key of a vault, unless its token holds it. A token without AES-GCM gets none, and its vault cannot
/// store secrets.
///
/// # Errors
/// Those of the token.
pub async fn ensure_sealing_key(vault: &Vault, token: &Token) -> Result<()> {
    match is_supported(token) {
        true => token.ensure_sealing_key(vault.sealing_key()).await,
        false => Ok(()),
    }
}

fn is_supported(token: &Token) -> bool {
    token.capabilities().has(Feature::AesGcm)
}

/// Encrypts the value of a new version of a secret.
///
/// # Errors
/// `Unsupported` if the token has no AES-GCM; those of the token.
pub(in crate::ops) async fn seal(
    cx: &Cx,
    (name, version): (&SecretName, VersionId),
    value: &SecretValue,
) -> Result<SealedValue> {
    if !is_supported(cx.token()?) {
        return Err(Error::Unsupported {
            what: "the token of this vault has no AES-GCM, so that the vault cannot store secrets".to_owned(),
        });
    }
    let vault = cx.vault()?;
    let plaintext = Zeroizing::new(value.as_str().as_bytes().to_vec());
    let aad = additional_data(vault, name, version);
    let sealed = cx.token()?.encrypt(vault.sealing_key(), AesMode::Gcm, None, aad, plaintext).await?;
    Ok(SealedValue { iv: sealed.iv, ciphertext: sealed.ciphertext, tag: sealed.tag })
}

/// Decrypts the value of a secret.
///
/// # Errors
/// `Internal` if it was not encrypted for this vault, secret and version; those of the token.
pub(in crate::ops) async fn unseal(cx: &Cx, version: &SecretVersion) -> Result<SecretValue> {
    unseal_value(cx, (&version.name, version.version), &version.value).await
}

/// Decrypts a value that was encrypted for a secret and version.
///
/// # Errors
/// Those of [`unseal`].
pub(in crate::ops) async fn unseal_value(
    cx: &Cx,
    (name, version): (&SecretName, VersionId),
    value: &SealedValue,
) -> Result<SecretValue> {
    let vault = cx.vault()?;
    let SealedValue { iv, ciphertext, tag } = value.clone();
    let aad = additional_data(vault, name, version);
    let decrypted = cx.token()?.decrypt(vault.sealing_key(), CIPHER, ciphertext, iv, tag, aad).await;
    match decrypted {
        Ok(bytes) => SecretValue::from_bytes(bytes),
        Err(Error::DecryptionFailed) => Err(Error::internal(format!(
            "the stored value of vaults/{}/secrets/{} does not belong to it",
            vault.name, name
        ))),
        Err(error) => Err(error),
    }
}

/// Binds an encrypted value to its vault, secret and version.
fn additional_data(vault: &Vault, name: &SecretName, version: VersionId) -> Vec<u8> {
    format!("strongroom secret/{}/{}/{version}", vault.id, name.to_case_insensitive()).into_bytes()
}
