//! `strongroom security-domain status`: whether the security domain was downloaded or uploaded.

use clap::Args;
use serde::Serialize;

use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;

/// Which status to show.
#[derive(Args, Clone, Copy, Debug)]
pub struct StatusArgs {
    /// Show the status of the upload instead of the download
    #[arg(long)]
    upload: bool,
}

#[derive(Serialize)]
struct View {
    status: String,
    status_details: String,
}

/// Shows the status.
pub(super) async fn run(context: &Context, args: StatusArgs) -> Outcome {
    let session = context.connect().await?;
    let (mut service, name) = (session.security_domains(), session.parent()?);
    let reply = if args.upload {
        service.get_security_domain_upload(pb::GetSecurityDomainUploadRequest { name }).await?
    } else {
        service.get_security_domain_download(pb::GetSecurityDomainDownloadRequest { name }).await?
    };
    let pb::SecurityDomainOperation { status, status_details } = reply.into_inner();
    let text = format!("{status}: {status_details}");
    context.output.print_value(&View { status, status_details }, &text)
}
