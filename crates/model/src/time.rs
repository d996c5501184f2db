//! The setting of the virtual clock, and the work that is scheduled by the service's clock.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::container_id::ContainerId;
use super::deletion::Deletable;
use super::name::{BudgetName, CertificateName, KeyName, VaultName};
use super::resource::SubscriptionId;

/// The setting of a virtual clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct ClockSetting {
    /// Microseconds by which it is ahead of the system clock. Never decreases.
    pub offset: i64,
    /// The instant at which it is frozen, if it is.
    pub frozen: Option<Timestamp>,
}

impl ClockSetting {
    /// Returns the virtual time when the system clock shows `machine`.
    pub fn time_at(&self, machine: Timestamp) -> Timestamp {
        self.frozen.unwrap_or_else(|| {
            let micros = machine.as_microsecond().saturating_add(self.offset);
            Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
        })
    }
}

/// The maximum of one advance of the simulator's clock without `force`: ten years.
pub const MAX_ADVANCE: SignedDuration = SignedDuration::from_hours(24 * 3653);

/// Work that the service performs at a scheduled time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum ScheduledWork {
    /// Purge a deleted resource whose retention interval has ended.
    Purge(Deletable),
    /// Rotate a key by its rotation policy. Ordered before `NoteNearExpiry`: if both are due at once, the expiring
    /// version is no longer the current one.
    RotateKey(ContainerId, KeyName),
    /// Emit the event that the current version of a key expires soon.
    EmitNearExpiry(ContainerId, KeyName),
    /// Work on a certificate.
    Certificate(CertificateWork, VaultName, CertificateName),
    /// Emit the event that a budget is reached.
    EmitBudgetReached(SubscriptionId, BudgetName),
}

impl ScheduledWork {
    /// Returns the container that the work is in; `None` for work on the control plane.
    pub fn container(&self) -> Option<ContainerId> {
        match self {
            Self::Purge(resource) => Some(resource.container()),
            Self::RotateKey(container, _) | Self::EmitNearExpiry(container, _) => Some(container.clone()),
            Self::Certificate(_, vault, _) => Some(vault.into()),
            Self::EmitBudgetReached(..) => None,
        }
    }

    /// Returns the name of the kind of work, in metrics and logs.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Purge(_) => "purge",
            Self::RotateKey(..) => "rotate_key",
            Self::EmitNearExpiry(..) => "near_expiry",
            Self::Certificate(..) => "certificate",
            Self::EmitBudgetReached(..) => "budget_reached",
        }
    }

    /// Whether the work destroys data permanently.
    pub const fn destroys(&self) -> bool {
        match self {
            Self::Purge(_) => true,
            Self::RotateKey(..)
            | Self::EmitNearExpiry(..)
            | Self::Certificate(..)
            | Self::EmitBudgetReached(..) => false,
        }
    }
}

/// Scheduled work on a certificate. Ordered so that of work that is due at once, a version is renewed before its expiry is reported.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CertificateWork {
    /// Issue a requested version.
    Issue,
    /// Issue a version that was requested by the lifetime action of the policy.
    IssueRenewal,
    /// End an operation without a version: it was cancelled, or its issuer refuses.
    EndOperation,
    /// Create or request a version by the lifetime action of the policy.
    Renew,
    /// Emit the event that the contacts are to be notified, by the lifetime action of the policy.
    NotifyContacts,
    /// Emit the event that the current version expires soon.
    EmitNearExpiry,
    /// Emit the event that the current version has expired.
    EmitExpired,
}

/// Scheduled work and its due time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct DueWork {
    /// When the work is due.
    pub at: Timestamp,
    /// The work.
    pub work: ScheduledWork,
}
