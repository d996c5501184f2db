//! Requests and responses of secrets of vaults as resources. Values are written and never returned.
//!
//! Source: `Microsoft.KeyVault/vaults/secrets`, api-version 2026-02-01.

use serde::{Deserialize, Serialize};

use super::super::super::azure::sent_value::{SentValue, date};
use super::super::super::azure::tags::SentTags;
use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use super::{List, page, paged, unfiltered, vaults};
use crate::model::arm_rbac::ControlScope;
use crate::model::key::Tags;
use crate::model::secret::{SecretAttributes, SecretId, SecretValue};
use crate::model::vault::Vault;
use crate::model::vault_rbac::{ObjectKind, ObjectScope};
use crate::model::{Error, Field, Result};
use crate::ops::Page;
use crate::ops::keys::AttributeChanges;
use crate::ops::secrets::{
    ListSecrets, NewSecretSettings, RevealedSecret, SecretBundle, SecretPath, SetSecret,
};
use crate::ops::vault_contents::{
    ChangeSecret, DescribeSecret, GetSecretResource, InVault, ListSecretResources, PutSecretResource,
    ThroughControlPlane, UpdateSecretResource,
};

/// The body of requests that write a secret. `null` counts as absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    tags: Option<SentTags>,
    properties: Option<Properties>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Properties {
    value: Option<SentValue>,
    content_type: Option<String>,
    attributes: Option<SentAttributes>,
}

/// The attributes that a caller can set; the others, which clients send back, are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SentAttributes {
    enabled: Option<bool>,
    nbf: Option<i64>,
    exp: Option<i64>,
}

fn secret(input: &RequestInput<'_>) -> Result<SecretPath> {
    Ok(SecretPath { vault: vaults::path(input)?.name, name: input.argument("secret").parse()? })
}

pub(in super::super) fn put(input: &RequestInput<'_>) -> Result<PutSecretResource> {
    let (secret, request) = (secret(input)?, input.body::<Request>()?);
    let Properties { value, content_type, attributes } = request.properties.unwrap_or_default();
    let missing = || Error::invalid(Field::PropertiesValue, "the value is missing");
    let SentValue(value) = value.ok_or_else(missing)?;
    let SentAttributes { enabled, nbf, exp } = attributes.unwrap_or_default();
    let settings = NewSecretSettings {
        content_type,
        enabled: enabled.unwrap_or(true),
        not_before: date(Field::AttributesNbf, nbf)?,
        expires: date(Field::AttributesExp, exp)?,
        tags: request.tags.unwrap_or_default().into(),
    };
    let operation = SetSecret { secret, value: SecretValue::new(value)?, settings };
    Ok(ThroughControlPlane { vault: vaults::path(input)?, operation })
}

pub(in super::super) fn update(input: &RequestInput<'_>) -> Result<UpdateSecretResource> {
    let (secret, request) = (secret(input)?, input.body::<Request>()?);
    let Properties { value, content_type, attributes } = request.properties.unwrap_or_default();
    let SentAttributes { enabled, nbf, exp } = attributes.unwrap_or_default();
    let operation = ChangeSecret {
        secret,
        value: value.map(|SentValue(value)| SecretValue::new(value)).transpose()?,
        content_type,
        attributes: AttributeChanges {
            enabled,
            not_before: date(Field::AttributesNbf, nbf)?.map(Some),
            expires: date(Field::AttributesExp, exp)?.map(Some),
        },
        tags: request.tags.map(Tags::from),
    };
    Ok(ThroughControlPlane { vault: vaults::path(input)?, operation })
}

pub(in super::super) fn get(input: &RequestInput<'_>) -> Result<GetSecretResource> {
    let SecretPath { vault, name } = secret(input)?;
    let operation = DescribeSecret { secret: SecretId { vault, name, version: None } };
    Ok(ThroughControlPlane { vault: vaults::path(input)?, operation })
}

pub(in super::super) fn list(input: &RequestInput<'_>) -> Result<ListSecretResources> {
    unfiltered(input)?;
    let vault = vaults::path(input)?;
    let operation = ListSecrets { vault: vault.name.clone(), page: page(input)? };
    Ok(ThroughControlPlane { vault, operation })
}

/// A secret by its current version.
#[derive(Serialize)]
pub(in super::super) struct SecretResource {
    id: String,
    name: String,
    r#type: &'static str,
    location: String,
    #[serde(skip_serializing_if = "Tags::is_empty")]
    tags: Tags,
    properties: SecretProperties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecretProperties {
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    attributes: Attributes,
    secret_uri: String,
    secret_uri_with_version: String,
}

/// The attributes of a version. Times are Unix times in seconds.
#[derive(Serialize)]
struct Attributes {
    enabled: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    nbf: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
    created: i64,
    updated: i64,
}

impl From<&SecretAttributes> for Attributes {
    fn from(attributes: &SecretAttributes) -> Self {
        Self {
            enabled: attributes.enabled,
            nbf: attributes.not_before.map(|at| at.as_second()),
            exp: attributes.expires.map(|at| at.as_second()),
            created: attributes.created.as_second(),
            updated: attributes.updated.as_second(),
        }
    }
}

/// Returns the URL of an object of a vault on its data plane.
pub(super) fn object_url(
    endpoint: &Endpoint,
    vault: &Vault,
    (kind, name): (ObjectKind, &impl std::fmt::Display),
) -> String {
    let host = format!("{}.{}", vault.name.to_case_insensitive(), endpoint.vaults);
    format!("https://{host}/{}/{name}", kind.collection())
}

/// Returns the scope of an object, which is its id.
pub(super) fn object_id(vault: &Vault, object: ObjectScope) -> ControlScope {
    vault.scope().at(&object)
}

fn resource(endpoint: &Endpoint, vault: &Vault, secret: &SecretBundle) -> SecretResource {
    let version = &secret.version;
    let url = object_url(endpoint, vault, (ObjectKind::Secret, &version.name));
    SecretResource {
        id: object_id(vault, ObjectScope::Object(ObjectKind::Secret, (&version.name).into())).to_string(),
        name: version.name.to_string(),
        r#type: "Microsoft.KeyVault/vaults/secrets",
        location: vault.location.clone(),
        tags: version.tags.clone(),
        properties: SecretProperties {
            content_type: version.content_type.clone(),
            attributes: (&version.attributes).into(),
            secret_uri_with_version: format!("{url}/{}", version.version),
            secret_uri: url,
        },
    }
}

pub(in super::super) fn written(endpoint: &Endpoint, secret: InVault<RevealedSecret>) -> SecretResource {
    resource(endpoint, &secret.vault, &secret.item.bundle)
}

pub(in super::super) fn shown(endpoint: &Endpoint, secret: InVault<SecretBundle>) -> SecretResource {
    resource(endpoint, &secret.vault, &secret.item)
}

pub(in super::super) fn listed(
    endpoint: &Endpoint,
    InVault { vault, item }: InVault<Page<SecretBundle>>,
) -> List<SecretResource> {
    paged(endpoint, item, |endpoint, secret| resource(endpoint, &vault, &secret))
}
