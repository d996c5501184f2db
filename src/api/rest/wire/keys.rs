//! Keys and deleted keys: what is asked of them, and how they are shown.

mod shown;

use serde::Deserialize;
use serde::de::IgnoredAny;

pub(in super::super) use shown::{bundle, deleted_bundle, kid, listed, listed_deleted, listed_versions};

use super::super::super::azure::body::{Binary, bytes};
use super::super::call::Asked;
use super::super::route::VersionOf;
use crate::model::import::ImportMaterial;
use crate::model::key::{KeySpec, KeyType, Tags, parse_operations};
use crate::model::{Error, Result, Timestamp};
use crate::ops::deleted::{GetDeletedKey, ListDeletedKeys, PurgeDeletedKey, RecoverDeletedKey};
use crate::ops::keys::{
    AttributeChanges, CreateKey, DeleteKey, GetKey, ImportKey, ListKeyVersions, ListKeys, NewKeySettings,
    UpdateKeyVersion,
};

/// The longest secret key that is looked at, in bytes (recorded).
const LONGEST_SECRET: usize = 64;

/// What creating, importing and changing have in common.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    kty: Option<String>,
    key_size: Option<u32>,
    public_exponent: Option<u32>,
    crv: Option<String>,
    key_ops: Option<Vec<String>>,
    key: Option<Jwk>,
    attributes: Attributes,
    tags: Option<Tags>,
    release_policy: Option<IgnoredAny>,
}

/// The attributes that a caller can set; clients send the others back as they got them.
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

fn instant(field: &'static str, seconds: Option<i64>) -> Result<Option<Timestamp>> {
    let wrong =
        |_| Error::invalid(field, "an instant in seconds since 1970 is needed, not beyond the year 9999");
    seconds.map(|seconds| Timestamp::from_second(seconds).map_err(wrong)).transpose()
}

impl Request {
    fn settings(self, key_type: KeyType, key_ops: Option<Vec<String>>) -> Result<NewKeySettings> {
        let Attributes { enabled, nbf, exp, exportable, external_key } = self.attributes;
        let exportable = exportable.unwrap_or(false);
        if external_key.is_some() {
            return Err(Error::Unsupported {
                what: "External key management is not available yet".to_owned(),
            });
        }
        match (exportable, self.release_policy.is_some()) {
            (true, false) => return Err(Error::invalid("", "Exportable keys must have release policy")),
            (false, true) => {
                return Err(Error::invalid("", "Non-exportable keys must not have release policy"));
            }
            _ => {}
        }
        Ok(NewKeySettings {
            operations: parse_operations(&key_ops.unwrap_or_default(), key_type)?,
            enabled: enabled.unwrap_or(true),
            not_before: instant("attributes.nbf", nbf)?,
            expires: instant("attributes.exp", exp)?,
            exportable,
            tags: self.tags.unwrap_or_default(),
        })
    }
}

pub(in super::super) fn create(asked: &Asked<'_>, name: &str) -> Result<CreateKey> {
    let (key, mut request) = (asked.key(name)?, asked.body::<Request>()?);
    let (kty, crv) = (request.kty.take().unwrap_or_default(), request.crv.take().unwrap_or_default());
    let (size, exponent) = (request.key_size.unwrap_or(0), request.public_exponent.unwrap_or(0));
    if kty.is_empty() && request.attributes.external_key.is_none() {
        return Err(Error::invalid("kty", "the key type is missing"));
    }
    if request.attributes.external_key.is_some() {
        return Err(Error::Unsupported { what: "External key management is not available yet".to_owned() });
    }
    let spec = KeySpec::parse(&kty, size, &crv, exponent)?;
    let key_ops = request.key_ops.take();
    Ok(CreateKey { key, spec, settings: request.settings(spec.key_type, key_ops)? })
}

pub(in super::super) fn import(asked: &Asked<'_>, name: &str) -> Result<ImportKey> {
    let (key, mut request) = (asked.key(name)?, asked.body::<Request>()?);
    let mut jwk = request.key.take().ok_or_else(|| Error::invalid("key", "the key is missing"))?;
    // Clients put the operations into the key, where a JSON Web Key has them.
    let key_ops = jwk.key_ops.take().or_else(|| request.key_ops.take());
    let material = material(jwk)?;
    let settings = request.settings(material.key_type(), key_ops)?;
    Ok(ImportKey { key, material, settings })
}

