//! The operations of the service: a type per operation, in folders by noun.
//!
//! An operation declares its name, the action that a role must grant, its meter and its target. `check` validates it
//! against the state, `execute` uses the token and returns a reply and a list of changes. Operations do not commit,
//! authorize, meter, audit or map errors: the engine does, for every surface.

pub mod access;
mod attached_tokens;
pub mod audit;
mod audit_reader;
pub mod authorization;
pub mod backup;
mod backup_queue;
pub mod certificates;
pub mod clock;
mod clone;
pub mod containers;
mod context;
pub mod crypto;
pub mod deletion;
mod due_work;
pub mod hsms;
mod in_hsm;
mod intents;
mod interrupted_jobs;
mod key_material;
pub mod keys;
pub mod lifecycle;
mod operation_names;
mod page;
mod plane;
mod public_key_cache;
pub mod rbac;
mod recoveries;
mod recovery;
pub mod resources;
pub mod secrets;
pub mod security_domain;
mod security_worlds;
pub mod settings;
mod target;
mod test_issuer;
pub mod tokens;
pub mod usage;
pub mod vault_contents;
pub mod vaults;

use std::future::Future;
use std::sync::Arc;

pub use attached_tokens::AttachedTokens;
pub use audit_reader::{
    AuditFilter, AuditPage, AuditRange, AuditReader, Found, FoundRecord, Position as AuditPosition,
    SignedStatement,
};
pub use backup_queue::{BackupQueue, BackupTask, Progress, QueuedJob};
pub use context::{ClockCx, CommonCx, ControlCx, Cx, DirectoryCx};
pub use due_work::{DUE_WORK_SOURCES, DueWorkCx, DueWorkSource};
pub use in_hsm::InHsm;
pub use intents::{Intents, RunningIntents};
pub use interrupted_jobs::end_interrupted_jobs;
pub use operation_names::OperationNames;
pub use page::{Page, PageRequest};
pub use plane::{
    ControlPlane, DataPlane, DirectoryPlane, InstallationPlane, Plane, RolelessAction, ServicePlane,
    SimulatorPlane, VaultPlane,
};
pub use public_key_cache::PublicKeyCache;
pub use recoveries::recovery_of;
pub use recovery::{CompletedOperation, Recovered, Recovery, RecoveryCx};
pub use security_worlds::{SecurityWorld, SecurityWorlds};
pub use target::{
    AllKeys, DeletedKey, ExistingRoleDefinition, KeyPath, LiveKey, LiveKeyVersion, NewVersionName,
    RoleAssignmentPath, RoleDefinitionPath, RoleScope, Target, WholeContainer, WholeHsm, container_lock,
    hsm_lock,
};
pub use test_issuer::TestIssuer;
pub use vault_contents::VaultContentsPlane;

use crate::model::arm_rbac::ControlAction;
use crate::model::audience::Audience;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, Intent};
use crate::model::key::KeyVersion;
use crate::model::local_rbac::DataAction;
use crate::model::name::PrincipalId;
use crate::model::throttling::CallClass;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Result, Timestamp};

/// An operation of the service.
pub trait Operation: Clone + Send + 'static {
    /// The name of its gRPC method and, in snake case, of its test file.
    const NAME: &'static str;
    /// Its `operationName` in the audit log.
    const EVENT: &'static str;
    /// The action that a role must grant.
    const ACTION: ActionOf<Self>;
    /// The meter that counts it.
    const METER: Meter;
    /// Whether it changes its target. Such operations run one at a time per target, and to completion even if the
    /// caller disconnects.
    const CHANGES: bool = false;
    /// Whether it requires an activated HSM. Activation does not.
    const REQUIRES_ACTIVATION: bool = true;
    /// Whether it is available while the contents of the HSM are being restored.
    const DURING_RESTORE: bool = false;
    /// Whether it has a gRPC method. Operations that only clients of Azure Resource Manager need have none.
    const IS_RPC: bool = true;
    /// Whether its reply waits for what it leaves to do in the token: for the end of the intent that it opens with its changes.
    const AWAITS_INTENT: bool = false;
    /// Whether it destroys data permanently only because a retention interval has ended. The engine refuses it while the
    /// machine's clock is not trusted.
    const DESTROYS_WHEN_DUE: bool = false;
    /// The target it acts on.
    type Target: Target;
    /// The reply.
    type Reply: Send + 'static;

    /// Returns the identifier of the target, from the request alone.
    fn target(&self) -> <Self::Target as Target>::Id;

    /// Returns the number of items of a batch, each of which is counted as one operation; `None` if it is no batch.
    fn item_count(&self) -> Option<u32> {
        None
    }

    /// Whether it only tells a caller, its principal and its groups, about that caller. No role needs to grant it then; it is refused
    /// unless it succeeds.
    fn concerns_only(&self, _caller: &[PrincipalId]) -> bool {
        false
    }

    /// Validates the operation against its context, before the target is looked for.
    ///
    /// # Errors
    /// The error to reply with.
    fn check_context(&self, _cx: &CxOf<Self>) -> Result<()> {
        Ok(())
    }

    /// Validates the operation against the target. Pure: uses neither token nor store.
    ///
    /// # Errors
    /// The error to reply with.
    fn check(&self, _target: &Self::Target, _now: Timestamp) -> Result<()> {
        Ok(())
    }

    /// Returns the class of calls whose rate in a vault is limited together. Asked only for operations on containers.
    fn call_class(&self, _target: &Self::Target, _cx: &CxOf<Self>) -> CallClass {
        CallClass::Other
    }

    /// Runs the operation: uses the token, and returns the reply and the changes to commit.
    fn execute(
        self,
        target: Self::Target,
        cx: &CxOf<Self>,
    ) -> impl Future<Output = Result<Done<Self::Reply>>> + Send;

    /// Returns changes to commit when the operation fails: for timed work that must not be retried.
    fn failure_changes(_id: &<Self::Target as Target>::Id, _error: &Error, _now: Timestamp) -> Vec<Change> {
        Vec::new()
    }
}

