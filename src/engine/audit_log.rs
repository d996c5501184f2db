//! Signs the end of the audit log's chain, and deletes the files that are not to be kept.
//!
//! The key is made in the token like any other, under an identifier that the database has before the token is asked:
//! what an interrupted start left under it is destroyed, and the key is made anew.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Engine, RefusalLimits};
use crate::audit::{self, Jwk, Last, Retention, Says, Signed, Statement};
use crate::ids::Ids;
use crate::model::algorithm::SignatureAlgorithm;
use crate::model::audit_key::AuditKey;
use crate::model::change::Change;
use crate::model::entry::Meter;
use crate::model::key::{Curve, KeySpec, KeyType};
use crate::model::name::VersionId;
use crate::model::{Error, Result, Timestamp};
use crate::store::{Commit, Record, Store};
use crate::token::Token;

/// What the audit log calls a signature of its end.
const SIGNED: &str = "AuditLogSign";
/// What it calls the signature of a beginning, when files are deleted.
const TRIMMED: &str = "AuditLogTrim";
/// What it calls a new key.
const KEY: &str = "AuditKeyCreate";

const KEY_TYPE: KeyType = KeyType::Ec { curve: Curve::P256 };

/// What the engine does for the audit log beside writing records.
pub struct AuditLog {
    /// Where the files are.
    pub directory: PathBuf,
    /// Which of them are kept.
    pub retention: Retention,
    /// What unauthenticated callers may add.
    pub refusals: RefusalLimits,
    /// Who signs; nobody where the token cannot.
    pub signer: Option<Signer>,
}

impl AuditLog {
    /// A log that is neither signed nor shortened, and takes what unauthenticated callers add without a limit.
    pub fn unsigned(directory: PathBuf) -> Self {
        let (limit, window) = (u32::MAX, std::time::Duration::MAX);
        let refusals = RefusalLimits {
            per_address: limit,
            in_all: limit,
            window,
            reserve: 0,
            directories: vec![directory.clone()],
        };
        Self { directory, retention: Retention::default(), refusals, signer: None }
    }
}

/// The key that signs the log.
pub struct Signer {
    token: Token,
    version: VersionId,
    key: Jwk,
    /// The last record that is known to be signed.
    through: AtomicU64,
}

impl Signer {
    /// Finds the key in a token, or makes it there.
    ///
    /// # Errors
    /// `Unsupported` where the token has no such keys; `KeyMaterialMissing` where it does not hold the one that is
    /// recorded, `Internal` where it holds another; what token and store answer.
    pub async fn open(store: &Store, token: Token, now: Timestamp) -> Result<Self> {
        let serial = &token.info().serial;
        let known = store.audit_keys().into_iter().rev().find(|key| key.token_serial == *serial);
        let (version, key) = match known {
            Some(AuditKey { version, public: Some(public), .. }) => (version, Jwk::of(&public)?),
            interrupted => Self::make(store, &token, interrupted.map(|key| key.version), now).await?,
        };
        let signer = Self { token, version, key, through: AtomicU64::new(0) };
        // Shows that the token has the private half of the key that is recorded.
        signer.sign(Says::Head, Last::default(), now).await?;
        Ok(signer)
    }

    async fn make(
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
        let public = token.generate(version, &spec).await?;
        let key = Jwk::of(&public)?;
        let made = AuditKey { version, token_serial, public: Some(public) };
        let body = audit::render_key(KEY, now, &key)?;
        let (changes, record) = (vec![Change::PutAuditKey(made)], Some(own_record(KEY, now, body)));
        store.commit(Commit { changes, record, ..Commit::default() }).await?;
        Ok((version, key))
    }

    /// Signs that the files of the log begin with this record.
    ///
    /// # Errors
    /// What the token answers.
    pub async fn sign_start(&self, first: Last, now: Timestamp) -> Result<Signed> {
        self.sign(Says::Start, first, now).await
    }

    async fn sign(&self, says: Says, last: Last, time: Timestamp) -> Result<Signed> {
        let statement = Statement { says, last, time, key: self.key.clone() };
        let (algorithm, digest) = (SignatureAlgorithm::Es256, statement.digest());
        let signature = self.token.sign(self.version, KEY_TYPE, algorithm, digest).await?;
        statement.signed(&signature)
    }

    /// Ends the use of the token.
    pub(super) async fn drain(&self, patience: std::time::Duration) -> bool {
        self.token.drain(patience).await
    }
}

impl Engine {
    /// Signs the end of the audit log, if records were added since the last signature.
    ///
    /// # Errors
    /// What token, store and file system answer.
    pub async fn sign_audit_log(&self) -> Result<()> {
        let Some(signer) = &self.0.audit_log.signer else { return Ok(()) };
        let last = self.0.store.audit_head();
        let through = signer.through.load(Ordering::Relaxed);
        // One more is the record of the last signature.
        if last.0 <= through.saturating_add(u64::from(through > 0)) {
            return Ok(());
        }
        let now = self.0.clock.now();
        let signed = signer.sign(Says::Head, Last { seq: last.0, chain: last.1 }, now).await?;
        self.record_statement(SIGNED, now, &signed, &[]).await?;
        signer.through.store(signed.seq, Ordering::Relaxed);
        self.keep(signed).await
    }

    /// Deletes the oldest audit files if more are there than are to be kept. First it is signed, on record, where the
    /// remaining ones begin.
    ///
    /// # Errors
    /// What token, store and file system answer.
    pub async fn trim_audit_log(&self) -> Result<()> {
        let log = &self.0.audit_log;
        let Some(signer) = log.signer.as_ref().filter(|_| log.retention.limits()) else { return Ok(()) };
        // Age alone dooms them: not by a clock that is not trusted.
        if self.0.clock.check_trusted().is_err() {
            return Ok(());
        }
        let (directory, retention) = (log.directory.clone(), log.retention.clone());
        let Some(doomed) = away(move || audit::doomed(&directory, &retention)).await? else { return Ok(()) };
        let now = self.0.clock.now();
        let signed = signer.sign(Says::Start, doomed.last.clone(), now).await?;
        self.keep(signed.clone()).await?;
        self.record_statement(TRIMMED, now, &signed, &doomed.names).await?;
        tracing::info!(files = ?doomed.names, "audit files are deleted as configured");
        away(move || doomed.delete()).await
    }

    async fn record_statement(
        &self,
        event: &'static str,
        at: Timestamp,
        signed: &Signed,
        files: &[String],
    ) -> Result<()> {
        let record = Some(own_record(event, at, signed.record(event, files)?));
        self.0.store.commit(Commit { record, ..Commit::default() }).await
    }

    async fn keep(&self, signed: Signed) -> Result<()> {
        let directory = self.0.audit_log.directory.clone();
        away(move || signed.keep_in(&directory)).await
    }
}

fn own_record(event: &'static str, at: Timestamp, body: String) -> Record {
    Record { at, hsm: None, event, meter: Meter::Free, version: None, body }
}

/// Reads and writes files away from the runtime's threads.
async fn away<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
    done.map_err(Error::internal)
}
