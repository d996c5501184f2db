//! Follows a backup job to its end, with a progress bar on a terminal.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tonic::{Code, Status};

use super::Context;
use super::failure::{Failure, Outcome};
use super::options::Format;
use super::plane::Plane;
use super::session::Session;
use crate::api::grpc::pb;

/// The status of a job that has not ended.
const IN_PROGRESS: &str = "InProgress";
/// How often the elapsed time on the terminal is updated.
const TICK: Duration = Duration::from_millis(100);
/// What is shown while the number of keys is not known.
const SPINNER: &str = "{spinner} {pos} keys, {elapsed}";
/// What is shown when the number of keys is known.
const BAR: &str = "[{bar:40}] {pos} of {len} keys, {elapsed}";
/// The time between attempts to connect again.
const RETRY_AFTER: Duration = Duration::from_millis(500);
/// How many attempts in sequence may fail, for example while the server restarts.
const ATTEMPTS: u32 = 20;

/// Returns a job when it has ended. If the stream is interrupted, for example because the server restarts, continues with a
/// new one; a job that a restart has interrupted has ended, with a failure.
///
/// # Errors
/// If the job cannot be followed any more. The failure names the job and the command that shows it.
pub(super) async fn follow(
    context: &Context,
    session: &Session,
    mut job: pb::BackupJob,
) -> Outcome<pb::BackupJob> {
    let bar = Bar::new(context.output.format());
    let mut attempts = ATTEMPTS;
    let mut result = receive(session, &bar, &mut job, &mut attempts).await;
    while let Err(status) = &result {
        if attempts == 0 || !is_interruption(context, status) {
            break;
        }
        attempts -= 1;
        #[expect(clippy::disallowed_methods, reason = "a client waits in real time")]
        tokio::time::sleep(RETRY_AFTER).await;
        if let Ok(session) = context.connect().await {
            result = receive(&session, &bar, &mut job, &mut attempts).await;
        }
    }
    match result {
        Ok(()) => Ok(job),
        Err(status) => Err(Failure::from(status).within(description(&job))),
    }
}

/// Updates the job with the messages of one stream, until it has ended. Each message restores the number of attempts.
async fn receive(
    session: &Session,
    bar: &Bar,
    job: &mut pb::BackupJob,
    attempts: &mut u32,
) -> Result<(), Status> {
    if job.status != IN_PROGRESS {
        return Ok(());
    }
    bar.show(job);
    let (mut service, name) = (session.backups(), job.name.clone());
    let response = if is_backup(job) {
        service.watch_backup_job(pb::WatchBackupJobRequest { name }).await
    } else {
        service.watch_restore_job(pb::WatchRestoreJobRequest { name }).await
    };
    let mut stream = response?.into_inner();
    while let Some(state) = stream.message().await? {
        *job = state;
        *attempts = ATTEMPTS;
        bar.show(job);
    }
    if job.status == IN_PROGRESS {
        return Err(Status::unavailable("the server has ended the stream before the job has ended"));
    }
    Ok(())
}

fn is_backup(job: &pb::BackupJob) -> bool {
    job.name.contains("/backupJobs/")
}

/// Describes a job with the command that shows it.
fn description(job: &pb::BackupJob) -> String {
    let command = if is_backup(job) { "backup" } else { "restore" };
    let id = job.name.rsplit('/').next().unwrap_or_default();
    format!("the job {id}, which `strongroom {command} status {id}` shows")
}

/// Whether a stream ended for a reason that a new connection, or a new access token, removes.
fn is_interruption(context: &Context, status: &Status) -> bool {
    match status.code() {
        Code::Unavailable => true,
        // Errors of a connection that has broken.
        Code::Unknown | Code::Cancelled | Code::Internal => std::error::Error::source(status).is_some(),
        // A job may outlive an access token; one that was given cannot be replaced.
        Code::Unauthenticated => context.options.access_token(Plane::Data).is_none(),
        _ => false,
    }
}

/// The progress of a job on standard error, if that is a terminal and the result is text.
struct Bar(ProgressBar);

impl Bar {
    fn new(format: Format) -> Self {
        let is_shown = format == Format::Table && std::io::stderr().is_terminal();
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style(SPINNER));
        if is_shown {
            bar.enable_steady_tick(TICK);
        }
        Self(bar)
    }

    /// Shows how many keys are done: as a bar, or beside a spinner if the number of all is not known.
    fn show(&self, job: &pb::BackupJob) {
        if job.keys_total > 0 && self.0.length() != Some(job.keys_total) {
            self.0.set_style(style(BAR));
            self.0.set_length(job.keys_total);
        }
        self.0.set_position(job.keys_done);
    }
}

/// Parses a template of this file.
fn style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    style.progress_chars("=> ")
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
