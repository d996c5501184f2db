//! The operation that creates a version: get, cancel, delete.

use super::{CertificatePath, OperationBundle, PendingCertificate};
use crate::model::audit_entry::Meter;
use crate::model::certificate::{Certificate, PendingOperation};
use crate::model::change::{CertificateUpdate, Change, Intent, IntentVerb};
use crate::model::name::VersionId;
use crate::model::resource_kind::Resource;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// Returns the operation
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate-operation/get-certificate-operation>).
#[derive(Clone, Debug)]
pub struct GetCertificateOperation {
    /// The certificate.
    pub certificate: CertificatePath,
    /// The operation; `None` for the latest.
    pub request_id: Option<VersionId>,
}

impl Operation for GetCertificateOperation {
    const NAME: &'static str = "GetCertificateOperation";
    const EVENT: &'static str = "CertificatePendingGet";
    const ACTION: VaultAction = VaultAction::CertificateRead;
    const METER: Meter = Meter::Management;
    type Target = PendingCertificate;
    type Reply = OperationBundle;

    fn target(&self) -> CertificatePath {
        self.certificate.clone()
    }

    async fn execute(self, target: PendingCertificate, _: &Cx) -> Result<Done<OperationBundle>> {
        let bundle = bundle(&target.0)?;
        match self.request_id {
            Some(id) if id != bundle.pending.request_id => {
                let CertificatePath { vault, name } = &self.certificate;
                Err(Error::NotFound(Resource::pending_certificate(vault, name)))
            }
            _ => Ok(Done::reply(bundle)),
        }
    }
}

/// Requests the cancellation of an operation
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/update-certificate-operation/update-certificate-operation>). That of the
/// test issuer ends. Nothing works on an operation whose certificate is to be merged, so that it stays in progress, as recorded.
#[derive(Clone, Debug)]
pub struct CancelCertificateOperation {
    /// The certificate.
    pub certificate: CertificatePath,
}

impl Operation for CancelCertificateOperation {
    const NAME: &'static str = "CancelCertificateOperation";
    const EVENT: &'static str = "CertificatePendingUpdate";
    const ACTION: VaultAction = VaultAction::CertificateUpdate;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = PendingCertificate;
    type Reply = OperationBundle;

    fn target(&self) -> CertificatePath {
        self.certificate.clone()
    }

    // assumption: the message of Azure is not recorded.
    fn check(&self, target: &PendingCertificate, _: Timestamp) -> Result<()> {
        if bundle(&target.0)?.pending.is_in_progress() {
            return Ok(());
        }
        Err(Error::invalid(Field::Certificate, "the operation is not in progress"))
    }

    async fn execute(self, target: PendingCertificate, _: &Cx) -> Result<Done<OperationBundle>> {
        let mut bundle = bundle(&target.0)?;
        bundle.pending.cancellation_requested = true;
        let update = with_pending(&target.0, Some(bundle.pending.clone()));
        Ok(Done::with(bundle, [update]))
    }
}

/// Deletes an operation, and the private key of one that is in progress
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/delete-certificate-operation/delete-certificate-operation>).
#[derive(Clone, Debug)]
pub struct DeleteCertificateOperation {
    /// The certificate.
    pub certificate: CertificatePath,
}

impl Operation for DeleteCertificateOperation {
    const NAME: &'static str = "DeleteCertificateOperation";
    const EVENT: &'static str = "CertificatePendingDelete";
    const ACTION: VaultAction = VaultAction::CertificateUpdate;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = PendingCertificate;
    type Reply = OperationBundle;

    fn target(&self) -> CertificatePath {
        self.certificate.clone()
    }

    async fn execute(self, target: PendingCertificate, cx: &Cx) -> Result<Done<OperationBundle>> {
        let bundle = bundle(&target.0)?;
        let version = bundle.pending.version;
        // The key of an operation that has ended belongs to a version, or was destroyed.
        let is_orphan = bundle.pending.is_in_progress();
        // The key is destroyed once no record names it.
        let open = is_orphan.then(|| Intent {
            id: cx.ids.ordered(),
            container: cx.container.id(),
            verb: IntentVerb::Destroy,
            objects: vec![version],
        });
        Ok(Done { open, ..Done::with(bundle, [with_pending(&target.0, None)]) })
    }
}

fn bundle(certificate: &Certificate) -> Result<OperationBundle> {
    match &certificate.pending {
        Some(pending) => Ok(OperationBundle { certificate: certificate.into(), pending: pending.clone() }),
        None => Err(Error::NotFound(Resource::pending_certificate(&certificate.vault, &certificate.name))),
    }
}

fn with_pending(certificate: &Certificate, pending: Option<PendingOperation>) -> Change {
    let certificate = Certificate { pending, ..certificate.clone() };
    Change::PutCertificate(Box::new(CertificateUpdate { certificate, version: None }))
}
