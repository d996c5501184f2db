//! `strongroom backup` and `strongroom restore`: full backups of a managed HSM.

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;

use super::failure::{Failure, Outcome};
use super::names::KeyRef;
use super::output::TableRow;
use super::session::Session;
use super::{Context, backup_job, time_argument};
use crate::api::grpc::pb;
use crate::model::Timestamp;

/// Subcommands of `strongroom backup`.
#[derive(Subcommand, Clone, Debug)]
pub enum BackupCommand {
    /// Back up the HSM: keys, deleted keys, roles and settings
    Start(BackupArgs),
    /// Check whether the HSM can be backed up to a storage
    Check(BackupArgs),
    /// Show a job, by the id that `backup start --no-wait` prints
    Status(JobArgs),
    /// List the last backups and checks, the newest first
    List,
}

/// Subcommands of `strongroom restore`.
#[derive(Subcommand, Clone, Debug)]
pub enum RestoreCommand {
    /// Replace the contents of the HSM by those of a backup
    Start(RestoreArgs),
    /// Check whether a backup can be restored
    Check(RestoreArgs),
    /// Restore one key from the backup of an HSM; a key that exists is not changed
    Key(RestoreKeyArgs),
    /// Show a job, by the id that `--no-wait` prints
    Status(JobArgs),
    /// List the last restores and checks, the newest first
    List,
}

/// A storage.
#[derive(Args, Clone, Debug)]
struct StorageArgs {
    /// URI of a container of Azure Blob Storage, as in `https://ACCOUNT.blob.core.windows.net/CONTAINER`, or of a directory of
    /// the service, as in `file:///DIRECTORY`
    #[arg(long, value_name = "URI")]
    storage: String,
    /// Shared access signature for the container
    #[arg(long, env = "STRONGROOM_STORAGE_TOKEN", hide_env_values = true, value_name = "SAS")]
    storage_token: Option<SecretString>,
    /// Use the managed identity of the service's machine instead of a signature
    #[arg(long, conflicts_with = "storage_token")]
    use_managed_identity: bool,
    /// Print the job and do not wait for its end
    #[arg(long)]
    no_wait: bool,
}

/// Where the backup will be.
#[derive(Args, Clone, Debug)]
pub struct BackupArgs {
    #[command(flatten)]
    storage: StorageArgs,
}

/// Where the backup is.
#[derive(Args, Clone, Debug)]
pub struct RestoreArgs {
    #[command(flatten)]
    storage: StorageArgs,
    /// Folder of the backup [default: the last segment of the storage's URI]
    #[arg(long, value_name = "FOLDER")]
    folder: Option<String>,
}

/// Where the backup is, and the key.
#[derive(Args, Clone, Debug)]
pub struct RestoreKeyArgs {
    /// Name of the key
    #[arg(value_parser = KeyRef::parse_key)]
    name: KeyRef,
    #[command(flatten)]
    source: RestoreArgs,
}

/// A job.
#[derive(Args, Clone, Debug)]
pub struct JobArgs {
    /// Id of the job
    job: String,
}

impl StorageArgs {
    fn message(&self) -> pb::BackupStorage {
        let token = self.storage_token.as_ref();
        pb::BackupStorage {
            uri: self.storage.clone(),
            token: token.map(|token| token.expose_secret().to_owned()).unwrap_or_default(),
            use_managed_identity: self.use_managed_identity,
        }
    }
}

impl RestoreArgs {
    /// Returns the storage and the folder.
    fn source(&self) -> (Option<pb::BackupStorage>, String) {
        let storage = self.storage.message();
        let (uri, folder) = match &self.folder {
            Some(folder) => (storage.uri, folder.clone()),
            None => {
                let uri = storage.uri.trim_end_matches('/');
                let (container, folder) = uri.rsplit_once('/').unwrap_or((uri, ""));
                (container.to_owned(), folder.to_owned())
            }
        };
        (Some(pb::BackupStorage { uri, ..storage }), folder)
    }
}

/// Runs `strongroom backup`.
pub(super) async fn backup(context: &Context, command: BackupCommand) -> Outcome {
    let session = context.connect().await?;
    let name = session.parent()?;
    let mut service = session.backups();
    let (job, no_wait) = match command {
        BackupCommand::Start(BackupArgs { storage }) => {
            let request = pb::StartBackupRequest { name, storage: Some(storage.message()) };
            (service.start_backup(request).await?, storage.no_wait)
        }
        BackupCommand::Check(BackupArgs { storage }) => {
            let request = pb::StartBackupCheckRequest { name, storage: Some(storage.message()) };
            (service.start_backup_check(request).await?, storage.no_wait)
        }
        BackupCommand::Status(JobArgs { job }) => {
            let request = pb::GetBackupJobRequest { name: format!("{name}/backupJobs/{job}") };
            return print(context, service.get_backup_job(request).await?.into_inner());
        }
        BackupCommand::List => {
            let request = pb::ListBackupJobsRequest { parent: name };
            return print_jobs(context, service.list_backup_jobs(request).await?.into_inner().backup_jobs);
        }
    };
    finish(context, &session, job.into_inner(), no_wait).await
}

