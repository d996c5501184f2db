//! Every failure there is, named for what the caller must understand.
//!
//! Surfaces map this enum to their own words, once each and without a wildcard.

use super::Timestamp;
use super::aes_modes::ModeFamily;
use super::key_date::KeyDate;
use super::name::{BudgetName, HsmName, KeyName, PrincipalId, VersionId};
use super::resource::{ResourceGroupName, SubscriptionId};
use super::retention::RecoveryLevel;

pub use super::denied::Denied;

/// The result of anything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. `Display` is shown to callers unless the variant says otherwise.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Too much is waiting for the token; nothing was done.
    #[error("the token is busy; try again in a moment")]
    Busy,
    /// The name belongs to a budget of this subscription.
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
        /// The name asked for.
        budget: BudgetName,
    },
    /// A built-in role cannot be changed, deleted, or have its id taken.
    #[error("role definition {id} is built in and cannot be changed or deleted; use another id")]
    BuiltInRole {
        /// The role definition's id.
        id: uuid::Uuid,
    },
    /// The machine's clock is ahead or behind: nothing is destroyed because its time has come.
    #[error(
        "the machine's clock is not trusted ({standing}): nothing is destroyed by time until it is set right or released"
    )]
    ClockNotTrusted {
        /// `held` or `behind`.
        standing: &'static str,
    },
    /// Too much is computed at once; nothing was done.
    #[error("too many {what} are being computed; try again in a moment")]
    ComputationBusy {
        /// What is computed.
        what: &'static str,
    },
    /// Somebody else changed the same thing meanwhile; nothing was done.
    #[error("{what} was changed by another request meanwhile; try again")]
    Conflict {
        /// What was changed.
        what: String,
    },
    /// A ciphertext, wrapped key or tag that does not belong to this key. One error for every cause,
    /// so that it tells nothing about the padding.
    #[error("the input could not be decrypted with this key")]
    DecryptionFailed,
    /// No such deleted key.
    #[error("deleted key not found: hsms/{hsm}/deletedKeys/{name}")]
    DeletedKeyNotFound {
        /// The HSM asked.
        hsm: HsmName,
        /// The name asked for.
        name: KeyName,
    },
    /// The caller is known and may not do this here.
    #[error("principal {principal} {denied}")]
    Forbidden {
        /// Who asked.
        principal: PrincipalId,
        /// The action no role granted, and where it was asked for.
        denied: Denied,
        /// The names of built-in roles that grant it.
        roles: Vec<String>,
    },
    /// No such deleted HSM.
    #[error("deleted managed HSM not found: {hsm}")]
    DeletedHsmNotFound {
        /// The name asked for.
        hsm: HsmName,
    },
    /// The HSM is soft-deleted: nothing in it can be used until it is recovered.
    #[error(
        "managed HSM {hsm} is in a deleted but recoverable state; it can only be recovered or purged, and is purged by itself at {scheduled_purge_at}"
    )]
    HsmDeleted {
        /// The HSM.
        hsm: HsmName,
        /// When the service purges it.
        scheduled_purge_at: Timestamp,
    },
    /// The name belongs to another HSM, live or soft-deleted.
    #[error(
        "a managed HSM named {hsm} exists already{}",
        if *deleted { ", in a deleted but recoverable state; recover or purge it" } else { "" }
    )]
    HsmExists {
        /// The name.
        hsm: HsmName,
        /// Whether the other is deleted.
        deleted: bool,
    },
    /// The HSM is provisioned and not yet activated.
    #[error("managed HSM {hsm} is not activated")]
    HsmNotActivated {
        /// The HSM.
        hsm: HsmName,
    },
    /// No such HSM.
    #[error("managed HSM not found: hsms/{hsm}")]
    HsmNotFound {
        /// The name asked for.
        hsm: HsmName,
    },
    /// Our own fault. The text is logged and never leaves the process.
    #[error("internal error: {0}")]
    Internal(String),
    /// A request that cannot be understood or breaks a rule of its field.
    #[error("{field}: {why}")]
    Invalid {
        /// The field, as the request names it.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The name belongs to a soft-deleted key.
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
        /// What was to be done.
        operation: &'static str,
    },
    /// The version has expired.
    #[error("operation {operation} is not allowed on an expired key (expired {expires})")]
    KeyExpired {
        /// What was to be done.
        operation: &'static str,
        /// When it expired.
        expires: KeyDate,
    },
    /// The key's record exists and its object in the token does not answer. Reported, never repaired.
    #[error("the token does not hold the material of key version {version}; the key was not changed")]
    KeyMaterialMissing {
        /// The version.
        version: VersionId,
    },
    /// No such key or version.
    #[error("key not found: {key}")]
    KeyNotFound {
        /// What was asked for.
        key: super::name::KeyId,
    },
    /// The version is not valid yet.
    #[error("operation {operation} is not allowed on a key that is not yet valid (valid from {not_before})")]
    KeyNotYetValid {
        /// What was to be done.
        operation: &'static str,
        /// From when on it is valid.
        not_before: KeyDate,
    },
    /// A documented limit of the service.
    #[error("limit reached: at most {limit} {what}")]
    LimitExceeded {
        /// What there are too many of.
        what: &'static str,
        /// How many there may be.
        limit: usize,
    },
    /// The version is bound to another family of AES modes.
    #[error(
        "this key version is bound to the AES mode family {bound}, and {asked} is not allowed with it; use another key, or another version of this one"
    )]
    ModeFamilyMismatch {
        /// The version.
        version: VersionId,
        /// What it is bound to.
        bound: ModeFamily,
        /// What was to be done.
        asked: ModeFamily,
    },
    /// A request that must say something says nothing.
    #[error("no content provided")]
    NoContent,
    /// `key_ops` of the version does not contain the operation.
    #[error("operation {operation} is not permitted on this key: its key_ops do not contain it")]
    OperationNotPermitted {
        /// What was to be done.
        operation: &'static str,
    },
    /// Other requests take up the memory there is for them.
    #[error("too many bytes of requests are being held; try again in a moment")]
    Overloaded,
    /// Purge protection keeps what is deleted until its time has come.
    #[error("purge is not allowed: recovery level {level} keeps what is deleted until {scheduled_purge_at}")]
    PurgeProtected {
        /// The recovery level in force.
        level: RecoveryLevel,
        /// When the service purges it.
        scheduled_purge_at: Timestamp,
    },
    /// More was sent than a request may hold.
    #[error("limit reached: at most {limit} bytes in a request")]
    RequestTooLarge {
        /// How many bytes there may be.
        limit: usize,
    },
    /// What was announced did not come.
    #[error("the request was not complete after {seconds} seconds")]
    RequestTooSlow {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The name belongs to a resource group of this subscription.
    #[error("resource group {group} already exists in subscription {subscription}")]
    ResourceGroupExists {
        /// The subscription.
        subscription: SubscriptionId,
        /// The group.
        group: ResourceGroupName,
    },
    /// A managed HSM came into the resource group while it was being deleted.
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
        /// The name asked for.
        group: ResourceGroupName,
    },
    /// What happened after that place is not all kept any more.
    #[error("what happened after event {after} is not kept any more: the oldest event kept is {oldest}")]
    ResumeTokenExpired {
        /// The place from which was to be read.
        after: u64,
        /// The oldest event there still is.
        oldest: u64,
    },
    /// The assignment's name is taken.
    #[error("the role assignment already exists")]
    RoleAssignmentExists,
    /// An assignment of another name gives the same role to the same principal at the same scope.
    #[error(
        "role assignment '{existing}' already adds role '{role_definition}' to principal '{principal}' in scope '{scope}'"
    )]
    RoleAssignmentMatches {
        /// The name of the other assignment.
        existing: uuid::Uuid,
        /// The role.
        role_definition: uuid::Uuid,
        /// Who has it.
        principal: PrincipalId,
        /// Where.
        scope: String,
    },
    /// No such role assignment.
    #[error("requested role assignment not found")]
    RoleAssignmentNotFound,
    /// No such role definition.
    #[error("requested role definition not found")]
    RoleDefinitionNotFound,
    /// The surface has nothing at this path, or not for this verb.
    #[error("there is no such route")]
    RouteNotFound,
    /// A key is rotated by its policy, and there is none.
    #[error("key {name} has no rotation policy; a key can be rotated once it has one")]
    RotationPolicyMissing {
        /// The key.
        name: KeyName,
    },
    /// No such setting.
    #[error("invalid setting name: `ListSettings` tells which there are")]
    SettingNotFound,
    /// The service is about to end.
    #[error("the service is stopping; go on from the last resume token when it is back")]
    Stopping,
    /// No such subscription.
    #[error("subscription not found: subscriptions/{subscription}")]
    SubscriptionNotFound {
        /// The id asked for.
        subscription: SubscriptionId,
    },
    /// The token refused or failed. The code is PKCS#11's own.
    #[error("the token failed in {function} with {code}")]
    TokenFailed {
        /// The PKCS#11 function.
        function: &'static str,
        /// The `CKR_` name.
        code: String,
    },
    /// No token is left for another HSM.
    #[error("no token is free for another managed HSM: all {tokens} of the pool are taken")]
    TokenPoolExhausted {
        /// How many the pool has.
        tokens: usize,
    },
    /// The token did not answer in time. The call may still take effect in the token.
    #[error("the token did not answer within {milliseconds} ms")]
    TokenTimeout {
        /// How long was waited.
        milliseconds: u64,
    },
    /// The token is away, or cannot be trusted to tell what it holds.
    #[error("the token is not available: {why}")]
    TokenUnavailable {
        /// What is known about it.
        why: String,
    },
    /// Missing, expired, foreign or tampered credential. The reason is fit for the caller.
    #[error("{why}")]
    Unauthenticated {
        /// What is wrong with the credential.
        why: &'static str,
    },
    /// Known, and not available here: the token cannot do it, or it is not built yet.
    #[error("{what}")]
    Unsupported {
        /// What is not available, and why.
        what: String,
    },
}

impl Error {
    /// A request's field is wrong.
    pub fn invalid(field: &'static str, why: impl Into<String>) -> Self {
        Self::Invalid { field, why: why.into() }
    }

    /// The stable name of this error, for programs: on gRPC and in the audit record.
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

    /// The HTTP status of this error: in the audit record, and on Azure's surface.
    pub const fn status(&self) -> u16 {
        match self {
            Self::BuiltInRole { .. }
            | Self::DecryptionFailed
            | Self::Invalid { .. }
            | Self::LimitExceeded { .. }
            | Self::NoContent
            // Recorded: 400, where others would answer 409, and 404.
            | Self::RoleAssignmentExists
            | Self::RoleAssignmentMatches { .. }
            | Self::SettingNotFound
            // assumption: nothing is recorded of rotating a key that has no policy.
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

    /// Our own fault; the text goes to the log.
    pub fn internal(why: impl std::fmt::Display) -> Self {
        Self::Internal(why.to_string())
    }
}

/// Shortens what a caller sent before it is quoted back, so that errors and logs stay small.
pub fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(64).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}
