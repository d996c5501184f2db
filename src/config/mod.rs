//! The configuration: one TOML file, `STRONGROOM_*__*` variables over it, flags over those; one typed
//! structure, validated whole before anything is opened.

mod access_token_version;
mod audit;
mod connections;
mod crypto;
mod environment;
mod identity;
mod load;
mod locations;
mod pin;
mod prices;
mod revocation;
mod roles;
mod seed;
mod time;

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::model::event::KEPT;

pub use access_token_version::AccessTokenVersion;
pub use audit::{Audit, BrokenChain, Durability};
pub use connections::{Connections, network_of};
pub use crypto::Crypto;
pub use identity::{CertificateRule, Issuer};
pub use load::{ConfigError, Sources, load};
pub use locations::locations;
pub use pin::PinSource;
pub use prices::prices;
pub use revocation::Revocation;
pub use roles::{built_in as built_in_roles, control_plane as control_plane_roles};
pub use seed::{ControlRoleSeed, HsmSeed, PrincipalSeed, Seed, Subscription, TokenSelector};
pub use time::Time;

/// What the process is allowed to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// SoftHSM, own certificate authority, built-in issuer with seeded principals.
    Simulator,
    /// A real PKCS#11 module, real certificates, real issuers.
    #[default]
    Gateway,
}

/// Everything that can be configured, version 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The version of this format; `v1`.
    pub version: Version,
    /// `simulator` or `gateway`. `serve --dev` means `simulator`.
    pub mode: Mode,
    /// Where everything that must survive is kept.
    pub data_dir: PathBuf,
    /// Listening, TLS and limits.
    pub server: Server,
    /// What connections may hold.
    pub connections: Connections,
    /// The names under which clients know the service.
    pub names: Names,
    /// The PKCS#11 module and how it is used.
    pub token: Token,
    /// How keys may be used, beyond what Azure says.
    pub crypto: Crypto,
    /// The audit record.
    pub audit: Audit,
    /// The log of lifecycle events.
    pub events: Events,
    /// What is plausible of the machine's clock.
    pub time: Time,
    /// What things cost.
    pub billing: Billing,
    /// What the program says of itself.
    pub log: Log,
    /// Who is believed.
    pub identity: Identity,
    /// The managed HSMs of a gateway. The simulator's come from its seed.
    pub hsm: Vec<HsmSeed>,
    /// Who may manage a gateway's resources from the start. The simulator's principals say this themselves.
    pub control_plane_role: Vec<ControlRoleSeed>,
    /// What only the simulator has.
    pub simulator: Simulator,
}

/// The version of the configuration format.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// The first.
    #[default]
    V1,
}

/// Listening, TLS and limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Where to listen. An IPv4 loopback address brings the IPv6 one of the same port along.
    pub listen: SocketAddr,
    /// Certificate chain, PEM. The simulator makes its own.
    pub certificate_file: Option<PathBuf>,
    /// Private key of the certificate, PEM.
    pub key_file: Option<PathBuf>,
    /// Certificate authorities of client certificates, PEM. Absent: none are asked for.
    pub client_ca_file: Option<PathBuf>,
    /// Connections served at once.
    pub max_connections: usize,
    /// Size of the largest request, in bytes.
    pub max_request_bytes: usize,
    /// How long the body of a request may take to arrive, in seconds.
    pub request_seconds: u64,
    /// How long a TLS handshake may take, and then the first byte of a request, in seconds.
    pub handshake_seconds: u64,
    /// How long requests under way may take to finish when the service ends, in seconds.
    pub shutdown_seconds: u64,
}

/// The names under which clients know the service. The first of each list is shown and issued.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Names {
    /// Suffixes of data planes: `{hsm}.{suffix}`.
    pub data_plane: Vec<String>,
    /// Hosts of the simulator's authority.
    pub authority: Vec<String>,
    /// Hosts of the control plane.
    pub management: Vec<String>,
    /// Further names for the server's certificate.
    pub certificate: Vec<String>,
}

/// The PKCS#11 module and how it is used.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Token {
    /// The module's shared library. The simulator looks for SoftHSM where systems install it.
    pub module: Option<PathBuf>,
    /// The profile of the module's particulars: `softhsm`, `kryoptic`, `generic`, or a file.
    pub profile: String,
    /// Where the user PIN comes from.
    pub pin: PinSource,
    /// Instead of the profile's: worker threads for quick calls; 0 means one more than there are cores.
    pub workers: Option<usize>,
    /// Instead of the profile's: calls that may wait for a worker; more are refused as busy.
    pub queue: Option<usize>,
    /// Instead of the profile's: how long a quick call may take, in milliseconds.
    pub timeout_milliseconds: Option<u64>,
    /// The tokens that new HSMs may take, for HSMs made over the control plane. A simulator makes its own.
    pub pool: Vec<TokenSelector>,
    /// Whether several HSMs may keep their keys in one token of the pool.
    pub pool_shared: bool,
    /// Instead of the profile's: how long key generation, import and destruction may take, in milliseconds.
    pub slow_timeout_milliseconds: Option<u64>,
    /// Instead of the profile's: keys in use that are copied to session objects, which several tokens
    /// serve faster; 0 means none.
    pub session_copies: Option<usize>,
}

/// What the program says of itself, on standard error.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// What is said, in the syntax of `tracing-subscriber`, for example `info,strongroom=debug`.
    pub filter: String,
    /// How.
    pub format: LogFormat,
}

/// How the log is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people on a terminal, JSON otherwise.
    #[default]
    Auto,
    /// For people.
    Pretty,
    /// One JSON object a line.
    Json,
}

/// The log of lifecycle events, for those who watch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Events {
    /// How many are kept: the newest.
    pub kept: usize,
}

/// What things cost.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Billing {
    /// A price list other than the built-in one.
    pub prices_file: Option<PathBuf>,
    /// The plan by which statements are made unless they ask for another: a name in the price list.
    pub plan: String,
}

/// Who is believed.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Issuers of bearer tokens.
    pub issuers: Vec<Issuer>,
    /// Client certificates and the principals they stand for.
    pub client_certificates: Vec<CertificateRule>,
    /// Revocation of client certificates.
    pub revocation: Revocation,
}

/// What only the simulator has.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Simulator {
    /// A seed other than the built-in one.
    pub seed_file: Option<PathBuf>,
    /// How long the authority's tokens live, in seconds.
    pub token_lifetime_seconds: u64,
    /// The form of the authority's tokens.
    pub access_token_version: AccessTokenVersion,
    /// Where managed identities get their tokens, over plain HTTP: a loopback address. Used if the seed has any.
    pub managed_identity_listen: SocketAddr,
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
            audit: Audit::default(),
            events: Events::default(),
            time: Time::default(),
            billing: Billing::default(),
            log: Log::default(),
            identity: Identity::default(),
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
            authority: own(&["login.localhost", "login.microsoftonline.com"]),
            management: own(&["management.localhost", "management.azure.com"]),
            certificate: Vec::new(),
        }
    }
}

impl Default for Token {
    fn default() -> Self {
        Self {
            module: None,
            profile: "softhsm".to_owned(),
            pin: PinSource::default(),
            pool: Vec::new(),
            pool_shared: false,
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
        Self { kept: KEPT }
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
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self { filter: "info".to_owned(), format: LogFormat::Auto }
    }
}
