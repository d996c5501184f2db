//! Certificates as soft-deletable resources, with their companion keys and secrets.

use std::sync::Arc;

use super::{AllCertificates, CertificateBundle, CertificatePath, DeletedCertificate, LiveCertificate};
use crate::model::audit_entry::Meter;
use crate::model::certificate::Certificate;
use crate::model::change::{Intent, IntentVerb};
use crate::model::container::ContainerId;
use crate::model::deletion::Deletable;
use crate::model::name::{VaultName, VersionId};
use crate::model::resource_kind::ResourceKind;
use crate::model::retention::{Deletion, RecoveryLevel};
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Result, Timestamp};
use crate::ops::deletion::{
    Delete, DeletionOperations, GetDeleted, ListDeleted, Purge, PurgeExpired, Recover, SoftDeletable,
};
use crate::ops::{Cx, OperationNames, PageRequest, RecoveryCx, VaultPlane};
use crate::store::{Listing, Store};

/// Soft-deletes a certificate with all its versions and companions.
pub type DeleteCertificate = Delete<Certificate>;
/// Returns a deleted certificate.
pub type GetDeletedCertificate = GetDeleted<Certificate>;
/// Lists the deleted certificates of a vault.
pub type ListDeletedCertificates = ListDeleted<Certificate>;
/// Recovers a deleted certificate with all its versions and companions.
pub type RecoverDeletedCertificate = Recover<Certificate>;
/// Purges a deleted certificate with its companions.
pub type PurgeDeletedCertificate = Purge<Certificate>;
/// Purges a deleted certificate at its scheduled purge date.
pub type PurgeExpiredCertificate = PurgeExpired<Certificate>;

/// A deleted certificate as surfaces show it: the bundle of its current version, and the dates of its deletion.
#[derive(Clone, Debug)]
pub struct DeletedCertificateBundle {
    /// The bundle of the current version.
    pub current: CertificateBundle,
    /// The deletion date and the scheduled purge date.
    pub deletion: Deletion,
}

impl SoftDeletable for Certificate {
    type Plane = VaultPlane;
    type Live = LiveCertificate;
    type Deleted = DeletedCertificate;
    type Recoverable = DeletedCertificate;
    type Container = AllCertificates;
    type LiveBundle = CertificateBundle;
    type DeletedBundle = DeletedCertificateBundle;
    type PurgeReply = ();

    const OPERATIONS: DeletionOperations<VaultAction> = DeletionOperations {
        delete: names("DeleteCertificate", "CertificateDelete", VaultAction::CertificateDelete),
        get_deleted: names("GetDeletedCertificate", "CertificateGetDeleted", VaultAction::CertificateRead),
        list_deleted: names(
            "ListDeletedCertificates",
            "CertificateListDeleted",
            VaultAction::CertificateList,
        ),
        recover: names("RecoverDeletedCertificate", "CertificateRecover", VaultAction::CertificateRecover),
        purge: names("PurgeDeletedCertificate", "CertificatePurge", VaultAction::CertificatePurge),
        purge_expired: "PurgeExpiredCertificate",
    };
    const KIND_DURING_PURGE: ResourceKind = ResourceKind::DeletedCertificate;

    fn reference(&self) -> Deletable {
        Deletable::Certificate(self.vault.clone(), self.name.clone())
    }

    fn deleted_path(&self) -> CertificatePath {
        self.into()
    }

    fn deletion(&self) -> Option<Deletion> {
        self.deletion
    }

    fn with_deletion(&self, deletion: Option<Deletion>, _: Timestamp) -> Self {
        Self { deletion, ..self.clone() }
    }

    fn recovery_level(&self, cx: &Cx) -> RecoveryLevel {
        cx.recovery_level()
    }

    fn list_deleted(vault: &VaultName, page: &PageRequest, cx: &Cx) -> Vec<Arc<Self>> {
        cx.store.certificates(vault, Listing::Deleted, page.after.as_deref(), page.size + 1)
    }

    fn live_bundle(self: &Arc<Self>, level: RecoveryLevel) -> Result<CertificateBundle> {
        Ok(CertificateBundle::current(self.clone(), level))
    }

    fn deleted_bundle(self: &Arc<Self>, level: RecoveryLevel) -> Result<DeletedCertificateBundle> {
        match self.deletion {
            Some(deletion) => Ok(DeletedCertificateBundle { current: self.live_bundle(level)?, deletion }),
            None => Err(Error::internal(format!("{} is not deleted", self.name))),
        }
    }

    fn purge_reply(self: &Arc<Self>, _: RecoveryLevel) {}

    fn purge_intent(&self) -> Option<(IntentVerb, Vec<VersionId>)> {
        Some((IntentVerb::Destroy, self.objects())).filter(|(_, objects)| !objects.is_empty())
    }

    fn is_purged_by(&self, intent: &Intent) -> bool {
        intent.verb == IntentVerb::Destroy
            && intent.container == ContainerId::from(&self.vault)
            && self.objects().iter().any(|object| intent.objects.contains(object))
    }

    fn purged_by(intent: &Intent, store: &Store) -> Option<Arc<Self>> {
        let vault = intent.container.vault()?;
        let deleted = store.certificates(vault, Listing::Deleted, None, usize::MAX);
        deleted.into_iter().find(|certificate| certificate.is_purged_by(intent))
    }

    async fn destroy(&self, cx: &Cx) -> Result<()> {
        cx.token()?.destroy(&self.objects()).await
    }

    async fn repeat_destroy(intent: &Intent, _: Option<&Self>, cx: &RecoveryCx) -> Result<()> {
        cx.tokens.of(&intent.container)?.destroy(&intent.objects).await
    }
}

const fn names(name: &'static str, event: &'static str, action: VaultAction) -> OperationNames<VaultAction> {
    OperationNames { name, event, action, meter: Meter::Management }
}
