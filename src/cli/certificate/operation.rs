//! `strongroom certificate operation`

use clap::{Args, Subcommand};
use serde::Serialize;

use super::pem::FileFormat;
use super::remove::CertificateArgs;
use super::target::CertificateRef;
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::input::encode;
use crate::cli::output::RawOutput;
use crate::cli::{Context, table};
use crate::model::name::VersionId;

/// Subcommands of `strongroom certificate operation`.
#[derive(Debug, Subcommand)]
pub enum OperationCommand {
    /// Show the operation that creates or created the latest version
    Show(ShowArgs),
    /// Write the request (PKCS#10) of the operation, to be signed by an issuer
    Csr(CsrArgs),
    /// Request the cancellation of an operation in progress
    Cancel(CertificateArgs),
    /// Delete the operation, with the private key of one in progress
    Delete(CertificateArgs),
}

/// Selects the operation.
#[derive(Args, Clone, Debug)]
pub struct ShowArgs {
    /// Name of the certificate
    #[arg(value_parser = CertificateRef::parse_live)]
    name: CertificateRef,
    /// Show only this operation, not a later one
    #[arg(long, value_name = "ID")]
    request_id: Option<VersionId>,
}

/// Selects the operation and the file.
#[derive(Args, Clone, Debug)]
pub struct CsrArgs {
    /// Name of the certificate
    #[arg(value_parser = CertificateRef::parse_live)]
    name: CertificateRef,
    /// File for the request, or - for standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: RawOutput,
    /// Format of the file
    #[arg(long, value_enum, default_value_t = FileFormat::Pem)]
    format: FileFormat,
}

/// The printed form of an operation.
#[derive(Serialize)]
pub(super) struct OperationView {
    name: String,
    request_id: String,
    issuer: String,
    certificate_type: Option<String>,
    status: String,
    status_details: Option<String>,
    cancellation_requested: bool,
    target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    preserve_order: bool,
    /// In base64url.
    csr: String,
}

impl From<pb::CertificateOperation> for OperationView {
    fn from(operation: pb::CertificateOperation) -> Self {
        let non_empty = |text: String| Some(text).filter(|text| !text.is_empty());
        let issuer = operation.issuer.unwrap_or_default();
        Self {
            name: operation.name,
            request_id: operation.request_id,
            issuer: issuer.name,
            certificate_type: issuer.certificate_type,
            status: operation.status,
            status_details: non_empty(operation.status_details),
            cancellation_requested: operation.cancellation_requested,
            target: non_empty(operation.target),
            error: operation.error.map(|error| format!("{}: {}", error.code, error.message)),
            preserve_order: operation.preserve_order,
            csr: encode(&operation.csr),
        }
    }
}

impl OperationView {
    /// Formats all fields as text, except the request.
    pub(super) fn text(&self) -> String {
        table::fields(&[
            ("name", self.name.clone()),
            ("request id", self.request_id.clone()),
            ("issuer", self.issuer.clone()),
            ("certificate type", self.certificate_type.clone().unwrap_or_default()),
            ("status", self.status.clone()),
            ("details", self.status_details.clone().unwrap_or_default()),
            ("cancellation", if self.cancellation_requested { "requested".into() } else { String::new() }),
            ("certificate", self.target.clone().unwrap_or_default()),
            ("error", self.error.clone().unwrap_or_default()),
            ("order", if self.preserve_order { "preserved".into() } else { String::new() }),
        ])
    }
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: OperationCommand) -> Outcome {
    let session = context.connect_vault().await?;
    let (OperationCommand::Show(ShowArgs { name, .. })
    | OperationCommand::Csr(CsrArgs { name, .. })
    | OperationCommand::Cancel(CertificateArgs { name })
    | OperationCommand::Delete(CertificateArgs { name })) = &command;
    let name = format!("{}/pending", name.live(session.vault())?);
    let mut service = session.certificates();
    let reply = match &command {
        OperationCommand::Show(args) => {
            let request_id = args.request_id.map(|id| id.to_string()).unwrap_or_default();
            service.get_certificate_operation(pb::GetCertificateOperationRequest { name, request_id }).await?
        }
        OperationCommand::Csr(_) => {
            let request_id = String::new();
            service.get_certificate_operation(pb::GetCertificateOperationRequest { name, request_id }).await?
        }
        OperationCommand::Cancel(_) => {
            service.cancel_certificate_operation(pb::CancelCertificateOperationRequest { name }).await?
        }
        OperationCommand::Delete(_) => {
            service.delete_certificate_operation(pb::DeleteCertificateOperationRequest { name }).await?
        }
    };
    let operation = reply.into_inner();
    if let OperationCommand::Csr(args) = command {
        return args.out.write(&args.format.encode("CERTIFICATE REQUEST", &operation.csr));
    }
    let operation = OperationView::from(operation);
    context.output.print(&operation, || operation.text())
}
