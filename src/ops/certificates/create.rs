//! Creates a certificate, or a new version of one, by its policy.

use super::requested_version::RequestedVersion;
use super::{CertificatePath, NewCertificateVersion, OperationBundle};
use crate::model::audit_entry::Meter;
use crate::model::certificate::{Certificate, CertificatePolicy, PolicyMembers};
use crate::model::change::Change;
use crate::model::key::Tags;
use crate::model::limit;
use crate::model::name::{KeyName, SecretName};
use crate::model::resource_kind::Resource;
use crate::model::retention::Deletion;
use crate::model::secret::{SecretId, check_tags};
use crate::model::throttling::CallClass;
use crate::model::vault::VaultSku;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// Creates a version of a certificate
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/create-certificate/create-certificate>). A self-signed certificate is
/// signed at once, although the answer says that the operation is in progress, as recorded. The test issuer of a simulator answers
/// after a delay. For another issuer the operation stays in progress: its request is to be signed, and the certificate merged.
#[derive(Clone, Debug)]
pub struct CreateCertificate {
    /// The certificate.
    pub certificate: CertificatePath,
    /// The policy; `None` for that of the existing certificate.
    pub policy: Option<PolicyMembers>,
    /// Whether the version is enabled.
    pub enabled: bool,
    /// The user's tags.
    pub tags: Tags,
    /// Whether the secret keeps the order of merged certificates.
    pub keep_order: bool,
}

impl Operation for CreateCertificate {
    const NAME: &'static str = "CreateCertificate";
    const EVENT: &'static str = "CertificateCreate";
    const ACTION: VaultAction = VaultAction::CertificateCreate;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = NewCertificateVersion;
    type Reply = OperationBundle;

    fn target(&self) -> CertificatePath {
        self.certificate.clone()
    }

    fn call_class(&self, _: &NewCertificateVersion, _: &Cx) -> CallClass {
        CallClass::CreateObject
    }

    fn check(&self, target: &NewCertificateVersion, _: Timestamp) -> Result<()> {
        check_tags(&self.tags)?;
        target.0.as_ref().map_or(Ok(()), |known| known.check_not_pending())
    }

    async fn execute(self, target: NewCertificateVersion, cx: &Cx) -> Result<Done<OperationBundle>> {
        let vault = cx.vault()?.clone();
        let known = target.0;
        let path = known.as_deref().map_or(self.certificate, CertificatePath::from);
        check_capacity(cx, &path, known.as_deref())?;
        let premium = vault.sku == VaultSku::Premium;
        let policy = match (self.policy, &known) {
            (Some(members), known) => {
                let policy = CertificatePolicy::new(members, premium, cx.now)?;
                let created = known.as_ref().map_or(cx.now, |known| known.policy.created);
                CertificatePolicy { created, ..policy }
            }
            (None, Some(known)) => known.policy.clone(),
            (None, None) => return Err(Error::invalid(Field::Policy, "a new certificate has a policy")),
        };
        let requested = RequestedVersion {
            path,
            known,
            policy,
            enabled: self.enabled,
            tags: self.tags,
            keep_order: self.keep_order,
            is_renewal: false,
        };
        let (update, reply) = requested.begin(cx).await?;
        Ok(Done::with(reply, [Change::PutCertificate(Box::new(update))]))
    }
}

/// Names that the paths of the contacts and the issuers of a vault have instead of a certificate.
// assumption: Azure's answer is not recorded.
const RESERVED_NAMES: [&str; 2] = ["contacts", "issuers"];

/// The error of a name that a key or a secret has.
fn in_use(resource: Resource, deletion: Option<Deletion>) -> Error {
    match deletion {
        Some(deletion) => Error::deleted(resource, deletion),
        None => Error::Exists { resource, deleted: false },
    }
}

/// Checks the limits before the token is used, and that the name is not that of a key or secret; the store checks both again.
pub(super) fn check_capacity(cx: &Cx, path: &CertificatePath, known: Option<&Certificate>) -> Result<()> {
    if let Some(known) = known {
        return limit::CERTIFICATE_VERSIONS.check_capacity(known.versions.len());
    }
    if RESERVED_NAMES.iter().any(|reserved| path.name.as_str().eq_ignore_ascii_case(reserved)) {
        let why = format!("{} is not the name of a certificate", path.name);
        return Err(Error::invalid(Field::CertificateId, why));
    }
    let container = cx.container.id();
    if let Some(key) = cx.store.key(&container, &KeyName::from(&path.name)) {
        return Err(in_use(Resource::key(&container, &key.name), key.deletion));
    }
    if let Some(secret) = cx.store.secret(&path.vault, &SecretName::from(&path.name)) {
        let id = SecretId { vault: secret.vault.clone(), name: secret.name.clone(), version: None };
        return Err(in_use((&id).into(), secret.deletion));
    }
    limit::CERTIFICATES.check_capacity(cx.store.certificate_count(&path.vault))
}
