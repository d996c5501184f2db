//! Creates a certificate, or a new version of one, by its policy.

use super::completion::{Completed, complete};
use super::key_pair::{KeyPair, not_encodable, seal_private_key};
use super::{CertificatePath, NewCertificateVersion, OperationBundle};
use crate::certificate::{self, Bundle, NewCertificate};
use crate::model::audit_entry::Meter;
use crate::model::certificate::{
    Certificate, CertificatePolicy, DistinguishedName, Issuer, OperationStatus, PendingOperation,
    PolicyMembers,
};
use crate::model::change::{CertificateUpdate, Change};
use crate::model::key::Tags;
use crate::model::limit;
use crate::model::name::{KeyName, SecretName};
use crate::model::resource_kind::Resource;
use crate::model::secret::check_tags;
use crate::model::vault::VaultSku;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// Creates a version of a certificate
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/create-certificate/create-certificate>). A self-signed certificate is
/// signed at once, although the answer says that the operation is in progress, as recorded. For another issuer the operation stays in
/// progress: its request is to be signed, and the certificate merged.
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
        let issuer = policy.issuer.issuer();
        check_issuer(cx, &path, &issuer)?;
        let pair = KeyPair::new(cx, &policy, known.as_deref()).await?;
        let subject = policy.x509.subject()?;
        let request = certificate::request(&subject, &policy.x509, &pair.public).map_err(not_encodable)?;
        let mut pending = PendingOperation {
            version: pair.version,
            request_id: cx.ids.version(),
            csr: pair.sign(cx, &request).await?,
            issuer: policy.issuer.clone(),
            status: OperationStatus::InProgress,
            cancellation_requested: false,
            public_key: pair.public.clone(),
            private_key: None,
            policy: policy.clone(),
            enabled: self.enabled,
            tags: self.tags,
            keep_order: self.keep_order,
            created: cx.now,
        };
        let reply = OperationBundle { certificate: path.clone(), pending: pending.clone() };
        let record = |pending| Certificate {
            vault: path.vault.clone(),
            name: path.name.clone(),
            versions: known.as_ref().map(|known| known.versions.clone()).unwrap_or_default(),
            first: known.as_ref().map_or(pair.version, |known| known.first),
            policy: policy.clone(),
            pending: Some(pending),
            deletion: None,
        };
        let update = if issuer == Issuer::SelfSigned {
            let certificate = self_sign(cx, &pair, &policy, &subject).await?;
            let bundle = Bundle::new(pair.private.clone(), vec![certificate]).map_err(Error::internal)?;
            pending.status = OperationStatus::Completed;
            let completed = Completed {
                version: pair.version,
                policy: &policy,
                public: pair.public.clone(),
                bundle,
                enabled: pending.enabled,
                tags: pending.tags.clone(),
            };
            complete(cx, record(pending), completed).await?
        } else {
            pending.private_key = seal_private_key(cx, &path.name, &pair).await?;
            CertificateUpdate { certificate: record(pending), version: None }
        };
        Ok(Done::with(reply, [Change::PutCertificate(Box::new(update))]))
    }
}

/// Checks the limits before the token is used, and that the name is not that of a key or secret; the store checks both again.
pub(super) fn check_capacity(cx: &Cx, path: &CertificatePath, known: Option<&Certificate>) -> Result<()> {
    if let Some(known) = known {
        return limit::CERTIFICATE_VERSIONS.check_capacity(known.versions.len());
    }
    let key = cx.store.key(&cx.container.id(), &KeyName::from(&path.name));
    let secret = cx.store.secret(&path.vault, &SecretName::from(&path.name));
    if key.is_some() || secret.is_some() {
        let resource = Resource::certificate(&path.vault, &path.name);
        return Err(Error::Exists { resource, deleted: false });
    }
    limit::CERTIFICATES.check_capacity(cx.store.certificate_count(&path.vault))
}

/// Checks that a named issuer exists and is enabled.
// assumption: Azure's answer for an unknown issuer is not recorded.
fn check_issuer(cx: &Cx, path: &CertificatePath, issuer: &Issuer) -> Result<()> {
    let Issuer::Named(name) = issuer else { return Ok(()) };
    match cx.store.certificate_settings(&path.vault).issuer(name) {
        Some(issuer) if issuer.enabled => Ok(()),
        Some(_) => Err(Error::invalid(Field::PolicyIssuerName, "the issuer is disabled")),
        None => Err(Error::NotFound(Resource::certificate_issuer(&path.vault, name))),
    }
}

/// Signs the certificate with its own key.
async fn self_sign(
    cx: &Cx,
    pair: &KeyPair,
    policy: &CertificatePolicy,
    subject: &DistinguishedName,
) -> Result<certificate::Certificate> {
    let new = NewCertificate {
        subject,
        x509: &policy.x509,
        public_key: &pair.public,
        serial: *cx.ids.version().as_bytes(),
        validity: policy.x509.validity_months.validity(cx.now)?,
    };
    let der = pair.sign(cx, &new.self_signed().map_err(not_encodable)?).await?;
    certificate::Certificate::from_der(&der).map_err(Error::internal)
}
