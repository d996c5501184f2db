//! Requests and responses of keys of vaults as resources.
//!
//! Source: `Microsoft.KeyVault/vaults/keys`, api-version 2026-02-01.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::super::super::azure::sent_value::date;
use super::super::super::azure::tags::SentTags;
use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use super::vault_secrets::{object_id, object_url};
use super::{List, page, paged, unfiltered, vaults};
use crate::model::container_id::KeyId;
use crate::model::key::{KeySpec, KeyType, Protection, PublicMaterial, Tags, parse_operations};
use crate::model::vault::Vault;
use crate::model::vault_rbac::{ObjectKind, ObjectScope};
use crate::model::{Error, Field, Result};
use crate::ops::keys::{CreateKey, GetKey, KeyBundle, ListKeyVersions, ListKeys, NewKeySettings};
use crate::ops::vault_contents::{
    EnsureKey, GetKeyResource, InVault, ListKeyResources, ListKeyVersionResources, PutKeyResource,
    ThroughControlPlane,
};
use crate::ops::{KeyPath, Page};

/// The body of a request to create a key. `null` counts as absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    tags: Option<SentTags>,
    properties: Option<Properties>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Properties {
    kty: Option<String>,
    key_ops: Option<Vec<String>>,
    key_size: Option<u32>,
    curve_name: Option<String>,
    attributes: Option<SentAttributes>,
    rotation_policy: Option<IgnoredAny>,
    #[serde(rename = "release_policy")]
    release_policy: Option<IgnoredAny>,
}

/// The attributes that a caller can set; the others, which clients send back, are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SentAttributes {
    enabled: Option<bool>,
    nbf: Option<i64>,
    exp: Option<i64>,
    exportable: Option<bool>,
}

fn key(input: &RequestInput<'_>) -> Result<KeyPath> {
    Ok(KeyPath { container: (&vaults::path(input)?.name).into(), name: input.argument("key").parse()? })
}

pub(in super::super) fn put(input: &RequestInput<'_>) -> Result<PutKeyResource> {
    let (key, request) = (key(input)?, input.body::<Request>()?);
    let properties = request.properties.unwrap_or_default();
    let unsupported = |what: &str| Err(Error::Unsupported { what: format!("{what} not available yet") });
    if properties.rotation_policy.is_some() {
        return unsupported("rotation policies through Azure Resource Manager are");
    }
    if properties.release_policy.is_some() {
        return unsupported("key release is");
    }
    let kty = properties.kty.unwrap_or_default();
    if kty.is_empty() {
        return Err(Error::invalid(Field::PropertiesKty, "the key type is missing"));
    }
    let spec = KeySpec::parse(&kty, properties.key_size, properties.curve_name.as_deref(), None)?;
    let SentAttributes { enabled, nbf, exp, exportable } = properties.attributes.unwrap_or_default();
    let operations = properties.key_ops.map(|names| parse_operations(&names, spec.key_type)).transpose()?;
    let settings = NewKeySettings {
        operations,
        protection: Protection::of_kty(&kty),
        enabled: enabled.unwrap_or(true),
        not_before: date(Field::AttributesNbf, nbf)?,
        expires: date(Field::AttributesExp, exp)?,
        exportable: exportable.unwrap_or(false),
        tags: request.tags.unwrap_or_default().into(),
    };
    let operation = EnsureKey(CreateKey { key, spec, settings });
    Ok(ThroughControlPlane { vault: vaults::path(input)?, operation })
}

pub(in super::super) fn get(input: &RequestInput<'_>) -> Result<GetKeyResource> {
    let KeyPath { container, name } = key(input)?;
    let version = input.arguments.get("version").map(str::parse).transpose()?;
    let operation = GetKey { key: KeyId { container, name, version } };
    Ok(ThroughControlPlane { vault: vaults::path(input)?, operation })
}

pub(in super::super) fn list(input: &RequestInput<'_>) -> Result<ListKeyResources> {
    unfiltered(input)?;
    let vault = vaults::path(input)?;
    let operation = ListKeys { container: (&vault.name).into(), page: page(input)? };
    Ok(ThroughControlPlane { vault, operation })
}

