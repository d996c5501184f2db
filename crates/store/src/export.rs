//! Exports committed audit records to the audit log, concurrently with the ledger's commits.

use std::io;
use std::mem;
use std::time::Duration;

use sqlx::SqliteConnection;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;

use super::outbox::{self, ExportedRecord};
use crate::model::{Error, Result};

/// Writes records, in order, and returns when they are durable. After a failure it is called with the same
/// records again, and must skip those that it has written. Called on a blocking thread, one call at a time.
pub type Export = Box<dyn FnMut(&[ExportedRecord]) -> io::Result<()> + Send>;

/// The minimum time between the starts of two runs. The records are already durable in the database, and each
/// run costs one flush of the disk, regardless of the number of records.
const MIN_INTERVAL: Duration = Duration::from_millis(20);

/// The maximum number of records waiting in memory for export; beyond it, they are read from the database.
const MAX_WAITING: usize = 16_384;

/// A finished run: the export, the sequence number of its last record, and the result.
type Run = (Export, u64, io::Result<()>);

/// Runs the export on a blocking thread, one run at a time.
pub(super) struct Exporter {
    /// `None` during a run.
    export: Option<Export>,
    running: Option<JoinHandle<Run>>,
    finished: Option<std::result::Result<Run, JoinError>>,
    waiting: Vec<ExportedRecord>,
    /// Whether the database has unexported records that are not in `waiting`.
    behind: bool,
    exported: u64,
    /// When the next run may start.
    next: Instant,
}

impl Exporter {
    /// An exporter that has exported the records up to `exported`.
    pub(super) fn new(export: Export, exported: u64) -> Self {
        Self {
            export: Some(export),
            running: None,
            finished: None,
            waiting: Vec::new(),
            behind: false,
            exported,
            next: Instant::now(),
        }
    }

    /// The sequence number of the last record known to be exported.
    pub(super) fn exported(&self) -> u64 {
        self.exported
    }

    /// Exports all records in the database, before the store is used.
    ///
    /// # Errors
    /// `Internal` if the database or the export fails.
    pub(super) async fn catch_up(&mut self, db: &mut SqliteConnection) -> Result<()> {
        loop {
            let records = outbox::after(db, self.exported).await.map_err(Error::internal)?;
            if records.is_empty() {
                return Ok(());
            }
            self.run(records);
            self.finished().await;
            if !self.take_result() {
                return Err(Error::internal("audit records of the previous run could not be exported"));
            }
        }
    }

    /// Adds the records of a committed group.
    pub(super) fn offer(&mut self, mut records: Vec<ExportedRecord>) {
        if self.behind {
            return;
        }
        self.waiting.append(&mut records);
        if self.waiting.len() > MAX_WAITING {
            self.fall_behind();
        }
    }

    /// Whether a run is in progress or records wait for the next one.
    pub(super) fn is_busy(&self) -> bool {
        self.running.is_some() || !self.waiting.is_empty()
    }

    /// Waits until [`step`](Self::step) has work. Cancel safe.
    pub(super) async fn ready(&mut self) {
        if self.running.is_some() {
            self.finished().await;
        } else {
            tokio::time::sleep_until(self.next).await;
        }
    }

    /// Waits for the current run.
    async fn finished(&mut self) {
        if let Some(running) = &mut self.running {
            let finished = running.await;
            self.running = None;
            self.finished = Some(finished);
        }
    }

    /// Takes the result of the last run, and starts the next one if there are records to export. After a
    /// failure, the next run starts with the next group.
    pub(super) async fn step(&mut self, db: &mut SqliteConnection) {
        if self.running.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finished().await;
        }
        let due = self.behind || Instant::now() >= self.next;
        if self.running.is_none() && self.take_result() && due {
            self.begin(db).await;
        }
    }

    /// Starts a run with the waiting records.
    async fn begin(&mut self, db: &mut SqliteConnection) {
        if self.export.is_none() {
            return;
        }
        if self.behind {
            match outbox::after(db, self.exported).await {
                Ok(records) => {
                    self.behind = !records.is_empty();
                    self.run(records);
                }
                Err(error) => tracing::error!(%error, "audit records to export could not be read"),
            }
        } else {
            let waiting = mem::take(&mut self.waiting);
            self.run(waiting);
        }
    }

    /// Exports the remaining records. After a failure they stay in the database until the next start.
    pub(super) async fn finish(&mut self, db: &mut SqliteConnection) {
        loop {
            self.finished().await;
            if !self.take_result() {
                return;
            }
            self.begin(db).await;
            if self.running.is_none() {
                return;
            }
        }
    }

    fn run(&mut self, records: Vec<ExportedRecord>) {
        let Some(last) = records.last().map(|record| record.seq) else { return };
        let Some(mut export) = self.export.take() else { return };
        self.next = Instant::now() + MIN_INTERVAL;
        self.running = Some(tokio::task::spawn_blocking(move || {
            let result = export(&records);
            (export, last, result)
        }));
    }

    /// Takes the result of a finished run; returns `false` if it failed.
    fn take_result(&mut self) -> bool {
        match self.finished.take() {
            None => true,
            Some(Ok((export, last, result))) => {
                self.export = Some(export);
                match result {
                    Ok(()) => {
                        self.exported = last;
                        true
                    }
                    Err(error) => {
                        tracing::error!(%error, "audit records could not be exported; they stay in the database");
                        self.fall_behind();
                        false
                    }
                }
            }
            Some(Err(error)) => {
                tracing::error!(%error, "the audit export panicked; records stay in the database until the next start");
                self.fall_behind();
                false
            }
        }
    }

    fn fall_behind(&mut self) {
        self.waiting = Vec::new();
        self.behind = true;
    }
}