/// Runs `strongroom restore`.
pub(super) async fn restore(context: &Context, command: RestoreCommand) -> Outcome {
    let session = context.connect().await?;
    let name = session.parent()?;
    let mut service = session.backups();
    let (job, no_wait) = match command {
        RestoreCommand::Start(source) => {
            let (storage, folder) = source.source();
            let request = pb::StartRestoreRequest { name, storage, folder };
            (service.start_restore(request).await?, source.storage.no_wait)
        }
        RestoreCommand::Check(source) => {
            let (storage, folder) = source.source();
            let request = pb::StartRestoreCheckRequest { name, storage, folder };
            (service.start_restore_check(request).await?, source.storage.no_wait)
        }
        RestoreCommand::Key(RestoreKeyArgs { name, source }) => {
            let name = name.resource(session.container(), "keys")?;
            let (storage, folder) = source.source();
            let request = pb::StartKeyRestoreRequest { name, storage, folder };
            (service.start_key_restore(request).await?, source.storage.no_wait)
        }
        RestoreCommand::Status(JobArgs { job }) => {
            let request = pb::GetRestoreJobRequest { name: format!("{name}/restoreJobs/{job}") };
            return print(context, service.get_restore_job(request).await?.into_inner());
        }
        RestoreCommand::List => {
            let request = pb::ListRestoreJobsRequest { parent: name };
            return print_jobs(context, service.list_restore_jobs(request).await?.into_inner().restore_jobs);
        }
    };
    finish(context, &session, job.into_inner(), no_wait).await
}

/// Waits for the end of a job, and prints it.
async fn finish(context: &Context, session: &Session, job: pb::BackupJob, no_wait: bool) -> Outcome {
    let job = if no_wait { job } else { backup_job::follow(context, session, job).await? };
    print(context, job)
}

#[derive(Serialize)]
struct View {
    job: String,
    status: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    status_details: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    folder: String,
}

/// A job in a list.
#[derive(Serialize)]
struct Row {
    job: String,
    kind: String,
    status: String,
    started: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Timestamp>,
    #[serde(skip_serializing_if = "String::is_empty")]
    status_details: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    folder: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    error_reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    error_message: String,
}

impl From<pb::BackupJob> for Row {
    fn from(job: pb::BackupJob) -> Self {
        Self {
            job: id(&job),
            kind: job.kind,
            status: job.status,
            started: time_argument::from_wire(job.started),
            ended: time_argument::from_wire(job.ended),
            status_details: job.status_details,
            folder: job.folder_uri,
            error_reason: job.error_reason,
            error_message: job.error_message,
        }
    }
}

impl TableRow for Row {
    const HEADINGS: &'static [&'static str] = &["JOB", "KIND", "STATUS", "STARTED", "ENDED", "RESULT"];

    fn cells(&self) -> Vec<String> {
        let result = [&self.folder, &self.error_reason, &self.status_details];
        let result = result.into_iter().find(|text| !text.is_empty());
        vec![
            self.job.clone(),
            self.kind.clone(),
            self.status.clone(),
            time_argument::format(self.started),
            time_argument::format(self.ended),
            result.cloned().unwrap_or_default(),
        ]
    }
}

fn print_jobs(context: &Context, jobs: Vec<pb::BackupJob>) -> Outcome {
    let rows: Vec<Row> = jobs.into_iter().map(Row::from).collect();
    context.output.print_list(&rows, "the HSM keeps no such job")
}

/// The id of a job, which ends its resource name.
fn id(job: &pb::BackupJob) -> String {
    job.name.rsplit('/').next().unwrap_or_default().to_owned()
}

fn print(context: &Context, job: pb::BackupJob) -> Outcome {
    let id = id(&job);
    if job.status == "Failed" {
        return Err(Failure::problem(format!("the job {id} has failed: {}", job.error_message)));
    }
    let view =
        View { job: id, status: job.status, status_details: job.status_details, folder: job.folder_uri };
    let more = [&view.folder, &view.status_details].into_iter().filter(|text| !text.is_empty());
    let text = more.fold(format!("{} {}", view.status, view.job), |text, part| text + "\n" + part);
    context.output.print_value(&view, &text)
}
