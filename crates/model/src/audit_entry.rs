//! The audit entry of one call, from which the audit line and the meter reading are derived.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;
use super::billing::KeyClass;
use super::container_id::ContainerId;
use super::key::KeyType;
use super::name::PrincipalId;

/// The billing class of a call. Rejected calls count too: Azure bills authenticated requests.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Meter {
    /// Management of keys and roles.
    Management,
    /// A cryptographic operation, with an RSA key of 2048 bits or without a key.
    Cryptographic,
    /// A cryptographic operation with any other key; price lists distinguish the two.
    Advanced,
    /// The renewal of a certificate by an issuer.
    Renewal,
    /// Not billed: the service's own work and authorization queries.
    Free,
}

impl Meter {
    /// Every meter.
    pub const ALL: [Self; 5] =
        [Self::Management, Self::Cryptographic, Self::Advanced, Self::Renewal, Self::Free];

    /// Returns the class of a call that used a key of this type.
    pub fn for_key(self, key: KeyType) -> Self {
        match (self, KeyClass::of(key)) {
            (Self::Cryptographic, KeyClass::Advanced) => Self::Advanced,
            (meter, _) => meter,
        }
    }

    /// Returns the name under which readings are stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Management => "management",
            Self::Cryptographic => "cryptographic",
            Self::Advanced => "advanced",
            Self::Renewal => "renewal",
            Self::Free => "free",
        }
    }
}

/// Where a call comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum CallSurface {
    /// The gRPC service.
    Grpc,
    /// The REST data planes of managed HSMs and vaults.
    Rest,
    /// The REST control plane.
    ResourceManager,
    /// The simulator's token issuer.
    Authority,
    /// The service itself: scheduled work, and the end of interrupted operations.
    #[default]
    Service,
}

impl CallSurface {
    /// Returns the name of the surface in metrics and traces.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Rest => "rest",
            Self::ResourceManager => "arm",
            Self::Authority => "authority",
            Self::Service => "service",
        }
    }
}

/// Client and request details of a call, as its surface reports them.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The surface.
    pub surface: CallSurface,
    /// The peer's address.
    pub address: Option<IpAddr>,
    /// `User-Agent`.
    pub client_info: String,
    /// Identifies the call; returned to the caller.
    pub correlation_id: Uuid,
    /// The path of the request, without query.
    pub request_uri: String,
    /// The version of the surface, for example `v1` or `7.6`: letters, digits, dots and hyphens.
    pub operation_version: Cow<'static, str>,
    /// When the caller stops waiting for the reply.
    pub deadline: Option<Instant>,
    /// Where the engine reports the role assignment that authorizes the call.
    pub deciding_assignment: DecidingAssignment,
}

/// The role assignment of Azure RBAC that authorizes a call in a vault. Copies share it, so that the surface of a call reads what
/// the engine sets.
#[derive(Clone, Debug, Default)]
pub struct DecidingAssignment(Arc<OnceLock<Uuid>>);

impl DecidingAssignment {
    /// Sets the identifier, unless it is set.
    pub fn set(&self, id: Uuid) {
        self.0.get_or_init(|| id);
    }

    /// Returns the identifier; `None` if no role assignment of Azure RBAC has authorized the call.
    pub fn get(&self) -> Option<Uuid> {
        self.0.get().copied()
    }
}

/// The audit entry of one call. Contains no key material, plaintext, PIN or access token.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    /// When the call arrived.
    pub at: Timestamp,
    /// The operation name of Azure's audit log, for example `KeySign`.
    pub event: &'static str,
    /// The billing class of the call.
    pub meter: Meter,
    /// The container that the request named, if any.
    pub container: Option<ContainerId>,
    /// The resource acted on, for example `hsms/local/keys/invoices/versions/…`.
    pub target: String,
    /// The caller; `None` if it was not authenticated.
    pub caller: Option<AuditCaller>,
    /// The client and request details.
    pub origin: Origin,
    /// Success, or the stable name of the error.
    pub result: std::result::Result<(), &'static str>,
    /// The HTTP status this result has on Azure's surface.
    pub status: u16,
    /// How long the call took.
    pub duration: Duration,
    /// The items of a batch; `None` for other calls.
    pub items: Option<ItemCounts>,
}

/// The number of items of a batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ItemCounts {
    /// All items. The call is counted and billed as this many operations.
    pub all: u32,
    /// The items that failed; `None` if the call failed or was cancelled, so that no item has a result.
    pub failed: Option<u32>,
}

/// The caller as the audit log records it.
#[derive(Clone, Debug)]
pub struct AuditCaller {
    /// The object id.
    pub principal: PrincipalId,
    /// The application, if the credential named one.
    pub application: Option<String>,
    /// The user name, if the credential named one.
    pub user: Option<String>,
}
