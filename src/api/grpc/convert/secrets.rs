//! Converts the messages of `secret.proto`.

use std::mem::take;

use zeroize::Zeroizing;

use super::super::pb;
use super::{key_date, parse_field, segments, wire_instant};
use crate::model::name::VaultName;
use crate::model::resource_kind::Resource;
use crate::model::secret::{SecretId, SecretValue};
use crate::model::{Error, Field, Result};
use crate::ops::keys::AttributeChanges;
use crate::ops::secrets::{
    BackupSecret, DeleteSecret, DeletedSecretBundle, GetDeletedSecret, GetSecret, ListDeletedSecrets,
    ListSecretVersions, ListSecrets, NewSecretSettings, PurgeDeletedSecret, RecoverDeletedSecret,
    RestoreSecret, RevealedSecret, SecretBundle, SecretPath, SetSecret, UpdateSecretVersion,
};
use crate::ops::{Page, PageRequest};

/// The default page size.
const DEFAULT_PAGE_SIZE: usize = 100;
/// The largest page size.
const MAX_PAGE_SIZE: usize = 1000;

/// The fields that an update mask may contain.
const MASK: &str = "the update mask may contain content_type, tags, attributes.enabled, attributes.not_before and \
    attributes.expires";

/// Parses `vaults/{vault}`.
fn vault(parent: &str) -> Result<VaultName> {
    let [vault] = segments(Field::Parent, parent, "vaults/{}")?;
    parse_field(Field::Parent, vault)
}

/// Parses `vaults/{vault}/{folder}/{secret}`.
fn secret_path(field: Field, name: &str, folder: &str) -> Result<SecretPath> {
    let [vault, secret] = segments(field, name, &format!("vaults/{{}}/{folder}/{{}}"))?;
    Ok(SecretPath { vault: parse_field(field, vault)?, name: parse_field(field, secret)? })
}

/// Parses `vaults/{vault}/secrets/{secret}`, with or without `/versions/{version}`.
fn secret_id(name: &str) -> Result<SecretId> {
    if name.split('/').count() == 4 {
        let SecretPath { vault, name } = secret_path(Field::Name, name, "secrets")?;
        return Ok(SecretId { vault, name, version: None });
    }
    let [vault, secret, version] = segments(Field::Name, name, "vaults/{}/secrets/{}/versions/{}")?;
    Ok(SecretId {
        vault: parse_field(Field::Name, vault)?,
        name: parse_field(Field::Name, secret)?,
        version: Some(parse_field(Field::Name, version)?),
    })
}

