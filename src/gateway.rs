//! Serves a gateway, as configured.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;

use crate::api::TokenAuthorities;
use crate::clock::{Clock, SystemClockSource};
use crate::config::{self, Config, HsmSeed, Isolation, Mode, TokenSelector};
use crate::model::local_rbac::ADMINISTRATOR_ROLE;
use crate::server::{self, ConsoleSettings, DirectoryLock, InitialHsm, InitialRole, Installation, Server};
use crate::storage;
use crate::token::{Module, Selector, TokenSource};

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// If the service cannot start.
pub async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    server::disable_core_dumps()?;
    let server = Server::bind(&config).await?;
    let address = SocketAddr::from((config.server.listen.ip(), server.port()));
    let service = server::open(&config, installation(&config)?).await?;
    server.serve(&config, service, || announce(address)).await
}

/// Prints the start-up message.
fn announce(address: SocketAddr) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "strongroom {}: gateway, listening on {address}", env!("CARGO_PKG_VERSION"))?;
    Ok(out.flush()?)
}

/// Returns the configured gateway.
fn installation(config: &Config) -> anyhow::Result<Installation> {
    let lock = DirectoryLock::acquire(config)?;
    let (Some(chain), Some(key), Some(module)) =
        (&config.server.certificate_file, &config.server.key_file, config.token.module.clone())
    else {
        bail!("a gateway needs server.certificate_file, server.key_file and token.module");
    };
    let certificate = certificate(chain, key)?;
    let log = config.log.clone();
    let operators = config.time.operators.iter().map(|operator| (operator.tenant, operator.principal));
    let authorities = config.identity.issuers.iter().rev().map(|issuer| (issuer.tenant, authority(issuer)));
    Ok(Installation {
        lock,
        certificate,
        issuers: Vec::new(),
        authorities: TokenAuthorities::External(authorities.collect()),
        clock: Clock::guarded(Arc::new(SystemClockSource::default()), config.time.limits()),
        clock_start: None,
        clock_operators: operators.collect(),
        load_tokens: Box::new(move |settings| load_tokens(module, settings, &log)),
        audit_token: Some(selector(config.audit.token.as_ref().unwrap_or(&config.hsm[0].token))),
        subscription: None,
        hsms: config.hsm.iter().map(hsm).collect(),
        vaults: Vec::new(),
        control_plane_roles: config.control_plane_role.clone(),
        storage: storage::Policy {
            directory: config.backup.directory.clone(),
            hosts: config.backup.hosts.clone(),
            managed_identity: server::managed_identity(&config.backup),
        },
        test_issuer: false,
        authority_routes: None,
        console_routes: console(config)?.map(ConsoleSettings::routes).transpose()?,
        ca_file: None,
    })
}

/// Returns the settings of the web console, if it is a client of an issuer. It signs in by itself, with the authorization code
/// flow of OpenID Connect.
fn console(config: &Config) -> anyhow::Result<Option<ConsoleSettings>> {
    let client = config.console.client(&config.identity.issuers)?;
    Ok(client.map(|client| {
        let mut settings = json!({
            "mode": config.mode,
            "version": env!("CARGO_PKG_VERSION"),
            "issuer": client.issuer,
            "clientId": client.client_id,
            "scopes": client.scopes,
        });
        if let Some(resource) = client.resource {
            settings["resource"] = resource.into();
        }
        ConsoleSettings { config: settings, connect_origins: client.origins, sign_in: None }
    }))
}

/// Reads the server's certificate chain and private key.
fn certificate(
    chain: &Path,
    key: &Path,
) -> anyhow::Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let certificates = CertificateDer::pem_file_iter(chain)
        .and_then(|certificates| certificates.collect::<Result<Vec<_>, _>>())
        .with_context(|| format!("server.certificate_file: reading {}", chain.display()))?;
    if certificates.is_empty() {
        bail!("server.certificate_file: {} contains no certificate", chain.display());
    }
    let key = PrivateKeyDer::from_pem_file(key)
        .with_context(|| format!("server.key_file: reading {}", key.display()))?;
    Ok((certificates, key))
}

/// Loads the configured module.
fn load_tokens(
    path: PathBuf,
    settings: &config::Token,
    log: &config::Log,
) -> anyhow::Result<(Module, TokenSource)> {
    let profile = server::profile(settings)?;
    let module = match server::isolation(settings, Mode::Gateway) {
        Isolation::Process => server::in_processes((path, profile), None, log, settings.pin.env.clone())?,
        Isolation::Threads => {
            server::check_threads(settings)?;
            Module::load(&path, profile)
                .with_context(|| format!("token.module: loading {}", path.display()))?
        }
    };
    let source = TokenSource::Preinitialized {
        tokens: settings.pool.iter().map(selector).collect(),
        shared: settings.pool_shared,
        pin: settings.pin.read("token.pin")?,
    };
    Ok((module, source))
}

/// Returns a configured HSM, whose administrators have the role of administrators.
fn hsm(seed: &HsmSeed) -> InitialHsm {
    let administrators = seed.administrators.iter().map(|principal| InitialRole {
        principal: *principal,
        principal_name: principal.to_string(),
        role: ADMINISTRATOR_ROLE.to_owned(),
    });
    InitialHsm { seed: seed.clone(), token: Some(selector(&seed.token)), roles: administrators.collect() }
}

/// Converts a configured token selector.
fn selector(token: &TokenSelector) -> Selector {
    match (&token.serial, &token.label) {
        (Some(serial), _) => Selector::Serial(serial.clone()),
        (None, label) => Selector::Label(label.clone().unwrap_or_default()),
    }
}

/// Returns the authority URL of an issuer, for challenges to clients. The issuer of Entra ID's v1 access tokens has
/// another host than the authority, that of v2 has a version suffix; for other issuers, both URLs are the same.
fn authority(issuer: &config::Issuer) -> String {
    let name = issuer.issuer.trim_end_matches('/');
    if name.starts_with("https://sts.windows.net/") {
        return format!("https://login.microsoftonline.com/{}", issuer.tenant);
    }
    name.strip_suffix("/v2.0").unwrap_or(name).to_owned()
}
