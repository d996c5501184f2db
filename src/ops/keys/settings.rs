//! The settings of a new key version, and the steps that create and import share.

use crate::model::aes_modes::{AesModes, ModeFamily};
use crate::model::change::IntentVerb;
use crate::model::due::Notices;
use crate::model::key::{
    Attributes, KeyOperation, KeyOperations, KeyType, KeyVersion, Protection, PublicMaterial, Tags,
    check_tags, check_validity,
};
use crate::model::key_date::KeyDate;
use crate::model::name::{KeyName, VersionId};
use crate::model::{Error, Field, Result};
use crate::ops::{Cx, NewVersionName};

/// The settings of a new key version.
#[derive(Clone, Debug)]
pub struct NewKeySettings {
    /// The permitted operations (`key_ops`); `None` for those that keys of this type have by default.
    pub operations: Option<KeyOperations>,
    /// What protects the key. A managed HSM has keys protected by hardware only, whatever is asked for.
    pub protection: Protection,
    /// Whether the version is enabled.
    pub enabled: bool,
    /// The time before which the version is not valid (`nbf`).
    pub not_before: Option<KeyDate>,
    /// The expiry (`exp`).
    pub expires: Option<KeyDate>,
    /// Whether the key is exportable, which is not supported.
    pub exportable: bool,
    /// The user's tags.
    pub tags: Tags,
}

impl NewKeySettings {
    /// Validates the settings.
    ///
    /// # Errors
    /// `Invalid` with the field, `Unsupported` for a feature that is not available.
    pub(super) fn check(&self) -> Result<()> {
        check_tags(&self.tags)?;
        check_validity(self.not_before, self.expires)?;
        let missing = |what: &str| Err(Error::Unsupported { what: format!("{what} is not available yet") });
        let asks_for = |operation| self.operations.iter().any(|operations| operations.contains(operation));
        if self.exportable || asks_for(KeyOperation::Export) {
            return missing("key release (exportable keys, key_ops export)");
        }
        if asks_for(KeyOperation::Import) {
            return missing("bring your own key (key_ops import)");
        }
        Ok(())
    }

    /// Returns the settings of a key of this type in the addressed container: with its operations, and with the protection that it
    /// gets.
    ///
    /// # Errors
    /// `Invalid` naming `kty`, which is the field with the type, if the vault has no such keys; `Unsupported` for symmetric keys in a
    /// vault.
    pub(super) fn in_container(self, cx: &Cx, key_type: KeyType, kty: Field) -> Result<Self> {
        let kind = cx.container.id().kind();
        let protection = cx.container.key_protection(key_type, self.protection, kty)?;
        let operations = self.operations.or_else(|| Some(key_type.default_operations(kind)));
        Ok(Self { operations, protection, ..self })
    }

    /// Returns the family of AES modes that the version is bound to from its creation, if the HSM separates modes.
    ///
    /// # Errors
    /// `Invalid` with the field `tags`.
    pub(super) fn mode_family(&self, cx: &Cx, key_type: KeyType) -> Result<Option<ModeFamily>> {
        match cx.aes_modes {
            AesModes::Azure => Ok(None),
            AesModes::Separated => {
                let operations = self.operations.unwrap_or_default();
                ModeFamily::initial(key_type, operations, &self.tags)
            }
        }
    }

    /// Creates the key version with these settings and this material.
    pub(super) fn version(
        self,
        cx: &Cx,
        name: &KeyName,
        version: VersionId,
        material: PublicMaterial,
        mode_family: Option<ModeFamily>,
    ) -> KeyVersion {
        KeyVersion {
            container: cx.container.id(),
            name: name.clone(),
            version,
            material,
            protection: self.protection,
            operations: self.operations.unwrap_or_default(),
            attributes: Attributes {
                enabled: self.enabled,
                not_before: self.not_before,
                expires: self.expires,
                created: cx.now,
                updated: cx.now,
                exportable: false,
            },
            tags: self.tags,
            notices: Notices::default(),
            mode_family,
        }
    }
}

/// Checks the limits on keys and versions before the token is used; the store checks again when it applies the change.
pub(super) fn check_limits(cx: &Cx, name: &NewVersionName) -> Result<()> {
    let container = cx.container.id();
    let limits = container.kind().limits();
    match &name.0 {
        Some(key) => limits.versions.check_capacity(key.versions.len()),
        None => limits.keys.check_capacity(cx.store.key_count(&container)),
    }
}

/// Returns the name of a new version: in the spelling of the existing key, if there is one.
pub(super) fn stored_name(target: &NewVersionName, requested: KeyName) -> KeyName {
    target.0.as_ref().map_or(requested, |key| key.name.clone())
}

/// Generates the identifier of a new version and declares the intent to create its objects.
pub(in crate::ops) async fn declare_version(cx: &Cx) -> Result<VersionId> {
    let version = cx.ids.version();
    cx.declare_intent(IntentVerb::Create, vec![version]).await?;
    Ok(version)
}

/// Checks that the private key in the token belongs to the public key: the token signs, and software verifies. A key
/// that fails the check is not recorded.
pub(in crate::ops) async fn verify_key_pair(
    cx: &Cx,
    version: VersionId,
    material: &PublicMaterial,
) -> Result<()> {
    use crate::model::algorithm::SignatureAlgorithm as Alg;
    use crate::model::key::Curve;
    let key_type = material.key_type();
    let algorithm = match key_type {
        KeyType::Rsa { .. } => Alg::Rs256,
        KeyType::Ec { curve: Curve::P256 } => Alg::Es256,
        KeyType::Ec { curve: Curve::P256K } => Alg::Es256K,
        KeyType::Ec { curve: Curve::P384 } => Alg::Es384,
        KeyType::Ec { curve: Curve::P521 } => Alg::Es512,
        KeyType::Oct { .. } => return Ok(()),
    };
    let digest = vec![0x5a; algorithm.hash().map_or(32, |hash| hash.digest_len())];
    let signature = cx.token()?.sign(version, key_type, algorithm, digest.clone()).await?;
    let public = crate::public_key::PublicKey::parse(material)?;
    if public.verify(algorithm, &digest, &signature)? {
        Ok(())
    } else {
        Err(Error::internal(format!("the private key {version} in the token does not match its public key")))
    }
}
