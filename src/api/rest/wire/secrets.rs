//! Requests and responses of secrets. Members are in the order in which vaults send them.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::super::super::azure::binary::Binary;
pub(super) use super::super::super::azure::sent_value::SentValue;
use super::super::super::azure::sent_value::date;
use super::super::super::azure::tags::SentTags;
use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use super::vault_list::{VaultList, list};
use super::vault_object::{Attributes, DeletionDates};
use crate::model::key::Tags;
use crate::model::secret::{SecretId, SecretValue, SecretVersion};
use crate::model::{Error, Field, Result};
use crate::ops::Page;
use crate::ops::keys::AttributeChanges;
use crate::ops::secrets::{
    BackupSecret, DeleteSecret, DeletedSecretBundle, GetDeletedSecret, GetSecret, ListDeletedSecrets,
    ListSecretVersions, ListSecrets, NewSecretSettings, PurgeDeletedSecret, RecoverDeletedSecret,
    RestoreSecret, RevealedSecret, SecretBundle, SecretPath, SetSecret, UpdateSecretVersion,
};

/// The body of requests that set or update a secret. `null` counts as absent.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Request {
    value: Option<SentValue>,
    content_type: Option<String>,
    attributes: Option<SentAttributes>,
    tags: Option<SentTags>,
}

/// The attributes that a caller can set; the others, which clients send back, are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SentAttributes {
    enabled: Option<bool>,
    nbf: Option<i64>,
    exp: Option<i64>,
}

/// The request body of a restore.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RestoreRequest {
    value: Option<Binary>,
}

fn missing_value() -> Error {
    Error::invalid(Field::Value, "the value is missing")
}

impl RequestInput<'_> {
    /// Returns the path of the secret that the request names.
    fn secret(&self) -> Result<SecretPath> {
        Ok(SecretPath { vault: self.vault()?, name: self.object_name("secret")? })
    }

    /// Returns the id of the secret version that the request names, or of a secret for its current version.
    fn secret_version(&self) -> Result<SecretId> {
        let SecretPath { vault, name } = self.secret()?;
        Ok(SecretId { vault, name, version: self.arguments.get("version").map(str::parse).transpose()? })
    }
}

pub(in super::super) fn set(input: &RequestInput<'_>) -> Result<SetSecret> {
    let (secret, request) = (input.secret()?, input.body::<Request>()?);
    let SentValue(value) = request.value.ok_or_else(missing_value)?;
    let SentAttributes { enabled, nbf, exp } = request.attributes.unwrap_or_default();
    let settings = NewSecretSettings {
        content_type: request.content_type,
        enabled: enabled.unwrap_or(true),
        not_before: date(Field::AttributesNbf, nbf)?,
        expires: date(Field::AttributesExp, exp)?,
        tags: request.tags.unwrap_or_default().into(),
    };
    Ok(SetSecret { secret, value: SecretValue::new(value)?, settings })
}

pub(in super::super) fn get(input: &RequestInput<'_>) -> Result<GetSecret> {
    let format = input.query.get("outContentType").map(str::parse).transpose()?;
    Ok(GetSecret { secret: input.secret_version()?, format })
}

pub(in super::super) fn update(input: &RequestInput<'_>) -> Result<UpdateSecretVersion> {
    let (secret, request) = (input.secret_version()?, input.body::<Request>()?);
    let SentAttributes { enabled, nbf, exp } = request.attributes.unwrap_or_default();
    let attributes = AttributeChanges {
        enabled,
        not_before: date(Field::AttributesNbf, nbf)?.map(Some),
        expires: date(Field::AttributesExp, exp)?.map(Some),
    };
    let tags = request.tags.map(Tags::from);
    Ok(UpdateSecretVersion { secret, content_type: request.content_type, attributes, tags })
}

pub(in super::super) fn list_secrets(input: &RequestInput<'_>) -> Result<ListSecrets> {
    Ok(ListSecrets { vault: input.vault()?, page: input.page()? })
}

pub(in super::super) fn list_versions(input: &RequestInput<'_>) -> Result<ListSecretVersions> {
    Ok(ListSecretVersions { secret: input.secret()?, page: input.page()? })
}

pub(in super::super) fn delete(input: &RequestInput<'_>) -> Result<DeleteSecret> {
    Ok(DeleteSecret { id: input.secret()? })
}

pub(in super::super) fn list_deleted(input: &RequestInput<'_>) -> Result<ListDeletedSecrets> {
    Ok(ListDeletedSecrets { container: input.vault()?, page: input.page()? })
}

