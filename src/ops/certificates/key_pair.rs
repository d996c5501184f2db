//! The key pairs of new versions of certificates.
//!
//! The key of a certificate that is not exportable is generated in the token and does not leave it. The private key of an exportable
//! certificate is for its caller to read: AWS-LC generates it, the token gets a copy, and the other one is encrypted as secrets are.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::certificate::{Bundle, PrivateKey, Unsigned};
use crate::model::certificate::{Certificate, CertificatePolicy};
use crate::model::key::{KeySpec, PublicMaterial};
use crate::model::name::{CertificateName, SecretName, VersionId};
use crate::model::secret::{SealedValue, SecretValue};
use crate::model::{Error, Field, Result};
use crate::ops::Cx;
use crate::ops::keys::{declare_version, verify_key_pair};
use crate::ops::secrets::{seal, unseal, unseal_value};

/// The public exponent of RSA keys.
const PUBLIC_EXPONENT: u32 = 65537;

/// A key pair whose private key is in the token.
pub(super) struct KeyPair {
    pub(super) version: VersionId,
    pub(super) public: PublicMaterial,
    /// The private key of an exportable certificate.
    pub(super) private: Option<PrivateKey>,
}

impl KeyPair {
    /// Makes the key pair of a new version by the policy of the certificate; `known` is the certificate, if it exists.
    ///
    /// # Errors
    /// `Unsupported` if a key that is not exportable is to be used again; those of the token.
    pub(super) async fn new(
        cx: &Cx,
        policy: &CertificatePolicy,
        known: Option<&Certificate>,
    ) -> Result<Self> {
        let private = match (policy.key.exportable, reused(cx, policy, known).await?) {
            (true, Some(private)) => private,
            (true, None) => generate(policy).await?,
            (false, Some(_)) => return Err(not_reusable()),
            (false, None) => {
                let version = declare_version(cx).await?;
                let spec = KeySpec { key_type: policy.key.key_type, public_exponent: PUBLIC_EXPONENT };
                let public = cx.token()?.generate(version, &spec, cx.backup).await?;
                verify_key_pair(cx, version, &public).await?;
                return Ok(Self { version, public, private: None });
            }
        };
        Self::import(cx, private).await
    }

    /// Copies a private key to the token.
    ///
    /// # Errors
    /// Those of the token.
    pub(super) async fn import(cx: &Cx, private: PrivateKey) -> Result<Self> {
        let version = declare_version(cx).await?;
        let public = private.public_key();
        cx.token()?.import(version, private.material().clone(), cx.backup).await?;
        verify_key_pair(cx, version, &public).await?;
        Ok(Self { version, public, private: Some(private) })
    }

    /// Signs a certificate or a request, and returns it in DER.
    ///
    /// # Errors
    /// Those of the token.
    pub(super) async fn sign(&self, cx: &Cx, unsigned: &Unsigned) -> Result<Vec<u8>> {
        let key_type = self.public.key_type();
        let signature =
            cx.token()?.sign(self.version, key_type, unsigned.algorithm(), unsigned.digest()).await?;
        unsigned.assemble(&signature).map_err(Error::internal)
    }
}

/// Generates a private key. Takes up to seconds, so it runs on a blocking thread.
async fn generate(policy: &CertificatePolicy) -> Result<PrivateKey> {
    let key_type = policy.key.key_type;
    let generated = tokio::task::spawn_blocking(move || PrivateKey::generate(key_type)).await;
    generated.map_err(Error::internal)?.map_err(Error::internal)
}

fn not_reusable() -> Error {
    let what = "a key that is not exportable cannot be used for another version (reuse_key)".to_owned();
    Error::Unsupported { what }
}

/// Returns the private key of the current version if the policy asks for it, and it has the type that the policy states.
async fn reused(
    cx: &Cx,
    policy: &CertificatePolicy,
    known: Option<&Certificate>,
) -> Result<Option<PrivateKey>> {
    let Some(known) = known.filter(|_| policy.key.reuse_key) else { return Ok(None) };
    let Some(current) = known.current() else { return Ok(None) };
    let secret = cx.store.secret(&known.vault, &SecretName::from(&known.name));
    let secret = secret.and_then(|secret| secret.version(Some(current.version)).cloned());
    let secret = secret.ok_or_else(|| Error::internal("a version of a certificate has no secret"))?;
    let value = unseal(cx, &secret).await?;
    let read = move || Bundle::read(value.as_str(), "", true);
    match tokio::task::spawn_blocking(read).await.map_err(Error::internal)? {
        Ok((bundle, _)) => {
            let private = bundle.private_key().filter(|key| key.material().key_type() == policy.key.key_type);
            Ok(private.cloned())
        }
        Err(crate::certificate::Error::NoPrivateKey) => Err(not_reusable()),
        Err(error) => Err(Error::internal(error)),
    }
}

/// Encrypts the private key of an operation that is in progress.
pub(super) async fn seal_private_key(
    cx: &Cx,
    name: &CertificateName,
    pair: &KeyPair,
) -> Result<Option<SealedValue>> {
    let Some(private) = &pair.private else { return Ok(None) };
    let encoded = private.to_pkcs8().map_err(Error::internal)?;
    let mut text = Zeroizing::new(String::with_capacity(encoded.len().div_ceil(3).saturating_mul(4)));
    STANDARD.encode_string(&*encoded, &mut text);
    let value = SecretValue::new(text)?;
    seal(cx, (&SecretName::from(name), pair.version), &value).await.map(Some)
}

/// Decrypts the private key of an operation that is in progress.
pub(super) async fn unseal_private_key(
    cx: &Cx,
    name: &CertificateName,
    version: VersionId,
    sealed: &SealedValue,
) -> Result<PrivateKey> {
    let text = unseal_value(cx, (&SecretName::from(name), version), sealed).await?;
    let damaged = || Error::internal("the private key of a certificate is damaged");
    let encoded = crate::model::base64::decode(text.as_str().as_bytes()).ok_or_else(damaged)?;
    PrivateKey::from_pkcs8(&encoded).map_err(Error::internal)
}

/// Converts an error about a policy whose certificate cannot be encoded.
pub(super) fn not_encodable(error: crate::certificate::Error) -> Error {
    Error::invalid(Field::Policy, error.to_string())
}
