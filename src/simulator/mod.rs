//! What only a simulator has: its token issuer with the directory and the managed identities, its certificates, its
//! seed, and the files for its clients.

pub mod authority;
pub mod certificates;

mod applications;
mod banner;
mod connection_file;
mod console;
mod installation;
mod managed_identity_listener;
mod name_constraints;
mod seed;
mod seeded_vaults;
mod setup_error;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::config::Config;
use crate::server::{self, Server, files};
use crate::token::softhsm;
use connection_file::Urls;
use installation::Prepared;

pub use setup_error::SetupError;

/// Returns the environment variable that points SoftHSM to its configuration. It must be set before the process starts.
///
/// # Errors
/// If the data directory cannot be created.
pub fn environment(config: &Config) -> anyhow::Result<(&'static str, PathBuf)> {
    files::make_private_directory(&config.data_dir)?;
    let root = std::path::absolute(&config.data_dir)?.join("softhsm");
    Ok(softhsm::Directory::prepare(&root)?.environment())
}

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// If the service cannot start.
pub async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let server = Server::bind(&config).await?;
    let metrics = server.metrics_url();
    let prepared = installation::prepare(&config, server.port())?;
    let Prepared { installation, authority, identities, connection } = prepared;
    let service = server::open(&config, installation).await?;
    seeded_vaults::record(&config.data_dir, connection.vaults())?;
    authority.record_in(service.engine.clone());
    // Started only now, because each issued access token must be recorded.
    let managed_identity = match identities {
        Some(identities) => {
            managed_identity_listener::start(config.simulator.managed_identity_listen, identities).await
        }
        None => None,
    };
    let announce = || {
        let urls = Urls { managed_identity: managed_identity.as_ref(), metrics: metrics.as_deref() };
        connection_file::write(&config.data_dir, &connection, &urls)?;
        banner::print(&config.data_dir, &connection, &urls)
    };
    server.serve(&config, service, announce).await
}
