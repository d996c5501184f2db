//! Converts the messages of `backup.proto`.

use std::marker::PhantomData;

use secrecy::SecretString;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::super::pb;
use super::{hsm, key_path, parse_field, segments, wire_instant};
use crate::model::backup_job::JobResult;
use crate::model::name::{HsmName, KeyName};
use crate::model::{Error, Field, Result};
use crate::ops::InHsm;
use crate::ops::backup::{
    GetBackupJob, GetRestoreJob, JobState, ListBackupJobs, ListRestoreJobs, StartBackup, StartBackupCheck,
    StartJob, StartKeyRestore, StartRestore, StartRestoreCheck, StorageRequest, WatchBackupJob,
    WatchRestoreJob,
};

fn start<K>(
    hsm: HsmName,
    storage: Option<pb::BackupStorage>,
    folder: String,
    key: Option<KeyName>,
) -> Result<StartJob<K>> {
    let missing = || Error::invalid(Field::Storage, "this is missing");
    let mut storage = Zeroizing::new(storage.ok_or_else(missing)?);
    let token = std::mem::take(&mut storage.token);
    let storage = StorageRequest {
        uri: std::mem::take(&mut storage.uri),
        folder,
        token: (!token.is_empty()).then(|| SecretString::from(token)),
        managed_identity: storage.use_managed_identity,
    };
    Ok(StartJob { hsm, storage, key, kind: PhantomData })
}

/// Parses `hsms/{hsm}`.
fn hsm_named(name: &str) -> Result<HsmName> {
    let [hsm] = segments(Field::Name, name, "hsms/{}")?;
    parse_field(Field::Name, hsm)
}

/// Parses the name of a job.
fn job(name: &str, pattern: &str) -> Result<(HsmName, Uuid)> {
    let [hsm, job] = segments(Field::Name, name, pattern)?;
    let malformed = |_| Error::invalid(Field::Name, "the job is identified by 32 hexadecimal digits");
    Ok((parse_field(Field::Name, hsm)?, job.parse().map_err(malformed)?))
}

impl TryFrom<pb::StartBackupRequest> for StartBackup {
    type Error = Error;

    fn try_from(request: pb::StartBackupRequest) -> Result<Self> {
        start(hsm_named(&request.name)?, request.storage, String::new(), None)
    }
}

impl TryFrom<pb::StartBackupCheckRequest> for StartBackupCheck {
    type Error = Error;

    fn try_from(request: pb::StartBackupCheckRequest) -> Result<Self> {
        start(hsm_named(&request.name)?, request.storage, String::new(), None)
    }
}

impl TryFrom<pb::StartRestoreRequest> for StartRestore {
    type Error = Error;

    fn try_from(request: pb::StartRestoreRequest) -> Result<Self> {
        start(hsm_named(&request.name)?, request.storage, request.folder, None)
    }
}

impl TryFrom<pb::StartRestoreCheckRequest> for StartRestoreCheck {
    type Error = Error;

    fn try_from(request: pb::StartRestoreCheckRequest) -> Result<Self> {
        start(hsm_named(&request.name)?, request.storage, request.folder, None)
    }
}

impl TryFrom<pb::StartKeyRestoreRequest> for StartKeyRestore {
    type Error = Error;

    fn try_from(request: pb::StartKeyRestoreRequest) -> Result<Self> {
        let key = key_path(Field::Name, &request.name, "keys")?;
        let wrong = || Error::invalid(Field::Name, "only a managed HSM has full backups");
        let hsm = key.container.managed_hsm().cloned().ok_or_else(wrong)?;
        start(hsm, request.storage, request.folder, Some(key.name))
    }
}

/// Parses the requests for the state of a job.
macro_rules! get_job {
    ($($request:ident => $operation:ident, $pattern:literal;)+) => {$(
        impl TryFrom<pb::$request> for $operation {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                let (hsm, job) = job(&request.name, $pattern)?;
                Ok(Self { hsm, job, kind: PhantomData })
            }
        }
    )+};
}

get_job! {
    GetBackupJobRequest => GetBackupJob, "hsms/{}/backupJobs/{}";
    GetRestoreJobRequest => GetRestoreJob, "hsms/{}/restoreJobs/{}";
    WatchBackupJobRequest => WatchBackupJob, "hsms/{}/backupJobs/{}";
    WatchRestoreJobRequest => WatchRestoreJob, "hsms/{}/restoreJobs/{}";
}

impl TryFrom<pb::ListBackupJobsRequest> for ListBackupJobs {
    type Error = Error;

    fn try_from(request: pb::ListBackupJobsRequest) -> Result<Self> {
        Ok(Self { hsm: hsm(&request.parent)?, kind: PhantomData })
    }
}

impl TryFrom<pb::ListRestoreJobsRequest> for ListRestoreJobs {
    type Error = Error;

    fn try_from(request: pb::ListRestoreJobsRequest) -> Result<Self> {
        Ok(Self { hsm: hsm(&request.parent)?, kind: PhantomData })
    }
}

impl From<InHsm<JobState>> for pb::BackupJob {
    fn from(InHsm { hsm, item: JobState { job, keys } }: InHsm<JobState>) -> Self {
        let folder = if job.kind.is_restore() { "restoreJobs" } else { "backupJobs" };
        let status = job.status().to_owned();
        let result = job.result.clone();
        let ended = result.as_ref().map(|result| wire_instant(result.ended));
        let (failure, folder_uri, details) = match result {
            Some(JobResult { failure, folder, details, .. }) => (failure, folder, details),
            None => (None, None, None),
        };
        let (error_reason, error_message) =
            failure.map(|failure| (failure.code, failure.message)).unwrap_or_default();
        Self {
            name: format!("hsms/{hsm}/{folder}/{}", job.id.simple()),
            status,
            status_details: details.unwrap_or_default(),
            error_reason,
            error_message,
            started: Some(wire_instant(job.started)),
            ended,
            folder_uri: folder_uri.unwrap_or_default(),
            keys_done: keys.0,
            keys_total: keys.1,
            kind: job.kind.name().to_owned(),
        }
    }
}

fn messages(InHsm { hsm, item }: InHsm<Vec<JobState>>) -> Vec<pb::BackupJob> {
    item.into_iter().map(|item| InHsm { hsm: hsm.clone(), item }.into()).collect()
}

impl From<InHsm<Vec<JobState>>> for pb::ListBackupJobsResponse {
    fn from(states: InHsm<Vec<JobState>>) -> Self {
        Self { backup_jobs: messages(states) }
    }
}

impl From<InHsm<Vec<JobState>>> for pb::ListRestoreJobsResponse {
    fn from(states: InHsm<Vec<JobState>>) -> Self {
        Self { restore_jobs: messages(states) }
    }
}
