//! Ends an operation without a version, for the scheduler: it was cancelled, or the test issuer refuses.

use super::{CertificatePath, OperationBundle, PendingCertificate, check_due, pending_of};
use crate::model::audit_entry::Meter;
use crate::model::certificate::{Certificate, OperationStatus};
use crate::model::change::{CertificateUpdate, Change, Intent, IntentVerb};
use crate::model::time::CertificateWork;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// Ends an operation that is in progress as cancelled or failed, and destroys its private key.
#[derive(Clone, Debug)]
pub struct EndCertificateOperation {
    /// The certificate.
    pub certificate: CertificatePath,
}

impl Operation for EndCertificateOperation {
    const NAME: &'static str = "EndCertificateOperation";
    const EVENT: &'static str = "CertificatePendingEnd";
    const ACTION: VaultAction = VaultAction::CertificateUpdate;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = PendingCertificate;
    type Reply = OperationBundle;

    fn target(&self) -> CertificatePath {
        self.certificate.clone()
    }

    fn check(&self, target: &PendingCertificate, now: Timestamp) -> Result<()> {
        check_due(&target.0, CertificateWork::EndOperation, now)
    }

    async fn execute(self, target: PendingCertificate, cx: &Cx) -> Result<Done<OperationBundle>> {
        let mut certificate = Certificate::clone(&target.0);
        let mut pending = pending_of(&target.0)?.clone();
        pending.status = match pending.cancellation_requested {
            true => OperationStatus::Cancelled,
            false => OperationStatus::Failed,
        };
        pending.private_key = None;
        // A renewal that was cancelled is attempted again later, too.
        if pending.is_renewal {
            certificate.renewal = certificate.renewal.failed(cx.now);
        }
        // The key is destroyed once no record names it.
        let intent = Intent {
            id: cx.ids.ordered(),
            container: cx.container.id(),
            verb: IntentVerb::Destroy,
            objects: vec![pending.version],
        };
        let reply = OperationBundle { certificate: self.certificate, pending: pending.clone() };
        certificate.pending = Some(pending);
        let update = CertificateUpdate { certificate, version: None };
        let done = Done::with(reply, [Change::PutCertificate(Box::new(update))]);
        Ok(Done { open: Some(intent), ..done })
    }
}