pub(in super::super) fn get_deleted(input: &RequestInput<'_>) -> Result<GetDeletedSecret> {
    Ok(GetDeletedSecret { id: input.secret()? })
}

pub(in super::super) fn recover(input: &RequestInput<'_>) -> Result<RecoverDeletedSecret> {
    Ok(RecoverDeletedSecret { id: input.secret()? })
}

pub(in super::super) fn purge(input: &RequestInput<'_>) -> Result<PurgeDeletedSecret> {
    Ok(PurgeDeletedSecret { id: input.secret()? })
}

pub(in super::super) fn back_up(input: &RequestInput<'_>) -> Result<BackupSecret> {
    Ok(BackupSecret { secret: input.secret()? })
}

pub(in super::super) fn restore(input: &RequestInput<'_>) -> Result<RestoreSecret> {
    let value = input.body::<RestoreRequest>()?.value.ok_or_else(missing_value)?;
    let backup = std::mem::take(&mut *value.read(Field::Value)?);
    Ok(RestoreSecret { vault: input.vault()?, backup })
}

/// A secret version, or a secret in a list, whose id then has no version.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Bundle {
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Zeroizing<String>>,
    #[serde(flatten)]
    deletion: Option<DeletionDates>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    id: String,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    managed: bool,
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
    /// The companion key of a version of a certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_version: Option<String>,
}

fn secret_url(endpoint: &Endpoint, version: &SecretVersion) -> String {
    format!("{}/secrets/{}", endpoint.base, version.name)
}

/// Returns a secret without its value, and with an id without version.
fn item(endpoint: &Endpoint, SecretBundle { version, level, managed }: &SecretBundle) -> Bundle {
    Bundle {
        value: None,
        deletion: None,
        content_type: version.content_type.clone(),
        id: secret_url(endpoint, version),
        managed: *managed,
        attributes: Attributes::from(&version.attributes).with_level(endpoint, *level),
        tags: (!version.tags.is_empty()).then(|| version.tags.clone()),
        kid: None,
        previous_version: None,
    }
}

/// Returns a secret version without its value.
pub(in super::super) fn bundle(endpoint: &Endpoint, secret: SecretBundle) -> Bundle {
    version_item(endpoint, &secret)
}

fn version_item(endpoint: &Endpoint, secret: &SecretBundle) -> Bundle {
    let id = format!("{}/{}", secret_url(endpoint, &secret.version), secret.version.version);
    let SecretVersion { name, version, .. } = &*secret.version;
    let kid = secret.managed.then(|| format!("{}/keys/{name}/{version}", endpoint.base));
    Bundle { id, kid, ..item(endpoint, secret) }
}

/// Returns a secret version with its value.
pub(in super::super) fn revealed(endpoint: &Endpoint, secret: RevealedSecret) -> Bundle {
    let value = Some(Zeroizing::new(secret.value.as_str().to_owned()));
    let previous = secret.previous.filter(|_| endpoint.has_previous_version());
    let previous_version = previous.map(|version| version.to_string());
    Bundle { value, previous_version, ..version_item(endpoint, &secret.bundle) }
}

fn deletion_dates(endpoint: &Endpoint, deleted: &DeletedSecretBundle) -> Option<DeletionDates> {
    let name = &deleted.current.version.name;
    DeletionDates::of(endpoint, "deletedsecrets", name, deleted.deletion)
}

pub(in super::super) fn deleted_bundle(endpoint: &Endpoint, secret: DeletedSecretBundle) -> Bundle {
    Bundle { deletion: deletion_dates(endpoint, &secret), ..version_item(endpoint, &secret.current) }
}

/// Returns a list of secrets, whose ids have no version.
pub(in super::super) fn listed(endpoint: &Endpoint, page: Page<SecretBundle>) -> VaultList<Bundle> {
    list(endpoint, "secrets", &page, |secret| item(endpoint, secret))
}

/// Returns a list of the versions of one secret.
pub(in super::super) fn listed_versions(endpoint: &Endpoint, page: Page<SecretBundle>) -> VaultList<Bundle> {
    let name = page.items.first().map_or("", |secret| secret.version.name.as_str());
    list(endpoint, &format!("secrets/{name}/versions"), &page, |secret| version_item(endpoint, secret))
}

/// Returns a list of deleted secrets, whose ids have no version.
// assumption: as those of keys of managed HSMs.
pub(in super::super) fn listed_deleted(
    endpoint: &Endpoint,
    page: Page<DeletedSecretBundle>,
) -> VaultList<Bundle> {
    list(endpoint, "deletedsecrets", &page, |secret| Bundle {
        deletion: deletion_dates(endpoint, secret),
        ..item(endpoint, &secret.current)
    })
}
