//! Requests for keys and deleted keys.

mod responses;

use std::mem::take;

use serde::Deserialize;
use serde::de::IgnoredAny;

pub(in super::super) use responses::{bundle, deleted_bundle, kid, listed, listed_deleted, listed_versions};

use super::super::super::azure::binary::{Binary, bytes};
use super::super::super::azure::sent_value::date;
use super::super::super::azure::tags::SentTags;
use super::super::call::RequestInput;
use crate::model::import::ImportMaterial;
use crate::model::key::{Curve, KeySpec, KeyType, Protection, Tags, parse_operations};
use crate::model::{Error, Field, Result};
use crate::ops::keys::{
    AttributeChanges, CreateKey, DeleteKey, GetKey, ImportKey, ListKeyVersions, ListKeys, NewKeySettings,
    UpdateKeyVersion,
};
use crate::ops::keys::{GetDeletedKey, ListDeletedKeys, PurgeDeletedKey, RecoverDeletedKey};

/// The longest symmetric key that is accepted for validation, in bytes (recorded).
const MAX_SECRET_BYTES: usize = 64;

/// The request body for creating, importing and updating a key.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    kty: Option<String>,
    key_size: Option<u32>,
    public_exponent: Option<u32>,
    crv: Option<String>,
    key_ops: Option<Vec<String>>,
    key: Option<Jwk>,
    #[serde(rename = "Hsm")]
    hsm: Option<bool>,
    attributes: Option<Attributes>,
    tags: Option<SentTags>,
    release_policy: Option<IgnoredAny>,
}

/// The attributes that a caller can set; the others, which clients send back, are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes {
    enabled: Option<bool>,
    nbf: Option<i64>,
    exp: Option<i64>,
    exportable: Option<bool>,
    external_key: Option<IgnoredAny>,
}

/// The key of an import request.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Jwk {
    kty: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<Binary>,
    e: Option<Binary>,
    d: Option<Binary>,
    p: Option<Binary>,
    q: Option<Binary>,
    dp: Option<Binary>,
    dq: Option<Binary>,
    qi: Option<Binary>,
    x: Option<Binary>,
    y: Option<Binary>,
    k: Option<Binary>,
    key_hsm: Option<IgnoredAny>,
}

impl Request {
    fn settings(
        self,
        (protection, key_type): (Protection, KeyType),
        key_ops: Option<Vec<String>>,
    ) -> Result<NewKeySettings> {
        let Attributes { enabled, nbf, exp, exportable, external_key } = self.attributes.unwrap_or_default();
        let exportable = exportable.unwrap_or(false);
        if external_key.is_some() {
            return Err(Error::Unsupported {
                what: "External key management is not available yet".to_owned(),
            });
        }
        match (exportable, self.release_policy.is_some()) {
            (true, false) => {
                return Err(Error::invalid(Field::Unnamed, "Exportable keys must have release policy"));
            }
            (false, true) => {
                return Err(Error::invalid(
                    Field::Unnamed,
                    "Non-exportable keys must not have release policy",
                ));
            }
            _ => {}
        }
        Ok(NewKeySettings {
            operations: key_ops.map(|names| parse_operations(&names, key_type)).transpose()?,
            protection,
            enabled: enabled.unwrap_or(true),
            not_before: date(Field::AttributesNbf, nbf)?,
            expires: date(Field::AttributesExp, exp)?,
            exportable,
            tags: self.tags.unwrap_or_default().into(),
        })
    }
}

pub(in super::super) fn create(input: &RequestInput<'_>) -> Result<CreateKey> {
    let (key, mut request) = (input.key()?, input.body::<Request>()?);
    let kty = request.kty.take().unwrap_or_default();
    if request.attributes.as_ref().is_some_and(|attributes| attributes.external_key.is_some()) {
        return Err(Error::Unsupported { what: "External key management is not available yet".to_owned() });
    }
    if kty.is_empty() {
        return Err(Error::invalid(Field::Kty, "the key type is missing"));
    }
    let spec = KeySpec::parse(&kty, request.key_size, request.crv.as_deref(), request.public_exponent)?;
    let key_ops = request.key_ops.take();
    let protection = Protection::of_kty(&kty);
    Ok(CreateKey { key, spec, settings: request.settings((protection, spec.key_type), key_ops)? })
}

pub(in super::super) fn import(input: &RequestInput<'_>) -> Result<ImportKey> {
    let (key, mut request) = (input.key()?, input.body::<Request>()?);
    let mut jwk = request.key.take().ok_or_else(|| Error::invalid(Field::Key, "the key is missing"))?;
    // Clients put the key operations into the JSON Web Key.
    let key_ops = jwk.key_ops.take().or_else(|| request.key_ops.take());
    // Clients of vaults name the protection beside the key.
    let protection = match request.hsm {
        Some(true) => Protection::Hsm,
        _ => Protection::of_kty(jwk.kty.as_deref().unwrap_or_default()),
    };
    let material = material(jwk)?;
    let settings = request.settings((protection, material.key_type()), key_ops)?;
    Ok(ImportKey { key, material, settings })
}

