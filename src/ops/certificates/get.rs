//! Returns a certificate version, by default the current one.

use super::{CertificateBundle, LiveCertificateVersion};
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::certificate::CertificateId;
use crate::model::vault_rbac::VaultAction;
use crate::ops::{Cx, Done, Operation};

/// Returns a certificate version
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate/get-certificate>).
#[derive(Clone, Debug)]
pub struct GetCertificate {
    /// The version; the current one if the identifier names none.
    pub certificate: CertificateId,
}

impl Operation for GetCertificate {
    const NAME: &'static str = "GetCertificate";
    const EVENT: &'static str = "CertificateGet";
    const ACTION: VaultAction = VaultAction::CertificateRead;
    const METER: Meter = Meter::Management;
    type Target = LiveCertificateVersion;
    type Reply = CertificateBundle;

    fn target(&self) -> CertificateId {
        self.certificate.clone()
    }

    async fn execute(self, target: LiveCertificateVersion, cx: &Cx) -> Result<Done<CertificateBundle>> {
        let LiveCertificateVersion { certificate, version } = target;
        Ok(Done::reply(CertificateBundle { certificate, version, level: cx.recovery_level() }))
    }
}
