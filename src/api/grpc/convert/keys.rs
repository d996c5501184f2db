//! Converts the messages of `key.proto`, except those of rotation.

use std::mem::take;

use zeroize::Zeroizing;

use super::super::pb;
use super::{container, key_date, key_id, key_path, parse_field, wire_instant};
use crate::model::aes_modes::ModeFamily;
use crate::model::import::ImportMaterial;
use crate::model::key::{Curve, KeySpec, KeyType, Protection, PublicMaterial, parse_operations};
use crate::model::{Error, Field, Result};
use crate::ops::keys::{
    AttributeChanges, BackupKey, CreateKey, DeleteKey, GetKey, ImportKey, KeyBundle, ListKeyVersions,
    ListKeys, NewKeySettings, RestoreKey, UpdateKeyVersion,
};
use crate::ops::keys::{
    DeletedKeyBundle, GetDeletedKey, ListDeletedKeys, PurgeDeletedKey, RecoverDeletedKey,
};
use crate::ops::{KeyPath, Page, PageRequest};

/// The default page size.
const DEFAULT_PAGE_SIZE: usize = 100;
/// The largest page size.
const MAX_PAGE_SIZE: usize = 1000;

/// Returns the key operations of a new key; `None` for the defaults of its type.
fn operations(key_ops: &[String], none: bool) -> Result<Option<&[String]>> {
    match (key_ops, none) {
        ([], false) => Ok(None),
        ([], true) | (_, false) => Ok(Some(key_ops)),
        (_, true) => Err(Error::invalid(Field::NoKeyOps, "no_key_ops cannot be set together with key_ops")),
    }
}

fn settings(
    (kty, key_type): (&str, KeyType),
    key_ops: Option<&[String]>,
    attributes: Option<pb::KeyAttributes>,
    tags: std::collections::HashMap<String, String>,
) -> Result<NewKeySettings> {
    let attributes = attributes.unwrap_or_default();
    Ok(NewKeySettings {
        operations: key_ops.map(|names| parse_operations(names, key_type)).transpose()?,
        protection: Protection::of_kty(kty),
        enabled: attributes.enabled.unwrap_or(true),
        not_before: attributes.not_before.map(|at| key_date(Field::AttributesNotBefore, at)).transpose()?,
        expires: attributes.expires.map(|at| key_date(Field::AttributesExpires, at)).transpose()?,
        exportable: attributes.exportable.unwrap_or(false),
        tags: tags.into_iter().collect(),
    })
}

fn new_key(parent: &str, key_id: &str) -> Result<KeyPath> {
    Ok(KeyPath { container: container(parent)?, name: parse_field(Field::KeyId, key_id)? })
}

impl TryFrom<pb::CreateKeyRequest> for CreateKey {
    type Error = Error;

    fn try_from(request: pb::CreateKeyRequest) -> Result<Self> {
        let key = new_key(&request.parent, &request.key_id)?;
        let pb::CreateKeyRequest { key_size, crv, public_exponent, .. } = &request;
        let spec = KeySpec::parse(&request.kty, *key_size, crv.as_deref(), *public_exponent)?;
        let key_ops = operations(&request.key_ops, request.no_key_ops)?;
        let settings = settings((&request.kty, spec.key_type), key_ops, request.attributes, request.tags)?;
        Ok(Self { key, spec, settings })
    }
}

impl TryFrom<pb::ImportKeyRequest> for ImportKey {
    type Error = Error;

    fn try_from(request: pb::ImportKeyRequest) -> Result<Self> {
        // Converted first, so that the bytes are zeroized even if another field is invalid.
        let given = request.key.ok_or_else(|| Error::invalid(Field::Key, "the key material is missing"))?;
        let kty = given.kty.clone();
        let material = material(given)?;
        let key = new_key(&request.parent, &request.key_id)?;
        let key_ops = operations(&request.key_ops, request.no_key_ops)?;
        let settings = settings((&kty, material.key_type()), key_ops, request.attributes, request.tags)?;
        Ok(Self { key, material, settings })
    }
}

