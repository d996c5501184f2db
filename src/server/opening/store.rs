//! Opens the store together with the files of the audit log, to which its ledger appends.

use std::path::PathBuf;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;

use crate::clock::Clock;
use crate::config::{self, BrokenChain, Config, Durability, SecretSource};
use crate::engine::AuditFiles;
use crate::store::{self, InstanceName, Location, OpeningLock, PostgresServer, Store};

/// The name of the database in the data directory.
pub(super) const DATABASE: &str = "strongroom.db";

/// Opens the store and the audit log.
pub(super) async fn open_store(config: &Config, clock: &Clock) -> anyhow::Result<Store> {
    let directory = audit_directory(config);
    let files = AuditFiles::open(&directory, config.audit.rotate_bytes)?;
    let options = store::Options {
        control_plane_roles: config::control_plane_roles()?,
        clock: clock.clone(),
        durability: match config.audit.durability {
            Durability::Request => store::Durability::Request,
            Durability::Relaxed => store::Durability::Relaxed,
        },
        accept_break: config.audit.broken_chain == BrokenChain::Record,
        events_kept: config.events.kept,
        instance: instance(config)?,
    };
    let location = location(config)?;
    let database = location.to_string();
    let store = Store::open(location, config::built_in_roles()?, options, Box::new(files)).await;
    store.with_context(|| format!("the audit log in {} and the database {database}", directory.display()))
}

/// Waits until no other instance of the same database starts.
pub(super) async fn lock_opening(config: &Config) -> anyhow::Result<OpeningLock> {
    Ok(OpeningLock::acquire(&location(config)?).await?)
}

/// Returns the name of this instance.
///
/// # Errors
/// If the configuration has an invalid one.
pub(crate) fn instance(config: &Config) -> anyhow::Result<InstanceName> {
    let name = config.store.instance.as_deref().map(str::parse).transpose().context("store.instance")?;
    Ok(name.unwrap_or_default())
}

/// Returns where the database of a configuration is.
///
/// # Errors
/// If the password of the server cannot be read, or the URL is invalid; the text names the setting.
pub(crate) fn location(config: &Config) -> anyhow::Result<Location> {
    match &config.store.url {
        Some(url) => Ok(server_at("store", url, &config.store.password)?.into()),
        None => Ok(config.data_dir.join(DATABASE).into()),
    }
}

/// Returns the server of a URL. `setting` has the URL and the source of the password, in errors.
///
/// # Errors
/// If the password cannot be read, or the URL is invalid.
pub(crate) fn server_at(setting: &str, url: &str, password: &SecretSource) -> anyhow::Result<PostgresServer> {
    let server = PostgresServer::parse(url).with_context(|| format!("{setting}.url"))?;
    if password.is_empty() {
        return Ok(server);
    }
    let password = password.read(&format!("{setting}.password"))?;
    Ok(server.with_password(password.expose_secret()))
}

/// Returns the directory of the audit files.
pub(super) fn audit_directory(config: &Config) -> PathBuf {
    config.audit.directory.clone().unwrap_or_else(|| config.data_dir.join("audit"))
}
