//! The scheduled work on a certificate: what its issuer, its lifetime action, its expiry and its deletion ask for.

use jiff::SignedDuration;

use super::lifetime_action::ActionType;
use super::notices::CertificateNotice;
use super::policy::Issuer;
use super::record::{Certificate, CertificateVersion, PendingOperation};
use super::validity::Validity;
use crate::Timestamp;
use crate::deletion::Deletable;
use crate::time::{CertificateWork, ScheduledWork};

/// How long before expiry a version is near expiry: 30 days
/// (<https://learn.microsoft.com/azure/event-grid/event-schema-key-vault>).
const NEAR_EXPIRY: SignedDuration = SignedDuration::from_hours(24 * 30);

impl Certificate {
    /// Returns the scheduled work on the certificate with its due times, in no particular order. For a deleted certificate this is the
    /// scheduled purge only; of a live one, only the current version is considered.
    pub fn scheduled_work(&self) -> Vec<(Timestamp, ScheduledWork)> {
        if let Some(deletion) = self.deletion {
            let certificate = Deletable::Certificate(self.vault.clone(), self.name.clone());
            return vec![(deletion.scheduled_purge_at, ScheduledWork::Purge(certificate))];
        }
        let pending = self.pending.as_ref().and_then(work_of_operation);
        let current = self.current().into_iter().flat_map(|current| self.work_of_version(current));
        let named =
            |(at, work)| (at, ScheduledWork::Certificate(work, self.vault.clone(), self.name.clone()));
        pending.into_iter().chain(current).map(named).collect()
    }

    /// Whether `work` is due at `now`.
    pub fn is_due(&self, work: CertificateWork, now: Timestamp) -> bool {
        let is_wanted =
            |due: &ScheduledWork| matches!(due, ScheduledWork::Certificate(due, ..) if *due == work);
        self.scheduled_work().iter().any(|(at, due)| is_wanted(due) && *at <= now)
    }

    fn work_of_version(&self, current: &CertificateVersion) -> Vec<(Timestamp, CertificateWork)> {
        let (Some(not_before), Some(not_after)) = (current.attributes.not_before, current.attributes.expires)
        else {
            return Vec::new();
        };
        let created = current.attributes.created;
        let action = self.policy.lifetime_action;
        let due = action.trigger.due_at(Validity { not_before, not_after }).max(created);
        let is_new = |notice| !current.notices.contains(notice);
        // Certificates of unknown issuers are not renewed: their contacts are notified
        // (<https://learn.microsoft.com/azure/key-vault/certificates/overview-renew-certificate>).
        let renews = action.action == ActionType::AutoRenew && self.policy.issuer.issuer() != Issuer::Unknown;
        let mut works = Vec::new();
        if renews {
            // assumption: a disabled certificate is not renewed, as disabled keys are not rotated.
            let is_blocked = self.pending.as_ref().is_some_and(PendingOperation::is_in_progress);
            if current.attributes.enabled && !is_blocked {
                let at = self.renewal.not_before.map_or(due, |not_before| not_before.max(due));
                works.push((at, CertificateWork::Renew));
            }
        } else if is_new(CertificateNotice::ContactsNotified) {
            works.push((due, CertificateWork::NotifyContacts));
        }
        if not_after <= created {
            return works;
        }
        if is_new(CertificateNotice::NearExpiry) {
            works.push((not_after.minus(NEAR_EXPIRY).max(created), CertificateWork::EmitNearExpiry));
        }
        if is_new(CertificateNotice::Expired) {
            works.push((not_after.minus(SignedDuration::ZERO), CertificateWork::EmitExpired));
        }
        works
    }
}