fn material(given: pb::ImportKeyMaterial) -> Result<ImportMaterial> {
    // Zeroizes the members that the key type does not use.
    let mut given = Zeroizing::new(given);
    let pb::ImportKeyMaterial { kty, n, e, d, p, q, dp, dq, qi, crv, x, y, k } = &mut *given;
    match kty.as_str() {
        "RSA" | "RSA-HSM" => Ok(ImportMaterial::Rsa {
            n: take(n),
            e: take(e),
            d: take(d),
            p: take(p),
            q: take(q),
            dp: take(dp),
            dq: take(dq),
            qi: take(qi),
        }),
        "EC" | "EC-HSM" => {
            let crv = Curve::parse(Field::KeyCrv, crv)?;
            Ok(ImportMaterial::Ec { crv, x: take(x), y: take(y), d: take(d) })
        }
        "oct" | "oct-HSM" => Ok(ImportMaterial::Oct { k: take(k) }),
        _ => Err(Error::invalid(Field::KeyKty, "the key type is one of RSA, RSA-HSM, EC, EC-HSM, oct-HSM")),
    }
}

impl TryFrom<pb::BackupKeyRequest> for BackupKey {
    type Error = Error;

    fn try_from(request: pb::BackupKeyRequest) -> Result<Self> {
        Ok(Self { key: key_path(Field::Name, &request.name, "keys")? })
    }
}

impl From<Vec<u8>> for pb::BackupKeyResponse {
    fn from(backup: Vec<u8>) -> Self {
        Self { backup }
    }
}

impl TryFrom<pb::RestoreKeyRequest> for RestoreKey {
    type Error = Error;

    fn try_from(request: pb::RestoreKeyRequest) -> Result<Self> {
        let pb::RestoreKeyRequest { parent, backup } = request;
        Ok(Self { container: container(&parent)?, backup })
    }
}

impl TryFrom<pb::GetKeyRequest> for GetKey {
    type Error = Error;

    fn try_from(request: pb::GetKeyRequest) -> Result<Self> {
        Ok(Self { key: key_id(&request.name)? })
    }
}

impl TryFrom<pb::ListKeysRequest> for ListKeys {
    type Error = Error;

    fn try_from(request: pb::ListKeysRequest) -> Result<Self> {
        let page =
            PageRequest::parse(request.page_size, &request.page_token, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)?;
        Ok(Self { container: container(&request.parent)?, page })
    }
}

impl TryFrom<pb::ListKeyVersionsRequest> for ListKeyVersions {
    type Error = Error;

    fn try_from(request: pb::ListKeyVersionsRequest) -> Result<Self> {
        let page =
            PageRequest::parse(request.page_size, &request.page_token, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)?;
        Ok(Self { key: key_path(Field::Parent, &request.parent, "keys")?, page })
    }
}

impl TryFrom<pb::UpdateKeyVersionRequest> for UpdateKeyVersion {
    type Error = Error;

    fn try_from(request: pb::UpdateKeyVersionRequest) -> Result<Self> {
        let key = key_id(&request.name)?;
        let mask = request.update_mask.unwrap_or_default().paths;
        if mask.is_empty() {
            return Err(Error::invalid(Field::UpdateMask, "the update mask is empty"));
        }
        let given = request.attributes.unwrap_or_default();
        let mut update = Self { key, operations: None, attributes: AttributeChanges::default(), tags: None };
        let mut tags = Some(request.tags.into_iter().collect());
        let mut operations = Some(request.key_ops);
        for path in &mask {
            match path.as_str() {
                "key_ops" => update.operations = operations.take().or(update.operations),
                "tags" => update.tags = tags.take().or(update.tags),
                "attributes.enabled" => {
                    let enabled = given.enabled;
                    let missing = || {
                        Error::invalid(
                            Field::AttributesEnabled,
                            "the update mask names this field, but it is not set",
                        )
                    };
                    update.attributes.enabled = Some(enabled.ok_or_else(missing)?);
                }
                "attributes.not_before" => {
                    let at =
                        given.not_before.map(|at| key_date(Field::AttributesNotBefore, at)).transpose()?;
                    update.attributes.not_before = Some(at);
                }
                "attributes.expires" => {
                    let at = given.expires.map(|at| key_date(Field::AttributesExpires, at)).transpose()?;
                    update.attributes.expires = Some(at);
                }
                _ => {
                    return Err(Error::invalid(
                        Field::UpdateMask,
                        "the update mask may contain key_ops, tags, attributes.enabled, attributes.not_before and attributes.expires",
                    ));
                }
            }
        }
        Ok(update)
    }
}

impl TryFrom<pb::DeleteKeyRequest> for DeleteKey {
    type Error = Error;

