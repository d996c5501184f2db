//! `strongroom key sign`

use clap::Args;
use serde::Serialize;

use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::digest::DigestInput;
use crate::cli::failure::Outcome;
use crate::cli::input::encode;
use crate::cli::names::{self, KeyTarget};
use crate::cli::output::RawOutput;
use crate::model::algorithm::SignatureAlgorithm;
use crate::model::base64::base64url;

/// The key, the algorithm and the digest.
#[derive(Args, Clone, Debug)]
pub struct SignArgs {
    #[command(flatten)]
    target: KeyTarget,
    /// Algorithm
    #[arg(long, value_parser = names::signature_algorithm())]
    alg: SignatureAlgorithm,
    #[command(flatten)]
    input: DigestInput,
    /// Write the signature raw to a file, or to standard output for -
    #[arg(long, value_name = "FILE")]
    signature_out: Option<RawOutput>,
}

#[derive(Serialize)]
struct Printed {
    name: String,
    algorithm: String,
    #[serde(serialize_with = "base64url::serialize")]
    signature: Vec<u8>,
}

/// Signs the digest.
pub(super) async fn run(context: &Context, args: SignArgs) -> Outcome {
    let digest = args.input.read(args.alg)?;
    let session = context.connect_to_key(Some(&args.target.name)).await?;
    let name = args.target.resolve(session.container())?.to_string();
    let request = pb::SignRequest { name, algorithm: args.alg.to_string(), digest };
    let reply = session.crypto().sign(request).await?.into_inner();
    let printed = Printed { name: reply.name, algorithm: reply.algorithm, signature: reply.signature };
    match args.signature_out {
        Some(out) => out.write(&printed.signature),
        None => context.output.print_value(&printed, &encode(&printed.signature)),
    }
}
