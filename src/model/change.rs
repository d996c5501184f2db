//! Every write there is, as a value. Operations decide; the store does.

use std::sync::Arc;

use uuid::Uuid;

use super::Timestamp;
use super::aes_modes::ModeFamily;
use super::audit_key::AuditKey;
use super::billing::Budget;
use super::control_plane::ControlAssignment;
use super::due::Notice;
use super::hsm::ManagedHsm;
use super::key::KeyVersion;
use super::name::{BudgetName, HsmName, KeyName, VersionId};
use super::rbac::{RoleAssignment, RoleDefinition};
use super::resource::{ResourceGroup, ResourceGroupName, Subscription, SubscriptionId};
use super::retention::Deletion;
use super::rotation::RotationPolicy;
use super::time::ClockSetting;

/// One write. A list of them is applied whole or not at all.
#[derive(Clone, Debug)]
pub enum Change {
    /// A new managed HSM with its first role assignments.
    InsertHsm(ManagedHsm, Vec<RoleAssignment>),
    /// New tags, settings, protection or activation of a live HSM.
    ReplaceHsm(ManagedHsm),
    /// A live HSM becomes a deleted one, with everything in it.
    SoftDeleteHsm(HsmName, Deletion),
    /// A deleted HSM becomes live again, with everything in it.
    RecoverHsm(HsmName, Timestamp),
    /// A deleted HSM is gone, with everything in it.
    PurgeHsm(HsmName, Timestamp),
    /// A new version, of a new key or of a live one; it becomes the current version.
    InsertVersion(KeyVersion, Made),
    /// New operations, attributes or tags of a version of a live key.
    ReplaceVersion(KeyVersion),
    /// A version of a live key is bound to a family of AES modes. One that is bound to it already stays so; one that is
    /// bound to another refuses.
    BindModes(HsmName, KeyName, VersionId, ModeFamily),
    /// The rotation policy of a live key is replaced, or taken away. What was given up under the policy
    /// before is not any more.
    PutRotationPolicy(HsmName, KeyName, Option<Arc<RotationPolicy>>),
    /// Something is said once of the current version of a live key.
    Note(HsmName, KeyName, Notice),
    /// A live key becomes a deleted key.
    SoftDelete(HsmName, KeyName, Deletion),
    /// A deleted key becomes live again.
    Recover(HsmName, KeyName),
    /// A deleted key and its versions are gone.
    Purge(HsmName, KeyName),
    /// A custom role definition is created or replaced.
    PutRoleDefinition(HsmName, Arc<RoleDefinition>),
    /// A custom role definition is gone.
    DeleteRoleDefinition(HsmName, Uuid),
    /// A role assignment is created.
    InsertRoleAssignment(HsmName, Arc<RoleAssignment>),
    /// A role assignment is gone.
    DeleteRoleAssignment(HsmName, Uuid),
    /// Something of the control plane, other than an HSM.
    Control(ControlChange),
    /// A key that signs the audit log is about to be made, or is made.
    PutAuditKey(AuditKey),
    /// The virtual clock is set.
    SetClock(ClockSetting),
    /// The machine's clock is believed as it is.
    ReleaseClock,
}

/// How a key version came to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Made {
    /// Generated because somebody asked for a key.
    Created,
    /// Handed in by the caller.
    Imported,
    /// Generated in the place of the version before, on demand or by time.
    Rotated,
}

/// One write of the control plane's own: what holds HSMs, and who may manage it.
#[derive(Clone, Debug)]
pub enum ControlChange {
    /// A subscription is created or replaced.
    PutSubscription(Subscription),
    /// A resource group of a known subscription is created; its name is free.
    InsertResourceGroup(ResourceGroup),
    /// A resource group of a known subscription is created or replaced.
    PutResourceGroup(ResourceGroup),
    /// A resource group that holds no live HSM is gone, and with it the role assignments in it.
    DeleteResourceGroup(SubscriptionId, ResourceGroupName),
    /// A role assignment is created.
    InsertAssignment(Arc<ControlAssignment>),
    /// A role assignment is gone.
    DeleteAssignment(Uuid),
    /// A budget of a known subscription is created; its name is free.
    InsertBudget(Budget),
    /// What is noted of a budget that is there is replaced. It is the same budget: of the same scope, made at the
    /// same instant.
    ReplaceBudget(Budget),
    /// A budget is gone.
    DeleteBudget(SubscriptionId, BudgetName),
}

/// What is about to be made or destroyed in a token, recorded before it happens so that a crash
/// leaves nothing behind and loses nothing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Intent {
    /// Identifies the intent.
    pub id: Uuid,
    /// The HSM whose token is meant.
    pub hsm: HsmName,
    /// Make or destroy.
    pub verb: IntentVerb,
    /// The objects, where not the whole token is meant: key versions are the `CKA_ID`s of their objects.
    pub objects: Vec<VersionId>,
}

/// What an intent is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IntentVerb {
    /// Objects are being made. If this is not concluded, they are destroyed.
    Create,
    /// Objects are being destroyed. If this is not concluded, they are destroyed again.
    Destroy,
    /// A token is being made or taken for a new HSM. If this is not concluded, it is given back.
    Provision,
    /// The token of a deleted HSM is being wiped. If this is not concluded, it is wiped again, and
    /// the HSM is purged.
    Wipe,
}
