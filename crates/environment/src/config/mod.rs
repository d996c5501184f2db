//! The configuration: a TOML file, overridden by `STRONGROOM_*__*` variables, overridden by flags. It is parsed into
//! one typed structure and validated before anything is opened.

mod access_token_version;
mod audit;
mod backup;
mod connections;
mod console;
mod crypto;
mod database;
mod environment;
mod error;
mod identity;
mod load;
mod locations;
mod prices;
mod revocation;
mod roles;
mod secret_source;
mod seed;
mod telemetry;
mod time;
mod vault_seed;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::Timestamp;
use crate::model::event::DEFAULT_RETAINED;
use crate::model::throttling::RateLimits;

pub use access_token_version::AccessTokenVersion;
pub use audit::{Audit, BrokenChain, Durability};
pub use backup::Backup;
pub use connections::{Connections, network_of};
pub use console::{Console, ConsoleClient, ConsoleSignIn};
pub use crypto::Crypto;
pub use database::{StoreSettings, check_url, is_url_of_database};
pub use error::ConfigError;
pub use identity::{CertificateRule, Issuer};
pub use load::{Sources, load};
pub use locations::locations;
pub use prices::prices;
pub use revocation::Revocation;
pub use roles::{built_in as built_in_roles, control_plane as control_plane_roles};
pub use secret_source::SecretSource;
pub use seed::{ControlRoleSeed, HsmSeed, TokenSelector};
pub use telemetry::{Metrics, MetricsAddress, Traces};
pub use time::{ClockOperator, Time};
pub use vault_seed::VaultSeed;

/// The mode of the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// SoftHSM, a built-in certificate authority, and a built-in authority with seeded principals.
    Simulator,
    /// A configured PKCS#11 module, server certificate, and issuers.
    #[default]
    Gateway,
}

/// The configuration, version 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The version of this format; `v1`.
    pub version: Version,
    /// `simulator` or `gateway`. `serve --dev` means `simulator`.
    pub mode: Mode,
    /// The directory of all persistent data.
    pub data_dir: PathBuf,
    /// Listening, TLS and limits.
    pub server: Server,
    /// Connection limits.
    pub connections: Connections,
    /// The DNS names of the service.
    pub names: Names,
    /// The PKCS#11 module and its use.
    pub token: Token,
    /// Restrictions on key use in addition to those of Azure.
    pub crypto: Crypto,
    /// Where full backups may be stored.
    pub backup: Backup,
    /// Where the database is.
    pub store: StoreSettings,
    /// The audit log.
    pub audit: Audit,
    /// The log of lifecycle events.
    pub events: Events,
    /// The plausibility limits of the system clock.
    pub time: Time,
    /// Price list and plan.
    pub billing: Billing,
    /// The diagnostic log.
    pub log: Log,
    /// Metrics, for Prometheus.
    pub metrics: Metrics,
    /// Traces, exported over OTLP.
    pub traces: Traces,
    /// Issuers of access tokens, and client certificates.
    pub identity: Identity,
    /// The web console of a gateway.
    pub console: Console,
    /// The managed HSMs of a gateway. The simulator's come from its seed.
    pub hsm: Vec<HsmSeed>,
    /// The initial role assignments of a gateway's control plane. The simulator's come from its seed.
    pub control_plane_role: Vec<ControlRoleSeed>,
    /// Settings of the simulator only.
    pub simulator: Simulator,
}

/// The version of the configuration format.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// Version 1.
    #[default]
    V1,
}

