//! Creation, import and merging of certificates, and the operation that creates a version.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::super::super::super::azure::response::CallResponse;
use super::super::super::super::azure::tags::SentTags;
use super::super::super::call::RequestInput;
use super::super::super::endpoint::Endpoint;
use super::super::secrets::SentValue;
use super::{SentAttributes, bundle, policy, url};
use crate::model::certificate::{OperationError, OperationStatus, PolicyMembers};
use crate::model::key::Tags;
use crate::model::{Error, Field, Result, base64 as encoding};
use crate::ops::certificates::{
    CancelCertificateOperation, CertificateBundle, CreateCertificate, DeleteCertificateOperation,
    GetCertificateOperation, ImportCertificate, MergeCertificate, OperationBundle,
};

/// After how many seconds clients ask again while an operation is in progress. Azure sends 10.
const RETRY_AFTER: u32 = 1;

/// The body of requests to create, import or merge. `null` counts as absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    policy: Option<policy::SentPolicy>,
    attributes: Option<SentAttributes>,
    tags: Option<SentTags>,
    #[serde(rename = "preserveCertOrder")]
    preserve_order: Option<bool>,
    value: Option<SentValue>,
    pwd: Option<SentValue>,
    x5c: Option<Vec<String>>,
}

/// The body of a cancellation.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CancelRequest {
    cancellation_requested: Option<bool>,
}

pub(in super::super::super) fn create(input: &RequestInput<'_>) -> Result<CreateCertificate> {
    let (certificate, request) = (input.certificate()?, input.body::<Request>()?);
    Ok(CreateCertificate {
        certificate,
        policy: request.policy.map(policy::SentPolicy::members).transpose()?,
        enabled: request.attributes.unwrap_or_default().enabled.unwrap_or(true),
        tags: request.tags.unwrap_or_default().into(),
        keep_order: request.preserve_order.unwrap_or(false),
    })
}

pub(in super::super::super) fn import(input: &RequestInput<'_>) -> Result<ImportCertificate> {
    let (certificate, request) = (input.certificate()?, input.body::<Request>()?);
    let missing = || Error::invalid(Field::Value, "the value is missing");
    let SentValue(value) = request.value.ok_or_else(missing)?;
    let password = request.pwd.map_or_else(Zeroizing::default, |SentValue(password)| password);
    let policy = request.policy.map(policy::SentPolicy::members).transpose()?;
    Ok(ImportCertificate {
        certificate,
        value,
        password,
        policy: policy.unwrap_or_else(PolicyMembers::default),
        enabled: request.attributes.unwrap_or_default().enabled.unwrap_or(true),
        tags: request.tags.unwrap_or_default().into(),
        keep_order: request.preserve_order.unwrap_or(false),
    })
}

pub(in super::super::super) fn merge(input: &RequestInput<'_>) -> Result<MergeCertificate> {
    let (certificate, request) = (input.certificate()?, input.body::<Request>()?);
    let certificates = request.x5c.unwrap_or_default().iter().map(|text| der(text)).collect::<Result<_>>()?;
    Ok(MergeCertificate {
        certificate,
        certificates,
        enabled: request.attributes.unwrap_or_default().enabled,
        tags: request.tags.map(Tags::from),
    })
}

/// Decodes a certificate. Clients for Python and JavaScript encode the text that their documentation shows, which is base64
/// already, once more.
fn der(text: &str) -> Result<Vec<u8>> {
    /// The first byte of a DER `SEQUENCE`.
    const SEQUENCE: u8 = 0x30;
    let wrong = || Error::invalid(Field::X5c, "this is not a certificate in base64");
    let once = encoding::decode(text.as_bytes()).ok_or_else(wrong)?;
    if once.first() == Some(&SEQUENCE) {
        return Ok(once.to_vec());
    }
    encoding::decode(&once).map(|twice| twice.to_vec()).ok_or_else(wrong)
}

