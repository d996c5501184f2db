//! The policy of a certificate: get, update.

use super::{CertificatePath, LiveCertificate, PolicyBundle};
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::certificate::{Certificate, PolicyMembers, RenewalAttempts};
use crate::model::change::{CertificateUpdate, Change};
use crate::model::vault::VaultSku;
use crate::model::vault_rbac::VaultAction;
use crate::ops::{Cx, Done, Operation};

/// Returns the policy
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate-policy/get-certificate-policy>).
#[derive(Clone, Debug)]
pub struct GetCertificatePolicy {
    /// The certificate.
    pub certificate: CertificatePath,
}

impl Operation for GetCertificatePolicy {
    const NAME: &'static str = "GetCertificatePolicy";
    const EVENT: &'static str = "CertificatePolicyGet";
    const ACTION: VaultAction = VaultAction::CertificateRead;
    const METER: Meter = Meter::Management;
    type Target = LiveCertificate;
    type Reply = PolicyBundle;

    fn target(&self) -> CertificatePath {
        self.certificate.clone()
    }

    async fn execute(self, target: LiveCertificate, _: &Cx) -> Result<Done<PolicyBundle>> {
        Ok(Done::reply(bundle(&target.0)))
    }
}

/// Updates the policy; existing versions do not change
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/update-certificate-policy/update-certificate-policy>).
#[derive(Clone, Debug)]
pub struct UpdateCertificatePolicy {
    /// The certificate.
    pub certificate: CertificatePath,
    /// The members to replace.
    pub policy: PolicyMembers,
}

impl Operation for UpdateCertificatePolicy {
    const NAME: &'static str = "UpdateCertificatePolicy";
    const EVENT: &'static str = "CertificatePolicyUpdate";
    const ACTION: VaultAction = VaultAction::CertificateUpdate;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = LiveCertificate;
    type Reply = PolicyBundle;

    fn target(&self) -> CertificatePath {
        self.certificate.clone()
    }

    async fn execute(self, target: LiveCertificate, cx: &Cx) -> Result<Done<PolicyBundle>> {
        let premium = cx.vault()?.sku == VaultSku::Premium;
        let policy = target.0.policy.updated(self.policy, premium, cx.now)?;
        // A renewal that failed under the former policy is attempted again.
        let renewal = RenewalAttempts::default();
        let certificate = Certificate { policy, renewal, ..Certificate::clone(&target.0) };
        let reply = bundle(&certificate);
        let update = CertificateUpdate { certificate, version: None };
        Ok(Done::with(reply, [Change::PutCertificate(Box::new(update))]))
    }
}

fn bundle(certificate: &Certificate) -> PolicyBundle {
    PolicyBundle { certificate: certificate.into(), policy: certificate.policy.clone() }
}
