//! What a caller chooses for a new key version, and how one is made of it.

use crate::model::aes_modes::{AesModes, ModeFamily};
use crate::model::change::IntentVerb;
use crate::model::due::Notices;
use crate::model::key::{
    Attributes, KeyOperation, KeyOperations, KeyType, KeyVersion, PublicMaterial, Tags, check_tags,
    check_validity,
};
use crate::model::key_date::KeyDate;
use crate::model::limit;
use crate::model::name::{KeyName, VersionId};
use crate::model::{Error, Result};
use crate::ops::{Cx, Name};

/// What a caller chooses for a new key version.
#[derive(Clone, Debug)]
pub struct NewKeySettings {
    /// What the version may be used for.
    pub operations: KeyOperations,
    /// Whether it may be used at all.
    pub enabled: bool,
    /// Not usable before.
    pub not_before: Option<KeyDate>,
    /// Not usable from then on.
    pub expires: Option<KeyDate>,
    /// Whether key release is wanted.
    pub exportable: bool,
    /// The user's tags.
    pub tags: Tags,
}

impl NewKeySettings {
    /// Whether they can be had.
    ///
    /// # Errors
    /// `Invalid` naming the field, `Unsupported` for what is not available yet.
    pub(super) fn check(&self) -> Result<()> {
        check_tags(&self.tags)?;
        check_validity(self.not_before, self.expires)?;
        let missing = |what: &str| Err(Error::Unsupported { what: format!("{what} is not available yet") });
        if self.exportable || self.operations.contains(&KeyOperation::Export) {
            return missing("key release (exportable keys, key_ops export)");
        }
        if self.operations.contains(&KeyOperation::Import) {
            return missing("bring your own key (key_ops import)");
        }
        Ok(())
    }

    /// The family of AES modes that a version is bound to from the start, where HSM and key type have families.
    ///
    /// # Errors
    /// `Invalid` naming `tags`.
    pub(super) fn mode_family(&self, cx: &Cx, key_type: KeyType) -> Result<Option<ModeFamily>> {
        match cx.aes_modes {
            AesModes::Azure => Ok(None),
            AesModes::Separated => ModeFamily::chosen(key_type, &self.operations, &self.tags),
        }
    }

    /// The version these settings and this material make.
    pub(super) fn version(
        self,
        cx: &Cx,
        name: &KeyName,
        version: VersionId,
        material: PublicMaterial,
        mode_family: Option<ModeFamily>,
    ) -> KeyVersion {
        KeyVersion {
            hsm: cx.hsm.name.clone(),
            name: name.clone(),
            version,
            material,
            operations: self.operations,
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

/// Whether there is room for one more version under this name, before the token is asked for one; the store asks
/// again when the version is recorded.
pub(super) fn check_limits(cx: &Cx, name: &Name) -> Result<()> {
    match &name.0 {
        Some(key) => limit::VERSIONS.room(key.versions.len()),
        None => limit::KEYS.room(cx.store.key_count(&cx.hsm.name)),
    }
}

/// The name a new version is stored under: the key's own spelling, if there is a key.
pub(super) fn spelling(target: &Name, asked: KeyName) -> KeyName {
    target.0.as_ref().map_or(asked, |key| key.name.clone())
}

/// Chooses the new version's identifier and declares that its objects are about to be made.
pub(super) async fn declare(cx: &Cx) -> Result<VersionId> {
    let version = cx.ids.version();
    cx.intend(IntentVerb::Create, vec![version]).await?;
    Ok(version)
}

/// Proves that what is in the token belongs to the public half that will be shown: the token signs,
/// software checks. A key that fails this is never handed out.
pub(super) async fn prove(cx: &Cx, version: VersionId, material: &PublicMaterial) -> Result<()> {
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
    let signature = cx.token.sign(version, key_type, algorithm, digest.clone()).await?;
    let public = crate::public_key::PublicKey::parse(material)?;
    if public.verify(algorithm, &digest, &signature)? {
        Ok(())
    } else {
        Err(Error::internal(format!("the token's key {version} does not belong to its public half")))
    }
}
