//! Changes to stored state as values: operations create them, and the store applies them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;
use super::arm_rbac::ControlAssignment;
use super::audit_key::AuditKey;
use super::backup_job::BackupJob;
use super::billing::Budget;
use super::certificate::{Certificate, CertificateNotice, CertificateSettings};
use super::container_id::ContainerId;
use super::deletion::{Deletable, Transition};
use super::due::Notice;
use super::hsm::ManagedHsm;
use super::hsm_contents::HsmContents;
use super::key::{Key, KeyVersion};
use super::local_rbac::{RoleAssignment, RoleDefinition};
use super::mode_family::ModeFamily;
use super::name::{BudgetName, CertificateName, HsmName, KeyName, VaultName, VersionId};
use super::resource::{ResourceGroup, ResourceGroupName, Subscription, SubscriptionId};
use super::rotation::RotationPolicy;
use super::secret::{Secret, SecretVersion};
use super::time::ClockSetting;
use super::vault::Vault;

/// One change to stored state. A list of changes is applied atomically.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Change {
    /// Inserts a managed HSM with its initial role assignments.
    InsertHsm(ManagedHsm, Vec<RoleAssignment>),
    /// Replaces tags, settings, purge protection or activation of a live HSM.
    ReplaceHsm(ManagedHsm),
    /// Inserts a vault.
    InsertVault(Vault),
    /// Replaces the mutable properties of a live vault.
    ReplaceVault(Vault),
    /// Inserts a version of a new or live key; it becomes the current version.
    InsertVersion(KeyVersion, VersionOrigin),
    /// Replaces all keys, roles and settings of a live HSM.
    ReplaceContents(Box<HsmContents>),
    /// Records a new backup job, which fails if one runs, or the result of a job.
    PutBackupJob(HsmName, BackupJob),
    /// Inserts a key with all its versions, from a backup, under a name that no key has.
    RestoreKey(Arc<Key>),
    /// Replaces operations, attributes or tags of a version of a live key.
    ReplaceVersion(KeyVersion),
    /// Binds a version of a live key to a family of AES modes. No effect if it is bound to that family already; fails
    /// if it is bound to another.
    BindModes(ContainerId, KeyName, VersionId, ModeFamily),
    /// Replaces or removes the rotation policy of a live key. Clears the `NotRotated` notice, so that a rotation
    /// abandoned under the previous policy is scheduled again.
    PutRotationPolicy(ContainerId, KeyName, Option<Arc<RotationPolicy>>),
    /// Records a one-time notice for the current version of a live key.
    RecordNotice(ContainerId, KeyName, Notice),
    /// Inserts a version of a new or live secret; it becomes the current version.
    InsertSecretVersion(SecretVersion),
    /// Replaces content type, attributes or tags of a version of a live secret.
    ReplaceSecretVersion(SecretVersion),
    /// Inserts a secret with all its versions, from a backup, under a name that no secret has.
    RestoreSecret(Arc<Secret>),
    /// Creates a certificate or replaces a live one, with the companions of the version that is added or changed.
    PutCertificate(Box<CertificateUpdate>),
    /// Inserts a certificate with all its versions and its companions, from a backup, under a name that nothing has.
    RestoreCertificate(Box<RestoredCertificate>),
    /// Records a one-time notice for the current version of a live certificate.
    RecordCertificateNotice(VaultName, CertificateName, CertificateNotice),
    /// Records that a renewal of a live certificate failed at this time.
    RecordRenewalFailure(VaultName, CertificateName, Timestamp),
    /// Replaces contacts and issuers of a live vault.
    PutCertificateSettings(VaultName, Arc<CertificateSettings>),
    /// Soft-deletes, recovers or purges a resource.
    Transition(Deletable, Transition),
    /// Creates or replaces a custom role definition.
    PutRoleDefinition(HsmName, Arc<RoleDefinition>),
    /// Deletes a custom role definition.
    DeleteRoleDefinition(HsmName, Uuid),
    /// Creates a role assignment.
    InsertRoleAssignment(HsmName, Arc<RoleAssignment>),
    /// Deletes a role assignment.
    DeleteRoleAssignment(HsmName, Uuid),
    /// Changes a control-plane resource other than an HSM.
    Control(ControlChange),
    /// Stores a key that signs the audit log, before or after its key pair is generated.
    PutAuditKey(AuditKey),
    /// Sets the virtual clock.
    SetClock(ClockSetting),
    /// Releases the guarded clock: trusts the system clock as it is.
    ReleaseClock,
}