/// The plane of an operation.
pub type PlaneOf<O> = <<O as Operation>::Target as Target>::Plane;
/// The action type of an operation's plane.
pub type ActionOf<O> = <<<O as Operation>::Target as Target>::Plane as Plane>::Action;
/// The context type of an operation's plane.
pub type CxOf<O> = <<<O as Operation>::Target as Target>::Plane as Plane>::Cx;

/// The result of an operation: the reply, and the changes to commit before it is sent.
#[derive(Debug)]
pub struct Done<R> {
    /// The reply to the caller.
    pub reply: R,
    /// The changes, committed in this order in one transaction.
    pub changes: Vec<Change>,
    /// The key version that was used, if any, for metering.
    pub used: Option<Arc<KeyVersion>>,
    /// An intent to open in the same transaction: what is left to do in the token once the changes are committed.
    pub open: Option<Intent>,
    /// The errors of the items of a batch that failed.
    pub item_errors: Vec<Error>,
}

impl<R> Done<R> {
    /// Returns a reply without changes.
    pub const fn reply(reply: R) -> Self {
        Self { reply, changes: Vec::new(), used: None, open: None, item_errors: Vec::new() }
    }

    /// Returns a reply with changes.
    pub fn with(reply: R, changes: impl Into<Vec<Change>>) -> Self {
        Self { changes: changes.into(), ..Self::reply(reply) }
    }

    /// Converts the reply.
    pub fn map<T>(self, convert: impl FnOnce(R) -> T) -> Done<T> {
        let Self { reply, changes, used, open, item_errors } = self;
        Done { reply: convert(reply), changes, used, open, item_errors }
    }

    /// Sets the changes.
    pub fn changing(self, changes: Vec<Change>) -> Self {
        Self { changes, ..self }
    }

    /// Sets the errors of the items that failed.
    pub fn with_item_errors(self, item_errors: Vec<Error>) -> Self {
        Self { item_errors, ..self }
    }

    /// Sets the key version that was used.
    pub fn used(self, version: Arc<KeyVersion>) -> Self {
        Self { used: Some(version), ..self }
    }
}

/// The static properties of an operation.
#[derive(Clone, Copy, Debug)]
pub struct Description {
    /// The name of its gRPC method.
    pub name: &'static str,
    /// Its `operationName` in the audit log.
    pub event: &'static str,
    /// The data action that a local role must grant; `None` on planes without local RBAC.
    pub action: Option<DataAction>,
    /// The action that an ARM role must grant; `None` on planes without ARM RBAC.
    pub control_action: Option<ControlAction>,
    /// The action that a role or an access policy must grant in a vault; `None` for operations that vaults do not have.
    pub vault_action: Option<VaultAction>,
    /// The meter that counts it.
    pub meter: Meter,
    /// The audiences of access tokens that it accepts.
    pub audiences: &'static [Audience],
    /// Whether it has a gRPC method.
    pub is_rpc: bool,
}

/// Lists the operations, for the surfaces and for the tests that compare them with the operations.
macro_rules! operations {
    ($($noun:ident::$operation:ident,)+) => {
        /// All operations. Operations of one gRPC method that require different actions share its name.
        pub const ALL: &[Description] = &[$(Description {
            name: <$noun::$operation>::NAME,
            event: <$noun::$operation>::EVENT,
            action: <$noun::$operation>::ACTION.data_action(),
            control_action: <$noun::$operation>::ACTION.control_action(),
            vault_action: <$noun::$operation>::ACTION.vault_action(),
            meter: <$noun::$operation>::METER,
            audiences: <PlaneOf<$noun::$operation> as Plane>::AUDIENCES,
            is_rpc: <$noun::$operation>::IS_RPC,
        },)+];

        /// All operations without their nouns, for generated code, which knows an operation by the name of its rpc.
        pub mod by_name {
            $(pub use crate::ops::$noun::$operation;)+
        }
    };
}

