//! What callers can ask for: one file per operation, in folders by noun.
//!
//! An operation is a type. It says what it is called, what a role must grant for it, what it costs
//! and what it acts on; `check` decides from state alone, `execute` uses the token and returns a
//! reply and a list of changes. It never writes, authorizes, meters, audits or maps errors: the
//! engine does, once, for every surface.

pub mod access;
pub mod authorization;
pub mod clock;
mod context;
pub mod crypto;
pub mod deleted;
pub mod hsms;
mod intents;
pub mod keys;
pub mod lifecycle;
mod of;
mod page;
mod plane;
mod public_keys;
pub mod resources;
pub mod settings;
mod target;
mod tokens;
pub mod usage;
mod wipe;

use std::future::Future;
use std::sync::Arc;

pub use context::{ClockCx, ControlCx, Cx, DirectoryCx};
pub use intents::{Intents, UnderWay};
pub use of::Of;
pub use page::{Page, PageRequest};
pub use plane::{
    ControlPlane, DataPlane, DirectoryPlane, InstallationPlane, Known, Plane, ServicePlane, SimulatorPlane,
    TurnClock,
};
pub use public_keys::PublicKeys;
pub use target::{
    AllKeys, AssignmentPath, Definition, DefinitionPath, DeletedKey, KeyPath, LiveKey, Name, RoleScope,
    Target, Version, Whole, hsm_lock, key_lock,
};
pub use tokens::Tokens;
pub use wipe::wipe;

use crate::model::audience::Audience;
use crate::model::change::Change;
use crate::model::control_plane::ControlAction;
use crate::model::entry::Meter;
use crate::model::key::KeyVersion;
use crate::model::rbac::Action;
use crate::model::{Error, Result, Timestamp};

/// Something a caller can ask for.
pub trait Operation: Sized + Send + 'static {
    /// The name of its rpc, in metrics, and of its test file.
    const NAME: &'static str;
    /// What Azure's audit log calls it.
    const EVENT: &'static str;
    /// What a role must grant.
    const ACTION: ActionOf<Self>;
    /// What it counts as.
    const METER: Meter;
    /// Whether it changes its target: one such operation at a time per target, and it runs to its
    /// end even if the caller goes away.
    const CHANGES: bool = false;
    /// Whether it is only for HSMs that are in service. Activation is not.
    const IN_SERVICE: bool = true;
    /// Whether it is an rpc. What only Azure Resource Manager's clients need is not.
    const IS_RPC: bool = true;
    /// Whether it destroys something for good because its time has come, and for no other reason. The service does not
    /// do it while the machine's clock is not trusted.
    const DESTROYS_WHEN_DUE: bool = false;
    /// What it acts on.
    type Target: Target;
    /// What it answers.
    type Reply: Send + 'static;

    /// What it acts on, from the request alone.
    fn target(&self) -> <Self::Target as Target>::Id;

    /// Whether the state allows it. Pure: no token, no store.
    ///
    /// # Errors
    /// What the caller must be told.
    fn check(&self, _target: &Self::Target, _now: Timestamp) -> Result<()> {
        Ok(())
    }

    /// Does it.
    fn execute(
        self,
        target: Self::Target,
        cx: &CxOf<Self>,
    ) -> impl Future<Output = Result<Done<Self::Reply>>> + Send;

    /// What is written with the record of its failure. Nothing, unless the service must not try again.
    fn refused(_id: &<Self::Target as Target>::Id, _error: &Error) -> Vec<Change> {
        Vec::new()
    }
}

/// The plane of an operation.
pub type PlaneOf<O> = <<O as Operation>::Target as Target>::Plane;
/// What a role must grant for an operation.
pub type ActionOf<O> = <<<O as Operation>::Target as Target>::Plane as Plane>::Action;
/// What an operation may use.
pub type CxOf<O> = <<<O as Operation>::Target as Target>::Plane as Plane>::Cx;

/// What an operation came to: the reply, and what is to be written before it is sent.
#[derive(Debug)]
pub struct Done<R> {
    /// What the caller is told.
    pub reply: R,
    /// What is written, in this order, whole or not at all.
    pub changes: Vec<Change>,
    /// The key version that was used, if one was: price lists charge by it.
    pub used: Option<Arc<KeyVersion>>,
}

impl<R> Done<R> {
    /// A reply that changes nothing.
    pub const fn reply(reply: R) -> Self {
        Self { reply, changes: Vec::new(), used: None }
    }

