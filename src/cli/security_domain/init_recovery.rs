//! `strongroom security-domain init-recovery`: stores the certificate for which a security domain is encrypted.

use clap::Args;

use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::RawOutput;
use crate::security_domain::Certificate;

/// The file. The option is that of `az keyvault security-domain init-recovery`.
#[derive(Args, Clone, Debug)]
pub struct InitRecoveryArgs {
    /// File to write the certificate of the exchange key to, in PEM, or - for standard output
    #[arg(long, value_name = "FILE")]
    sd_exchange_key: RawOutput,
}

/// Stores the certificate.
pub(super) async fn run(context: &Context, args: InitRecoveryArgs) -> Outcome {
    let session = context.connect().await?;
    let request = pb::GetTransferKeyRequest { name: session.parent()? };
    let der = session.security_domains().get_transfer_key(request).await?.into_inner().certificate;
    let certificate = Certificate::from_der(&der).map_err(|error| Failure::problem(error.to_string()))?;
    args.sd_exchange_key.write(certificate.to_pem().as_bytes())
}
