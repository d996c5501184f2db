//! What an engine consists of.

use uuid::Uuid;

use super::AuditLog;
use crate::clock::Clock;
use crate::identity::Identity;
use crate::model::billing::Pricing;
use crate::model::container_setting::KeyPolicies;
use crate::model::location::Locations;
use crate::model::name::PrincipalId;
use crate::model::throttling::RateLimits;
use crate::ops::AttachedTokens;
use crate::storage;
use crate::store::Store;
use crate::token::TokenPool;

/// What an engine consists of.
pub struct EngineParts {
    /// Verifies credentials.
    pub identity: Identity,
    /// The state.
    pub store: Store,
    /// The time of the service.
    pub clock: Clock,
    /// The configured locations.
    pub locations: Locations,
    /// The price list and plans.
    pub pricing: Pricing,
    /// Allocates tokens for new HSMs.
    pub token_pool: TokenPool,
    /// The tokens of existing HSMs.
    pub tokens: AttachedTokens,
    /// The configured restrictions of keys.
    pub key_policies: KeyPolicies,
    /// Where full backups may be stored.
    pub storage: storage::Policy,
    /// The tenant and object id of each principal that may release the clock without a role.
    pub clock_operators: Vec<(Uuid, PrincipalId)>,
    /// Whether there is a test issuer of certificates.
    pub test_issuer: bool,
    /// Which limits apply to the rate of calls to vaults.
    pub rate_limits: RateLimits,
    /// Whether vaults without soft-delete may be created, before February 2025.
    pub soft_delete_opt_out: bool,
    /// The audit log.
    pub audit_log: AuditLog,
}
