//! Requests and responses of the security domain.
//!
//! `value` and `transfer_key` are JSON documents in strings, and the URLs of statuses contain the `api-version`, as
//! recorded from Azure.

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::super::super::azure::response::{CallResponse, Monitor};
use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use crate::model::{Error, Field, Result};
use crate::ops::security_domain::{
    DownloadSecurityDomain, GetSecurityDomainDownload, GetSecurityDomainUpload, GetTransferKey,
    SecurityDomainStatus, UploadSecurityDomain, invalid,
};
use crate::security_domain::{DownloadRequest, TransferKey, Upload};

/// A document in a string.
#[derive(Serialize)]
struct Document {
    value: String,
}

/// The status of a download or an upload.
#[derive(Serialize)]
struct Status {
    status: &'static str,
    status_details: &'static str,
}

impl From<SecurityDomainStatus> for Status {
    fn from(status: SecurityDomainStatus) -> Self {
        Self { status: status.as_str(), status_details: status.details() }
    }
}

pub(in super::super) fn download(input: &RequestInput<'_>) -> Result<DownloadSecurityDomain> {
    let request = DownloadRequest::parse(input.text()?).map_err(invalid)?;
    Ok(DownloadSecurityDomain { hsm: input.hsm()?, request })
}

pub(in super::super) fn downloaded(endpoint: &Endpoint, file: String, version: &str) -> Result<CallResponse> {
    let response = CallResponse::json(StatusCode::ACCEPTED, &Document { value: file })?;
    Ok(monitored(response, endpoint, "download", version))
}

pub(in super::super) fn download_status(input: &RequestInput<'_>) -> Result<GetSecurityDomainDownload> {
    input.hsm().map(GetSecurityDomainDownload::of)
}

pub(in super::super) fn download_state(
    endpoint: &Endpoint,
    status: SecurityDomainStatus,
    version: &str,
) -> Result<CallResponse> {
    let response = CallResponse::json(StatusCode::OK, &Status::from(status))?;
    Ok(monitored(response, endpoint, "download", version))
}

pub(in super::super) fn transfer_key(input: &RequestInput<'_>) -> Result<GetTransferKey> {
    Ok(GetTransferKey { hsm: input.hsm()? })
}

pub(in super::super) fn transfer_key_document(_: &Endpoint, key: TransferKey) -> Result<CallResponse> {
    let body = key.to_text().map_err(Error::internal)?.into_bytes();
    Ok(CallResponse { body: Some(body), ..CallResponse::empty(StatusCode::OK) })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UploadRequest {
    value: Option<String>,
}

pub(in super::super) fn upload(input: &RequestInput<'_>) -> Result<UploadSecurityDomain> {
    let value = input.body::<UploadRequest>()?.value;
    let value = value.ok_or_else(|| Error::invalid(Field::RestoreBlob, "this is missing"))?;
    Ok(UploadSecurityDomain { hsm: input.hsm()?, upload: Upload::parse(&value).map_err(invalid)? })
}

/// The upload is complete, but clients expect one that is not.
pub(in super::super) fn uploaded(
    endpoint: &Endpoint,
    _: SecurityDomainStatus,
    version: &str,
) -> Result<CallResponse> {
    let started = Status { status: "InProgress", status_details: "The Security Domain is being restored." };
    let response = CallResponse::json(StatusCode::ACCEPTED, &started)?;
    Ok(monitored(response, endpoint, "upload", version))
}

pub(in super::super) fn upload_status(input: &RequestInput<'_>) -> Result<GetSecurityDomainUpload> {
    input.hsm().map(GetSecurityDomainUpload::of)
}

pub(in super::super) fn upload_state(
    endpoint: &Endpoint,
    status: SecurityDomainStatus,
    version: &str,
) -> Result<CallResponse> {
    let response = CallResponse::json(StatusCode::OK, &Status::from(status))?;
    Ok(monitored(response, endpoint, "upload", version))
}

fn monitored(response: CallResponse, endpoint: &Endpoint, what: &str, version: &str) -> CallResponse {
    let base = &endpoint.base;
    let version = if version.is_empty() { String::new() } else { format!("?api-version={version}") };
    let url = format!("{base}/securitydomain/{what}/pending{version}");
    CallResponse { monitor: Some(Monitor { url, retry_after: None }), ..response }
}
