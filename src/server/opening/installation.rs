//! What differs between a gateway and a simulator when the service opens, as data.

use std::path::PathBuf;

use axum::Router;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use uuid::Uuid;

use super::directory_lock::DirectoryLock;
use crate::api::TokenAuthorities;
use crate::clock::Clock;
use crate::config::{self, ControlRoleSeed, HsmSeed, VaultSeed};
use crate::identity::Issuer;
use crate::model::Timestamp;
use crate::model::name::PrincipalId;
use crate::model::resource::{ResourceGroupName, Subscription};
use crate::storage;
use crate::token::{Module, Selector, TokenSource};

/// Loads the PKCS#11 module. A function, because the module is loaded only when the store is open.
pub(crate) type LoadTokens = Box<dyn FnOnce(&config::Token) -> anyhow::Result<(Module, TokenSource)> + Send>;

/// The data from which [`open`](super::open) opens the service, in addition to the configuration.
pub(crate) struct Installation {
    /// The lock of the data directory.
    pub(crate) lock: DirectoryLock,
    /// The server's certificate chain and its private key.
    pub(crate) certificate: (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
    /// The accepted issuers of access tokens, in addition to those of the configuration.
    pub(crate) issuers: Vec<Issuer>,
    /// The authorities that clients are referred to.
    pub(crate) authorities: TokenAuthorities,
    /// The service's clock.
    pub(crate) clock: Clock,
    /// What the clock shows at the first start, if it is virtual; if `None`, the system time.
    pub(crate) clock_start: Option<Timestamp>,
    /// The tenant and object id of each principal that may release the clock without a role.
    pub(crate) clock_operators: Vec<(Uuid, PrincipalId)>,
    /// Loads the PKCS#11 module, and says where tokens come from.
    pub(crate) load_tokens: LoadTokens,
    /// The token with the key that signs the audit log, unless the source of tokens has one for it.
    pub(crate) audit_token: Option<Selector>,
    /// A subscription that exists independently of HSMs.
    pub(crate) subscription: Option<InitialSubscription>,
    /// The HSMs, each created unless an HSM of this name has ever existed; the first is the default HSM.
    pub(crate) hsms: Vec<InitialHsm>,
    /// The vaults, each created unless a vault of this name exists, live or soft-deleted.
    pub(crate) vaults: Vec<InitialVault>,
    /// The role assignments on the control plane, each created at every start if it does not exist.
    pub(crate) control_plane_roles: Vec<ControlRoleSeed>,
    /// Where full backups may be stored.
    pub(crate) storage: storage::Policy,
    /// Whether there is a test issuer of certificates.
    pub(crate) test_issuer: bool,
    /// The routes of the built-in authority, if there is one.
    pub(crate) authority_routes: Option<Router>,
    /// The routes of the web console, if one is served.
    pub(crate) console_routes: Option<Router>,
    /// The path of the certificate that clients must trust, PEM, if the service publishes it.
    pub(crate) ca_file: Option<PathBuf>,
}

/// Returns how the managed identity of the machine gets access tokens, as configured.
pub(crate) fn managed_identity(config: &config::Backup) -> storage::ManagedIdentity {
    storage::ManagedIdentity {
        endpoint: config.managed_identity_endpoint.clone(),
        client_id: config.managed_identity_client_id.map(|id| id.to_string()),
    }
}

/// A subscription with a resource group.
pub(crate) struct InitialSubscription {
    /// The subscription.
    pub(crate) subscription: Subscription,
    /// The resource group in it.
    pub(crate) resource_group: ResourceGroupName,
    /// The location of the resource group.
    pub(crate) location: String,
    /// The roles that are assigned at the subscription when it is created.
    pub(crate) roles: Vec<InitialRole>,
}

/// A managed HSM.
pub(crate) struct InitialHsm {
    /// Its properties.
    pub(crate) seed: HsmSeed,
    /// The token that holds its keys; if `None`, one is allocated.
    pub(crate) token: Option<Selector>,
    /// The roles that are assigned at `/` when it is created.
    pub(crate) roles: Vec<InitialRole>,
}

/// A vault in the subscription and the resource group of the installation's [`InitialSubscription`].
pub(crate) struct InitialVault {
    /// Its properties.
    pub(crate) seed: VaultSeed,
    /// The control-plane roles that are assigned at the vault when it is created.
    pub(crate) roles: Vec<InitialRole>,
}

/// A role of a principal at a resource.
pub(crate) struct InitialRole {
    /// The object id of the principal.
    pub(crate) principal: PrincipalId,
    /// The name of the principal, for errors.
    pub(crate) principal_name: String,
    /// The display name of the built-in role.
    pub(crate) role: String,
}
