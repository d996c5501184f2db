//! Renews a certificate by the lifetime action of its policy, for the scheduler.

use super::create::check_capacity;
use super::requested_version::RequestedVersion;
use super::{CertificatePath, LiveCertificate, OperationBundle, check_due};
use crate::model::audit_entry::Meter;
use crate::model::certificate::{Certificate, Issuer};
use crate::model::change::Change;
use crate::model::resource_kind::ResourceKind;
use crate::model::time::CertificateWork;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// Creates a version of a certificate when its renewal is due, or requests it from the issuer
/// (<https://learn.microsoft.com/azure/key-vault/certificates/overview-renew-certificate>). The version has the tags of the current one.
#[derive(Clone, Debug)]
pub struct RenewDueCertificate {
    /// The certificate.
    pub certificate: CertificatePath,
}

impl RenewDueCertificate {
    /// Whether the failure is recorded, and the renewal attempted again by the clock of the service. After another failure, for
    /// example of the token, the work stays due.
    pub const fn is_recorded_failure(error: &Error) -> bool {
        matches!(error, Error::Invalid { .. } | Error::LimitExceeded { .. } | Error::Unsupported { .. })
    }
}

impl Operation for RenewDueCertificate {
    const NAME: &'static str = "RenewDueCertificate";
    const EVENT: &'static str = "CertificateRenewIfDue";
    const ACTION: VaultAction = VaultAction::CertificateCreate;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = LiveCertificate;
    type Reply = OperationBundle;

    fn target(&self) -> CertificatePath {
        self.certificate.clone()
    }

    /// Rejects a certificate that was renewed or disabled, or whose policy was changed, since the work was scheduled.
    fn check(&self, target: &LiveCertificate, now: Timestamp) -> Result<()> {
        check_due(&target.0, CertificateWork::Renew, now)
    }

    async fn execute(self, target: LiveCertificate, cx: &Cx) -> Result<Done<OperationBundle>> {
        let known = target.0;
        let current = known.current().ok_or_else(|| Error::internal("a certificate has no version"))?;
        check_capacity(cx, &self.certificate, Some(&known))?;
        check_issues(cx, &known)?;
        let requested = RequestedVersion {
            path: self.certificate,
            policy: known.policy.clone(),
            enabled: known.policy.enabled,
            tags: current.tags.clone(),
            keep_order: current.keep_order,
            is_renewal: true,
            known: Some(known.clone()),
        };
        let (update, reply) = requested.begin(cx).await.map_err(|error| match error {
            Error::NotFound(issuer) if issuer.kind == ResourceKind::CertificateIssuer => {
                Error::invalid(Field::PolicyIssuerName, "there is no such issuer")
            }
            error => error,
        })?;
        Ok(Done::with(reply, [Change::PutCertificate(Box::new(update))]))
    }

    fn failure_changes(id: &CertificatePath, error: &Error, now: Timestamp) -> Vec<Change> {
        if !Self::is_recorded_failure(error) {
            return Vec::new();
        }
        vec![Change::RecordRenewalFailure(id.vault.clone(), id.name.clone(), now)]
    }
}

/// Checks that the issuer is not one that only a person can ask.
fn check_issues(cx: &Cx, known: &Certificate) -> Result<()> {
    let Issuer::Named(name) = known.policy.issuer.issuer() else { return Ok(()) };
    match cx.store.certificate_settings(&known.vault).issuer(&name) {
        Some(issuer) if issuer.test_account()?.is_none() => Err(Error::Unsupported {
            what: format!("the service does not request certificates from the provider of issuer {name}"),
        }),
        _ => Ok(()),
    }
}
