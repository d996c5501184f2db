//! Requests a version of a certificate from its issuer: makes the key pair and the request, and signs at once what is self-signed.

use std::sync::Arc;

use super::completion::{Completed, complete};
use super::key_pair::{KeyPair, not_encodable, seal_private_key};
use super::{CertificatePath, OperationBundle};
use crate::certificate::{self, Bundle, NewCertificate};
use crate::model::certificate::{
    Certificate, CertificatePolicy, DistinguishedName, Issuer, OperationStatus, PendingOperation,
    TestIssuance,
};
use crate::model::change::CertificateUpdate;
use crate::model::key::Tags;
use crate::model::resource_kind::Resource;
use crate::model::{Error, Field, Result};
use crate::ops::Cx;

/// A version that is to be made.
pub(super) struct RequestedVersion {
    /// The certificate.
    pub(super) path: CertificatePath,
    /// The certificate, if it exists.
    pub(super) known: Option<Arc<Certificate>>,
    /// The policy by which the version is made.
    pub(super) policy: CertificatePolicy,
    /// Whether the version is enabled.
    pub(super) enabled: bool,
    /// The user's tags.
    pub(super) tags: Tags,
    /// Whether the secret keeps the order of merged certificates.
    pub(super) keep_order: bool,
    /// Whether the lifetime action of the policy requests it.
    pub(super) is_renewal: bool,
}

impl RequestedVersion {
    /// Returns the certificate with the operation that creates the version, and the operation as it begins.
    ///
    /// # Errors
    /// `Invalid` if the issuer cannot be used or the certificate cannot be encoded; `NotFound` if there is no such issuer; those of
    /// the token.
    pub(super) async fn begin(self, cx: &Cx) -> Result<(CertificateUpdate, OperationBundle)> {
        let Self { path, known, policy, enabled, tags, keep_order, is_renewal } = self;
        let issuer = policy.issuer.issuer();
        let issuance = issuance(cx, &path, &issuer)?;
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
            enabled,
            tags,
            keep_order,
            created: cx.now,
            issuance,
            is_renewal,
        };
        let bundle = OperationBundle { certificate: path.clone(), pending: pending.clone() };
        let record = |pending| Certificate {
            vault: path.vault.clone(),
            name: path.name.clone(),
            versions: known.as_ref().map(|known| known.versions.clone()).unwrap_or_default(),
            first: known.as_ref().map_or(pair.version, |known| known.first),
            policy: policy.clone(),
            pending: Some(pending),
            renewal: known.as_ref().map(|known| known.renewal).unwrap_or_default(),
            deletion: None,
        };
        if issuer != Issuer::SelfSigned {
            pending.private_key = seal_private_key(cx, &path.name, &pair).await?;
            return Ok((CertificateUpdate { certificate: record(pending), version: None }, bundle));
        }
        let certificate = self_sign(cx, &pair, &policy, &subject).await?;
        let signed = Bundle::new(pair.private.clone(), vec![certificate]).map_err(Error::internal)?;
        pending.status = OperationStatus::Completed;
        let completed = Completed {
            version: pair.version,
            policy: &policy,
            public: pair.public.clone(),
            bundle: signed,
            enabled: pending.enabled,
            tags: pending.tags.clone(),
            keep_order: pending.keep_order,
        };
        Ok((complete(cx, record(pending), completed).await?, bundle))
    }
}

/// Checks that a named issuer exists.
///
/// # Errors
/// `NotFound`.
// assumption: Azure's answer for an unknown issuer is not recorded.
pub(super) fn check_issuer(cx: &Cx, path: &CertificatePath, issuer: &Issuer) -> Result<()> {
    let Issuer::Named(name) = issuer else { return Ok(()) };
    match cx.store.certificate_settings(&path.vault).issuer(name) {
        Some(_) => Ok(()),
        None => Err(Error::NotFound(Resource::certificate_issuer(&path.vault, name))),
    }
}

/// Checks that a named issuer exists and is enabled, and asks the test issuer what it will do.
// assumption: Azure's answer for an unknown issuer is not recorded.
fn issuance(cx: &Cx, path: &CertificatePath, issuer: &Issuer) -> Result<Option<TestIssuance>> {
    let Issuer::Named(name) = issuer else { return Ok(None) };
    match cx.store.certificate_settings(&path.vault).issuer(name) {
        Some(issuer) if !issuer.enabled => {
            Err(Error::invalid(Field::PolicyIssuerName, "the issuer is disabled"))
        }
        Some(issuer) => {
            let Some(account) = issuer.test_account()? else { return Ok(None) };
            cx.test_issuer(Field::PolicyIssuerName)?;
            Ok(Some(account.issuance(cx.now)))
        }
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
