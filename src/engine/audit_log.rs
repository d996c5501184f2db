//! Signs the head of the audit log's hash chain, and deletes audit files beyond the configured retention.
//!
//! The signing key is generated in the token. Its identifier is committed to the database first: objects that an
//! interrupted start left under that identifier are destroyed, and the key is generated again.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Engine, RefusalLimits};
use crate::audit::{self, Jwk, LastRecord, Retention, SignedStatement, Statement, StatementKind};
use crate::ids::Ids;
use crate::model::algorithm::SignatureAlgorithm;
use crate::model::audit_entry::Meter;
use crate::model::audit_key::AuditKey;
use crate::model::change::Change;
use crate::model::key::{Curve, KeySpec, KeyType};
use crate::model::name::VersionId;
use crate::model::wrapped_key::BackupPolicy;
use crate::model::{Error, Result, Timestamp};
use crate::store::{AuditRecord, Commit, Store};
use crate::token::Token;

/// The `operationName` of a signature of the head.
const SIGNED: &str = "AuditLogSign";
/// The `operationName` of a signature of the new first record, when files are deleted.
const TRIMMED: &str = "AuditLogTrim";
/// The `operationName` of a new signing key.
const KEY: &str = "AuditKeyCreate";

const KEY_TYPE: KeyType = KeyType::Ec { curve: Curve::P256 };

/// Configuration of the audit log: retention, signing, limits on unauthenticated records.
pub struct AuditLog {
    /// The directory of the audit files.
    pub directory: PathBuf,
    /// Which files are kept.
    pub retention: Retention,
    /// Limits on records of unauthenticated calls.
    pub refusals: RefusalLimits,
    /// The signing key; `None` if the token does not support it.
    pub signer: Option<Signer>,
}

impl AuditLog {
    /// Returns a log without signing, retention limits and limits on unauthenticated records.
    pub fn unsigned(directory: PathBuf) -> Self {
        let (limit, window) = (u32::MAX, std::time::Duration::MAX);
        let refusals = RefusalLimits {
            per_address: limit,
            total: limit,
            window,
            reserve: 0,
            directories: vec![directory.clone()],
        };
        Self { directory, retention: Retention::default(), refusals, signer: None }
    }
}

/// The key pair in a token that signs the log.
pub struct Signer {
    token: Token,
    version: VersionId,
    key: Jwk,
    /// The sequence number of the last record known to be signed.
    through: AtomicU64,
}

impl AuditLog {
    /// Returns the sequence number of the last record that a signature of this run covers; 0 if there is none.
    pub(super) fn signed_through(&self) -> u64 {
        self.signer.as_ref().map_or(0, |signer| signer.through.load(Ordering::Relaxed))
    }

    /// Returns the token of the service, which holds the signing key and belongs to no container; `None` if it supports no such
    /// key.
    pub(super) fn token(&self) -> Option<Token> {
        self.signer.as_ref().map(|signer| signer.token.clone())
    }
}

impl Signer {
    /// Finds the signing key in a token, or generates it.
    ///
    /// # Errors
    /// `Unsupported` if the token does not support the key type; `KeyMaterialMissing` if it does not hold the recorded
    /// key, `Internal` if it holds a different one; errors of token and store.
    pub async fn open(store: &Store, token: Token, now: Timestamp) -> Result<Self> {
        let serial = &token.info().serial;
        let known = store.audit_keys().into_iter().rev().find(|key| key.token_serial == *serial);
        let (version, key) = match known {
            Some(AuditKey { version, public: Some(public), .. }) => (version, Jwk::of(&public)?),
            interrupted => Self::generate(store, &token, interrupted.map(|key| key.version), now).await?,
        };
        let signer = Self { token, version, key, through: AtomicU64::new(0) };
        // Proves that the token holds the private key of the recorded public key.
        signer.sign(StatementKind::Head, LastRecord::default(), now).await?;
        Ok(signer)
    }

