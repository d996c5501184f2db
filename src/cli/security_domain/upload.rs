//! `strongroom security-domain upload`: uploads the security domain of another HSM.

use clap::Args;

use super::restore_blob::{RecoveryArgs, restore};
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::input::Source;

/// The security domain, and the keys that decrypt it. Options are those of `az keyvault security-domain upload`.
#[derive(Args, Clone, Debug)]
pub struct UploadArgs {
    /// Security domain file, as downloaded; with --restore-blob, what `restore-blob` has written
    #[arg(long, value_name = "FILE")]
    sd_file: Source,
    /// The file is a restore blob: it is encrypted for this HSM already, and uploaded as it is
    #[arg(long, conflicts_with_all = ["sd_exchange_key", "sd_wrapping_keys", "passwords"])]
    restore_blob: bool,
    #[command(flatten)]
    recovery: Option<RecoveryArgs>,
}

/// Uploads the security domain, which activates the HSM.
pub(super) async fn run(context: &Context, args: UploadArgs) -> Outcome {
    let restore_blob = match (&args.recovery, args.restore_blob) {
        (_, true) => String::from_utf8(args.sd_file.read()?.to_vec())
            .map_err(|_| Failure::problem(format!("{}: not UTF-8", args.sd_file)))?,
        (Some(recovery), false) => restore(&args.sd_file, recovery)?,
        (None, false) => {
            let usage = "either --restore-blob, or --sd-exchange-key and --sd-wrapping-keys";
            return Err(Failure::Usage(usage.to_owned()));
        }
    };
    let session = context.connect().await?;
    let name = session.parent()?;
    let request = pb::UploadSecurityDomainRequest { name: name.clone(), restore_blob };
    session.security_domains().upload_security_domain(request).await?;
    let text = format!("{name} has the security domain of {}", args.sd_file);
    context.output.print_value(&super::Uploaded { name, uploaded: true }, &text)
}