pub(in super::super::super) fn get_operation(input: &RequestInput<'_>) -> Result<GetCertificateOperation> {
    let request_id = input.query.get("request_id").filter(|id| !id.is_empty());
    let request_id = request_id.map(str::parse).transpose()?;
    Ok(GetCertificateOperation { certificate: input.certificate()?, request_id })
}

pub(in super::super::super) fn cancel(input: &RequestInput<'_>) -> Result<CancelCertificateOperation> {
    let certificate = input.certificate()?;
    if input.body::<CancelRequest>()?.cancellation_requested != Some(true) {
        let why = "an operation is changed by requesting its cancellation only";
        return Err(Error::invalid(Field::CancellationRequested, why));
    }
    Ok(CancelCertificateOperation { certificate })
}

pub(in super::super::super) fn delete_operation(
    input: &RequestInput<'_>,
) -> Result<DeleteCertificateOperation> {
    Ok(DeleteCertificateOperation { certificate: input.certificate()? })
}

/// An operation.
#[derive(Serialize)]
pub(in super::super::super) struct Operation {
    id: String,
    issuer: Issuer,
    csr: String,
    cancellation_requested: bool,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_details: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<IssuerError>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    request_id: String,
    #[serde(rename = "preserveCertOrder", skip_serializing_if = "std::ops::Not::not")]
    preserve_order: bool,
}

#[derive(Serialize)]
struct Issuer {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cty: Option<String>,
}

/// Why an operation ended without a version.
#[derive(Serialize)]
struct IssuerError {
    code: &'static str,
    message: &'static str,
}

/// Returns an operation.
pub(in super::super::super) fn operation(endpoint: &Endpoint, bundle: OperationBundle) -> Operation {
    let OperationBundle { certificate, pending } = bundle;
    let url = url(endpoint, &certificate.name);
    Operation {
        id: format!("{url}/pending"),
        status_details: pending.status_details(),
        issuer: Issuer {
            name: pending.issuer.name.to_string(),
            cty: pending.issuer.certificate_type.clone(),
        },
        csr: STANDARD.encode(&pending.csr),
        cancellation_requested: pending.cancellation_requested,
        status: pending.status.as_str(),
        error: pending.error().map(|OperationError { code, message }| IssuerError { code, message }),
        preserve_order: pending.keep_order && endpoint.has_certificate_order(),
        target: (pending.status == OperationStatus::Completed).then_some(url),
        request_id: pending.request_id.to_string(),
    }
}

/// Responds to a merge with 201 and the URL of the version.
// assumption: the recorded value of the header is not readable.
pub(in super::super::super) fn merged(
    endpoint: &Endpoint,
    merged: CertificateBundle,
    version: &str,
) -> Result<CallResponse> {
    let (name, id) = (merged.certificate.name.clone(), merged.version_id());
    let location = format!("{}/{id}?api-version={version}", url(endpoint, &name));
    let response = CallResponse::json(StatusCode::CREATED, &bundle(endpoint, merged))?;
    Ok(CallResponse { location: Some(location), ..response })
}

/// Responds to a creation with 202 and the URL of the operation.
pub(in super::super::super) fn created(
    endpoint: &Endpoint,
    bundle: OperationBundle,
    version: &str,
) -> Result<CallResponse> {
    let request_id = bundle.pending.request_id;
    let operation = operation(endpoint, bundle);
    let location = format!("{}?api-version={version}&request_id={request_id}", operation.id);
    Ok(CallResponse {
        location: Some(location),
        retry_after: Some(RETRY_AFTER),
        ..CallResponse::json(StatusCode::ACCEPTED, &operation)?
    })
}

/// Responds with an operation; one in progress is asked for again.
pub(in super::super::super) fn pending(endpoint: &Endpoint, bundle: OperationBundle) -> Result<CallResponse> {
    let retry_after = bundle.pending.is_in_progress().then_some(RETRY_AFTER);
    let response = CallResponse::json(StatusCode::OK, &operation(endpoint, bundle))?;
    Ok(CallResponse { retry_after, ..response })
}