/// An rpc whose messages are calls of several operations.
#[derive(Clone, Copy, Debug)]
pub struct CallStream {
    /// The name of its gRPC method.
    pub name: &'static str,
    /// The `operationName` in the audit log of what is no call of one of the operations.
    pub event: &'static str,
    /// The audiences of access tokens that the operations accept.
    pub audiences: &'static [Audience],
}

/// The stream of cryptographic operations with keys.
pub const PIPELINE: CallStream =
    CallStream { name: "Pipeline", event: "KeyPipeline", audiences: DataPlane::AUDIENCES };

operations! {
    keys::CreateKey,
    keys::ImportKey,
    keys::GetKey,
    keys::ListKeys,
    keys::ListKeyVersions,
    keys::UpdateKeyVersion,
    keys::DeleteKey,
    keys::RotateKey,
    keys::BackupKey,
    keys::RestoreKey,
    keys::GetKeyRotationPolicy,
    keys::UpdateKeyRotationPolicy,
    keys::GetDeletedKey,
    keys::ListDeletedKeys,
    keys::RecoverDeletedKey,
    keys::PurgeDeletedKey,
    crypto::Sign,
    crypto::Verify,
    crypto::Encrypt,
    crypto::Decrypt,
    crypto::WrapKey,
    crypto::UnwrapKey,
    crypto::BatchSign,
    crypto::BatchVerify,
    crypto::BatchEncrypt,
    crypto::BatchDecrypt,
    crypto::BatchWrapKey,
    crypto::BatchUnwrapKey,
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
    backup::StartBackup,
    backup::StartBackupCheck,
    backup::GetBackupJob,
    backup::ListBackupJobs,
    backup::WatchBackupJob,
    backup::StartRestore,
    backup::StartRestoreCheck,
    backup::StartKeyRestore,
    backup::GetRestoreJob,
    backup::ListRestoreJobs,
    backup::WatchRestoreJob,
    security_domain::DownloadSecurityDomain,
    security_domain::GetSecurityDomainDownload,
    security_domain::GetTransferKey,
    security_domain::UploadSecurityDomain,
    security_domain::GetSecurityDomainUpload,
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
    secrets::SetSecret,
    secrets::GetSecret,
    secrets::ListSecrets,
    secrets::ListSecretVersions,
    secrets::UpdateSecretVersion,
    secrets::BackupSecret,
    secrets::RestoreSecret,
    secrets::DeleteSecret,
    secrets::GetDeletedSecret,
    secrets::ListDeletedSecrets,
    secrets::RecoverDeletedSecret,
    secrets::PurgeDeletedSecret,
    certificates::CreateCertificate,
    certificates::ImportCertificate,
    certificates::MergeCertificate,
    certificates::GetCertificate,
    certificates::ListCertificates,
    certificates::ListCertificateVersions,
    certificates::UpdateCertificateVersion,
    certificates::GetCertificatePolicy,
    certificates::UpdateCertificatePolicy,
    certificates::GetCertificateOperation,
    certificates::CancelCertificateOperation,
    certificates::DeleteCertificateOperation,
    certificates::BackupCertificate,
    certificates::RestoreCertificate,
    certificates::DeleteCertificate,
    certificates::GetDeletedCertificate,
    certificates::ListDeletedCertificates,
    certificates::RecoverDeletedCertificate,
    certificates::PurgeDeletedCertificate,
    certificates::SetCertificateContacts,
    certificates::GetCertificateContacts,
    certificates::DeleteCertificateContacts,
    certificates::SetCertificateIssuer,
    certificates::UpdateCertificateIssuer,
    certificates::GetCertificateIssuer,
    certificates::ListCertificateIssuers,
    certificates::DeleteCertificateIssuer,
    vaults::CreateVault,
    vaults::GetVault,
    vaults::ListVaults,
    vaults::UpdateVault,
    vaults::UpdateVaultAccessPolicies,
    vaults::DeleteVault,
    vaults::GetDeletedVault,
    vaults::ListDeletedVaults,
    vaults::RecoverDeletedVault,
    vaults::PurgeDeletedVault,
    vaults::CheckVaultName,
    vaults::CheckVaultAccess,
    vaults::GetVaultOperationResult,
    vault_contents::PutSecretResource,
    vault_contents::GetSecretResource,
    vault_contents::ListSecretResources,
    vault_contents::UpdateSecretResource,
    vault_contents::PutKeyResource,
    vault_contents::GetKeyResource,
    vault_contents::ListKeyResources,
    vault_contents::ListKeyVersionResources,
    authorization::ListControlRoleDefinitions,
    authorization::GetControlRoleDefinition,
    authorization::PutControlRoleDefinition,
    authorization::DeleteControlRoleDefinition,
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
    lifecycle::WatchSecrets,
    lifecycle::WatchCertificates,
    lifecycle::WatchManagedHsms,
    lifecycle::WatchVaults,
    lifecycle::WatchBudgets,
    audit::ListAuditRecords,
    audit::WatchAuditRecords,
    tokens::ListTokenStates,
    clock::GetClock,
    clock::AdvanceClock,
    clock::FreezeClock,
    clock::ResumeClock,
    clock::ReleaseClock,
}