pub(in super::super) fn list_versions(input: &RequestInput<'_>) -> Result<ListKeyVersionResources> {
    unfiltered(input)?;
    let operation = ListKeyVersions { key: key(input)?, page: page(input)? };
    Ok(ThroughControlPlane { vault: vaults::path(input)?, operation })
}

/// A key by its current version, or a version of a key.
#[derive(Serialize)]
pub(in super::super) struct KeyResource {
    id: String,
    name: String,
    r#type: &'static str,
    location: String,
    #[serde(skip_serializing_if = "Tags::is_empty")]
    tags: Tags,
    properties: KeyProperties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct KeyProperties {
    attributes: Attributes,
    kty: &'static str,
    key_ops: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    key_size: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    curve_name: Option<&'static str>,
    key_uri: String,
    key_uri_with_version: String,
}

/// The attributes of a version. Times are Unix times in seconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Attributes {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    created: i64,
    updated: i64,
    recovery_level: &'static str,
    exportable: bool,
}

fn resource(endpoint: &Endpoint, vault: &Vault, KeyBundle { version, level, .. }: &KeyBundle) -> KeyResource {
    let url = object_url(endpoint, vault, (ObjectKind::Key, &version.name));
    let attributes = &version.attributes;
    KeyResource {
        id: object_id(vault, ObjectScope::from(&version.name)).to_string(),
        name: version.name.to_string(),
        r#type: "Microsoft.KeyVault/vaults/keys",
        location: vault.location.clone(),
        tags: version.tags.clone(),
        properties: KeyProperties {
            attributes: Attributes {
                enabled: attributes.enabled,
                nbf: attributes.not_before.map(|at| at.as_second()),
                exp: attributes.expires.map(|at| at.as_second()),
                created: attributes.created.as_second(),
                updated: attributes.updated.as_second(),
                recovery_level: level.as_str(),
                exportable: attributes.exportable,
            },
            kty: version.kty(),
            key_ops: version.operations.iter().map(|operation| operation.as_str()).collect(),
            key_size: match version.material.key_type() {
                KeyType::Rsa { bits } | KeyType::Oct { bits } => Some(bits),
                KeyType::Ec { .. } => None,
            },
            curve_name: match &version.material {
                PublicMaterial::Ec { crv, .. } => Some(crv.as_str()),
                PublicMaterial::Rsa { .. } | PublicMaterial::Oct { .. } => None,
            },
            key_uri_with_version: format!("{url}/{}", version.version),
            key_uri: url,
        },
    }
}

/// Returns a version with the id and the name of one.
fn version_resource(endpoint: &Endpoint, vault: &Vault, bundle: &KeyBundle) -> KeyResource {
    let (key, version) = (resource(endpoint, vault, bundle), bundle.version.version);
    let id = format!("{}/versions/{version}", key.id);
    KeyResource { id, name: version.to_string(), r#type: "Microsoft.KeyVault/vaults/keys/versions", ..key }
}

pub(in super::super) fn shown(endpoint: &Endpoint, key: InVault<KeyBundle>) -> KeyResource {
    resource(endpoint, &key.vault, &key.item)
}

pub(in super::super) fn shown_version(endpoint: &Endpoint, key: InVault<KeyBundle>) -> KeyResource {
    version_resource(endpoint, &key.vault, &key.item)
}

pub(in super::super) fn listed(
    endpoint: &Endpoint,
    InVault { vault, item }: InVault<Page<KeyBundle>>,
) -> List<KeyResource> {
    paged(endpoint, item, |endpoint, key| resource(endpoint, &vault, &key))
}

pub(in super::super) fn listed_versions(
    endpoint: &Endpoint,
    InVault { vault, item }: InVault<Page<KeyBundle>>,
) -> List<KeyResource> {
    paged(endpoint, item, |endpoint, key| version_resource(endpoint, &vault, &key))
}
