//! The error type of the service, with one variant for each failure that callers distinguish.
//!
//! Each surface maps this enum to its own codes in one exhaustive match without a wildcard.

use super::Timestamp;
use super::aes_modes::ModeFamily;
use super::key_date::KeyDate;
use super::name::{BudgetName, HsmName, KeyName, PrincipalId, VersionId};
use super::resource::{ResourceGroupName, SubscriptionId};
use super::retention::RecoveryLevel;

pub use super::denied::Denied;

/// The result of a fallible call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. `Display` is shown to callers unless the variant says otherwise.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The request queue of the token is full; nothing was done.
    #[error("the token is busy; try again in a moment")]
    Busy,
    /// The subscription has a budget of this name.
    #[error("budget already exists: subscriptions/{subscription}/budgets/{budget}")]
    BudgetExists {
        /// The subscription.
        subscription: SubscriptionId,
        /// The budget.
        budget: BudgetName,
    },
    /// No such budget.
    #[error("budget not found: subscriptions/{subscription}/budgets/{budget}")]
    BudgetNotFound {
        /// The subscription.
        subscription: SubscriptionId,
        /// The requested name.
        budget: BudgetName,
    },
    /// A built-in role cannot be changed, deleted, or have its id taken.
    #[error("role definition {id} is built in and cannot be changed or deleted; use another id")]
    BuiltInRole {
        /// The role definition's id.
        id: uuid::Uuid,
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
    /// Decryption, unwrapping or tag verification failed. One error for every cause, so that callers get no
    /// padding oracle.
    #[error("the input could not be decrypted with this key")]
    DecryptionFailed,
    /// No such deleted key.
    #[error("deleted key not found: hsms/{hsm}/deletedKeys/{name}")]
    DeletedKeyNotFound {
        /// The HSM.
        hsm: HsmName,
        /// The requested name.
        name: KeyName,
    },
    /// The authenticated caller is not authorized.
    #[error("principal {principal} {denied}")]
    Forbidden {
        /// The caller.
        principal: PrincipalId,
        /// The action and scope that no role grants.
        denied: Denied,
        /// The names of built-in roles that grant the action.
        roles: Vec<String>,
    },
    /// No such deleted HSM.
    #[error("deleted managed HSM not found: {hsm}")]
    DeletedHsmNotFound {
        /// The requested name.
        hsm: HsmName,
    },
    /// The HSM is soft-deleted; its keys are unusable until it is recovered.
    #[error(
        "managed HSM {hsm} is in a deleted but recoverable state; it can only be recovered or purged, and is purged by itself at {scheduled_purge_at}"
    )]
    HsmDeleted {
        /// The HSM.
        hsm: HsmName,
        /// The scheduled purge date.
        scheduled_purge_at: Timestamp,
    },
    /// A live or soft-deleted HSM of this name exists.
    #[error(
        "a managed HSM named {hsm} exists already{}",
        if *deleted { ", in a deleted but recoverable state; recover or purge it" } else { "" }
    )]
    HsmExists {
        /// The name.
        hsm: HsmName,
        /// Whether the existing HSM is soft-deleted.
        deleted: bool,
    },
    /// The HSM is provisioned but not activated.
    #[error("managed HSM {hsm} is not activated")]
    HsmNotActivated {
        /// The HSM.
        hsm: HsmName,
    },
    /// No such HSM.
    #[error("managed HSM not found: hsms/{hsm}")]
    HsmNotFound {
        /// The requested name.
        hsm: HsmName,
    },
    /// A bug or unexpected condition in the service. The text is logged and never sent to callers.
    #[error("internal error: {0}")]
    Internal(String),
    /// A malformed request, or an invalid value of a field.
    #[error("{field}: {why}")]
    Invalid {
        /// The field's name in the request.
        field: &'static str,
        /// Why the value is invalid.
        why: String,
    },
    /// A soft-deleted key of this name exists.
    #[error(
        "key {name} is in a deleted but recoverable state, and its name cannot be reused; it can only be recovered or purged"
    )]
    KeyDeleted {
        /// The name.
        name: KeyName,
    },
    /// The version is disabled.
    #[error("operation {operation} is not allowed on a disabled key")]
    KeyDisabled {
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
    /// No such key or version.
    #[error("key not found: {key}")]
    KeyNotFound {
        /// The requested key.
        key: super::name::KeyId,
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
    /// The subscription has a resource group of this name.
    #[error("resource group {group} already exists in subscription {subscription}")]
    ResourceGroupExists {
        /// The subscription.
        subscription: SubscriptionId,
        /// The group.
        group: ResourceGroupName,
    },
    /// A managed HSM was created or recovered in the resource group during its deletion.
    #[error("managed HSM {hsm} was made or recovered in resource group {group} while it was being deleted")]
    ResourceGroupNotEmpty {
        /// The group.
        group: ResourceGroupName,
        /// One of the HSMs in it.
        hsm: HsmName,
    },
    /// No such resource group.
    #[error("resource group not found: subscriptions/{subscription}/resourceGroups/{group}")]
    ResourceGroupNotFound {
        /// The subscription.
        subscription: SubscriptionId,
        /// The requested name.
        group: ResourceGroupName,
    },
    /// Events after the requested position are no longer retained.
    #[error("what happened after event {after} is not kept any more: the oldest event kept is {oldest}")]
    ResumeTokenExpired {
        /// The requested position: the sequence number of the last event read.
        after: u64,
        /// The sequence number of the oldest retained event.
        oldest: u64,
    },
    /// A role assignment of this name exists.
    #[error("the role assignment already exists")]
    RoleAssignmentExists,
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
    /// No such role assignment.
    #[error("requested role assignment not found")]
    RoleAssignmentNotFound,
    /// No such role definition.
    #[error("requested role definition not found")]
    RoleDefinitionNotFound,
    /// The surface has no route for this path and method.
    #[error("there is no such route")]
    RouteNotFound,
    /// The key cannot be rotated because it has no rotation policy.
    #[error("key {name} has no rotation policy; a key can be rotated once it has one")]
    RotationPolicyMissing {
        /// The key.
        name: KeyName,
    },
    /// No such setting.
    #[error("invalid setting name: `ListSettings` tells which there are")]
    SettingNotFound,
    /// The service is shutting down.
    #[error("the service is stopping; go on from the last resume token when it is back")]
    Stopping,
    /// No such subscription.
    #[error("subscription not found: subscriptions/{subscription}")]
    SubscriptionNotFound {
        /// The requested id.
        subscription: SubscriptionId,
    },
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

impl Error {
    /// Creates an `Invalid` error for a field.
    pub fn invalid(field: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid { field, why: why.into() }
    }

    /// Returns the stable name of this error, used by gRPC (`ErrorInfo`) and the audit log.
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::Busy => "TOKEN_BUSY",
            Self::BudgetExists { .. } => "BUDGET_EXISTS",
            Self::BudgetNotFound { .. } => "BUDGET_NOT_FOUND",
            Self::BuiltInRole { .. } => "ROLE_DEFINITION_BUILT_IN",
            Self::ClockNotTrusted { .. } => "CLOCK_NOT_TRUSTED",
            Self::ComputationBusy { .. } => "COMPUTATION_BUSY",
            Self::Conflict { .. } => "CONCURRENT_CHANGE",
            Self::DecryptionFailed => "DECRYPTION_FAILED",
            Self::DeletedKeyNotFound { .. } => "DELETED_KEY_NOT_FOUND",
            Self::Forbidden { .. } => "ACTION_NOT_GRANTED",
            Self::DeletedHsmNotFound { .. } => "DELETED_HSM_NOT_FOUND",
            Self::HsmDeleted { .. } => "HSM_DELETED",
            Self::HsmExists { .. } => "HSM_EXISTS",
            Self::HsmNotActivated { .. } => "HSM_NOT_ACTIVATED",
            Self::HsmNotFound { .. } => "HSM_NOT_FOUND",
            Self::Internal(_) => "INTERNAL",
            Self::Invalid { .. } => "BAD_PARAMETER",
            Self::KeyDeleted { .. } => "KEY_DELETED_BUT_RECOVERABLE",
            Self::KeyDisabled { .. } => "KEY_DISABLED",
            Self::KeyExpired { .. } => "KEY_EXPIRED",
            Self::KeyMaterialMissing { .. } => "KEY_MATERIAL_MISSING",
            Self::KeyNotFound { .. } => "KEY_NOT_FOUND",
            Self::KeyNotYetValid { .. } => "KEY_NOT_YET_VALID",
            Self::LimitExceeded { .. } => "LIMIT_EXCEEDED",
            Self::ModeFamilyMismatch { .. } => "AES_MODE_FAMILY_MISMATCH",
            Self::NoContent => "NO_CONTENT",
            Self::OperationNotPermitted { .. } => "KEY_OPERATION_NOT_PERMITTED",
            Self::Overloaded => "OVERLOADED",
            Self::PurgeProtected { .. } => "PURGE_PROTECTED",
            Self::RequestTooLarge { .. } => "REQUEST_TOO_LARGE",
            Self::RequestTooSlow { .. } => "REQUEST_TOO_SLOW",
            Self::ResourceGroupExists { .. } => "RESOURCE_GROUP_EXISTS",
            Self::ResourceGroupNotEmpty { .. } => "RESOURCE_GROUP_NOT_EMPTY",
            Self::ResourceGroupNotFound { .. } => "RESOURCE_GROUP_NOT_FOUND",
            Self::ResumeTokenExpired { .. } => "RESUME_TOKEN_EXPIRED",
            Self::RoleAssignmentExists => "ROLE_ASSIGNMENT_EXISTS",
            Self::RoleAssignmentMatches { .. } => "ROLE_ASSIGNMENT_MATCHES",
            Self::RoleAssignmentNotFound => "ROLE_ASSIGNMENT_NOT_FOUND",
            Self::RoleDefinitionNotFound => "ROLE_DEFINITION_NOT_FOUND",
            Self::RotationPolicyMissing { .. } => "ROTATION_POLICY_MISSING",
            Self::SettingNotFound => "SETTING_NOT_FOUND",
            Self::Stopping => "SERVICE_STOPPING",
            Self::RouteNotFound => "ROUTE_NOT_FOUND",
            Self::SubscriptionNotFound { .. } => "SUBSCRIPTION_NOT_FOUND",
            Self::TokenFailed { .. } => "TOKEN_FAILED",
            Self::TokenPoolExhausted { .. } => "TOKEN_POOL_EXHAUSTED",
            Self::TokenTimeout { .. } => "TOKEN_TIMEOUT",
            Self::TokenUnavailable { .. } => "TOKEN_UNAVAILABLE",
            Self::Unauthenticated { .. } => "UNAUTHENTICATED",
            Self::Unsupported { .. } => "NOT_AVAILABLE",
        }
    }

    /// Returns the HTTP status of this error, used by the audit log and the Azure surfaces.
    pub const fn status(&self) -> u16 {
        match self {
            Self::BuiltInRole { .. }
            | Self::DecryptionFailed
            | Self::Invalid { .. }
            | Self::LimitExceeded { .. }
            | Self::NoContent
            // Recorded: Azure returns 400 where 409 or 404 would be expected.
            | Self::RoleAssignmentExists
            | Self::RoleAssignmentMatches { .. }
            | Self::SettingNotFound
            // assumption: the response to rotating a key without a policy is not recorded.
            | Self::RotationPolicyMissing { .. } => 400,
            Self::Unauthenticated { .. } => 401,
            Self::Forbidden { .. }
            | Self::HsmNotActivated { .. }
            | Self::KeyDisabled { .. }
            | Self::KeyExpired { .. }
            | Self::KeyNotYetValid { .. }
            | Self::ModeFamilyMismatch { .. }
            | Self::OperationNotPermitted { .. }
            | Self::PurgeProtected { .. } => 403,
            Self::BudgetNotFound { .. }
            | Self::DeletedHsmNotFound { .. }
            | Self::DeletedKeyNotFound { .. }
            | Self::HsmNotFound { .. }
            | Self::KeyNotFound { .. }
            | Self::ResourceGroupNotFound { .. }
            | Self::RoleAssignmentNotFound
            | Self::RoleDefinitionNotFound
            | Self::RouteNotFound
            | Self::SubscriptionNotFound { .. } => 404,
            Self::BudgetExists { .. }
            | Self::Conflict { .. }
            | Self::HsmDeleted { .. }
            | Self::HsmExists { .. }
            | Self::KeyDeleted { .. }
            | Self::ResourceGroupExists { .. }
            | Self::ResourceGroupNotEmpty { .. } => 409,
            Self::ResumeTokenExpired { .. } => 410,
            Self::RequestTooLarge { .. } => 413,
            Self::RequestTooSlow { .. } => 408,
            Self::Busy | Self::ComputationBusy { .. } => 429,
            Self::Internal(_) | Self::KeyMaterialMissing { .. } | Self::TokenFailed { .. } => 500,
            Self::Unsupported { .. } => 501,
            Self::ClockNotTrusted { .. }
            | Self::Overloaded
            | Self::Stopping
            | Self::TokenPoolExhausted { .. }
            | Self::TokenUnavailable { .. } => 503,
            Self::TokenTimeout { .. } => 504,
        }
    }

    /// Creates an `Internal` error; the text is logged only.
    pub fn internal(why: impl std::fmt::Display) -> Self {
        Self::Internal(why.to_string())
    }
}

/// Shortens text from a caller to 64 characters before it is quoted in errors and logs.
pub fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(64).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
