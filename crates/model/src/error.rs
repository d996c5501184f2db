//! The error type of the service, with one variant for each failure that callers distinguish.
//!
//! Each surface maps this enum to its own codes in one exhaustive match without a wildcard.

use super::Timestamp;
use super::container_id::ContainerId;
use super::field::{Field, InvalidValue};
use super::key_date::KeyDate;
use super::mode_family::ModeFamily;
use super::name::{HsmName, IssuerName, KeyName, PrincipalId, VersionId};
use super::resource::ResourceGroupName;
use super::resource_kind::{Exists, NotFound, Resource, ResourceKind, SoftDeleted};
use super::retention::{Deletion, RecoveryLevel};
use super::storage_failure::StorageFailure;

pub use super::denied::{DeniedAction, VaultDenial, VaultRefusal};
pub use super::field::shorten;
pub use super::internal::{Internal, WithCauses};

/// The result of a fallible call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. `Display` is shown to callers unless the variant says otherwise.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// The vault or its subscription has received too many calls; nothing was done.
    #[error("too many requests of this kind were received; try again in {retry_after_seconds} s")]
    Throttled {
        /// When calls are accepted again, in seconds.
        retry_after_seconds: u32,
    },
    /// The request queue of the token is full; nothing was done.
    #[error("the token is busy; try again in a moment")]
    TokenBusy,
    /// A built-in role cannot be changed, deleted, or have its id taken.
    #[error("role definition {id} is built in and cannot be changed or deleted; use another id")]
    BuiltInRole {
        /// The role definition's id.
        id: uuid::Uuid,
    },
    /// A version of the certificate is being created: another one cannot be created or imported.
    // Recorded from Azure.
    #[error(
        "a new key vault certificate can not be created or imported while a pending key vault certificate's status is inProgress"
    )]
    CertificatePending,
    /// A certificate cannot be merged into an operation of an issuer that issues by itself.
    // Recorded from Azure, with its spelling.
    #[error("merge is forbidden on pending object created with issuer : {issuer} while it is in progess")]
    CertificateMergeForbidden {
        /// The issuer.
        issuer: IssuerName,
    },
    /// The system clock is held or behind: scheduled destruction waits.
    #[error(
        "the machine's clock is not trusted ({standing}): nothing is destroyed by time until it is set right or released"
    )]
    ClockNotTrusted {
        /// `held` or `behind`.
        standing: &'static str,
    },
    /// Too many computations are running; nothing was done.
    #[error("too many {what} are being computed; try again in a moment")]
    ComputationBusy {
        /// The computations, in the plural.
        what: &'static str,
    },
    /// A concurrent request changed the same resource; nothing was done.
    #[error("{what} was changed by another request meanwhile; try again")]
    Conflict {
        /// What was changed.
        what: String,
    },
    /// The resource is soft-deleted: it can be recovered or purged, and its name is taken until then.
    #[error("{}", SoftDeleted { resource, scheduled_purge_at: *scheduled_purge_at })]
    Deleted {
        /// The resource.
        resource: Resource,
        /// When the service purges it.
        scheduled_purge_at: Timestamp,
    },
    /// A job that backs up or restores the HSM runs already.
    #[error("a backup or restore of managed HSM {hsm} is in progress")]
    BackupJobRunning {
        /// The HSM.
        hsm: HsmName,
    },
    /// A storage location is not usable. The text is for callers.
    #[error("{why}")]
    BackupStorage {
        /// What is wrong.
        why: String,
    },
    /// The deadline that the caller has set passed while the call waited for the token.
    #[error("the deadline of the call passed while it waited for the token")]
    DeadlineExceeded,
    /// Decryption, unwrapping or tag verification failed. One error for every cause, so that callers get no
    /// padding oracle.
    #[error("the input could not be decrypted with this key")]
    DecryptionFailed,
    /// The name belongs to another resource, live or soft-deleted.
    #[error("{}", Exists { resource, deleted: *deleted })]
    Exists {
        /// The resource that has the name.
        resource: Resource,
        /// Whether it is soft-deleted.
        deleted: bool,
    },
    /// The authenticated caller is not authorized.
    #[error("principal {principal} {denied}")]
    Forbidden {
        /// The caller.
        principal: PrincipalId,
        /// The action and scope that no role grants.
        denied: DeniedAction,
        /// The names of built-in roles that grant the action.
        roles: Vec<String>,
    },
    /// The HSM is activated: only one that is not can take over a security domain.
    #[error("managed HSM {hsm} is already activated")]
    HsmAlreadyActivated {
        /// The HSM.
        hsm: HsmName,
    },
    /// The HSM is provisioned but not activated.
    #[error("managed HSM {hsm} is not activated")]
    HsmNotActivated {
        /// The HSM.
        hsm: HsmName,
    },
    /// A bug or unexpected condition in the service. The text and the causes are logged and never sent to callers.
    #[error(transparent)]
    Internal(Internal),
    /// The key or secret is the companion of a certificate, and changes only with it.
    #[error(
        "operation {operation} is not allowed on this {kind}, because it belongs to a certificate; change the certificate"
    )]
    ManagedByCertificate {
        /// `Key` or `Secret`.
        kind: ResourceKind,
        /// The requested operation.
        operation: &'static str,
    },
    /// A malformed request, or an invalid value of a field.
    #[error("{field}: {why}")]
    Invalid {
        /// The field.
        field: Field,
        /// Why the value is invalid.
        why: String,
    },
    /// The version is disabled.
    #[error("operation {operation} is not allowed on a disabled key")]
    KeyDisabled {
        /// The requested operation.
        operation: &'static str,
    },
    /// The version of the secret is disabled.
    #[error("operation {operation} is not allowed on a disabled secret")]
    SecretDisabled {
        /// The requested operation.
        operation: &'static str,
    },
    /// The version has expired.
    #[error("operation {operation} is not allowed on an expired key (expired {expires})")]
    KeyExpired {
        /// The requested operation.
        operation: &'static str,
        /// The expiry date.
        expires: KeyDate,
    },
    /// The key exists in the store, but its object is not found in the token. Reported, never repaired.
    #[error("the token does not hold the material of key version {version}; the key was not changed")]
    KeyMaterialMissing {
        /// The version.
        version: VersionId,
    },
    /// The token does not let the material of the version out, not even wrapped.
    #[error(
        "key version {version} cannot be backed up: its material is not wrappable, because it was created \
         with the setting backup = \"never\", or before this service made backups"
    )]
    KeyNotWrappable {
        /// The version.
        version: VersionId,
    },
    /// The version is not valid yet.
    #[error("operation {operation} is not allowed on a key that is not yet valid (valid from {not_before})")]
    KeyNotYetValid {
        /// The requested operation.
        operation: &'static str,
        /// The start of the validity period.
        not_before: KeyDate,
    },
    /// A documented limit of the service is reached.
    #[error("limit reached: at most {limit} {what}")]
    LimitExceeded {
        /// The limited resources, in the plural.
        what: &'static str,
        /// The maximum.
        limit: usize,
    },
    /// A backup is not authentic, was made in another security domain, or has another format.
    #[error("{why}")]
    MalformedBackup {
        /// What is wrong.
        why: String,
    },
    /// The version is bound to another family of AES modes.
    #[error(
        "this key version is bound to the AES mode family {bound}, and {asked} is not allowed with it; use another key, or another version of this one"
    )]
    ModeFamilyMismatch {
        /// The version.
        version: VersionId,
        /// The family it is bound to.
        bound: ModeFamily,
        /// The requested family.
        asked: ModeFamily,
    },
    /// A required request body is empty.
    #[error("no content provided")]
    NoContent,
    /// The resource does not exist, or not in the state that the request needs.
    #[error("{}", NotFound(.0))]
    NotFound(Resource),
    /// `key_ops` of the version does not contain the operation.
    #[error("operation {operation} is not permitted on this key: its key_ops do not contain it")]
    OperationNotPermitted {
        /// The requested operation.
        operation: &'static str,
    },
    /// The memory budget for request bodies is exhausted.
    #[error("too many bytes of requests are being held; try again in a moment")]
    Overloaded,
    /// Purge protection forbids purging before the scheduled purge date.
    #[error("purge is not allowed: recovery level {level} keeps what is deleted until {scheduled_purge_at}")]
    PurgeProtected {
        /// The recovery level in force.
        level: RecoveryLevel,
        /// The scheduled purge date.
        scheduled_purge_at: Timestamp,
    },
    /// The request exceeds the size limit.
    #[error("limit reached: at most {limit} bytes in a request")]
    RequestTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The request body did not arrive in time.
    #[error("the request was not complete after {seconds} seconds")]
    RequestTooSlow {
        /// The time limit in seconds.
        seconds: u64,
    },
    /// A managed HSM or vault was created or recovered in the resource group during its deletion.
    #[error(
        "{} {} was created or recovered in resource group {group} while the group was being deleted",
        .container.kind(),
        .container.name()
    )]
    ResourceGroupNotEmpty {
        /// The group.
        group: ResourceGroupName,
        /// One of the containers in it.
        container: ContainerId,
    },
    /// Events after the requested position are no longer retained.
    #[error("what happened after event {after} is not kept any more: the oldest event kept is {oldest}")]
    ResumeTokenExpired {
        /// The requested position: the sequence number of the last event read.
        after: u64,
        /// The sequence number of the oldest retained event.
        oldest: u64,
    },
    /// A role assignment of another name assigns the same role to the same principal at the same scope.
    #[error(
        "role assignment '{existing}' already adds role '{role_definition}' to principal '{principal}' in scope '{scope}'"
    )]
    RoleAssignmentMatches {
        /// The name of the other assignment.
        existing: uuid::Uuid,
        /// The role.
        role_definition: uuid::Uuid,
        /// The principal.
        principal: PrincipalId,
        /// The scope.
        scope: String,
    },
    /// A role definition cannot be deleted while it is assigned.
    // The text is quoted in Azure's documentation.
    #[error("there are existing role assignments referencing role {id}")]
    RoleDefinitionAssigned {
        /// The role definition's id.
        id: uuid::Uuid,
    },
    /// Another role of the tenant has this display name.
    #[error("a role with the name {name:?} already exists; use a different name")]
    RoleNameTaken {
        /// The name.
        name: String,
    },
    /// The surface has no route for this method; the path has routes with other methods.
    #[error("the method is not allowed here; allowed are {allowed}")]
    MethodNotAllowed {
        /// The methods of the path, joined with commas.
        allowed: String,
    },
    /// The surface has no route for this path.
    #[error("there is no such route")]
    RouteNotFound,
    /// The key cannot be rotated because it has no rotation policy.
    #[error("key {name} has no rotation policy; a key can be rotated once it has one")]
    RotationPolicyMissing {
        /// The key.
        name: KeyName,
    },
    /// The contents of the HSM are being replaced by those of a backup.
    #[error("managed HSM {hsm} is being restored")]
    RestoreRunning {
        /// The HSM.
        hsm: HsmName,
    },
    /// The HSM has no security domain, which backups require.
    #[error(
        "managed HSM {hsm} has no security domain; it gets one when it is activated, or at the next start"
    )]
    SecurityDomainMissing {
        /// The HSM.
        hsm: HsmName,
    },
    /// The vault has no soft-delete, and so no deleted objects.
    // Recorded of `purge`.
    #[error("operation \"{operation}\" is not enabled for this vault")]
    SoftDeleteDisabled {
        /// The requested operation.
        operation: &'static str,
    },
    /// The service is shutting down.
    #[error("the service is stopping; go on from the last resume token when it is back")]
    Stopping,
    /// The call could not be recorded, because the audit log or the database cannot be written.
    #[error(transparent)]
    StorageFailed(StorageFailure),
    /// A PKCS#11 function failed with a return value other than `CKR_OK`.
    #[error("the token failed in {function} with {code}")]
    TokenFailed {
        /// The PKCS#11 function.
        function: &'static str,
        /// The name of the return value (`CKR_...`).
        code: String,
    },
    /// The token pool has no free token for another HSM.
    #[error("no token is free for another managed HSM: all {tokens} of the pool are taken")]
    TokenPoolExhausted {
        /// The size of the pool.
        tokens: usize,
    },
    /// The token did not answer in time. The call may still take effect in the token.
    #[error("the token did not answer within {milliseconds} ms")]
    TokenTimeout {
        /// The timeout in milliseconds.
        milliseconds: u64,
    },
    /// The token is not present, or its contents cannot be read reliably.
    #[error("the token is not available: {why}")]
    TokenUnavailable {
        /// Why it is not available.
        why: String,
    },
    /// The credential is missing, expired, issued elsewhere or tampered with. The reason is safe to return.
    #[error("{why}")]
    Unauthenticated {
        /// Why the credential is rejected.
        why: &'static str,
    },
    /// The feature is not available: the token does not support it, or it is not implemented.
    #[error("{what}")]
    Unsupported {
        /// The feature, and why it is not available.
        what: String,
    },
}

