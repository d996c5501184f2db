//! Merges the certificate that an issuer made for a pending request.

use super::completion::{Completed, complete};
use super::key_pair::unseal_private_key;
use super::{CertificateBundle, CertificatePath, PendingCertificate, invalid, pending_of};
use crate::certificate::{self, Bundle, MAX_CERTIFICATES, leaf_first};
use crate::model::audit_entry::Meter;
use crate::model::certificate::{Certificate, Issuer, OperationStatus, PendingOperation};
use crate::model::change::Change;
use crate::model::key::Tags;
use crate::model::resource_kind::Resource;
use crate::model::secret::check_tags;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// Merges a certificate with its private key in the vault
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/merge-certificate/merge-certificate>). Neither the chain nor the
/// signature of the certificate is validated, as recorded; its public key must be that of the request.
#[derive(Clone, Debug)]
pub struct MergeCertificate {
    /// The certificate.
    pub certificate: CertificatePath,
    /// The certificate and those of its issuers, in DER.
    pub certificates: Vec<Vec<u8>>,
    /// Whether the version is enabled; `None` as requested at its creation.
    pub enabled: Option<bool>,
    /// The user's tags; `None` as requested at its creation.
    pub tags: Option<Tags>,
}

impl Operation for MergeCertificate {
    const NAME: &'static str = "MergeCertificate";
    const EVENT: &'static str = "CertificatePendingMerge";
    const ACTION: VaultAction = VaultAction::CertificateCreate;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = PendingCertificate;
    type Reply = CertificateBundle;

    fn target(&self) -> CertificatePath {
        self.certificate.clone()
    }

    fn check(&self, target: &PendingCertificate, _: Timestamp) -> Result<()> {
        self.tags.as_ref().map_or(Ok(()), check_tags)?;
        let pending = pending_of(&target.0)?;
        match pending.issuer.issuer() {
            // assumption: the answer for an operation that has ended is not recorded.
            _ if !pending.is_in_progress() => {
                Err(Error::NotFound(Resource::pending_certificate(&target.0.vault, &target.0.name)))
            }
            Issuer::Unknown => Ok(()),
            Issuer::SelfSigned | Issuer::Named(_) => {
                Err(Error::CertificateMergeForbidden { issuer: pending.issuer.name.clone() })
            }
        }
    }

    async fn execute(self, target: PendingCertificate, cx: &Cx) -> Result<Done<CertificateBundle>> {
        let record = target.0;
        let mut pending = pending_of(&record)?.clone();
        let (certificates, leaf) = read(&self.certificates, &pending)?;
        let private = match &pending.private_key {
            Some(sealed) => Some(unseal_private_key(cx, &record.name, pending.version, sealed).await?),
            None => None,
        };
        let bundle = Bundle::in_order(private, certificates, leaf).map_err(Error::internal)?;
        pending.status = OperationStatus::Completed;
        pending.private_key = None;
        let policy = pending.policy.clone();
        let completed = Completed {
            version: pending.version,
            policy: &policy,
            public: pending.public_key.clone(),
            bundle,
            enabled: self.enabled.unwrap_or(pending.enabled),
            tags: self.tags.unwrap_or_else(|| pending.tags.clone()),
            keep_order: pending.keep_order,
        };
        let record = Certificate { pending: Some(pending), ..Certificate::clone(&record) };
        let update = complete(cx, record, completed).await?;
        let reply = CertificateBundle::current(update.certificate.clone().into(), cx.recovery_level());
        Ok(Done::with(reply, [Change::PutCertificate(Box::new(update))]))
    }
}

/// Reads the certificates, and returns the position of the one with the public key of the request. It is the first, followed by its
/// issuers, unless their order is kept.
fn read(
    certificates: &[Vec<u8>],
    pending: &PendingOperation,
) -> Result<(Vec<certificate::Certificate>, usize)> {
    if certificates.is_empty() || certificates.len() > MAX_CERTIFICATES {
        let why = format!("a certificate is merged with 0 to {} others", MAX_CERTIFICATES - 1);
        return Err(Error::invalid(Field::X5c, why));
    }
    let read = certificates.iter().map(|der| certificate::Certificate::from_der(der));
    let read: Vec<_> = read.collect::<Result<_, _>>().map_err(invalid(Field::X5c))?;
    let is_leaf =
        |certificate: &certificate::Certificate| certificate.public_key() == Ok(&pending.public_key);
    // assumption: the message of Azure is not recorded.
    let other = "the public key of the certificate does not match that of the pending certificate";
    let leaf = read.iter().position(is_leaf).ok_or_else(|| Error::invalid(Field::X5c, other))?;
    match pending.keep_order {
        true => Ok((read, leaf)),
        false => Ok((leaf_first(read, leaf), 0)),
    }
}
