//! `strongroom security-domain download`: downloads the security domain, encrypted for certificates.

use clap::Args;

use super::read;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::input::Source;
use crate::cli::output::RawOutput;
use crate::security_domain::Certificate;

/// The certificates, and the file. Options are those of `az keyvault security-domain download`.
#[derive(Args, Clone, Debug)]
pub struct DownloadArgs {
    /// Certificates in PEM, 3 to 10 with different RSA keys; their private keys recover the security domain
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    sd_wrapping_keys: Vec<Source>,
    /// How many of the private keys recover the security domain
    #[arg(long, value_name = "NUMBER")]
    sd_quorum: u32,
    /// File to write the security domain to, or - for standard output
    #[arg(long, value_name = "FILE")]
    security_domain_file: RawOutput,
}

/// Downloads the security domain, which activates the HSM the first time.
pub(super) async fn run(context: &Context, args: DownloadArgs) -> Outcome {
    let certificates = args.sd_wrapping_keys.iter().map(|source| read(source, Certificate::from_pem));
    let certificates = certificates.collect::<Outcome<Vec<_>>>()?;
    let session = context.connect().await?;
    let request = pb::DownloadSecurityDomainRequest {
        name: session.parent()?,
        certificates: certificates.iter().map(|certificate| certificate.der().to_vec()).collect(),
        quorum: args.sd_quorum,
    };
    let reply = session.security_domains().download_security_domain(request).await?.into_inner();
    args.security_domain_file.write(reply.security_domain.as_bytes())
}
