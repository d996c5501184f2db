//! The audit log: what is checked when the service starts, and what is done now and then while it runs.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, MissedTickBehavior};

use crate::audit::{self, Expected, Retention, Signed};
use crate::config::{Audit, BrokenChain, Config};
use crate::engine::{AuditLog, Engine, Signer};
use crate::model::entry::Meter;
use crate::model::{Error, Timestamp};
use crate::store::{Commit, Record, Store};
use crate::token::{Selector, Supply};

use super::house;

/// What the audit log calls files that are not those that were written.
const BROKEN: &str = "AuditLogBroken";

/// What it calls records that the files did not have, and the database had.
const RESTORED: &str = "AuditLogRestored";

/// How often it is looked whether something is to be done.
const TICK: Duration = Duration::from_secs(1);

/// Records what was counted of unauthenticated calls, signs the log, and deletes files that are not to be kept.
pub(super) async fn keep(engine: Engine, settings: Audit) {
    let interval = Duration::from_secs(settings.sign_seconds);
    let mut signed = Instant::now();
    let mut tick = tokio::time::interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        engine.record_refusals(false).await;
        if signed.elapsed() < interval {
            continue;
        }
        signed = Instant::now();
        if let Err(error) = engine.sign_audit_log().await {
            tracing::error!(%error, "the end of the audit log could not be signed; it is tried again");
        }
        if let Err(error) = engine.trim_audit_log().await {
            tracing::error!(%error, "audit files that are not to be kept could not be deleted");
        }
    }
}

/// Checks the files, and opens the key that signs them. `chosen` is the token of a gateway that holds it.
pub(super) async fn open(
    config: &Config,
    store: &Store,
    supply: &Supply,
    chosen: Option<Selector>,
    now: Timestamp,
) -> anyhow::Result<AuditLog> {
    let directory = house::audit_directory(config);
    let unsigned = check(config, store, &directory, now).await?;
    let keys = store.audit_keys();
    let complete = keys.iter().filter(|key| key.public.is_some());
    let known: Vec<String> =
        complete.map(|key| key.token_serial.clone()).chain(store.token_serials()).collect();
    let signer = match open_signer(store, supply, chosen, &known, now).await {
        Ok(signer) => Some(signer),
        Err(Error::Unsupported { what }) => {
            tracing::error!("the audit log is not signed: {what}");
            None
        }
        Err(error) => return Err(anyhow::Error::new(error).context("the key that signs the audit log")),
    };
    if let (Some(first), Some(signer)) = (unsigned, &signer) {
        tracing::warn!(
            record = first.seq,
            "the audit files begin with this record; that is signed from now on"
        );
        signer.sign_start(first, now).await?.keep_in(&directory)?;
    }
    let retention = Retention { days: config.audit.keep_days, bytes: config.audit.keep_bytes };
    if signer.is_none() && retention.limits() {
        tracing::error!("no audit file is deleted: where the remaining ones begin could not be signed");
    }
    Ok(AuditLog { directory, retention, refusals: house::refusal_limits(config), signer })
}

async fn open_signer(
    store: &Store,
    supply: &Supply,
    chosen: Option<Selector>,
    known: &[String],
    now: Timestamp,
) -> crate::model::Result<Signer> {
    let token = supply.open_audit(chosen.as_ref(), known).await?;
    Signer::open(store, token, now).await
}

/// Compares the files with the database, with their signatures and with the last signed head. Gives the record that the
/// files begin with where that is accepted and not signed: older files were moved away before beginnings were signed, or
/// what is wrong is to be recorded only.
async fn check(
    config: &Config,
    store: &Store,
    directory: &Path,
    now: Timestamp,
) -> anyhow::Result<Option<audit::Last>> {
    let keys = store.audit_keys();
    let keys = keys.iter().filter_map(|key| key.public.as_ref());
    let keys = keys.filter_map(|public| Some(audit::Jwk::of(public).ok()?.thumbprint())).collect::<Vec<_>>();
    let any_start = keys.is_empty();
    let (heads, kept) = match Signed::head_in(directory) {
        Ok(head) => (Vec::from_iter(head), None),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            (Vec::new(), Some(error.to_string()))
        }
        Err(error) => return Err(error.into()),
    };
    let expected = Expected { heads, keys, quick: true, any_start, ..Expected::default() };
    let dir = directory.to_owned();
    let report = tokio::task::spawn_blocking(move || audit::verify_with(&dir, &expected)).await??;
    let recorded = config.audit.broken_chain == BrokenChain::Record;
    let is_signed =
        |first: &audit::Last| report.start.is_some_and(|start| first.seq <= start.saturating_add(1));
    let begins = report.begins.clone().filter(|first| first.seq > 1 && !is_signed(first));
    let begins = begins.filter(|_| any_start || recorded);
    if let Some((first, last)) = store.resumed() {
        let why = format!(
            "records {first} to {last} were not in the audit files, and were written to them from the database: after a \
             crash that is expected, after an orderly end it is not"
        );
        tracing::warn!("{why}");
        record(store, RESTORED, "RECORDS_RESTORED", &why, now).await?;
    }
    let found = store.chain_break().map(str::to_owned).or(kept);
    let Some(why) = found.or(report.broken.map(|found| found.to_string())) else { return Ok(begins) };
    if !recorded {
        bail!(
            "the audit log in {} is not as it was written: {why}; `strongroom audit verify` names the first record that \
             is wrong, and audit.broken_chain = \"record\" starts all the same",
            directory.display()
        );
    }
    tracing::error!(why, "the audit log is not as it was written");
    record(store, BROKEN, "CHAIN_BROKEN", &why, now).await?;
    Ok(begins)
}

/// Has what was found on record.
async fn record(
    store: &Store,
    event: &'static str,
    signature: &str,
    why: &str,
    at: Timestamp,
) -> anyhow::Result<()> {
    let body = audit::render_finding(event, at, signature, why)?;
    let record = Record { at, hsm: None, event, meter: Meter::Free, version: None, body };
    Ok(store.commit(Commit { record: Some(record), ..Commit::default() }).await?)
}