impl From<InvalidValue> for Error {
    fn from(InvalidValue { field, why }: InvalidValue) -> Self {
        Self::Invalid { field, why }
    }
}

impl Error {
    /// Creates an `Invalid` error for a field.
    pub fn invalid(field: Field, why: impl Into<String>) -> Self {
        Self::Invalid { field, why: why.into() }
    }

    /// Creates the error of a resource that is soft-deleted.
    pub fn deleted(resource: impl Into<Resource>, deletion: Deletion) -> Self {
        Self::Deleted { resource: resource.into(), scheduled_purge_at: deletion.scheduled_purge_at }
    }

    /// Returns the stable name of this error, used by gRPC (`ErrorInfo`) and the audit log.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Throttled { .. } => "THROTTLED",
            Self::TokenBusy => "TOKEN_BUSY",
            Self::BackupJobRunning { .. } => "BACKUP_JOB_RUNNING",
            Self::BackupStorage { .. } => "BACKUP_STORAGE",
            Self::BuiltInRole { .. } => "ROLE_DEFINITION_BUILT_IN",
            Self::CertificateMergeForbidden { .. } => "CERTIFICATE_MERGE_FORBIDDEN",
            Self::CertificatePending => "CERTIFICATE_PENDING",
            Self::ClockNotTrusted { .. } => "CLOCK_NOT_TRUSTED",
            Self::ComputationBusy { .. } => "COMPUTATION_BUSY",
            Self::Conflict { .. } => "CONCURRENT_CHANGE",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::DecryptionFailed => "DECRYPTION_FAILED",
            Self::Deleted { resource, .. } => resource.kind.reasons().deleted,
            Self::Exists { resource, .. } => resource.kind.reasons().exists,
            Self::Forbidden { denied, .. } => denied.reason(),
            Self::HsmAlreadyActivated { .. } => "HSM_ALREADY_ACTIVATED",
            Self::HsmNotActivated { .. } => "HSM_NOT_ACTIVATED",
            Self::Internal(_) => "INTERNAL",
            Self::Invalid { .. } => "BAD_PARAMETER",
            Self::KeyDisabled { .. } => "KEY_DISABLED",
            Self::KeyExpired { .. } => "KEY_EXPIRED",
            Self::KeyMaterialMissing { .. } => "KEY_MATERIAL_MISSING",
            Self::KeyNotWrappable { .. } => "KEY_NOT_WRAPPABLE",
            Self::KeyNotYetValid { .. } => "KEY_NOT_YET_VALID",
            Self::LimitExceeded { .. } => "LIMIT_EXCEEDED",
            Self::MalformedBackup { .. } => "MALFORMED_BACKUP",
            Self::ManagedByCertificate { .. } => "MANAGED_BY_CERTIFICATE",
            Self::ModeFamilyMismatch { .. } => "AES_MODE_FAMILY_MISMATCH",
            Self::NoContent => "NO_CONTENT",
            Self::NotFound(resource) => resource.kind.reasons().not_found,
            Self::OperationNotPermitted { .. } => "KEY_OPERATION_NOT_PERMITTED",
            Self::Overloaded => "OVERLOADED",
            Self::PurgeProtected { .. } => "PURGE_PROTECTED",
            Self::RequestTooLarge { .. } => "REQUEST_TOO_LARGE",
            Self::RequestTooSlow { .. } => "REQUEST_TOO_SLOW",
            Self::ResourceGroupNotEmpty { .. } => "RESOURCE_GROUP_NOT_EMPTY",
            Self::ResumeTokenExpired { .. } => "RESUME_TOKEN_EXPIRED",
            Self::RoleAssignmentMatches { .. } => "ROLE_ASSIGNMENT_MATCHES",
            Self::RoleDefinitionAssigned { .. } => "ROLE_DEFINITION_ASSIGNED",
            Self::RoleNameTaken { .. } => "ROLE_NAME_TAKEN",
            Self::RotationPolicyMissing { .. } => "ROTATION_POLICY_MISSING",
            Self::RestoreRunning { .. } => "RESTORE_RUNNING",
            Self::SecretDisabled { .. } => "SECRET_DISABLED",
            Self::SecurityDomainMissing { .. } => "SECURITY_DOMAIN_MISSING",
            Self::SoftDeleteDisabled { .. } => "SOFT_DELETE_DISABLED",
            Self::Stopping => "SERVICE_STOPPING",
            Self::StorageFailed(failure) => failure.reason(),
            Self::MethodNotAllowed { .. } => "METHOD_NOT_ALLOWED",
            Self::RouteNotFound => "ROUTE_NOT_FOUND",
            Self::TokenFailed { .. } => "TOKEN_FAILED",
            Self::TokenPoolExhausted { .. } => "TOKEN_POOL_EXHAUSTED",
            Self::TokenTimeout { .. } => "TOKEN_TIMEOUT",
            Self::TokenUnavailable { .. } => "TOKEN_UNAVAILABLE",
            Self::Unauthenticated { .. } => "UNAUTHENTICATED",
            Self::Unsupported { .. } => "NOT_AVAILABLE",
        }
    }

    /// Creates an `Internal` error from an error, which it keeps, or from a text.
    pub fn internal(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Internal(Internal::new(why))
    }

    /// Creates an `Internal` error with the text `context` that keeps the error that caused it.
    pub fn internal_caused_by(
        context: impl Into<String>,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Internal(Internal::with_context(context, cause))
    }

    /// Returns the text for the log: that of the error, followed by its causes.
    pub fn with_causes(&self) -> impl std::fmt::Display {
        WithCauses(self)
    }
}
