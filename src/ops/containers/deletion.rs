//! Containers as resources that are soft-deleted: what purging one destroys.

use std::sync::Arc;

use super::{
    Bundle, ContainerResource, Deleted, DeletedOfSubscription, DeletedPath, Live, Recoverable, recovery_level,
};
use crate::model::arm_rbac::ControlAction;
use crate::model::change::{Intent, IntentVerb};
use crate::model::deletion::Deletable;
use crate::model::name::VersionId;
use crate::model::resource::SubscriptionId;
use crate::model::resource_kind::ResourceKind;
use crate::model::retention::{Deletion, RecoveryLevel};
use crate::model::{Result, Timestamp};
use crate::ops::deletion::{DeletionOperations, SoftDeletable};
use crate::ops::{AttachedTokens, ControlCx, ControlPlane, PageRequest, RecoveryCx};
use crate::store::{Listing, Store};
use crate::token::TokenPool;

impl<R: ContainerResource> SoftDeletable for R {
    type Plane = ControlPlane;
    type Live = Live<R>;
    type Deleted = Deleted<R>;
    type Recoverable = Recoverable<R>;
    type Container = DeletedOfSubscription<R>;
    type LiveBundle = Bundle<R>;
    type DeletedBundle = Bundle<R>;
    type PurgeReply = Bundle<R>;

    const OPERATIONS: DeletionOperations<ControlAction> = <R as ContainerResource>::OPERATIONS.deletion;
    const PURGE_NEEDS_RECORD: bool = true;
    const KIND_DURING_PURGE: ResourceKind = R::KIND;

    fn reference(&self) -> Deletable {
        R::deletable(self.name())
    }

    fn deleted_path(&self) -> DeletedPath<R> {
        let (location, name) = (self.location().to_owned(), self.name().clone());
        DeletedPath { subscription: self.subscription(), location, name }
    }

    fn deletion(&self) -> Option<Deletion> {
        ContainerResource::deletion(self)
    }

    fn with_deletion(&self, deletion: Option<Deletion>, now: Timestamp) -> Self {
        ContainerResource::with_deletion(self, deletion, now)
    }

    fn recovery_level(&self, cx: &ControlCx) -> RecoveryLevel {
        recovery_level(self, &cx.store)
    }

    fn list_deleted(subscription: &SubscriptionId, page: &PageRequest, cx: &ControlCx) -> Vec<Arc<Self>> {
        let mut found = R::all(&cx.store);
        found.retain(|resource| {
            resource.subscription() == *subscription
                && ContainerResource::deletion(&**resource).is_some()
                && page.after.as_ref().is_none_or(|after| resource.reference().to_case_insensitive() > *after)
        });
        found
    }

    fn live_bundle(self: &Arc<Self>, level: RecoveryLevel) -> Result<Bundle<R>> {
        Ok(Bundle { resource: Arc::clone(self), level })
    }

    fn deleted_bundle(self: &Arc<Self>, level: RecoveryLevel) -> Result<Bundle<R>> {
        self.live_bundle(level)
    }

    fn purge_reply(self: &Arc<Self>, level: RecoveryLevel) -> Bundle<R> {
        Bundle { resource: Arc::clone(self), level }
    }

    fn purge_intent(&self) -> Option<(IntentVerb, Vec<VersionId>)> {
        Some((IntentVerb::Wipe, Vec::new()))
    }

    fn is_purged_by(&self, intent: &Intent) -> bool {
        let this = R::container_id(self.name());
        intent.verb == IntentVerb::Wipe
            && intent.container.to_case_insensitive() == this.to_case_insensitive()
    }

    fn purged_by(intent: &Intent, store: &Store) -> Option<Arc<Self>> {
        let found = R::of(&store.container(&intent.container)?).cloned()?;
        ContainerResource::deletion(&*found).is_some().then_some(found)
    }

    async fn destroy(&self, cx: &ControlCx) -> Result<()> {
        release(self, &cx.store, &cx.token_pool, &cx.tokens).await
    }

    async fn repeat_destroy(_: &Intent, deleted: Option<&Self>, cx: &RecoveryCx) -> Result<()> {
        match deleted {
            Some(deleted) => release(deleted, &cx.store, &cx.token_pool, &cx.tokens).await,
            None => Ok(()),
        }
    }
}

/// Destroys the objects of a deleted container in its token, and releases the token to the pool. Idempotent; the sweeper
/// repeats it after an interruption.
async fn release<R: ContainerResource>(
    deleted: &R,
    store: &Store,
    pool: &TokenPool,
    tokens: &AttachedTokens,
) -> Result<()> {
    let this = Arc::new(deleted.clone()).container();
    let id = this.id();
    let keys = [Listing::Live, Listing::Deleted]
        .into_iter()
        .flat_map(|listing| store.keys(&id, listing, None, usize::MAX));
    let versions =
        keys.flat_map(|key| key.versions.iter().map(|version| version.version).collect::<Vec<_>>());
    let objects: Vec<_> = versions.chain(deleted.own_objects()).collect();
    let others = || {
        store
            .containers()
            .iter()
            .any(|other| other.unique_id() != this.unique_id() && other.token_serial() == this.token_serial())
    };
    pool.release(this.token_serial(), &objects, others).await?;
    tokens.detach(&id);
    Ok(())
}