fn page(size: i32, token: &str) -> Result<PageRequest> {
    PageRequest::parse(size, token, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
}

impl TryFrom<pb::SetSecretRequest> for SetSecret {
    type Error = Error;

    fn try_from(request: pb::SetSecretRequest) -> Result<Self> {
        // Wipes the value if another field is invalid.
        let mut request = Zeroizing::new(request);
        let missing = || Error::invalid(Field::Value, "the value is missing");
        let value = SecretValue::new(Zeroizing::new(request.value.take().ok_or_else(missing)?))?;
        let name = parse_field(Field::SecretId, &request.secret_id)?;
        let secret = SecretPath { vault: vault(&request.parent)?, name };
        let given = take(&mut request.attributes).unwrap_or_default();
        let settings = NewSecretSettings {
            content_type: Some(take(&mut request.content_type)).filter(|text| !text.is_empty()),
            enabled: given.enabled.unwrap_or(true),
            not_before: given.not_before.map(|at| key_date(Field::AttributesNotBefore, at)).transpose()?,
            expires: given.expires.map(|at| key_date(Field::AttributesExpires, at)).transpose()?,
            tags: take(&mut request.tags).into_iter().collect(),
        };
        Ok(Self { secret, value, settings })
    }
}

impl TryFrom<pb::GetSecretRequest> for GetSecret {
    type Error = Error;

    fn try_from(request: pb::GetSecretRequest) -> Result<Self> {
        Ok(Self { secret: secret_id(&request.name)?, format: None })
    }
}

impl TryFrom<pb::ListSecretsRequest> for ListSecrets {
    type Error = Error;

    fn try_from(request: pb::ListSecretsRequest) -> Result<Self> {
        Ok(Self { vault: vault(&request.parent)?, page: page(request.page_size, &request.page_token)? })
    }
}

impl TryFrom<pb::ListSecretVersionsRequest> for ListSecretVersions {
    type Error = Error;

    fn try_from(request: pb::ListSecretVersionsRequest) -> Result<Self> {
        let secret = secret_path(Field::Parent, &request.parent, "secrets")?;
        Ok(Self { secret, page: page(request.page_size, &request.page_token)? })
    }
}

impl TryFrom<pb::UpdateSecretVersionRequest> for UpdateSecretVersion {
    type Error = Error;

    fn try_from(request: pb::UpdateSecretVersionRequest) -> Result<Self> {
        let secret = secret_id(&request.name)?;
        let mask = request.update_mask.unwrap_or_default().paths;
        if mask.is_empty() {
            return Err(Error::invalid(Field::UpdateMask, "the update mask is empty"));
        }
        let given = request.attributes.unwrap_or_default();
        let mut update =
            Self { secret, content_type: None, attributes: AttributeChanges::default(), tags: None };
        let mut tags = Some(request.tags.into_iter().collect());
        for path in &mask {
            match path.as_str() {
                "content_type" => update.content_type = Some(request.content_type.clone()),
                "tags" => update.tags = tags.take().or(update.tags),
                "attributes.enabled" => {
                    let missing = "the update mask names this field, but it is not set";
                    let missing = || Error::invalid(Field::AttributesEnabled, missing);
                    update.attributes.enabled = Some(given.enabled.ok_or_else(missing)?);
                }
                "attributes.not_before" => {
                    let at = given.not_before.map(|at| key_date(Field::AttributesNotBefore, at));
                    update.attributes.not_before = Some(at.transpose()?);
                }
                "attributes.expires" => {
                    let at = given.expires.map(|at| key_date(Field::AttributesExpires, at));
                    update.attributes.expires = Some(at.transpose()?);
                }
                _ => return Err(Error::invalid(Field::UpdateMask, MASK)),
            }
        }
        Ok(update)
    }
}

impl TryFrom<pb::RestoreSecretRequest> for RestoreSecret {
    type Error = Error;

    fn try_from(request: pb::RestoreSecretRequest) -> Result<Self> {
        Ok(Self { vault: vault(&request.parent)?, backup: request.backup })
    }
}

impl From<Vec<u8>> for pb::BackupSecretResponse {
    fn from(backup: Vec<u8>) -> Self {
        Self { backup }
    }
}

fn live_secret(name: &str) -> Result<SecretPath> {
    secret_path(Field::Name, name, "secrets")
}

impl TryFrom<pb::ListDeletedSecretsRequest> for ListDeletedSecrets {
    type Error = Error;

    fn try_from(request: pb::ListDeletedSecretsRequest) -> Result<Self> {
        Ok(Self { container: vault(&request.parent)?, page: page(request.page_size, &request.page_token)? })
    }
}

fn deleted_secret(name: &str) -> Result<SecretPath> {
    secret_path(Field::Name, name, "deletedSecrets")
}

super::named! {
    BackupSecretRequest => BackupSecret { secret: live_secret },
    DeleteSecretRequest => DeleteSecret { id: live_secret },
    GetDeletedSecretRequest => GetDeletedSecret { id: deleted_secret },
    RecoverDeletedSecretRequest => RecoverDeletedSecret { id: deleted_secret },
    PurgeDeletedSecretRequest => PurgeDeletedSecret { id: deleted_secret },
}

impl From<SecretBundle> for pb::SecretBundle {
    fn from(SecretBundle { version, level, managed }: SecretBundle) -> Self {
        let attributes = &version.attributes;
        let (vault, name) = (version.vault.clone(), version.name.clone());
        Self {
            name: SecretId { vault, name, version: Some(version.version) }.to_string(),
            value: None,
            content_type: version.content_type.clone().unwrap_or_default(),
            enabled: attributes.enabled,
            not_before: attributes.not_before.map(wire_instant),
            expires: attributes.expires.map(wire_instant),
            created: Some(wire_instant(attributes.created)),
            updated: Some(wire_instant(attributes.updated)),
            recovery_level: level.as_str().to_owned(),
            recoverable_days: level.recoverable_days().unwrap_or_default(),
            tags: version.tags.clone().into_iter().collect(),
            managed,
        }
    }
}

impl From<RevealedSecret> for pb::SecretBundle {
    fn from(RevealedSecret { bundle, value, previous: _ }: RevealedSecret) -> Self {
        Self { value: Some(value.as_str().to_owned()), ..bundle.into() }
    }
}

impl From<DeletedSecretBundle> for pb::DeletedSecretBundle {
    fn from(bundle: DeletedSecretBundle) -> Self {
        let version = &bundle.current.version;
        Self {
            name: Resource::deleted_secret(&version.vault, &version.name).name,
            deleted_at: Some(wire_instant(bundle.deletion.deleted_at)),
            scheduled_purge_at: Some(wire_instant(bundle.deletion.scheduled_purge_at)),
            secret: Some(bundle.current.into()),
        }
    }
}

impl From<Page<SecretBundle>> for pb::ListSecretsResponse {
    fn from(page: Page<SecretBundle>) -> Self {
        let secrets = page.items.into_iter().map(|bundle| {
            let name = Resource::secret(&bundle.version.vault, &bundle.version.name).name;
            pb::SecretBundle { name, ..bundle.into() }
        });
        Self { secrets: secrets.collect(), next_page_token: page.next.unwrap_or_default() }
    }
}

impl From<Page<SecretBundle>> for pb::ListSecretVersionsResponse {
    fn from(page: Page<SecretBundle>) -> Self {
        let versions = page.items.into_iter().map(Into::into).collect();
        Self { versions, next_page_token: page.next.unwrap_or_default() }
    }
}

impl From<Page<DeletedSecretBundle>> for pb::ListDeletedSecretsResponse {
    fn from(page: Page<DeletedSecretBundle>) -> Self {
        let deleted_secrets = page.items.into_iter().map(Into::into).collect();
        Self { deleted_secrets, next_page_token: page.next.unwrap_or_default() }
    }
}

impl From<()> for pb::PurgeDeletedSecretResponse {
    fn from((): ()) -> Self {
        Self {}
    }
}
