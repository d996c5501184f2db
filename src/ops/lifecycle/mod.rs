//! Lifecycle events of containers, of what they hold, and of budgets, read in batches: each batch is a call.

mod keys;
mod objects;
mod subscription;

pub use keys::WatchKeys;
pub use objects::{WatchObjects, WatchedObjects};
pub use subscription::{Budgets, ManagedHsms, Vaults, WatchResources, WatchedResources};

use super::Operation;
use super::certificates::AllCertificates;
use super::secrets::AllSecrets;
use crate::model::event::{EventBatch, EventFilter};

/// Reads the events of a vault's secrets.
pub type WatchSecrets = WatchObjects<AllSecrets>;
/// Reads the events of a vault's certificates.
pub type WatchCertificates = WatchObjects<AllCertificates>;
/// Reads the events of a subscription's managed HSMs.
pub type WatchManagedHsms = WatchResources<ManagedHsms>;
/// Reads the events of a subscription's vaults.
pub type WatchVaults = WatchResources<Vaults>;
/// Reads the events of a subscription's budgets.
pub type WatchBudgets = WatchResources<Budgets>;

/// The maximum number of events in a batch.
pub const BATCH: usize = 500;

/// An operation that reads the event log from a position, and can be continued where it ended. All of them belong to one
/// gRPC method and share its name.
pub trait WatchOperation: Operation<Reply = EventBatch> + Clone + Sync {
    /// Returns the operation that continues `watched` after the event at `position`.
    fn after(self, watched: EventFilter, position: u64) -> Self;
}