    /// A reply and its changes.
    pub fn with(reply: R, changes: impl Into<Vec<Change>>) -> Self {
        Self { reply, changes: changes.into(), used: None }
    }

    /// The same, with changes to be written.
    pub fn changing(self, changes: Vec<Change>) -> Self {
        Self { changes, ..self }
    }

    /// The same, by use of a key version.
    pub fn used(self, version: Arc<KeyVersion>) -> Self {
        Self { used: Some(version), ..self }
    }
}

/// What is known of an operation without running it.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// The name of its rpc.
    pub name: &'static str,
    /// What Azure's audit log calls it.
    pub event: &'static str,
    /// What a local role must grant; `None` on planes without local roles.
    pub action: Option<Action>,
    /// What a role of the control plane must grant; `None` on the others.
    pub control_action: Option<ControlAction>,
    /// What it counts as.
    pub meter: Meter,
    /// What a bearer token must be meant for.
    pub audience: Audience,
    /// Whether it is an rpc.
    pub is_rpc: bool,
}

/// Lists the operations, so that tests can compare them with the surfaces.
macro_rules! operations {
    ($($operation:ty,)+) => {
        /// Every operation there is. Those that are one rpc, for different rights, share its name.
        pub const ALL: &[Description] = &[$(Description {
            name: <$operation>::NAME,
            event: <$operation>::EVENT,
            action: <$operation>::ACTION.data_action(),
            control_action: <$operation>::ACTION.control_action(),
            meter: <$operation>::METER,
            audience: <PlaneOf<$operation> as Plane>::AUDIENCE,
            is_rpc: <$operation>::IS_RPC,
        },)+];
    };
}

operations! {
    keys::CreateKey,
    keys::ImportKey,
    keys::GetKey,
    keys::ListKeys,
    keys::ListKeyVersions,
    keys::UpdateKeyVersion,
    keys::DeleteKey,
    keys::RotateKey,
    keys::GetKeyRotationPolicy,
    keys::UpdateKeyRotationPolicy,
    deleted::GetDeletedKey,
    deleted::ListDeletedKeys,
    deleted::RecoverDeletedKey,
    deleted::PurgeDeletedKey,
    crypto::Sign,
    crypto::Verify,
    crypto::Encrypt,
    crypto::Decrypt,
    crypto::WrapKey,
    crypto::UnwrapKey,
    crypto::GenerateRandomBytes,
    access::ListRoleDefinitions,
    access::GetRoleDefinition,
    access::PutRoleDefinition,
    access::DeleteRoleDefinition,
    access::CreateRoleAssignment,
    access::GetRoleAssignment,
    access::ListRoleAssignments,
    access::DeleteRoleAssignment,
    access::CheckAccess,
    settings::ListSettings,
    settings::GetSetting,
    settings::UpdateSetting,
    hsms::CreateManagedHsm,
    hsms::GetManagedHsm,
    hsms::ListManagedHsms,
    hsms::UpdateManagedHsm,
    hsms::DeleteManagedHsm,
    hsms::GetDeletedManagedHsm,
    hsms::ListDeletedManagedHsms,
    hsms::RecoverDeletedManagedHsm,
    hsms::PurgeDeletedManagedHsm,
    hsms::CheckManagedHsmName,
    hsms::ActivateManagedHsm,
    hsms::GetManagedHsmOperationResult,
    authorization::ListControlRoleDefinitions,
    authorization::GetControlRoleDefinition,
    authorization::CreateControlRoleAssignment,
    authorization::GetControlRoleAssignment,
    authorization::ListControlRoleAssignments,
    authorization::DeleteControlRoleAssignment,
    authorization::CheckControlAccess,
    resources::ListSubscriptions,
    resources::GetSubscription,
    usage::GetStatement,
    usage::GetForecast,
    usage::ListUsage,
    usage::ExportUsage,
    usage::CreateBudget,
    usage::GetBudget,
    usage::ListBudgets,
    usage::DeleteBudget,
    resources::UpdateSubscription,
    resources::CreateResourceGroup,
    resources::GetResourceGroup,
    resources::ListResourceGroups,
    resources::UpdateResourceGroup,
    resources::DeleteResourceGroup,
    resources::GetResourceGroupDeletion,
    resources::ListLocations,
    lifecycle::WatchKeys,
    lifecycle::WatchManagedHsms,
    lifecycle::WatchBudgets,
    clock::GetClock,
    clock::AdvanceClock,
    clock::FreezeClock,
    clock::ResumeClock,
    clock::ReleaseClock,
}
