//! Converts the messages of `certificate.proto` about certificates and their operations.

use std::mem::take;

use ::base64::Engine as _;
use ::base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::super::pb;
use super::certificate_policy::{masked_members, members};
use super::{parse_field, segments, wire_instant};
use crate::model::certificate::{CertificateId, OperationError, OperationStatus, PendingOperation};
use crate::model::container_id::KeyId;
use crate::model::key::Tags;
use crate::model::name::{KeyName, SecretName, VaultName};
use crate::model::resource_kind::Resource;
use crate::model::secret::{SecretAttributes, SecretId};
use crate::model::{Error, Field, Result};
use crate::ops::certificates::{
    BackupCertificate, CancelCertificateOperation, CertificateBundle, CertificatePath, CreateCertificate,
    DeleteCertificate, DeleteCertificateOperation, DeletedCertificateBundle, GetCertificate,
    GetCertificateOperation, GetCertificatePolicy, GetDeletedCertificate, ImportCertificate,
    ListCertificateVersions, ListCertificates, ListDeletedCertificates, MergeCertificate, OperationBundle,
    PolicyBundle, PurgeDeletedCertificate, RecoverDeletedCertificate, RestoreCertificate,
    UpdateCertificatePolicy, UpdateCertificateVersion,
};
use crate::ops::{Page, PageRequest};

/// The default page size.
const DEFAULT_PAGE_SIZE: usize = 100;
/// The largest page size.
const MAX_PAGE_SIZE: usize = 1000;

/// Parses `vaults/{vault}`.
pub(super) fn vault(parent: &str) -> Result<VaultName> {
    let [vault] = segments(Field::Parent, parent, "vaults/{}")?;
    parse_field(Field::Parent, vault)
}

