//! Reads the lifecycle events of the secrets, or of the certificates, of a vault.

use std::marker::PhantomData;

use uuid::Uuid;

use super::{BATCH, WatchOperation};
use crate::model::audit_entry::Meter;
use crate::model::event::{EventBatch, EventFilter, EventPosition};
use crate::model::name::VaultName;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Result};
use crate::ops::certificates::AllCertificates;
use crate::ops::secrets::AllSecrets;
use crate::ops::{Cx, Done, Operation, Target, VaultPlane};

/// All objects of a kind in a vault, whose events can be watched by whoever may list them.
pub trait WatchedObjects: Target<Plane = VaultPlane, Id = VaultName> + Clone + Sync + 'static {
    /// The action to list them.
    const ACTION: VaultAction;

    /// Returns the selection of their events, by the id of the vault.
    fn filter(vault: Uuid) -> EventFilter;
}

impl WatchedObjects for AllSecrets {
    const ACTION: VaultAction = VaultAction::SecretList;

    fn filter(vault: Uuid) -> EventFilter {
        EventFilter::Secrets(vault)
    }
}

impl WatchedObjects for AllCertificates {
    const ACTION: VaultAction = VaultAction::CertificateList;

    fn filter(vault: Uuid) -> EventFilter {
        EventFilter::Certificates(vault)
    }
}

/// Reads the events of the objects `T` of a vault from a position in the log.
#[derive(Debug)]
pub struct WatchObjects<T> {
    /// The vault.
    pub vault: VaultName,
    /// The position in the log.
    pub since: EventPosition,
    /// What the previous batch watched, if this continues it: a new vault of the same name is not watched.
    watched: Option<EventFilter>,
    kind: PhantomData<T>,
}

impl<T> Clone for WatchObjects<T> {
    fn clone(&self) -> Self {
        let Self { vault, since, watched, kind } = self;
        Self { vault: vault.clone(), since: *since, watched: *watched, kind: *kind }
    }
}

impl<T> WatchObjects<T> {
    /// Returns the operation that begins a watch.
    pub const fn new(vault: VaultName, since: EventPosition) -> Self {
        Self { vault, since, watched: None, kind: PhantomData }
    }
}

impl<T: WatchedObjects> Operation for WatchObjects<T> {
    const NAME: &'static str = "WatchLifecycle";
    const EVENT: &'static str = "LifecycleWatch";
    const ACTION: VaultAction = T::ACTION;
    const METER: Meter = Meter::Free;
    type Target = T;
    type Reply = EventBatch;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    async fn execute(self, _: T, cx: &Cx) -> Result<Done<EventBatch>> {
        let watched = T::filter(cx.vault()?.id);
        if self.watched.is_some_and(|before| before != watched) {
            return Err(Error::NotFound((&self.vault).into()));
        }
        cx.store.events(watched, self.since, BATCH).map(Done::reply)
    }
}

impl<T: WatchedObjects> WatchOperation for WatchObjects<T> {
    fn after(self, watched: EventFilter, position: u64) -> Self {
        Self { since: EventPosition::Event(position), watched: Some(watched), ..self }
    }
}
