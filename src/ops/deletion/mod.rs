//! Soft-delete, recovery and purge, once for all nouns: generic operations, and the trait by which a noun has them.
//!
//! Azure: <https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>

mod delete;
mod expire;
mod get;
mod list;
mod purge;
mod recover;
mod recovery;

use std::future::Future;
use std::sync::Arc;

pub use delete::Delete;
pub use expire::PurgeExpired;
pub use get::GetDeleted;
pub use list::ListDeleted;
pub use purge::Purge;
pub use recover::Recover;
pub(super) use recovery::{purge_recovery, purge_recovery_of_either};

use super::{CommonCx, OperationNames, PageRequest, Plane, RecoveryCx, Target};
use crate::model::change::{Intent, IntentVerb};
use crate::model::deletion::Deletable;
use crate::model::name::VersionId;
use crate::model::resource_kind::ResourceKind;
use crate::model::retention::{Deletion, RecoveryLevel};
use crate::model::{Error, Result, Timestamp};
use crate::store::Store;

/// A stored resource that is soft-deleted before it is purged. Implemented by the type of the record; the operations of
/// this module then exist for it.
pub trait SoftDeletable: Clone + Send + Sync + 'static {
    /// The plane of its operations.
    type Plane: Plane<Cx: CommonCx>;
    /// The live resource, as the target of a deletion.
    type Live: Target<Plane = Self::Plane> + AsRef<Arc<Self>>;
    /// The soft-deleted resource, as the target of reads and purges.
    type Deleted: Target<Plane = Self::Plane> + AsRef<Arc<Self>>;
    /// The soft-deleted resource, as the target of a recovery, which may be authorized at another scope.
    type Recoverable: Target<Plane = Self::Plane> + AsRef<Arc<Self>>;
    /// The container whose soft-deleted resources are listed.
    type Container: Target<Plane = Self::Plane>;
    /// The live resource, as surfaces show it.
    type LiveBundle: Send + 'static;
    /// The soft-deleted resource, as surfaces show it.
    type DeletedBundle: Send + 'static;
    /// The reply to a purge.
    type PurgeReply: Send + 'static;

    /// The names, actions and meters of its operations.
    const OPERATIONS: DeletionOperations<<Self::Plane as Plane>::Action>;
    /// Whether its record is needed to destroy its key material, and is therefore removed last.
    const PURGE_NEEDS_RECORD: bool = false;
    /// The kind by which errors name the resource while it is being purged.
    const KIND_DURING_PURGE: ResourceKind;

    /// Returns its name.
    fn reference(&self) -> Deletable;

    /// Returns its identifier as a soft-deleted resource.
    fn deleted_path(&self) -> <Self::Deleted as Target>::Id;

    /// Returns the dates of its deletion; `None` while it is live.
    fn deletion(&self) -> Option<Deletion>;

    /// Returns the resource with other dates of its deletion, as changed at `now`.
    fn with_deletion(&self, deletion: Option<Deletion>, now: Timestamp) -> Self;

    /// Checks that it is changed by itself, and not only together with another resource. `operation` is Azure's name of the operation.
    ///
    /// # Errors
    /// `ManagedByCertificate` for the companions of a certificate.
    fn check_changeable(&self, _operation: &'static str) -> Result<()> {
        Ok(())
    }

    /// Returns its recovery level, which includes its retention interval.
    fn recovery_level(&self, cx: &CxOfNoun<Self>) -> RecoveryLevel;

    /// Returns the soft-deleted resources of a container after the beginning of a page, by name. They may end one after
    /// the end of the page.
    fn list_deleted(
        container: &<Self::Container as Target>::Id,
        page: &PageRequest,
        cx: &CxOfNoun<Self>,
    ) -> Vec<Arc<Self>>;

    /// Returns the resource as surfaces show it while it is live.
    ///
    /// # Errors
    /// `Internal` if the record is not that of a live resource, which its type does not exclude.
    fn live_bundle(self: &Arc<Self>, level: RecoveryLevel) -> Result<Self::LiveBundle>;

    /// Returns the resource as surfaces show it while it is soft-deleted.
    ///
    /// # Errors
    /// `Internal` if the record is not that of a soft-deleted resource, which its type does not exclude.
    fn deleted_bundle(self: &Arc<Self>, level: RecoveryLevel) -> Result<Self::DeletedBundle>;

    /// Returns the reply to its purge.
    fn purge_reply(self: &Arc<Self>, level: RecoveryLevel) -> Self::PurgeReply;

    /// Returns the intent of its purge: the action on the token of its container, and the affected objects. `None` if it has
    /// no objects in a token; an interrupted purge is then repeated by the caller or at the scheduled purge date.
    fn purge_intent(&self) -> Option<(IntentVerb, Vec<VersionId>)>;

    /// Whether this intent is that of its purge.
    fn is_purged_by(&self, intent: &Intent) -> bool;

    /// Returns the soft-deleted resource whose purge has this intent; `None` if there is no such record.
    fn purged_by(intent: &Intent, store: &Store) -> Option<Arc<Self>>;

    /// Destroys its key material in the token. Idempotent. The intent of the purge is declared before.
    fn destroy(&self, cx: &CxOfNoun<Self>) -> impl Future<Output = Result<()>> + Send;

    /// Repeats [`destroy`](Self::destroy) for the intent of an interrupted purge, with the result of
    /// [`purged_by`](Self::purged_by).
    fn repeat_destroy(
        intent: &Intent,
        deleted: Option<&Self>,
        cx: &RecoveryCx,
    ) -> impl Future<Output = Result<()>> + Send;
}

/// The context of a noun's operations.
pub type CxOfNoun<R> = <<R as SoftDeletable>::Plane as Plane>::Cx;

/// Checks that the addressed container keeps deleted objects.
///
/// # Errors
/// `SoftDeleteDisabled`. The message is recorded of `purge`.
// assumption: other operations on deleted objects are refused in the same way.
fn check_soft_delete(cx: &impl CommonCx, operation: &'static str) -> Result<()> {
    match cx.container().is_none_or(|container| container.recovery_level(false).soft_delete) {
        true => Ok(()),
        false => Err(Error::SoftDeleteDisabled { operation }),
    }
}

/// What the operations of a noun differ in.
#[derive(Clone, Copy, Debug)]
pub struct DeletionOperations<A> {
    /// Of [`Delete`].
    pub delete: OperationNames<A>,
    /// Of [`GetDeleted`].
    pub get_deleted: OperationNames<A>,
    /// Of [`ListDeleted`].
    pub list_deleted: OperationNames<A>,
    /// Of [`Recover`].
    pub recover: OperationNames<A>,
    /// Of [`Purge`].
    pub purge: OperationNames<A>,
    /// Of [`PurgeExpired`], which has the event and the action of a purge.
    pub purge_expired: &'static str,
}
