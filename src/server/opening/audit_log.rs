//! Verifies the audit log at start-up, and opens the key that signs it.

use std::path::Path;
use std::time::Duration;

use anyhow::bail;

use super::store::audit_directory;
use crate::audit::{self, Retention, SignedStatement, VerifyOptions};
use crate::config::{BrokenChain, Config};
use crate::engine::{AuditLog, RefusalLimits, Signer};
use crate::model::audit_entry::Meter;
use crate::model::{Error, Timestamp};
use crate::store::{AuditRecord, Commit, Store};
use crate::token::{Selector, TokenPool};

/// The `operationName` of entries about files that do not match what the service wrote.
const BROKEN: &str = "AuditLogBroken";

/// The `operationName` of entries about audit entries that were restored from the database.
const RESTORED: &str = "AuditLogRestored";

/// Verifies the files, and opens the signing key. `chosen` selects the token that holds it.
pub(super) async fn open(
    config: &Config,
    store: &Store,
    supply: &TokenPool,
    chosen: Option<Selector>,
    now: Timestamp,
) -> anyhow::Result<AuditLog> {
    let directory = audit_directory(config);
    let unsigned = check(config, store, &directory, now).await?;
    let keys = store.audit_keys();
    let complete = keys.iter().filter(|key| key.public.is_some());
    let known_serials: Vec<String> =
        complete.map(|key| key.token_serial.clone()).chain(store.token_serials()).collect();
    let signer = match open_signer(store, supply, chosen, &known_serials, now).await {
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
            "the audit files begin with this record; signing it as the new beginning"
        );
        signer.sign_start(first, now).await?.write_to(&directory)?;
    }
    let retention = Retention { days: config.audit.keep_days, bytes: config.audit.keep_bytes };
    if signer.is_none() && retention.limits() {
        tracing::error!(
            "audit files are not deleted, because the beginning of the remaining ones cannot be signed"
        );
    }
    Ok(AuditLog { directory, retention, refusals: refusal_limits(config), signer })
}

/// Returns the limits of audit entries about unauthenticated calls.
fn refusal_limits(config: &Config) -> RefusalLimits {
    let audit = &config.audit;
    RefusalLimits {
        per_address: audit.refusals_per_address,
        total: audit.refusals_in_all,
        window: Duration::from_secs(audit.refusal_window_seconds),
        reserve: audit.reserve_bytes,
        directories: vec![config.data_dir.clone(), audit_directory(config)],
    }
}

async fn open_signer(
    store: &Store,
    supply: &TokenPool,
    chosen: Option<Selector>,
    known_serials: &[String],
    now: Timestamp,
) -> crate::model::Result<Signer> {
    let token = supply.open_audit(chosen.as_ref(), known_serials).await?;
    Signer::open(store, token, now).await
}

/// Verifies the files against the database, their signatures and the last signed head. Returns the first record of the
/// files if this beginning is accepted but not signed: older files were moved away before beginnings were signed, or
/// `audit.broken_chain` is `record`.
async fn check(
    config: &Config,
    store: &Store,
    directory: &Path,
    now: Timestamp,
) -> anyhow::Result<Option<audit::LastRecord>> {
    let keys = store.audit_keys();
    let keys = keys.iter().filter_map(|key| key.public.as_ref());
    let keys = keys.filter_map(|public| Some(audit::Jwk::of(public).ok()?.thumbprint())).collect::<Vec<_>>();
    let any_start = keys.is_empty();
    let (heads, head_error) = match SignedStatement::read_head(directory) {
        Ok(head) => (Vec::from_iter(head), None),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            (Vec::new(), Some(error.to_string()))
        }
        Err(error) => return Err(error.into()),
    };
    let expected = VerifyOptions { heads, keys, quick: true, any_start, ..VerifyOptions::default() };
    let dir = directory.to_owned();
    let report = tokio::task::spawn_blocking(move || audit::verify_with(&dir, &expected)).await??;
    let records_break = config.audit.broken_chain == BrokenChain::Record;
    let is_signed =
        |first: &audit::LastRecord| report.start.is_some_and(|start| first.seq <= start.saturating_add(1));
    let begins = report.begins.clone().filter(|first| first.seq > 1 && !is_signed(first));
    let begins = begins.filter(|_| any_start || records_break);
    if let Some((first, last)) = store.restored_records() {
        let why = format!(
            "records {first} to {last} were missing in the audit files and were restored from the database: this is \
             expected after a crash, but not after a clean shutdown"
        );
        tracing::warn!("{why}");
        record(store, RESTORED, "RECORDS_RESTORED", &why, now).await?;
    }
    let found = store.chain_break().map(str::to_owned).or(head_error);
    let Some(why) = found.or(report.broken.map(|found| found.to_string())) else { return Ok(begins) };
    if !records_break {
        bail!(
            "the audit log in {} does not match what was written: {why}; `strongroom audit verify` names the first \
             invalid record, and audit.broken_chain = \"record\" starts the service nevertheless",
            directory.display()
        );
    }
    tracing::error!(why, "the audit log does not match what was written");
    record(store, BROKEN, "CHAIN_BROKEN", &why, now).await?;
    Ok(begins)
}

/// Adds an audit entry about a finding.
async fn record(
    store: &Store,
    event: &'static str,
    signature: &str,
    why: &str,
    at: Timestamp,
) -> anyhow::Result<()> {
    let body = audit::render_finding(event, at, signature, why)?;
    let record =
        AuditRecord { at, container: None, event, meter: Meter::Free, count: 1, version: None, body };
    Ok(store.commit(Commit { record: Some(record), ..Commit::default() }).await?)
}