fn material(jwk: Jwk) -> Result<ImportMaterial> {
    if jwk.key_hsm.is_some() {
        return Err(Error::Unsupported {
            what: "Bring your own key (key_hsm) is not available yet".to_owned(),
        });
    }
    match jwk.kty.as_deref().unwrap_or_default() {
        "RSA" | "RSA-HSM" => Ok(ImportMaterial::Rsa {
            n: bytes(jwk.n),
            e: bytes(jwk.e),
            d: bytes(jwk.d),
            p: bytes(jwk.p),
            q: bytes(jwk.q),
            dp: bytes(jwk.dp),
            dq: bytes(jwk.dq),
            qi: bytes(jwk.qi),
        }),
        "EC" | "EC-HSM" => {
            let crv = jwk.crv.as_deref().unwrap_or_default().parse()?;
            Ok(ImportMaterial::Ec { crv, x: bytes(jwk.x), y: bytes(jwk.y), d: bytes(jwk.d) })
        }
        "oct" | "oct-HSM" => {
            let k = jwk.k.unwrap_or_default();
            if k.0.len() > LONGEST_SECRET {
                let why = format!(
                    "JSON Web Key: k property of oct key is too large, maximum size is {LONGEST_SECRET}"
                );
                return Err(Error::invalid("", why));
            }
            Ok(ImportMaterial::Oct { k: k.take() })
        }
        _ => Err(Error::invalid("key.kty", "the key type is one of RSA-HSM, EC-HSM, oct-HSM")),
    }
}

pub(in super::super) fn get(asked: &Asked<'_>, key: VersionOf<'_>) -> Result<GetKey> {
    Ok(GetKey { key: asked.version(key)? })
}

pub(in super::super) fn list(asked: &Asked<'_>) -> Result<ListKeys> {
    Ok(ListKeys { hsm: asked.hsm()?, page: asked.page()? })
}

pub(in super::super) fn list_versions(asked: &Asked<'_>, name: &str) -> Result<ListKeyVersions> {
    Ok(ListKeyVersions { key: asked.key(name)?, page: asked.page()? })
}

/// What is there replaces what was there; what is absent stays. `exportable` is fixed, and sent back by clients.
pub(in super::super) fn update(asked: &Asked<'_>, key: VersionOf<'_>) -> Result<UpdateKeyVersion> {
    let (key, request) = (asked.version(key)?, asked.body::<Request>()?);
    if request.release_policy.is_some() {
        return Err(Error::Unsupported { what: "Key release is not available yet".to_owned() });
    }
    let Attributes { enabled, nbf, exp, .. } = request.attributes;
    let attributes = AttributeChanges {
        enabled,
        not_before: instant("attributes.nbf", nbf)?.map(Some),
        expires: instant("attributes.exp", exp)?.map(Some),
    };
    Ok(UpdateKeyVersion { key, operations: request.key_ops, attributes, tags: request.tags })
}

pub(in super::super) fn delete(asked: &Asked<'_>, name: &str) -> Result<DeleteKey> {
    Ok(DeleteKey { key: asked.key(name)? })
}

pub(in super::super) fn list_deleted(asked: &Asked<'_>) -> Result<ListDeletedKeys> {
    Ok(ListDeletedKeys { hsm: asked.hsm()?, page: asked.page()? })
}

pub(in super::super) fn get_deleted(asked: &Asked<'_>, name: &str) -> Result<GetDeletedKey> {
    Ok(GetDeletedKey { key: asked.key(name)? })
}

pub(in super::super) fn recover(asked: &Asked<'_>, name: &str) -> Result<RecoverDeletedKey> {
    Ok(RecoverDeletedKey { key: asked.key(name)? })
}

pub(in super::super) fn purge(asked: &Asked<'_>, name: &str) -> Result<PurgeDeletedKey> {
    Ok(PurgeDeletedKey { key: asked.key(name)? })
}
