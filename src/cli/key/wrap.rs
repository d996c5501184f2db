//! `strongroom key wrap` and `unwrap`

use clap::Args;
use serde::Serialize;
use zeroize::Zeroizing;

use super::previous_result::{FileContent, WrapResult};
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::input::{Input, encode};
use crate::cli::names::{self, KeyTarget};
use crate::cli::output::RawOutput;
use crate::model::algorithm::WrapAlgorithm;
use crate::model::base64::base64url;

/// The key, the algorithm and the key to wrap.
#[derive(Args, Clone, Debug)]
pub struct WrapArgs {
    #[command(flatten)]
    target: KeyTarget,
    /// Algorithm
    #[arg(long, value_parser = names::wrap_algorithm())]
    alg: WrapAlgorithm,
    #[command(flatten)]
    input: Input,
    /// Write the wrapped key raw to a file, or to standard output for -
    #[arg(long, value_name = "FILE")]
    out: Option<RawOutput>,
}

/// The key, the algorithm and the wrapped key.
#[derive(Args, Clone, Debug)]
pub struct UnwrapArgs {
    #[command(flatten)]
    target: KeyTarget,
    /// Algorithm
    #[arg(long, value_parser = names::wrap_algorithm())]
    alg: WrapAlgorithm,
    #[command(flatten)]
    input: Input,
    /// Write the unwrapped key raw to a file, or to standard output for -
    #[arg(long, value_name = "FILE")]
    out: Option<RawOutput>,
}

#[derive(Serialize)]
struct WrappedKey {
    name: String,
    algorithm: String,
    #[serde(serialize_with = "base64url::serialize")]
    wrapped_key: Vec<u8>,
}

#[derive(Serialize)]
struct Key {
    name: String,
    algorithm: String,
    #[serde(serialize_with = "base64url::serialize")]
    key: Zeroizing<Vec<u8>>,
}

/// Wraps a key.
pub(super) async fn wrap(context: &Context, args: WrapArgs) -> Outcome {
    let key = args.input.read()?;
    let session = context.connect_to_key(Some(&args.target.name)).await?;
    let name = args.target.resolve(session.container())?.to_string();
    let request = pb::WrapKeyRequest { name, algorithm: args.alg.to_string(), key: key.to_vec() };
    let reply = session.crypto().wrap_key(request).await?.into_inner();
    let printed = WrappedKey { name: reply.name, algorithm: reply.algorithm, wrapped_key: reply.wrapped_key };
    match args.out {
        Some(out) => out.write(&printed.wrapped_key),
        None => context.output.print_value(&printed, &encode(&printed.wrapped_key)),
    }
}

/// Unwraps a key.
pub(super) async fn unwrap(context: &Context, args: UnwrapArgs) -> Outcome {
    let given = args.input.read()?;
    let content = if args.input.is_file() {
        FileContent::<WrapResult>::parse(given)
    } else {
        FileContent::Bytes(given)
    };
    let (wrapped_key, previous_name) = match content {
        FileContent::Bytes(bytes) => (bytes, None),
        FileContent::Printed(printed) => {
            names::check_previous_algorithm(args.alg.as_str(), Some(&printed.algorithm))?;
            (printed.wrapped_key, Some(printed.name))
        }
    };
    let session = context.connect_to_key(Some(&args.target.name)).await?;
    let key =
        names::with_previous_version(args.target.resolve(session.container())?, previous_name.as_deref());
    let request = pb::UnwrapKeyRequest {
        name: key.to_string(),
        algorithm: args.alg.to_string(),
        wrapped_key: wrapped_key.to_vec(),
    };
    let reply = session.crypto().unwrap_key(request).await?.into_inner();
    let printed = Key { name: reply.name, algorithm: reply.algorithm, key: Zeroizing::new(reply.key) };
    match args.out {
        Some(out) => out.write_secret(&printed.key),
        None => context.output.print_value(&printed, &encode(&printed.key)),
    }
}