    async fn generate(
        store: &Store,
        token: &Token,
        interrupted: Option<VersionId>,
        now: Timestamp,
    ) -> Result<(VersionId, Jwk)> {
        token.capabilities().check(KEY_TYPE)?;
        let token_serial = token.info().serial.clone();
        let version = match interrupted {
            Some(version) => {
                token.destroy(&[version]).await?;
                version
            }
            None => {
                let version = Ids.version();
                let declared = AuditKey { version, token_serial: token_serial.clone(), public: None };
                let changes = vec![Change::PutAuditKey(declared)];
                store.commit(Commit { changes, ..Commit::default() }).await?;
                version
            }
        };
        let spec = KeySpec { key_type: KEY_TYPE, public_exponent: 0 };
        let public = token.generate(version, &spec, BackupPolicy::Never).await?;
        let key = Jwk::of(&public)?;
        let made = AuditKey { version, token_serial, public: Some(public) };
        let body = audit::render_key(KEY, now, &key)?;
        let (changes, record) = (vec![Change::PutAuditKey(made)], Some(own_record(KEY, now, body)));
        store.commit(Commit { changes, record, ..Commit::default() }).await?;
        Ok((version, key))
    }

    /// Signs a statement of where the audit files begin.
    ///
    /// # Errors
    /// Those of the token.
    pub async fn sign_start(&self, first: LastRecord, now: Timestamp) -> Result<SignedStatement> {
        self.sign(StatementKind::Start, first, now).await
    }

    async fn sign(&self, says: StatementKind, last: LastRecord, time: Timestamp) -> Result<SignedStatement> {
        let statement = Statement { kind: says, last, time, key: self.key.clone() };
        let (algorithm, digest) = (SignatureAlgorithm::Es256, statement.digest());
        let signature = self.token.sign(self.version, KEY_TYPE, algorithm, digest).await?;
        statement.signed(&signature)
    }

    /// Waits at most `patience` for calls to the token to end.
    pub(super) async fn drain(&self, patience: std::time::Duration) -> bool {
        self.token.drain(patience).await
    }
}

impl Engine {
    /// Signs the head of the audit log, if records were added since the last signature.
    ///
    /// # Errors
    /// Those of token, store and file system.
    pub async fn sign_audit_log(&self) -> Result<()> {
        let Some(signer) = &self.0.audit_log.signer else { return Ok(()) };
        let last = self.0.store.audit_head();
        let through = signer.through.load(Ordering::Relaxed);
        // The one record after the signed head is that of the signature itself.
        if last.0 <= through.saturating_add(u64::from(through > 0)) {
            return Ok(());
        }
        let now = self.0.clock.now();
        let signed = signer.sign(StatementKind::Head, LastRecord { seq: last.0, chain: last.1 }, now).await?;
        self.record_statement(SIGNED, now, &signed, &[]).await?;
        signer.through.store(signed.seq, Ordering::Relaxed);
        self.write_statement(signed).await
    }

    /// Deletes the oldest audit files beyond the configured retention. A signed statement of where the remaining files
    /// begin is recorded first.
    ///
    /// # Errors
    /// Those of token, store and file system.
    pub async fn trim_audit_log(&self) -> Result<()> {
        let log = &self.0.audit_log;
        let Some(signer) = log.signer.as_ref().filter(|_| log.retention.limits()) else { return Ok(()) };
        // Retention is by age, so nothing is deleted while the clock is not trusted.
        if self.0.clock.check_trusted().is_err() {
            return Ok(());
        }
        let (directory, retention) = (log.directory.clone(), log.retention.clone());
        let Some(expired) = blocking(move || audit::expired_files(&directory, &retention)).await? else {
            return Ok(());
        };
        let now = self.0.clock.now();
        let signed = signer.sign(StatementKind::Start, expired.last.clone(), now).await?;
        self.write_statement(signed.clone()).await?;
        self.record_statement(TRIMMED, now, &signed, &expired.names).await?;
        // Records that the database has not counted are read from the files at the next start.
        self.0.store.checkpoint().await?;
        tracing::info!(files = ?expired.names, "audit files are deleted as configured");
        blocking(move || expired.delete()).await
    }

    async fn record_statement(
        &self,
        event: &'static str,
        at: Timestamp,
        signed: &SignedStatement,
        files: &[String],
    ) -> Result<()> {
        let instance = self.0.store.instance().as_str();
        let record = Some(own_record(event, at, signed.record(event, instance, files)?));
        self.0.store.commit(Commit { record, ..Commit::default() }).await
    }

    async fn write_statement(&self, signed: SignedStatement) -> Result<()> {
        let directory = self.0.audit_log.directory.clone();
        blocking(move || signed.write_to(&directory)).await
    }
}

fn own_record(event: &'static str, at: Timestamp, body: String) -> AuditRecord {
    AuditRecord { at, container: None, event, meter: Meter::Free, count: 1, version: None, body }
}

/// Runs file I/O on a blocking thread.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
    done.map_err(Error::internal)
}