fn material(jwk: Jwk) -> Result<ImportMaterial> {
    if jwk.key_hsm.is_some() {
        return Err(Error::Unsupported {
            what: "Bring your own key (key_hsm) is not available yet".to_owned(),
        });
    }
    // All members are decoded before any is moved: decoded ones are zeroized if another is invalid.
    let mut n = bytes(Field::KeyN, jwk.n)?;
    let mut e = bytes(Field::KeyE, jwk.e)?;
    let mut d = bytes(Field::KeyD, jwk.d)?;
    let mut p = bytes(Field::KeyP, jwk.p)?;
    let mut q = bytes(Field::KeyQ, jwk.q)?;
    let mut dp = bytes(Field::KeyDp, jwk.dp)?;
    let mut dq = bytes(Field::KeyDq, jwk.dq)?;
    let mut qi = bytes(Field::KeyQi, jwk.qi)?;
    let mut x = bytes(Field::KeyX, jwk.x)?;
    let mut y = bytes(Field::KeyY, jwk.y)?;
    let mut k = bytes(Field::KeyK, jwk.k)?;
    match jwk.kty.as_deref().unwrap_or_default() {
        "RSA" | "RSA-HSM" => Ok(ImportMaterial::Rsa {
            n: take(&mut n),
            e: take(&mut e),
            d: take(&mut d),
            p: take(&mut p),
            q: take(&mut q),
            dp: take(&mut dp),
            dq: take(&mut dq),
            qi: take(&mut qi),
        }),
        "EC" | "EC-HSM" => {
            let crv = Curve::parse(Field::KeyCrv, jwk.crv.as_deref().unwrap_or_default())?;
            Ok(ImportMaterial::Ec { crv, x: take(&mut x), y: take(&mut y), d: take(&mut d) })
        }
        "oct" | "oct-HSM" => {
            if k.len() > MAX_SECRET_BYTES {
                let why = format!(
                    "JSON Web Key: k property of oct key is too large, maximum size is {MAX_SECRET_BYTES}"
                );
                return Err(Error::invalid(Field::Unnamed, why));
            }
            Ok(ImportMaterial::Oct { k: take(&mut k) })
        }
        _ => Err(Error::invalid(Field::KeyKty, "the key type is one of RSA, RSA-HSM, EC, EC-HSM, oct-HSM")),
    }
}

pub(in super::super) fn get(input: &RequestInput<'_>) -> Result<GetKey> {
    Ok(GetKey { key: input.version()? })
}

pub(in super::super) fn list(input: &RequestInput<'_>) -> Result<ListKeys> {
    Ok(ListKeys { container: input.container()?, page: input.page()? })
}

pub(in super::super) fn list_versions(input: &RequestInput<'_>) -> Result<ListKeyVersions> {
    Ok(ListKeyVersions { key: input.key()?, page: input.page()? })
}

/// Parses an update. Present members replace the stored ones, absent ones leave them. `exportable` is immutable and
/// ignored, since clients send it back.
pub(in super::super) fn update(input: &RequestInput<'_>) -> Result<UpdateKeyVersion> {
    let (key, request) = (input.version()?, input.body::<Request>()?);
    if request.release_policy.is_some() {
        return Err(Error::Unsupported { what: "Key release is not available yet".to_owned() });
    }
    let Attributes { enabled, nbf, exp, .. } = request.attributes.unwrap_or_default();
    let attributes = AttributeChanges {
        enabled,
        not_before: date(Field::AttributesNbf, nbf)?.map(Some),
        expires: date(Field::AttributesExp, exp)?.map(Some),
    };
    let tags = request.tags.map(Tags::from);
    Ok(UpdateKeyVersion { key, operations: request.key_ops, attributes, tags })
}

pub(in super::super) fn delete(input: &RequestInput<'_>) -> Result<DeleteKey> {
    Ok(DeleteKey { id: input.key()? })
}

pub(in super::super) fn list_deleted(input: &RequestInput<'_>) -> Result<ListDeletedKeys> {
    Ok(ListDeletedKeys { container: input.container()?, page: input.page()? })
}

pub(in super::super) fn get_deleted(input: &RequestInput<'_>) -> Result<GetDeletedKey> {
    Ok(GetDeletedKey { id: input.key()? })
}

pub(in super::super) fn recover(input: &RequestInput<'_>) -> Result<RecoverDeletedKey> {
    Ok(RecoverDeletedKey { id: input.key()? })
}

pub(in super::super) fn purge(input: &RequestInput<'_>) -> Result<PurgeDeletedKey> {
    Ok(PurgeDeletedKey { id: input.key()? })
}
