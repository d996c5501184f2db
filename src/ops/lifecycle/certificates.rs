//! Reads the lifecycle events of the certificates of a vault.

use super::{BATCH, WatchOperation};
use crate::model::audit_entry::Meter;
use crate::model::event::{EventBatch, EventFilter, EventPosition};
use crate::model::name::VaultName;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Result};
use crate::ops::certificates::AllCertificates;
use crate::ops::{Cx, Done, Operation};

/// Reads the events of a vault's certificates from a position in the log. Requires permission to list them.
#[derive(Clone, Debug)]
pub struct WatchCertificates {
    /// The vault.
    pub vault: VaultName,
    /// The position in the log.
    pub since: EventPosition,
    /// What the previous batch watched, if this continues it: a new vault of the same name is not watched.
    pub watched: Option<EventFilter>,
}

impl Operation for WatchCertificates {
    const NAME: &'static str = "WatchLifecycle";
    const EVENT: &'static str = "LifecycleWatch";
    const ACTION: VaultAction = VaultAction::CertificateList;
    const METER: Meter = Meter::Free;
    type Target = AllCertificates;
    type Reply = EventBatch;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    async fn execute(self, _: AllCertificates, cx: &Cx) -> Result<Done<EventBatch>> {
        let watched = EventFilter::Certificates(cx.vault()?.id);
        if self.watched.is_some_and(|before| before != watched) {
            return Err(Error::NotFound((&self.vault).into()));
        }
        cx.store.events(watched, self.since, BATCH).map(Done::reply)
    }
}

impl WatchOperation for WatchCertificates {
    fn after(self, watched: EventFilter, position: u64) -> Self {
        Self { since: EventPosition::Event(position), watched: Some(watched), ..self }
    }
}