    fn try_from(request: pb::DeleteKeyRequest) -> Result<Self> {
        Ok(Self { id: key_path(Field::Name, &request.name, "keys")? })
    }
}

/// Converts requests whose only field is the name of a deleted key.
macro_rules! named_deleted_key {
    ($($request:ident => $operation:ident,)+) => {
        $(impl TryFrom<pb::$request> for $operation {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                Ok(Self { id: key_path(Field::Name, &request.name, "deletedKeys")? })
            }
        })+
    };
}

named_deleted_key! {
    GetDeletedKeyRequest => GetDeletedKey,
    RecoverDeletedKeyRequest => RecoverDeletedKey,
    PurgeDeletedKeyRequest => PurgeDeletedKey,
}

impl TryFrom<pb::ListDeletedKeysRequest> for ListDeletedKeys {
    type Error = Error;

    fn try_from(request: pb::ListDeletedKeysRequest) -> Result<Self> {
        let page =
            PageRequest::parse(request.page_size, &request.page_token, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)?;
        Ok(Self { container: container(&request.parent)?, page })
    }
}

impl From<KeyBundle> for pb::KeyBundle {
    fn from(KeyBundle { version, level, managed }: KeyBundle) -> Self {
        let key_type = version.material.key_type();
        let key_size = match key_type {
            KeyType::Rsa { bits } | KeyType::Oct { bits } => u32::from(bits),
            KeyType::Ec { .. } => 0,
        };
        Self {
            name: format!("{}/keys/{}/versions/{}", version.container, version.name, version.version),
            kty: version.kty().to_owned(),
            key_size,
            key_ops: version.operations.iter().map(|operation| operation.as_str().to_owned()).collect(),
            key: public_half(&version.material),
            enabled: version.attributes.enabled,
            not_before: version.attributes.not_before.map(wire_instant),
            expires: version.attributes.expires.map(wire_instant),
            created: Some(wire_instant(version.attributes.created)),
            updated: Some(wire_instant(version.attributes.updated)),
            exportable: version.attributes.exportable,
            recovery_level: level.as_str().to_owned(),
            recoverable_days: level.recoverable_days().unwrap_or_default(),
            tags: version.tags.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            aes_mode_family: version.mode_family.map_or("", ModeFamily::as_str).to_owned(),
            managed,
        }
    }
}

fn public_half(material: &PublicMaterial) -> Option<pb::JsonWebKey> {
    match material {
        PublicMaterial::Rsa { n, e } => {
            Some(pb::JsonWebKey { n: n.clone(), e: e.clone(), ..pb::JsonWebKey::default() })
        }
        PublicMaterial::Ec { crv, x, y } => Some(pb::JsonWebKey {
            crv: crv.as_str().to_owned(),
            x: x.clone(),
            y: y.clone(),
            ..pb::JsonWebKey::default()
        }),
        PublicMaterial::Oct { .. } => None,
    }
}

impl From<DeletedKeyBundle> for pb::DeletedKeyBundle {
    fn from(bundle: DeletedKeyBundle) -> Self {
        let version = &bundle.current.version;
        Self {
            name: format!("{}/deletedKeys/{}", version.container, version.name),
            deleted_at: Some(wire_instant(bundle.deletion.deleted_at)),
            scheduled_purge_at: Some(wire_instant(bundle.deletion.scheduled_purge_at)),
            key: Some(bundle.current.into()),
        }
    }
}

impl From<Page<KeyBundle>> for pb::ListKeysResponse {
    fn from(page: Page<KeyBundle>) -> Self {
        let keys = page.items.into_iter().map(|bundle| {
            let name = format!("{}/keys/{}", bundle.version.container, bundle.version.name);
            pb::KeyBundle { name, ..bundle.into() }
        });
        Self { keys: keys.collect(), next_page_token: page.next.unwrap_or_default() }
    }
}

impl From<Page<KeyBundle>> for pb::ListKeyVersionsResponse {
    fn from(page: Page<KeyBundle>) -> Self {
        Self {
            versions: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next.unwrap_or_default(),
        }
    }
}

impl From<Page<DeletedKeyBundle>> for pb::ListDeletedKeysResponse {
    fn from(page: Page<DeletedKeyBundle>) -> Self {
        Self {
            deleted_keys: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next.unwrap_or_default(),
        }
    }
}

impl From<()> for pb::PurgeDeletedKeyResponse {
    fn from((): ()) -> Self {
        Self {}
    }
}
