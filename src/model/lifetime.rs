//! The life of a managed HSM as billing sees it: from its making to its purge, deleted time included.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;
use super::name::HsmName;
use super::resource::SubscriptionId;

/// The state of an HSM from one instant on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Provisioned, whether activated or not.
    Running,
    /// Soft-deleted: it holds its hardware, and is billed like a running one.
    Deleted,
    /// Gone. The last phase there is.
    Purged,
}

/// One managed HSM, past or present. A name that is used again after a purge begins another life.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HsmLifetime {
    /// Identifies this life.
    pub id: Uuid,
    /// The name it had.
    pub name: HsmName,
    /// The subscription that pays.
    pub subscription: SubscriptionId,
    /// The resource group that held it.
    pub resource_group: String,
    /// The region.
    pub location: String,
    /// For example `Standard_B1`.
    pub sku: String,
    /// The instants at which a phase began, in order; the first is `Running`.
    pub phases: Vec<(Timestamp, Phase)>,
}

impl HsmLifetime {
    /// When it began.
    pub fn born(&self) -> Timestamp {
        self.phases.first().map_or(Timestamp::MAX, |(at, _)| *at)
    }

    /// When it ended, or the end of the calendar.
    pub fn gone(&self) -> Timestamp {
        let purged = self.phases.iter().find(|(_, phase)| *phase == Phase::Purged);
        purged.map_or(Timestamp::MAX, |(at, _)| *at)
    }

    /// What it was at an instant; `Running` before it began.
    pub fn phase_at(&self, instant: Timestamp) -> Phase {
        let so_far = self.phases.iter().rev().find(|(at, _)| *at <= instant);
        so_far.map_or(Phase::Running, |(_, phase)| *phase)
    }

    /// When it was in a phase: from an instant, up to and not including another.
    pub fn spans(&self) -> impl Iterator<Item = (Timestamp, Timestamp, Phase)> {
        let ends = self.phases.iter().skip(1).map(|(at, _)| *at).chain([Timestamp::MAX]);
        self.phases.iter().zip(ends).map(|((from, phase), to)| (*from, to, *phase))
    }
}
