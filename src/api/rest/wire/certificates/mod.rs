//! Requests and responses of certificates. Members are in the order in which vaults send them.

mod issuers;
mod operations;
mod policy;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

pub(in super::super) use issuers::{
    contacts, delete_contacts, delete_issuer, get_contacts, get_issuer, issuer, list_issuers, listed_issuers,
    set_contacts, set_issuer, update_issuer,
};
pub(in super::super) use operations::{
    cancel, create, created, delete_operation, get_operation, import, merge, merged, operation, pending,
};
pub(in super::super) use policy::{get_policy, shown as shown_policy, update_policy};

use super::super::super::azure::tags::SentTags;
use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use super::backup;
use super::vault_list::{VaultList, list, list_with};
use super::vault_object::{Attributes, DeletionDates};
use crate::model::certificate::CertificateId;
use crate::model::key::Tags;
use crate::model::secret::SecretAttributes;
use crate::model::{Error, Field, Result};
use crate::ops::Page;
use crate::ops::certificates::{
    BackupCertificate, CertificateBundle, CertificatePath, DeleteCertificate, DeletedCertificateBundle,
    GetCertificate, GetDeletedCertificate, ListCertificateVersions, ListCertificates,
    ListDeletedCertificates, PurgeDeletedCertificate, RecoverDeletedCertificate, RestoreCertificate,
    UpdateCertificateVersion,
};

/// The attributes that a caller can set; the validity period, which clients send back, is that of the certificate.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SentAttributes {
    enabled: Option<bool>,
}

/// The body of an update. `null` counts as absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct UpdateRequest {
    policy: Option<policy::SentPolicy>,
    attributes: Option<SentAttributes>,
    tags: Option<SentTags>,
}

impl RequestInput<'_> {
    /// Returns the path of the certificate that the request names.
    fn certificate(&self) -> Result<CertificatePath> {
        Ok(CertificatePath { vault: self.vault()?, name: self.object_name("certificate")? })
    }

    /// Returns the id of the certificate version that the request names, or of a certificate for its current version.
    fn certificate_version(&self) -> Result<CertificateId> {
        let CertificatePath { vault, name } = self.certificate()?;
        Ok(CertificateId { vault, name, version: self.arguments.get("version").map(str::parse).transpose()? })
    }
}

pub(in super::super) fn get(input: &RequestInput<'_>) -> Result<GetCertificate> {
    Ok(GetCertificate { certificate: input.certificate_version()? })
}

pub(in super::super) fn update(input: &RequestInput<'_>) -> Result<UpdateCertificateVersion> {
    let (certificate, request) = (input.certificate_version()?, input.body::<UpdateRequest>()?);
    let enabled = request.attributes.unwrap_or_default().enabled;
    let policy = request.policy.map(policy::SentPolicy::members).transpose()?;
    Ok(UpdateCertificateVersion { certificate, enabled, tags: request.tags.map(Tags::from), policy })
}

pub(in super::super) fn list_certificates(input: &RequestInput<'_>) -> Result<ListCertificates> {
    let include_pending = match input.query.get("includePending") {
        Some(text) if text.eq_ignore_ascii_case("true") => true,
        Some(text) if !text.is_empty() && !text.eq_ignore_ascii_case("false") => {
            return Err(Error::invalid(Field::IncludePending, "this is neither true nor false"));
        }
        _ => false,
    };
    Ok(ListCertificates { vault: input.vault()?, include_pending, page: input.page()? })
}

pub(in super::super) fn list_versions(input: &RequestInput<'_>) -> Result<ListCertificateVersions> {
    Ok(ListCertificateVersions { certificate: input.certificate()?, page: input.page()? })
}

pub(in super::super) fn delete(input: &RequestInput<'_>) -> Result<DeleteCertificate> {
    Ok(DeleteCertificate { id: input.certificate()? })
}

pub(in super::super) fn list_deleted(input: &RequestInput<'_>) -> Result<ListDeletedCertificates> {
    Ok(ListDeletedCertificates { container: input.vault()?, page: input.page()? })
}

pub(in super::super) fn get_deleted(input: &RequestInput<'_>) -> Result<GetDeletedCertificate> {
    Ok(GetDeletedCertificate { id: input.certificate()? })
}

pub(in super::super) fn recover(input: &RequestInput<'_>) -> Result<RecoverDeletedCertificate> {
    Ok(RecoverDeletedCertificate { id: input.certificate()? })
}

pub(in super::super) fn purge(input: &RequestInput<'_>) -> Result<PurgeDeletedCertificate> {
    Ok(PurgeDeletedCertificate { id: input.certificate()? })
}

pub(in super::super) fn back_up(input: &RequestInput<'_>) -> Result<BackupCertificate> {
    Ok(BackupCertificate { certificate: input.certificate()? })
}

pub(in super::super) fn restore(input: &RequestInput<'_>) -> Result<RestoreCertificate> {
    Ok(RestoreCertificate { backup: backup::sent(input)?, vault: input.vault()? })
}