/// Parses a page of a list.
pub(super) fn page(size: i32, token: &str) -> Result<PageRequest> {
    PageRequest::parse(size, token, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
}

/// Parses a name whose variable segments are a vault and a certificate.
fn path(field: Field, name: &str, pattern: &str) -> Result<CertificatePath> {
    let [vault, certificate] = segments(field, name, pattern)?;
    Ok(CertificatePath { vault: parse_field(field, vault)?, name: parse_field(field, certificate)? })
}

fn live(name: &str) -> Result<CertificatePath> {
    path(Field::Name, name, "vaults/{}/certificates/{}")
}

fn deleted(name: &str) -> Result<CertificatePath> {
    path(Field::Name, name, "vaults/{}/deletedCertificates/{}")
}

fn policy_of(name: &str) -> Result<CertificatePath> {
    path(Field::Name, name, "vaults/{}/certificates/{}/policy")
}

fn pending(name: &str) -> Result<CertificatePath> {
    path(Field::Name, name, "vaults/{}/certificates/{}/pending")
}

/// Parses `vaults/{vault}/certificates/{certificate}`, with or without `/versions/{version}`.
fn certificate_id(name: &str) -> Result<CertificateId> {
    if name.split('/').count() == 4 {
        let CertificatePath { vault, name } = live(name)?;
        return Ok(CertificateId { vault, name, version: None });
    }
    let [vault, certificate, version] = segments(Field::Name, name, "vaults/{}/certificates/{}/versions/{}")?;
    Ok(CertificateId {
        vault: parse_field(Field::Name, vault)?,
        name: parse_field(Field::Name, certificate)?,
        version: Some(parse_field(Field::Name, version)?),
    })
}

/// Parses the name of a certificate to create or import.
fn new_path(parent: &str, id: &str) -> Result<CertificatePath> {
    Ok(CertificatePath { vault: vault(parent)?, name: parse_field(Field::CertificateId, id)? })
}

fn enabled(attributes: Option<pb::CertificateAttributes>) -> Option<bool> {
    attributes.and_then(|attributes| attributes.enabled)
}

impl TryFrom<pb::CreateCertificateRequest> for CreateCertificate {
    type Error = Error;

    fn try_from(request: pb::CreateCertificateRequest) -> Result<Self> {
        Ok(Self {
            certificate: new_path(&request.parent, &request.certificate_id)?,
            policy: request.policy.map(members).transpose()?,
            enabled: enabled(request.attributes).unwrap_or(true),
            tags: request.tags.into_iter().collect(),
            keep_order: request.preserve_order,
        })
    }
}

impl TryFrom<pb::ImportCertificateRequest> for ImportCertificate {
    type Error = Error;

    fn try_from(request: pb::ImportCertificateRequest) -> Result<Self> {
        // Wipes value and password if another field is invalid.
        let mut request = Zeroizing::new(request);
        if request.value.is_empty() {
            return Err(Error::invalid(Field::Value, "the value is missing"));
        }
        Ok(Self {
            certificate: new_path(&request.parent, &request.certificate_id)?,
            // The operation takes what Azure's clients send, which is base64 for both formats.
            value: Zeroizing::new(STANDARD.encode(&request.value)),
            password: Zeroizing::new(take(&mut request.password)),
            policy: members(take(&mut request.policy).unwrap_or_default())?,
            enabled: enabled(request.attributes).unwrap_or(true),
            tags: take(&mut request.tags).into_iter().collect(),
            keep_order: request.preserve_order,
        })
    }
}

impl TryFrom<pb::RestoreCertificateRequest> for RestoreCertificate {
    type Error = Error;

    fn try_from(request: pb::RestoreCertificateRequest) -> Result<Self> {
        Ok(Self { vault: vault(&request.parent)?, backup: request.backup })
    }
}

impl From<Vec<u8>> for pb::BackupCertificateResponse {
    fn from(backup: Vec<u8>) -> Self {
        Self { backup }
    }
}

impl TryFrom<pb::MergeCertificateRequest> for MergeCertificate {
    type Error = Error;

    fn try_from(request: pb::MergeCertificateRequest) -> Result<Self> {
        let tags: Tags = request.tags.into_iter().collect();
        Ok(Self {
            certificate: live(&request.name)?,
            certificates: request.x5c,
            enabled: enabled(request.attributes),
            tags: Some(tags).filter(|tags| !tags.is_empty()),
        })
    }
}

impl TryFrom<pb::ListCertificatesRequest> for ListCertificates {
    type Error = Error;

    fn try_from(request: pb::ListCertificatesRequest) -> Result<Self> {
        Ok(Self {
            vault: vault(&request.parent)?,
            include_pending: request.include_pending,
            page: page(request.page_size, &request.page_token)?,
        })
    }
}

impl TryFrom<pb::ListCertificateVersionsRequest> for ListCertificateVersions {
    type Error = Error;

    fn try_from(request: pb::ListCertificateVersionsRequest) -> Result<Self> {
        let certificate = path(Field::Parent, &request.parent, "vaults/{}/certificates/{}")?;
        Ok(Self { certificate, page: page(request.page_size, &request.page_token)? })
    }
}

impl TryFrom<pb::ListDeletedCertificatesRequest> for ListDeletedCertificates {
    type Error = Error;

    fn try_from(request: pb::ListDeletedCertificatesRequest) -> Result<Self> {
        Ok(Self { container: vault(&request.parent)?, page: page(request.page_size, &request.page_token)? })
    }
}

impl TryFrom<pb::UpdateCertificateVersionRequest> for UpdateCertificateVersion {
    type Error = Error;

    fn try_from(request: pb::UpdateCertificateVersionRequest) -> Result<Self> {
        let certificate = certificate_id(&request.name)?;
        let mask = request.update_mask.unwrap_or_default().paths;
        if mask.is_empty() {
            return Err(Error::invalid(Field::UpdateMask, "the update mask is empty"));
        }
        let mut update = Self { certificate, enabled: None, tags: None, policy: None };
        for path in &mask {
            match path.as_str() {
                "attributes.enabled" => {
                    let missing = "the update mask names this field, but it is not set";
                    let missing = || Error::invalid(Field::AttributesEnabled, missing);
                    update.enabled = Some(enabled(request.attributes).ok_or_else(missing)?);
                }
                "tags" => update.tags = Some(request.tags.clone().into_iter().collect()),
                _ => {
                    let why = "the update mask may contain attributes.enabled and tags";
                    return Err(Error::invalid(Field::UpdateMask, why));
                }
            }
        }
        Ok(update)
    }
}

impl TryFrom<pb::UpdateCertificatePolicyRequest> for UpdateCertificatePolicy {
    type Error = Error;

    fn try_from(request: pb::UpdateCertificatePolicyRequest) -> Result<Self> {
        let policy = masked_members(request.policy, request.update_mask)?;
        Ok(Self { certificate: policy_of(&request.name)?, policy })
    }
}

impl TryFrom<pb::GetCertificateOperationRequest> for GetCertificateOperation {
    type Error = Error;

    fn try_from(request: pb::GetCertificateOperationRequest) -> Result<Self> {
        let request_id = Some(&*request.request_id).filter(|id| !id.is_empty());
        let request_id = request_id.map(|id| parse_field(Field::RequestId, id)).transpose()?;
        Ok(Self { certificate: pending(&request.name)?, request_id })
    }
}

super::named! {
    GetCertificateRequest => GetCertificate { certificate: certificate_id },
    GetCertificatePolicyRequest => GetCertificatePolicy { certificate: policy_of },
    CancelCertificateOperationRequest => CancelCertificateOperation { certificate: pending },
    DeleteCertificateOperationRequest => DeleteCertificateOperation { certificate: pending },
    BackupCertificateRequest => BackupCertificate { certificate: live },
    DeleteCertificateRequest => DeleteCertificate { id: live },
    GetDeletedCertificateRequest => GetDeletedCertificate { id: deleted },
    RecoverDeletedCertificateRequest => RecoverDeletedCertificate { id: deleted },
    PurgeDeletedCertificateRequest => PurgeDeletedCertificate { id: deleted },
}

/// The attributes of a bundle. A certificate that is not issued and would end after the year 9999 has no validity period.
fn attributes(bundle: &CertificateBundle) -> SecretAttributes {
    let policy = &bundle.certificate.policy;
    let (created, updated) = (policy.created, policy.updated);
    let none = SecretAttributes { enabled: false, not_before: None, expires: None, created, updated };
    bundle.attributes().unwrap_or(none)
}

fn tags(bundle: &CertificateBundle) -> Tags {
    match (&bundle.version, &bundle.certificate.pending) {
        (Some(version), _) => version.tags.clone(),
        (None, Some(pending)) => pending.tags.clone(),
        (None, None) => Tags::new(),
    }
}

/// Converts a version as lists show it: who may list certificates may not read them.
fn item(bundle: &CertificateBundle) -> pb::CertificateBundle {
    let (vault, name) = (bundle.certificate.vault.clone(), bundle.certificate.name.clone());
    let (version, attributes) = (bundle.version_id(), attributes(bundle));
    let key = KeyId { container: (&vault).into(), name: KeyName::from(&name), version: Some(version) };
    let secret =
        SecretId { vault: vault.clone(), name: SecretName::from(&name), version: Some(version) }.to_string();
    let is_issued = bundle.version.is_some();
    pb::CertificateBundle {
        name: CertificateId { vault, name, version: Some(version) }.to_string(),
        certificate: Vec::new(),
        thumbprint: bundle.version.as_ref().map(|version| version.thumbprint.to_vec()).unwrap_or_default(),
        key: if is_issued { key.to_string() } else { String::new() },
        secret: if is_issued { secret } else { String::new() },
        enabled: attributes.enabled,
        not_before: attributes.not_before.map(wire_instant),
        expires: attributes.expires.map(wire_instant),
        created: Some(wire_instant(attributes.created)),
        updated: Some(wire_instant(attributes.updated)),
        recovery_level: bundle.level.as_str().to_owned(),
        recoverable_days: bundle.level.retention.days(),
        tags: tags(bundle).into_iter().collect(),
        policy: None,
        operation: String::new(),
        preserve_order: bundle.version.as_ref().is_some_and(|version| version.keep_order),
    }
}

impl From<CertificateBundle> for pb::CertificateBundle {
    fn from(bundle: CertificateBundle) -> Self {
        let certificate = CertificatePath::from(&*bundle.certificate);
        let operation =
            |_: &PendingOperation| Resource::pending_certificate(&certificate.vault, &certificate.name).name;
        Self {
            certificate: bundle.version.as_ref().map(|version| version.der.clone()).unwrap_or_default(),
            operation: bundle.certificate.pending.as_ref().map(operation).unwrap_or_default(),
            policy: Some(PolicyBundle { certificate, policy: bundle.certificate.policy.clone() }.into()),
            ..item(&bundle)
        }
    }
}

impl From<OperationBundle> for pb::CertificateOperation {
    fn from(OperationBundle { certificate, pending }: OperationBundle) -> Self {
        let CertificatePath { vault, name } = &certificate;
        let is_completed = pending.status == OperationStatus::Completed;
        Self {
            name: Resource::pending_certificate(vault, name).name,
            request_id: pending.request_id.to_string(),
            status: pending.status.as_str().to_owned(),
            status_details: pending.status_details().unwrap_or_default().to_owned(),
            cancellation_requested: pending.cancellation_requested,
            target: if is_completed { Resource::certificate(vault, name).name } else { String::new() },
            error: pending.error().map(|OperationError { code, message }| pb::CertificateOperationError {
                code: code.to_owned(),
                message: message.to_owned(),
            }),
            preserve_order: pending.keep_order,
            issuer: Some(pending.issuer.into()),
            csr: pending.csr,
        }
    }
}

fn deleted_item(bundle: &DeletedCertificateBundle) -> pb::DeletedCertificateBundle {
    let certificate = &bundle.current.certificate;
    pb::DeletedCertificateBundle {
        name: Resource::deleted_certificate(&certificate.vault, &certificate.name).name,
        certificate: Some(item(&bundle.current)),
        deleted_at: Some(wire_instant(bundle.deletion.deleted_at)),
        scheduled_purge_at: Some(wire_instant(bundle.deletion.scheduled_purge_at)),
    }
}

impl From<DeletedCertificateBundle> for pb::DeletedCertificateBundle {
    fn from(bundle: DeletedCertificateBundle) -> Self {
        Self { certificate: Some(bundle.current.clone().into()), ..deleted_item(&bundle) }
    }
}

impl From<Page<CertificateBundle>> for pb::ListCertificatesResponse {
    fn from(page: Page<CertificateBundle>) -> Self {
        let certificates = page.items.iter().map(|bundle| {
            let name = Resource::certificate(&bundle.certificate.vault, &bundle.certificate.name).name;
            pb::CertificateBundle { name, ..item(bundle) }
        });
        Self { certificates: certificates.collect(), next_page_token: page.next.unwrap_or_default() }
    }
}

impl From<Page<CertificateBundle>> for pb::ListCertificateVersionsResponse {
    fn from(page: Page<CertificateBundle>) -> Self {
        let versions = page.items.iter().map(item).collect();
        Self { versions, next_page_token: page.next.unwrap_or_default() }
    }
}

impl From<Page<DeletedCertificateBundle>> for pb::ListDeletedCertificatesResponse {
    fn from(page: Page<DeletedCertificateBundle>) -> Self {
        let deleted_certificates = page.items.iter().map(deleted_item).collect();
        Self { deleted_certificates, next_page_token: page.next.unwrap_or_default() }
    }
}

impl From<()> for pb::PurgeDeletedCertificateResponse {
    fn from((): ()) -> Self {
        Self {}
    }
}
