//! The state of the service for operators: health of its parts, statistics; renewal of tokens, and shutdown.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use secrecy::SecretString;

use super::Engine;
use crate::model::billing::{AccruedCosts, Period};
use crate::model::hsm::Activation;
use crate::model::time::DueWork;
use crate::model::{Error, Result, Timestamp};
use crate::store;
use crate::token::{self, Token, TokenInfo};

/// The health of the parts that calls need.
#[derive(Debug)]
pub struct EngineHealth {
    /// Whether the audit log and the database can be written; `StorageFailed` if not.
    pub storage: Result<()>,
    /// The tokens of containers, each once.
    pub tokens: Vec<TokenHealth>,
}

/// The health of a token.
#[derive(Debug)]
pub struct TokenHealth {
    /// The serial number.
    pub serial: String,
    /// The number of sessions that the process which answered has with it; an error if it does not respond.
    pub sessions: Result<u64>,
}

/// The number of containers in each state.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ContainerCounts {
    /// Managed HSMs that serve their data plane.
    pub active_hsms: usize,
    /// Managed HSMs that are not activated yet.
    pub not_activated_hsms: usize,
    /// Soft-deleted managed HSMs.
    pub deleted_hsms: usize,
    /// Live vaults.
    pub active_vaults: usize,
    /// Soft-deleted vaults.
    pub deleted_vaults: usize,
}

/// Scheduled work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ScheduleStatus {
    /// The number of pieces of work that are due, without budgets.
    pub due: usize,
    /// When the earliest of them was due.
    pub due_since: Option<Timestamp>,
    /// When the next work after now is due.
    pub next: Option<Timestamp>,
}

/// A snapshot of the service.
#[derive(Clone, Debug)]
pub struct Status {
    /// The calls that have no result yet.
    pub calls_in_progress: usize,
    /// The open tokens of containers, each once, with the state of its queues and workers.
    pub tokens: Vec<(TokenInfo, token::Statistics)>,
    /// The ledger.
    pub ledger: store::Statistics,
    /// The sequence number of the last audit record.
    pub audit_position: u64,
    /// The sequence number of the last audit record that a signature of this run covers; 0 if there is none.
    pub audit_signed: u64,
    /// The containers.
    pub containers: ContainerCounts,
    /// Scheduled work.
    pub schedule: ScheduleStatus,
}

impl Engine {
    /// Takes a snapshot of the service. Reads memory only.
    pub fn status(&self) -> Status {
        let store = &self.0.store;
        let tokens = self.containers_tokens();
        Status {
            calls_in_progress: self.0.calls_in_progress.load(Ordering::Relaxed),
            tokens: tokens.iter().map(|token| (token.info().clone(), token.statistics())).collect(),
            ledger: store.statistics(),
            audit_position: store.audit_head().0,
            audit_signed: self.0.audit_log.signed_through(),
            containers: self.container_counts(),
            schedule: self.schedule_status(),
        }
    }

    fn container_counts(&self) -> ContainerCounts {
        let mut counts = ContainerCounts::default();
        for hsm in self.0.store.hsms() {
            *match (&hsm.deletion, hsm.activation) {
                (Some(_), _) => &mut counts.deleted_hsms,
                (None, Activation::Active) => &mut counts.active_hsms,
                (None, Activation::NotActivated) => &mut counts.not_activated_hsms,
            } += 1;
        }
        for vault in self.0.store.vaults() {
            let is_deleted = vault.deletion.is_some();
            *if is_deleted { &mut counts.deleted_vaults } else { &mut counts.active_vaults } += 1;
        }
        counts
    }

    fn schedule_status(&self) -> ScheduleStatus {
        let now = self.0.clock.now();
        let (due, due_since) = (Cell::new(0), Cell::new(None::<Timestamp>));
        let is_due = |work: &DueWork| {
            let is_due = work.at <= now;
            if is_due {
                due.set(due.get() + 1);
                due_since.set(Some(due_since.get().map_or(work.at, |first| first.min(work.at))));
            }
            is_due
        };
        let next = self.0.store.next_due(is_due).map(|work| work.at);
        ScheduleStatus { due: due.get(), due_since: due_since.get(), next }
    }

    /// Computes what the containers have cost since the beginning of the month, on a blocking thread.
    ///
    /// # Errors
    /// `Internal` if the computation fails.
    pub async fn accrued_costs(&self) -> Result<AccruedCosts> {
        let (store, pricing, now) = (self.0.store.clone(), Arc::clone(&self.0.pricing), self.0.clock.now());
        let compute = move || {
            let facts = store.facts(Period { from: now, to: now }.month());
            let subscriptions = store.subscriptions();
            AccruedCosts::compute(&facts, &pricing, subscriptions.iter().map(|one| one.id), now)
        };
        let computed = tokio::task::spawn_blocking(compute);
        computed.await.map_err(Error::internal)
    }

    /// Checks that calls can be recorded, and that every token of a container responds. Checks all tokens, since a failed check has
    /// the workers of the token replaced; at the same time, so that one that hangs does not delay the others.
    pub async fn health(&self) -> EngineHealth {
        let storage =
            self.0.store.storage_failure().map_or(Ok(()), |failure| Err(Error::StorageFailed(failure)));
        let check = async |token: &Token| TokenHealth {
            serial: token.info().serial.clone(),
            sessions: token.health().await,
        };
        self.0.supply.share_sessions(self.0.store.instances()).await;
        let missing = self.attach_missing_tokens().await;
        let tokens = self.containers_tokens();
        let mut tokens = join_all(tokens.iter().map(check)).await;
        tokens.extend(missing);
        EngineHealth { storage, tokens }
    }

    /// Returns the open tokens of containers, each once.
    fn containers_tokens(&self) -> Vec<Token> {
        let tokens = self.0.tokens.all().into_iter().map(|token| (token.info().serial.clone(), token));
        tokens.collect::<BTreeMap<_, _>>().into_values().collect()
    }

    /// Uses this PIN of the tokens from now on, if one is given, and replaces their worker processes, which load the module anew.
    pub async fn renew_tokens(&self, pin: Option<SecretString>) {
        self.0.supply.renew(pin).await;
    }

    /// Waits at most `patience` for running changes, and closes the store. Returns whether all of them completed.
    pub async fn shut_down(&self, patience: Duration) -> bool {
        let started = Instant::now();
        self.0.running.close();
        let ended = tokio::time::timeout(patience, self.0.running.wait()).await.is_ok();
        self.record_refusals(true).await;
        if let Err(error) = self.sign_audit_log().await {
            tracing::error!(error = %error.with_causes(), "the end of the audit log could not be signed");
        }
        let mut drained = true;
        if let Some(signer) = &self.0.audit_log.signer {
            drained &= signer.drain(patience).await;
        }
        for token in self.0.tokens.all() {
            drained &= token.drain(patience.saturating_sub(started.elapsed())).await;
        }
        self.0.store.close().await;
        ended && drained
    }
}
