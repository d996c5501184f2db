//! Reads the lifecycle events of the keys of an HSM.

use super::{BATCH, Watching};
use crate::model::entry::Meter;
use crate::model::event::{Batch, Since, Watched};
use crate::model::name::HsmName;
use crate::model::rbac::Action;
use crate::model::{Error, Result};
use crate::ops::{AllKeys, Cx, Done, Operation};

/// Reads the events of an HSM's keys from a position in the log.
///
/// Events disclose the names of all keys and versions, so this requires permission to read all keys.
// assumption: Azure publishes such events through Event Grid, for which Managed HSM's local roles have no action.
#[derive(Clone, Debug)]
pub struct WatchKeys {
    /// The HSM.
    pub hsm: HsmName,
    /// The position in the log.
    pub since: Since,
    /// What the previous batch watched, if this continues it: a new HSM of the same name is not watched.
    pub watched: Option<Watched>,
}

impl Operation for WatchKeys {
    const NAME: &'static str = "WatchLifecycle";
    const EVENT: &'static str = "LifecycleWatch";
    const ACTION: Action = Action::KeyRead;
    const METER: Meter = Meter::Free;
    type Target = AllKeys;
    type Reply = Batch;

    fn target(&self) -> HsmName {
        self.hsm.clone()
    }

    async fn execute(self, _: AllKeys, cx: &Cx) -> Result<Done<Batch>> {
        let watched = Watched::Keys(cx.hsm.id);
        if self.watched.is_some_and(|before| before != watched) {
            return Err(Error::NotFound((&self.hsm).into()));
        }
        cx.store.events(watched, self.since, BATCH).map(Done::reply)
    }
}

impl Watching for WatchKeys {
    fn after(self, watched: Watched, position: u64) -> Self {
        Self { since: Since::Event(position), watched: Some(watched), ..self }
    }
}