/// The end of an operation in progress. One that is cancelled ends at once.
fn work_of_operation(pending: &PendingOperation) -> Option<(Timestamp, CertificateWork)> {
    let issuance = pending.issuance.as_ref().filter(|_| pending.is_in_progress())?;
    Some(match (pending.cancellation_requested, issuance.refusal, pending.is_renewal) {
        (true, ..) => (pending.created, CertificateWork::EndOperation),
        (false, Some(_), _) => (issuance.at, CertificateWork::EndOperation),
        (false, None, false) => (issuance.at, CertificateWork::Issue),
        (false, None, true) => (issuance.at, CertificateWork::IssueRenewal),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::lifetime_action::{LifetimeAction, Trigger};
    use super::super::policy::{CertificatePolicy, PolicyMembers};
    use super::super::x509_properties::X509Members;
    use super::*;
    use crate::name::VersionId;
    use crate::secret::SecretAttributes;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A certificate of a year, with a lifetime action at 80 % of it.
    fn certificate(issuer: &str, action: ActionType) -> Certificate {
        let created = at("2026-01-01T00:00:00Z");
        let members = PolicyMembers {
            x509: Some(X509Members { subject: Some("CN=a".to_owned()), ..X509Members::default() }),
            lifetime_actions: Some(vec![LifetimeAction { trigger: Trigger::DaysBeforeExpiry(60), action }]),
            ..PolicyMembers::default()
        };
        let mut policy = CertificatePolicy::new(members, false, created).unwrap();
        policy.issuer.name = issuer.parse().unwrap();
        let [not_before, expires] = ["2026-01-01", "2027-01-01"].map(|date| date.parse().ok());
        let attributes = SecretAttributes { enabled: true, not_before, expires, created, updated: created };
        let version = VersionId::from_bytes([1; 16]);
        let current = CertificateVersion {
            version,
            der: Vec::new(),
            thumbprint: [0; 20],
            attributes,
            tags: Default::default(),
            keep_order: false,
            notices: Default::default(),
        };
        Certificate {
            vault: "demo".parse().unwrap(),
            name: "web".parse().unwrap(),
            versions: vec![Arc::new(current)],
            first: version,
            policy,
            pending: None,
            renewal: Default::default(),
            deletion: None,
        }
    }

    fn works(certificate: &Certificate) -> Vec<(String, CertificateWork)> {
        let works = certificate.scheduled_work().into_iter().map(|(at, work)| match work {
            ScheduledWork::Certificate(work, ..) => (at.to_string(), work),
            other => panic!("{other:?}"),
        });
        works.collect()
    }

    #[test]
    fn lifetime_action_and_expiry_are_due_at_their_dates() {
        use CertificateWork::{EmitExpired, EmitNearExpiry, NotifyContacts, Renew};
        for (issuer, action, expected) in [
            ("Self", ActionType::AutoRenew, Renew),
            ("ca", ActionType::AutoRenew, Renew),
            ("Unknown", ActionType::AutoRenew, NotifyContacts),
            ("Self", ActionType::EmailContacts, NotifyContacts),
        ] {
            let due = |day: &str, work| (format!("{day}T00:00:00Z"), work);
            assert_eq!(
                works(&certificate(issuer, action)),
                [
                    due("2026-11-02", expected),
                    due("2026-12-02", EmitNearExpiry),
                    due("2027-01-01", EmitExpired)
                ],
                "{issuer} {action}"
            );
        }
    }

    #[test]
    fn failed_or_disabled_certificates_are_renewed_later() {
        let mut failed = certificate("Self", ActionType::AutoRenew);
        failed.renewal = failed.renewal.failed(at("2026-11-02T00:00:00Z"));
        assert_eq!(works(&failed)[0], ("2026-11-02T01:00:00Z".to_owned(), CertificateWork::Renew));
        assert!(!failed.is_due(CertificateWork::Renew, at("2026-11-02T00:59:59Z")));
        assert!(failed.is_due(CertificateWork::Renew, at("2026-11-02T01:00:00Z")));
        let mut disabled = certificate("Self", ActionType::AutoRenew);
        let mut version = CertificateVersion::clone(&disabled.versions[0]);
        version.attributes.enabled = false;
        version.notices = version.notices.with(CertificateNotice::NearExpiry);
        disabled.versions = vec![Arc::new(version)];
        let expiry = ("2027-01-01T00:00:00Z".to_owned(), CertificateWork::EmitExpired);
        assert_eq!(works(&disabled), [expiry]);
    }
}
