//! The billed lifetime of a managed HSM or vault: from creation to purge, including the time it is soft-deleted.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;
use super::container_id::ContainerId;
use super::resource::SubscriptionId;

/// The billing phase of a container from one instant on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// It exists; a managed HSM is activated or not.
    Running,
    /// Soft-deleted. A managed HSM keeps its hardware and is billed like a running one; a vault is not billed.
    Deleted,
    /// Purged. The final phase.
    Purged,
}

/// One managed HSM or vault, existing or purged. Reusing a name after a purge starts another lifetime.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ContainerLifetime {
    /// Identifies this lifetime.
    pub id: Uuid,
    /// The container.
    pub container: ContainerId,
    /// The billed subscription.
    pub subscription: SubscriptionId,
    /// The resource group of the container.
    pub resource_group: String,
    /// The region.
    pub location: String,
    /// For example `Standard_B1`. Of a vault, the SKU at its creation.
    pub sku: String,
    /// The phases and the instants at which they began, in order; the first is `Running`.
    pub phases: Vec<(Timestamp, Phase)>,
}

impl ContainerLifetime {
    /// Returns the creation time.
    pub fn created_at(&self) -> Timestamp {
        self.phases.first().map_or(Timestamp::MAX, |(at, _)| *at)
    }

    /// Returns the purge time, or the end of the calendar if the container is not purged.
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
