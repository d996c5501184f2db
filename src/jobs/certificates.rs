//! Timed work on certificates: issuing, renewal, and notices of expiry.

use super::TimedEventKind;
use crate::engine::Engine;
use crate::model::certificate::CertificateId;
use crate::model::name::VersionId;
use crate::model::time::CertificateWork;
use crate::model::{Result, Timestamp};
use crate::ops::certificates::{
    CertificateBundle, CertificatePath, EndCertificateOperation, IssueCertificate, IssueRenewedCertificate,
    NoteCertificateContacts, NoteCertificateExpired, NoteCertificateNearExpiry, RenewDueCertificate,
};

/// Runs one piece of work, which was due at `due`.
///
/// # Errors
/// Those of the operation, which is then to be attempted again.
pub(super) async fn run(
    engine: &Engine,
    work: CertificateWork,
    certificate: CertificatePath,
    due: Timestamp,
) -> Result<TimedEventKind> {
    let path = certificate.clone();
    match work {
        CertificateWork::Issue => {
            engine.run_due(IssueCertificate { certificate }).await?;
            Ok(TimedEventKind::EndedCertificateOperation(path))
        }
        CertificateWork::IssueRenewal => {
            let issued: CertificateBundle = engine.run_due(IssueRenewedCertificate { certificate }).await?;
            Ok(TimedEventKind::RenewedCertificate(version_of(path, issued.version_id())))
        }
        CertificateWork::EndOperation => {
            let ended = engine.run_due(EndCertificateOperation { certificate }).await?;
            Ok(match ended.pending.is_renewal {
                true => TimedEventKind::NotRenewedCertificate(path),
                false => TimedEventKind::EndedCertificateOperation(path),
            })
        }
        CertificateWork::Renew => renew(engine, path, due).await,
        CertificateWork::NotifyContacts => {
            let version = engine.run_due(NoteCertificateContacts { certificate }).await?;
            Ok(TimedEventKind::NotifiedContacts(version_of(path, version)))
        }
        CertificateWork::EmitNearExpiry => {
            let version = engine.run_due(NoteCertificateNearExpiry { certificate }).await?;
            Ok(TimedEventKind::CertificateNearExpiry(version_of(path, version)))
        }
        CertificateWork::EmitExpired => {
            let version = engine.run_due(NoteCertificateExpired { certificate }).await?;
            Ok(TimedEventKind::CertificateExpired(version_of(path, version)))
        }
    }
}

/// Renews a self-signed certificate, or requests the renewal from the issuer.
async fn renew(engine: &Engine, path: CertificatePath, due: Timestamp) -> Result<TimedEventKind> {
    match engine.run_due(RenewDueCertificate { certificate: path.clone() }).await {
        Ok(begun) if begun.is_self_signed() => {
            Ok(TimedEventKind::RenewedCertificate(version_of(path, begun.pending.version)))
        }
        Ok(_) => Ok(TimedEventKind::RequestedRenewal(path)),
        Err(error) if RenewDueCertificate::is_recorded_failure(&error) => {
            tracing::error!(vault = %path.vault, certificate = %path.name, %due, error = %error.with_causes(), "a certificate could not be renewed by its policy");
            Ok(TimedEventKind::NotRenewedCertificate(path))
        }
        Err(error) => Err(error),
    }
}

fn version_of(CertificatePath { vault, name }: CertificatePath, version: VersionId) -> CertificateId {
    CertificateId { vault, name, version: Some(version) }
}
