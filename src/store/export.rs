//! Hands committed audit records on, beside the ledger's work and after it, never before.

use std::io;
use std::mem;
use std::time::Duration;

use sqlx::SqliteConnection;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::Instant;

use super::outbox::{self, ExportedRecord};
use crate::model::{Error, Result};

/// Takes records in order and returns once they are durable where it puts them. After a failure it
/// is given the same records again, and has to leave out those that it kept. Called on a thread that
/// may block, one call at a time.
pub type Export = Box<dyn FnMut(&[ExportedRecord]) -> io::Result<()> + Send>;

/// How long after the beginning of a run the next one begins at the earliest. The records are durable
/// already, and each run costs a flush of the disk, however many records it takes.
const PACE: Duration = Duration::from_millis(20);

/// How many records wait in memory for a slow export; more are read back from the database.
const WAITING: usize = 16_384;

/// A finished run: the export, the last record it was given, and how it went.
type Run = (Export, u64, io::Result<()>);

/// Exports in runs on a blocking thread, one at a time.
pub(super) struct Exporter {
    /// Absent during a run.
    export: Option<Export>,
    running: Option<JoinHandle<Run>>,
    finished: Option<std::result::Result<Run, JoinError>>,
    waiting: Vec<ExportedRecord>,
    /// Whether the database has records to export that do not wait in memory.
    behind: bool,
    exported: u64,
    /// When the next run may begin.
    next: Instant,
}

impl Exporter {
    /// An exporter whose records have arrived up to `exported`.
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

    /// The last record that is known to have arrived.
    pub(super) fn exported(&self) -> u64 {
        self.exported
    }

    /// Exports all there is in the database, before anything else happens.
    pub(super) async fn catch_up(&mut self, db: &mut SqliteConnection) -> Result<()> {
        loop {
            let records = outbox::after(db, self.exported).await.map_err(Error::internal)?;
            if records.is_empty() {
                return Ok(());
            }
            self.run(records);
            self.finished().await;
            if !self.settle() {
                return Err(Error::internal("audit records of the last run could not be exported"));
            }
        }
    }

    /// Takes the records of a group that is committed.
    pub(super) fn offer(&mut self, mut records: Vec<ExportedRecord>) {
        if self.behind {
            return;
        }
        self.waiting.append(&mut records);
        if self.waiting.len() > WAITING {
            self.fall_behind();
        }
    }

    /// Whether a run is under way or records wait for the next one.
    pub(super) fn is_busy(&self) -> bool {
        self.running.is_some() || !self.waiting.is_empty()
    }

    /// Waits until [`step`](Self::step) has something to do. Can be dropped and called again.
    pub(super) async fn ready(&mut self) {
        if self.running.is_some() {
            self.finished().await;
        } else {
            tokio::time::sleep_until(self.next).await;
        }
    }

    /// Waits for the run that is under way.
    async fn finished(&mut self) {
        if let Some(running) = &mut self.running {
            let finished = running.await;
            self.running = None;
            self.finished = Some(finished);
        }
    }

    /// Looks at the last run and starts the next if there is something to export. After a failure it
    /// starts none: the next group does.
    pub(super) async fn step(&mut self, db: &mut SqliteConnection) {
        if self.running.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finished().await;
        }
        let due = self.behind || Instant::now() >= self.next;
        if self.running.is_none() && self.settle() && due {
            self.begin(db).await;
        }
    }

    /// Starts a run with what waits.
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

    /// Exports what is left, once; what fails stays in the database for the next start.
    pub(super) async fn finish(&mut self, db: &mut SqliteConnection) {
        loop {
            self.finished().await;
            if !self.settle() {
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
        self.next = Instant::now() + PACE;
        self.running = Some(tokio::task::spawn_blocking(move || {
            let result = export(&records);
            (export, last, result)
        }));
    }

    /// Takes the result of a finished run; says whether all is well.
    fn settle(&mut self) -> bool {
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
                        tracing::error!(%error, "audit records could not be exported; they are kept");
                        self.fall_behind();
                        false
                    }
                }
            }
            Some(Err(error)) => {
                tracing::error!(%error, "the audit export is gone; records are kept until the next start");
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