/// A certificate version.
#[derive(Serialize)]
pub(in super::super) struct Bundle {
    #[serde(flatten)]
    deletion: Option<DeletionDates>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5t: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cer: Option<String>,
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
    policy: policy::Policy,
    #[serde(skip_serializing_if = "Option::is_none")]
    pending: Option<Link>,
    #[serde(rename = "preserveCertOrder", skip_serializing_if = "std::ops::Not::not")]
    preserve_order: bool,
}

/// A certificate in a list.
#[derive(Serialize)]
pub(in super::super) struct Item {
    #[serde(flatten)]
    deletion: Option<DeletionDates>,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    x5t: Option<String>,
    attributes: Attributes,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Tags>,
    /// Always empty, as recorded.
    subject: &'static str,
}

#[derive(Serialize)]
struct Link {
    id: String,
}

/// Returns the URL of a certificate.
fn url(endpoint: &Endpoint, name: &crate::model::name::CertificateName) -> String {
    format!("{}/certificates/{name}", endpoint.base)
}

/// The attributes of a bundle. Those of a certificate that is not issued are those of its policy; one that would end after the year
/// 9999 has none.
fn attributes(bundle: &CertificateBundle) -> Attributes {
    let policy = &bundle.certificate.policy;
    let (created, updated) = (policy.created, policy.updated);
    let none = SecretAttributes { enabled: false, not_before: None, expires: None, created, updated };
    (&bundle.attributes().unwrap_or(none)).into()
}

fn deletion_dates(endpoint: &Endpoint, deleted: &DeletedCertificateBundle) -> Option<DeletionDates> {
    let name = &deleted.current.certificate.name;
    DeletionDates::of(endpoint, "deletedcertificates", name, deleted.deletion)
}

fn tags(bundle: &CertificateBundle) -> Option<Tags> {
    let tags = match (&bundle.version, &bundle.certificate.pending) {
        (Some(version), _) => version.tags.clone(),
        (None, Some(pending)) => pending.tags.clone(),
        (None, None) => Tags::new(),
    };
    (!tags.is_empty()).then_some(tags)
}

/// Returns a certificate version.
pub(in super::super) fn bundle(endpoint: &Endpoint, bundle: CertificateBundle) -> Bundle {
    let (certificate, version) = (&bundle.certificate, &bundle.version);
    let (name, id) = (&certificate.name, bundle.version_id());
    let companion =
        |collection| version.as_ref().map(|_| format!("{}/{collection}/{name}/{id}", endpoint.base));
    Bundle {
        deletion: None,
        id: format!("{}/{id}", url(endpoint, name)),
        kid: companion("keys"),
        sid: companion("secrets"),
        x5t: version.as_ref().map(|version| URL_SAFE_NO_PAD.encode(version.thumbprint)),
        cer: version.as_ref().map(|version| STANDARD.encode(&version.der)),
        attributes: attributes(&bundle).with_level(endpoint, bundle.level),
        tags: tags(&bundle),
        policy: policy::Policy::new(endpoint, name, &certificate.policy),
        pending: certificate
            .pending
            .as_ref()
            .map(|_| Link { id: format!("{}/pending", url(endpoint, name)) }),
        preserve_order: version.as_ref().is_some_and(|version| version.keep_order)
            && endpoint.has_certificate_order(),
    }
}

pub(in super::super) fn deleted_bundle(endpoint: &Endpoint, deleted: DeletedCertificateBundle) -> Bundle {
    Bundle { deletion: deletion_dates(endpoint, &deleted), ..bundle(endpoint, deleted.current) }
}

fn item(endpoint: &Endpoint, bundle: &CertificateBundle) -> Item {
    Item {
        deletion: None,
        id: url(endpoint, &bundle.certificate.name),
        x5t: bundle.version.as_ref().map(|version| URL_SAFE_NO_PAD.encode(version.thumbprint)),
        attributes: attributes(bundle),
        tags: tags(bundle),
        subject: "",
    }
}

/// Returns a list of certificates, whose ids have no version.
pub(in super::super) fn listed(endpoint: &Endpoint, page: Page<CertificateBundle>) -> VaultList<Item> {
    let members = if endpoint.include_pending { "&includePending=true" } else { "" };
    list_with(endpoint, ("certificates", members), &page, |bundle| item(endpoint, bundle))
}

/// Returns a list of the versions of one certificate.
pub(in super::super) fn listed_versions(
    endpoint: &Endpoint,
    page: Page<CertificateBundle>,
) -> VaultList<Item> {
    let name = page.items.first().map_or("", |bundle| bundle.certificate.name.as_str());
    list(endpoint, &format!("certificates/{name}/versions"), &page, |bundle| {
        let item = item(endpoint, bundle);
        Item { id: format!("{}/{}", item.id, bundle.version_id()), ..item }
    })
}

/// Returns a list of deleted certificates, whose ids have no version.
pub(in super::super) fn listed_deleted(
    endpoint: &Endpoint,
    page: Page<DeletedCertificateBundle>,
) -> VaultList<Item> {
    list(endpoint, "deletedcertificates", &page, |deleted| Item {
        deletion: deletion_dates(endpoint, deleted),
        ..item(endpoint, &deleted.current)
    })
}
