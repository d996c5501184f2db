//! Requests and responses of full backups and restores.
//!
//! Members that have no value are null, and the URL of the status contains no `api-version`, as recorded from Azure.

use std::marker::PhantomData;

use http::StatusCode;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::super::super::azure::response::{CallResponse, Monitor};
use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use crate::model::backup_job::JobFailure;
use crate::model::name::KeyName;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::{Error, Field, Result};
use crate::ops::InHsm;
use crate::ops::backup::{GetJob, JobState, StartJob, StartKeyRestore, StorageRequest};

/// After how many seconds clients ask for the status. Azure says ten; jobs are faster here.
const RETRY_AFTER: u32 = 1;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Storage {
    storage_resource_uri: Option<String>,
    token: Option<Zeroizing<String>>,
    use_managed_identity: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RestoreRequest {
    sas_token_parameters: Option<Storage>,
    folder_to_restore: Option<String>,
    folder: Option<String>,
}

fn storage(storage: Storage, folder: Option<String>) -> Result<StorageRequest> {
    let missing = |field| Error::invalid(field, "this is missing");
    Ok(StorageRequest {
        uri: storage.storage_resource_uri.ok_or_else(|| missing(Field::StorageUri))?,
        folder: folder.unwrap_or_default(),
        token: storage.token.map(|mut token| SecretString::from(std::mem::take(&mut *token))),
        managed_identity: storage.use_managed_identity.unwrap_or(false),
    })
}

/// Reads the request of a backup, or of its check.
pub(in super::super) fn back_up<K>(input: &RequestInput<'_>) -> Result<StartJob<K>> {
    let storage = storage(input.body::<Storage>()?, None)?;
    Ok(StartJob { hsm: input.hsm()?, storage, key: None, kind: PhantomData })
}

/// Reads the request of a restore, or of its check.
pub(in super::super) fn restore<K>(input: &RequestInput<'_>) -> Result<StartJob<K>> {
    let request = input.body::<RestoreRequest>()?;
    let missing = || Error::invalid(Field::StorageUri, "this is missing");
    let parameters = request.sas_token_parameters.ok_or_else(missing)?;
    let storage = storage(parameters, request.folder_to_restore.or(request.folder))?;
    Ok(StartJob { hsm: input.hsm()?, storage, key: None, kind: PhantomData })
}

pub(in super::super) fn restore_key(input: &RequestInput<'_>) -> Result<StartKeyRestore> {
    let key: KeyName = input.argument("key").parse()?;
    Ok(StartJob { key: Some(key), ..restore(input)? })
}

fn job(input: &RequestInput<'_>) -> Result<Uuid> {
    let unknown = |_| Error::NotFound(Resource::unnamed(ResourceKind::BackupJob));
    input.argument("job").parse().map_err(unknown)
}

pub(in super::super) fn job_state<K>(input: &RequestInput<'_>) -> Result<GetJob<K>> {
    Ok(GetJob { hsm: input.hsm()?, job: job(input)?, kind: PhantomData })
}

#[derive(Serialize)]
struct Failure {
    code: String,
    message: String,
}

/// A job that was started. Members are in the recorded order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Started {
    status: &'static str,
    status_details: Option<String>,
    error: Option<Failure>,
    start_time: i64,
    end_time: Option<i64>,
    job_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    azure_storage_blob_container_uri: Option<Option<String>>,
}

/// The status of a job. The status of a restore has no URI.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    #[serde(skip_serializing_if = "Option::is_none")]
    azure_storage_blob_container_uri: Option<Option<String>>,
    end_time: Option<i64>,
    error: Option<Failure>,
    job_id: String,
    start_time: i64,
    status: &'static str,
    status_details: Option<String>,
}

pub(in super::super) fn started(
    endpoint: &Endpoint,
    InHsm { item: JobState { job, .. }, .. }: InHsm<JobState>,
    _: &str,
) -> Result<CallResponse> {
    let (folder, job_id) = (if job.kind.is_restore() { "restore" } else { "backup" }, job.id.simple());
    let url = format!("{}/{folder}/{job_id}/pending", endpoint.base);
    let body = Started {
        status: job.status(),
        status_details: None,
        error: None,
        start_time: job.started.as_second(),
        end_time: None,
        job_id: job_id.to_string(),
        azure_storage_blob_container_uri: (!job.kind.is_restore()).then_some(None),
    };
    let monitor = Some(Monitor { url, retry_after: Some(RETRY_AFTER) });
    Ok(CallResponse { monitor, ..CallResponse::json(StatusCode::ACCEPTED, &body)? })
}

pub(in super::super) fn status(
    _: &Endpoint,
    InHsm { item: JobState { job, .. }, .. }: InHsm<JobState>,
) -> impl Serialize + use<> {
    let failure = |JobFailure { code, message }: JobFailure| Failure { code, message };
    let status = job.status();
    let (folder, details, error, ended) = match job.result {
        Some(result) => (result.folder, result.details, result.failure.map(failure), Some(result.ended)),
        None => (None, None, None, None),
    };
    Status {
        azure_storage_blob_container_uri: (!job.kind.is_restore()).then_some(folder),
        end_time: ended.map(|ended| ended.as_second()),
        error,
        job_id: job.id.simple().to_string(),
        start_time: job.started.as_second(),
        status,
        status_details: details,
    }
}