/// The new state of a certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CertificateUpdate {
    /// The certificate with all its versions.
    pub certificate: Certificate,
    /// The version that is added or whose attributes or tags change, with its companions.
    pub version: Option<(KeyVersion, SecretVersion)>,
}

/// A certificate of a backup, with its companions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RestoredCertificate {
    /// The certificate.
    pub certificate: Certificate,
    /// Its companion key.
    pub key: Key,
    /// Its companion secret.
    pub secret: Secret,
}

/// The origin of a key version.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum VersionOrigin {
    /// Generated by a create request.
    Created,
    /// Imported from the caller's key material.
    Imported,
    /// Generated by rotation, on demand or by the rotation policy.
    Rotated,
}

impl VersionOrigin {
    /// Returns the operation, for errors.
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Created => "create",
            Self::Imported => "import",
            Self::Rotated => "rotate",
        }
    }
}

/// One change to control-plane resources: subscriptions, resource groups, role assignments and budgets.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ControlChange {
    /// Creates or replaces a subscription.
    PutSubscription(Subscription),
    /// Creates a resource group in an existing subscription; fails if its name is taken.
    InsertResourceGroup(ResourceGroup),
    /// Creates or replaces a resource group in an existing subscription.
    PutResourceGroup(ResourceGroup),
    /// Deletes a resource group without live HSMs, and the role assignments in its scope.
    DeleteResourceGroup(SubscriptionId, ResourceGroupName),
    /// Creates or replaces a custom role definition.
    PutDefinition(Arc<RoleDefinition>),
    /// Deletes a custom role definition; fails while it is assigned.
    DeleteDefinition(Uuid),
    /// Creates a role assignment.
    InsertAssignment(Arc<ControlAssignment>),
    /// Deletes a role assignment.
    DeleteAssignment(Uuid),
    /// Creates a budget in an existing subscription; fails if its name is taken.
    InsertBudget(Budget),
    /// Replaces the recorded state of an existing budget. Its scope and creation time must be those of the stored
    /// budget.
    ReplaceBudget(Budget),
    /// Deletes a budget.
    DeleteBudget(SubscriptionId, BudgetName),
}

/// A write-ahead record of objects to create or destroy in a token, so that recovery after a crash neither
/// leaks nor loses objects.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Intent {
    /// Identifies the intent.
    pub id: Uuid,
    /// The container whose token is affected.
    pub container: ContainerId,
    /// The action on the token.
    pub verb: IntentVerb,
    /// The affected objects by `CKA_ID`, which is their key version; empty if the whole token is affected.
    pub objects: Vec<VersionId>,
}

impl Intent {
    /// Whether it destroys the objects of this key version of its HSM.
    pub fn destroys(&self, version: VersionId) -> bool {
        match self.verb {
            IntentVerb::Destroy => self.objects.contains(&version),
            IntentVerb::Wipe => true,
            IntentVerb::Create | IntentVerb::Provision | IntentVerb::Restore => false,
        }
    }
}

/// The action of an intent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum IntentVerb {
    /// Creates objects. Recovery destroys them if the intent is not concluded.
    Create,
    /// Destroys objects. Recovery repeats it if the intent is not concluded.
    Destroy,
    /// Creates or allocates a token for a new HSM. Recovery releases the token if the intent is not concluded.
    Provision,
    /// Creates objects under identifiers from a backup. Recovery destroys them if the intent is not concluded.
    Restore,
    /// Wipes the token of a deleted HSM. Recovery repeats it and purges the HSM if the intent is not concluded.
    Wipe,
}
