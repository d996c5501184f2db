//! Reads the lifecycle events of the keys of an HSM.

use super::{BATCH, WatchOperation};
use crate::model::audit_entry::Meter;
use crate::model::container::ContainerId;
use crate::model::event::{EventBatch, EventFilter, EventPosition};
use crate::model::local_rbac::DataAction;
use crate::model::{Error, Result};
use crate::ops::{AllKeys, Cx, Done, Operation};

/// Reads the events of a container's keys from a position in the log.
///
/// Events disclose the names of all keys and versions, so this requires permission to read all keys.
// assumption: Azure publishes such events through Event Grid, for which Managed HSM's local roles have no action.
#[derive(Clone, Debug)]
pub struct WatchKeys {
    /// The container.
    pub container: ContainerId,
    /// The position in the log.
    pub since: EventPosition,
    /// What the previous batch watched, if this continues it: a new HSM of the same name is not watched.
    pub watched: Option<EventFilter>,
}

impl Operation for WatchKeys {
    const NAME: &'static str = "WatchLifecycle";
    const EVENT: &'static str = "LifecycleWatch";
    const ACTION: DataAction = DataAction::KeyList;
    const METER: Meter = Meter::Free;
    type Target = AllKeys;
    type Reply = EventBatch;

    fn target(&self) -> ContainerId {
        self.container.clone()
    }

    async fn execute(self, _: AllKeys, cx: &Cx) -> Result<Done<EventBatch>> {
        let watched = EventFilter::Keys(cx.container.unique_id());
        if self.watched.is_some_and(|before| before != watched) {
            return Err(Error::NotFound((&self.container).into()));
        }
        cx.store.events(watched, self.since, BATCH).map(Done::reply)
    }
}

impl WatchOperation for WatchKeys {
    fn after(self, watched: EventFilter, position: u64) -> Self {
        Self { since: EventPosition::Event(position), watched: Some(watched), ..self }
    }
}
