//! The billed lifetime of a managed HSM: from creation to purge, including the time it is soft-deleted.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;
use super::name::HsmName;
use super::resource::SubscriptionId;

/// The billing phase of an HSM from one instant on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Provisioned, whether activated or not.
    Running,
    /// Soft-deleted: it keeps its hardware and is billed like a running HSM.
    Deleted,
    /// Purged. The final phase.
    Purged,
}

/// One managed HSM, existing or purged. Reusing a name after a purge starts another lifetime.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HsmLifetime {
    /// Identifies this lifetime.
    pub id: Uuid,
    /// The HSM's name.
    pub name: HsmName,
    /// The billed subscription.
    pub subscription: SubscriptionId,
    /// The resource group of the HSM.
    pub resource_group: String,
    /// The region.
    pub location: String,
    /// For example `Standard_B1`.
    pub sku: String,
    /// The phases and the instants at which they began, in order; the first is `Running`.
    pub phases: Vec<(Timestamp, Phase)>,
}

impl HsmLifetime {
    /// Returns the creation time.
    pub fn created_at(&self) -> Timestamp {
        self.phases.first().map_or(Timestamp::MAX, |(at, _)| *at)
    }

    /// Returns the purge time, or the end of the calendar if the HSM is not purged.
    pub(crate) fn purged_at(&self) -> Timestamp {
        let purged = self.phases.iter().find(|(_, phase)| *phase == Phase::Purged);
        purged.map_or(Timestamp::MAX, |(at, _)| *at)
    }

    /// Returns the phase at an instant; `Running` before the creation time.
    pub(crate) fn phase_at(&self, instant: Timestamp) -> Phase {
        let so_far = self.phases.iter().rev().find(|(at, _)| *at <= instant);
        so_far.map_or(Phase::Running, |(_, phase)| *phase)
    }

    /// Returns each phase with its half-open interval.
    pub fn spans(&self) -> impl Iterator<Item = (Timestamp, Timestamp, Phase)> {
        let ends = self.phases.iter().skip(1).map(|(at, _)| *at).chain([Timestamp::MAX]);
        self.phases.iter().zip(ends).map(|((from, phase), to)| (*from, to, *phase))
    }
}