/// Listening, TLS and limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// The address to listen on. With 127.0.0.1, the service also listens on `[::1]` and the same port.
    pub listen: SocketAddr,
    /// The server's certificate chain, PEM. The simulator creates its own.
    pub certificate_file: Option<PathBuf>,
    /// The private key of the certificate, PEM.
    pub key_file: Option<PathBuf>,
    /// The certificate authorities of client certificates, PEM. Absent: client certificates are not requested.
    pub client_ca_file: Option<PathBuf>,
    /// The maximum number of concurrent connections.
    pub max_connections: usize,
    /// The maximum size of a request, in bytes.
    pub max_request_bytes: usize,
    /// The timeout for receiving the body of a request, in seconds.
    pub request_seconds: u64,
    /// The timeout of a TLS handshake, and that of the first byte of a request after it, in seconds.
    pub handshake_seconds: u64,
    /// How long requests in progress may take to complete at shutdown, in seconds.
    pub shutdown_seconds: u64,
}

/// The host of Microsoft Graph, which clients do not let users configure.
pub const GRAPH_HOST: &str = "graph.microsoft.com";

/// The DNS names of the service. The first of each list is the one in responses and in access tokens.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Names {
    /// The suffixes of the data planes of managed HSMs: `{hsm}.{suffix}`.
    pub data_plane: Vec<String>,
    /// The suffixes of the data planes of vaults: `{vault}.{suffix}`.
    pub vaults: Vec<String>,
    /// The hosts of the simulator's authority.
    pub authority: Vec<String>,
    /// The hosts of the control plane.
    pub management: Vec<String>,
    /// The hosts of the web console. It is also served below `/console/` at other hosts.
    pub console: Vec<String>,
    /// Additional names in the server's certificate.
    pub certificate: Vec<String>,
}

/// The PKCS#11 module and its use.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Token {
    /// The path of the module's shared library. By default, the simulator searches for SoftHSM in the usual locations.
    pub module: Option<PathBuf>,
    /// The profile of the module: `softhsm`, `kryoptic`, `generic`, or a file.
    pub profile: String,
    /// The source of the user PIN.
    pub pin: SecretSource,
    /// Where calls to the token run. By default in worker processes; a simulator on at most two processors uses threads.
    pub isolation: Option<Isolation>,
    /// Overrides the profile: worker processes per token; 0 means the number of processors, at most 16.
    pub processes: Option<usize>,
    /// Overrides the profile: the number of sessions with each token that all instances of the service may have together; 0 means any.
    pub sessions_total: Option<usize>,
    /// Overrides the profile: worker threads for fast calls; 0 means the number of cores plus one.
    pub workers: Option<usize>,
    /// Overrides the profile: the maximum number of calls that wait for a worker; further calls are refused as busy.
    pub queue: Option<usize>,
    /// Overrides the profile: the timeout of fast calls, in milliseconds.
    pub timeout_milliseconds: Option<u64>,
    /// The tokens available to HSMs that are created through the control plane. The simulator creates its own.
    pub pool: Vec<TokenSelector>,
    /// Whether several HSMs may share one token of the pool.
    pub pool_shared: bool,
    /// Overrides the profile: the timeout of key generation, import and destruction, in milliseconds.
    pub slow_timeout_milliseconds: Option<u64>,
    /// Overrides the profile: how many keys in use are copied to session objects, which are faster in several tokens;
    /// 0 means none.
    pub session_copies: Option<usize>,
}

/// Where calls to a token run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Isolation {
    /// In worker processes, which load the module: a failure of the module ends none but its own process.
    Process,
    /// In threads of the service, which loads the module itself.
    Threads,
}

/// The diagnostic log, written to standard error.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// The filter, in the syntax of `tracing-subscriber`, for example `info,strongroom=debug`.
    pub filter: String,
    /// The format.
    pub format: LogFormat,
}

/// The format of the diagnostic log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// `pretty` on a terminal, `json` otherwise.
    #[default]
    Auto,
    /// Human-readable text.
    Pretty,
    /// One JSON object per line.
    Json,
}

/// The log of lifecycle events, which clients can watch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Events {
    /// How many of the newest events are kept.
    pub kept: usize,
}

