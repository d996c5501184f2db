//! Issues a version of a certificate by the test issuer, for the scheduler.

use super::completion::{Completed, complete};
use super::key_pair::{not_encodable, unseal_private_key};
use super::{CertificateBundle, CertificatePath, PendingCertificate, check_due, pending_of};
use crate::certificate::{Bundle, NewCertificate};
use crate::model::audit_entry::Meter;
use crate::model::certificate::{Certificate, OperationStatus};
use crate::model::change::Change;
use crate::model::time::CertificateWork;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// Issues the version of an operation that is in progress. `RENEWAL` says whether the lifetime action of the policy requested it; such a
/// version is metered.
#[derive(Clone, Debug)]
pub struct Issue<const RENEWAL: bool> {
    /// The certificate.
    pub certificate: CertificatePath,
}

/// Issues a version that a caller requested.
pub type IssueCertificate = Issue<false>;
/// Issues a version that the lifetime action of the policy requested.
pub type IssueRenewedCertificate = Issue<true>;

impl<const RENEWAL: bool> Operation for Issue<RENEWAL> {
    const NAME: &'static str = if RENEWAL { "IssueRenewedCertificate" } else { "IssueCertificate" };
    const EVENT: &'static str = if RENEWAL { "CertificateIssueRenewed" } else { "CertificateIssue" };
    const ACTION: VaultAction = VaultAction::CertificateCreate;
    // Azure's price list has a meter "Certificate Renewal Request" (https://prices.azure.com/api/retail/prices).
    // assumption: what is charged is a version that a named issuer has issued, not a failed request or a self-signed version.
    const METER: Meter = if RENEWAL { Meter::Renewal } else { Meter::Free };
    const CHANGES: bool = true;
    type Target = PendingCertificate;
    type Reply = CertificateBundle;

    fn target(&self) -> CertificatePath {
        self.certificate.clone()
    }

    /// Rejects an operation that was cancelled, deleted or replaced since the work was scheduled.
    fn check(&self, target: &PendingCertificate, now: Timestamp) -> Result<()> {
        let work = if RENEWAL { CertificateWork::IssueRenewal } else { CertificateWork::Issue };
        check_due(&target.0, work, now)
    }

    async fn execute(self, target: PendingCertificate, cx: &Cx) -> Result<Done<CertificateBundle>> {
        let record = target.0;
        let mut pending = pending_of(&record)?.clone();
        let policy = pending.policy.clone();
        let new = NewCertificate {
            subject: &policy.x509.subject()?,
            x509: &policy.x509,
            public_key: &pending.public_key,
            serial: *cx.ids.version().as_bytes(),
            validity: policy.x509.validity_months.validity(cx.now)?,
        };
        let issuer = cx.test_issuer(Field::PolicyIssuerName)?;
        let authority = issuer.certificate().await?;
        let unsigned = new.issued_by(authority).map_err(not_encodable)?;
        let certificates = vec![issuer.sign(&unsigned).await?, authority.clone()];
        let private = match pending.private_key.take() {
            Some(sealed) => Some(unseal_private_key(cx, &record.name, pending.version, &sealed).await?),
            None => None,
        };
        pending.status = OperationStatus::Completed;
        let completed = Completed {
            version: pending.version,
            policy: &policy,
            public: pending.public_key.clone(),
            bundle: Bundle::new(private, certificates).map_err(Error::internal)?,
            enabled: pending.enabled,
            tags: pending.tags.clone(),
            keep_order: pending.keep_order,
        };
        let record = Certificate { pending: Some(pending), ..Certificate::clone(&record) };
        let update = complete(cx, record, completed).await?;
        let reply = CertificateBundle::current(update.certificate.clone().into(), cx.recovery_level());
        Ok(Done::with(reply, [Change::PutCertificate(Box::new(update))]))
    }
}
