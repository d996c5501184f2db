//! Records once per version of a certificate that it is near expiry, has expired, or that its contacts are to be notified.

use super::{CertificatePath, LiveCertificate, check_due};
use crate::model::audit_entry::Meter;
use crate::model::certificate::CertificateNotice;
use crate::model::change::Change;
use crate::model::name::VersionId;
use crate::model::time::CertificateWork;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// Declares an operation of the scheduler that records a notice of the current version.
macro_rules! notice {
    ($(#[$doc:meta])* $operation:ident, $event:literal, $work:ident, $notice:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $operation {
            /// The certificate.
            pub certificate: CertificatePath,
        }

        impl Operation for $operation {
            const NAME: &'static str = stringify!($operation);
            const EVENT: &'static str = $event;
            const ACTION: VaultAction = VaultAction::CertificateRead;
            const METER: Meter = Meter::Free;
            const CHANGES: bool = true;
            type Target = LiveCertificate;
            type Reply = VersionId;

            fn target(&self) -> CertificatePath {
                self.certificate.clone()
            }

            /// Rejects a certificate that was renewed or whose policy was changed since the work was scheduled.
            fn check(&self, target: &LiveCertificate, now: Timestamp) -> Result<()> {
                check_due(&target.0, CertificateWork::$work, now)
            }

            async fn execute(self, target: LiveCertificate, _: &Cx) -> Result<Done<VersionId>> {
                let missing = || Error::internal("a certificate has no version");
                let version = target.0.current().ok_or_else(missing)?.version;
                let CertificatePath { vault, name } = self.certificate;
                let notice = CertificateNotice::$notice;
                Ok(Done::with(version, [Change::RecordCertificateNotice(vault, name, notice)]))
            }
        }
    };
}

notice! {
    /// Records that the current version expires in 30 days, for the scheduler.
    NoteCertificateNearExpiry, "CertificateNearExpiryEventGridNotification", EmitNearExpiry, NearExpiry
}

notice! {
    /// Records that the current version has expired, for the scheduler.
    NoteCertificateExpired, "CertificateExpiredEventGridNotification", EmitExpired, Expired
}

notice! {
    /// Records that the contacts are to be notified by the lifetime action of the policy, for the scheduler. No mail is sent.
    NoteCertificateContacts, "CertificateContactsNotify", NotifyContacts, ContactsNotified
}
