//! Opens the store together with the files of the audit log, to which it exports.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::audit;
use crate::clock::Clock;
use crate::config::{self, BrokenChain, Config, Durability};
use crate::store::{self, Store};

/// Opens the store and the audit log.
pub(super) async fn open_store(config: &Config, clock: &Clock) -> anyhow::Result<Store> {
    let directory = audit_directory(config);
    let mut sink = audit::Sink::open(&directory)?.with_max_file_size(config.audit.rotate_bytes);
    let options = store::Options {
        control_plane_roles: config::control_plane_roles()?,
        clock: clock.clone(),
        durability: match config.audit.durability {
            Durability::Request => store::Durability::Request,
            Durability::Relaxed => store::Durability::Relaxed,
        },
        exported: sink.last_seq(),
        exported_chain: Some(sink.last().chain.clone()),
        accept_break: config.audit.broken_chain == BrokenChain::Record,
        events_kept: config.events.kept,
    };
    let export = Box::new(move |records: &[store::ExportedRecord]| {
        sink.append(records.iter().map(|record| (record.seq, record.at, record.line.as_str())))
    });
    let path = config.data_dir.join("strongroom.db");
    let store = Store::open(&path, config::built_in_roles()?, options, export).await;
    store.with_context(|| {
        format!("the audit log in {} and the database {}", directory.display(), path.display())
    })
}

/// Returns the directory of the audit files.
pub(super) fn audit_directory(config: &Config) -> PathBuf {
    config.audit.directory.clone().unwrap_or_else(|| config.data_dir.join("audit"))
}
