//! `strongroom random`: generates random bytes on the token.

use clap::Args;
use serde::Serialize;
use zeroize::Zeroizing;

use super::Context;
use super::failure::Outcome;
use super::input::encode;
use super::output::RawOutput;
use crate::api::grpc::pb;
use crate::model::base64::base64url;

/// The number of bytes, and their destination.
#[derive(Args, Clone, Debug)]
pub struct RandomArgs {
    /// Number of bytes, 1 to 128
    #[arg(value_parser = clap::value_parser!(i32).range(1..=128))]
    count: i32,
    /// Write the bytes raw to a file, or to standard output for -
    #[arg(long, value_name = "FILE")]
    out: Option<RawOutput>,
}

#[derive(Serialize)]
struct Printed {
    #[serde(serialize_with = "base64url::serialize")]
    value: Zeroizing<Vec<u8>>,
}

/// Generates and prints random bytes.
pub(super) async fn run(context: &Context, args: RandomArgs) -> Outcome {
    let session = context.connect().await?;
    let request = pb::GenerateRandomBytesRequest { parent: session.parent()?, count: args.count };
    let reply = session.crypto().generate_random_bytes(request).await?.into_inner();
    let printed = Printed { value: Zeroizing::new(reply.value) };
    match args.out {
        Some(out) => out.write_secret(&printed.value),
        None => context.output.print_value(&printed, &encode(&printed.value)),
    }
}