/// Price list and plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Billing {
    /// The path of a price list that replaces the built-in one.
    pub prices_file: Option<PathBuf>,
    /// The default plan of billing statements: a name in the price list.
    pub plan: String,
}

/// Issuers of access tokens, and client certificates.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Issuers of access tokens.
    pub issuers: Vec<Issuer>,
    /// Rules that map client certificates to principals.
    pub client_certificates: Vec<CertificateRule>,
    /// Revocation of client certificates.
    pub revocation: Revocation,
}

/// Settings of the simulator only.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Simulator {
    /// The path of a seed that replaces the built-in one.
    pub seed_file: Option<PathBuf>,
    /// The lifetime of the authority's access tokens, in seconds.
    pub token_lifetime_seconds: u64,
    /// The version of the authority's access tokens.
    pub access_token_version: AccessTokenVersion,
    /// The loopback address of the managed identity endpoint (plain HTTP). Used if the seed has managed identities.
    pub managed_identity_listen: SocketAddr,
    /// Which limits apply to the rate of calls to vaults: `off` or `published`.
    pub limits: RateLimits,
    /// What the clock shows at the first start with a data directory; if `None`, the system time.
    pub clock_start: Option<Timestamp>,
    /// Whether vaults without soft-delete may be created while the clock shows a time before February 2025.
    pub soft_delete_opt_out: bool,
    /// Who may sign in to the web console.
    pub console_sign_in: ConsoleSignIn,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            version: Version::V1,
            mode: Mode::default(),
            data_dir: PathBuf::from(".strongroom"),
            server: Server::default(),
            connections: Connections::default(),
            names: Names::default(),
            token: Token::default(),
            crypto: Crypto::default(),
            backup: Backup::default(),
            store: StoreSettings::default(),
            audit: Audit::default(),
            events: Events::default(),
            time: Time::default(),
            billing: Billing::default(),
            log: Log::default(),
            metrics: Metrics::default(),
            traces: Traces::default(),
            identity: Identity::default(),
            console: Console::default(),
            hsm: Vec::new(),
            control_plane_role: Vec::new(),
            simulator: Simulator::default(),
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8443)),
            certificate_file: None,
            key_file: None,
            client_ca_file: None,
            max_connections: 4096,
            max_request_bytes: 1024 * 1024,
            request_seconds: 30,
            handshake_seconds: 10,
            shutdown_seconds: 10,
        }
    }
}

impl Default for Names {
    fn default() -> Self {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            data_plane: own(&["managedhsm.localhost", "managedhsm.azure.net"]),
            vaults: own(&["vault.localhost", "vault.azure.net"]),
            authority: own(&["login.localhost", "login.microsoftonline.com"]),
            management: own(&["management.localhost", "management.azure.com"]),
            console: own(&["console.localhost"]),
            certificate: Vec::new(),
        }
    }
}

impl Default for Token {
    fn default() -> Self {
        Self {
            module: None,
            profile: "softhsm".to_owned(),
            pin: SecretSource::default(),
            pool: Vec::new(),
            pool_shared: false,
            isolation: None,
            processes: None,
            sessions_total: None,
            workers: None,
            queue: None,
            timeout_milliseconds: None,
            slow_timeout_milliseconds: None,
            session_copies: None,
        }
    }
}

impl Default for Events {
    fn default() -> Self {
        Self { kept: DEFAULT_RETAINED }
    }
}

impl Default for Billing {
    fn default() -> Self {
        Self { prices_file: None, plan: "managed-hsm".to_owned() }
    }
}

impl Default for Simulator {
    fn default() -> Self {
        Self {
            seed_file: None,
            token_lifetime_seconds: 3599,
            access_token_version: AccessTokenVersion::default(),
            managed_identity_listen: SocketAddr::from(([127, 0, 0, 1], 8444)),
            limits: RateLimits::default(),
            clock_start: None,
            soft_delete_opt_out: false,
            console_sign_in: ConsoleSignIn::default(),
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Auto }
    }
}
