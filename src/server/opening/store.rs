//! Opens the store together with the files of the audit log, to which its ledger appends.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::clock::Clock;
use crate::config::{self, BrokenChain, Config, Durability};
use crate::engine::AuditFiles;
use crate::store::{self, Store};

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
    };
    let path = config.data_dir.join(DATABASE);
    let store = Store::open(&path, config::built_in_roles()?, options, Box::new(files)).await;
    store.with_context(|| {
        format!("the audit log in {} and the database {}", directory.display(), path.display())
    })
}

/// Returns the directory of the audit files.
pub(super) fn audit_directory(config: &Config) -> PathBuf {
    config.audit.directory.clone().unwrap_or_else(|| config.data_dir.join("audit"))
}
