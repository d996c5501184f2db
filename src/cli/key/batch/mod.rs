//! `strongroom key batch`: runs an operation on each line of a file, in batches of many lines.

mod lines;
mod operations;
mod output;

use clap::{Args, Subcommand};

use crate::cli::Context;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::input::Source;
use crate::cli::names::{self, KeyTarget};
use crate::model::algorithm::{EncryptionAlgorithm, SignatureAlgorithm, WrapAlgorithm};
use lines::Lines;
use operations::{BatchOperation, Decrypt, Encrypt, Sign, UnwrapKey, Verify, WrapKey};
use output::Printer;

/// The maximum number of items of a batch.
const MAX_ITEMS: usize = 1_000;

/// The number of bytes of the items from which on a batch is sent: with one more item, a request stays below the default
/// limit of the server, 1 MiB.
const MAX_BYTES: usize = 256 * 1024;

/// Subcommands of `strongroom key batch`. Each prints one line for each line of its input: as JSON with `--output json`, else
/// values as base64url, and an empty line where the operation failed.
#[derive(Debug, Subcommand)]
pub enum BatchCommand {
    /// Sign digests: a digest on each line
    Sign(SignatureArgs),
    /// Verify signatures: a digest and a signature on each line; exit code is 1 if one is invalid
    Verify(SignatureArgs),
    /// Encrypt data: a plaintext on each line, and an IV for A*CBC and A*CBCPAD
    Encrypt(CipherArgs),
    /// Decrypt data: a ciphertext on each line, and an IV for AES algorithms, and an authentication tag for A*GCM
    Decrypt(CipherArgs),
    /// Wrap symmetric keys: a key on each line
    Wrap(WrapArgs),
    /// Unwrap symmetric keys: a wrapped key on each line
    Unwrap(WrapArgs),
}

/// The key and the input.
#[derive(Args, Clone, Debug)]
struct Target {
    #[command(flatten)]
    key: KeyTarget,
    /// File with the input, or - for standard input; each line has values as base64url, separated by spaces, or a JSON
    /// object as the commands for one value print it
    #[arg(long, value_name = "FILE")]
    file: Source,
}

/// The key, the algorithm and the input.
#[derive(Args, Clone, Debug)]
pub struct SignatureArgs {
    #[command(flatten)]
    target: Target,
    /// Algorithm of lines that name none
    #[arg(long, value_parser = names::signature_algorithm())]
    alg: SignatureAlgorithm,
}

/// The key, the algorithm and the input.
#[derive(Args, Clone, Debug)]
pub struct CipherArgs {
    #[command(flatten)]
    target: Target,
    /// Algorithm of lines that name none
    #[arg(long, value_parser = names::encryption_algorithm())]
    alg: EncryptionAlgorithm,
}

/// The key, the algorithm and the input.
#[derive(Args, Clone, Debug)]
pub struct WrapArgs {
    #[command(flatten)]
    target: Target,
    /// Algorithm of lines that name none
    #[arg(long, value_parser = names::wrap_algorithm())]
    alg: WrapAlgorithm,
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: BatchCommand) -> Outcome {
    match command {
        BatchCommand::Sign(args) => execute::<Sign>(context, args.target, args.alg.as_str()).await,
        BatchCommand::Verify(args) => execute::<Verify>(context, args.target, args.alg.as_str()).await,
        BatchCommand::Encrypt(args) => execute::<Encrypt>(context, args.target, args.alg.as_str()).await,
        BatchCommand::Decrypt(args) => execute::<Decrypt>(context, args.target, args.alg.as_str()).await,
        BatchCommand::Wrap(args) => execute::<WrapKey>(context, args.target, args.alg.as_str()).await,
        BatchCommand::Unwrap(args) => execute::<UnwrapKey>(context, args.target, args.alg.as_str()).await,
    }
}

/// Runs an operation on each line of the input. The lines are read as they are needed, so the input may have any length.
async fn execute<O: BatchOperation>(context: &Context, target: Target, algorithm: &str) -> Outcome {
    let Target { key, file } = target;
    let mut lines = Lines::open(&file, O::COLUMNS)?;
    let session = context.connect_to_key(Some(&key.name)).await?;
    let key = key.resolve(session.container())?;
    let mut printer = Printer::new(context.output);
    // Lines without a version use that of the first batch, so that all of them use the same.
    let mut current = None;
    while let Some(first) = lines.next()? {
        let given = names::with_previous_version(key.clone(), first.name.as_deref());
        let name = match (given.version, &current) {
            (None, Some(current)) => String::clone(current),
            _ => given.to_string(),
        };
        let (mut algorithms, mut items, mut bytes) = (Vec::new(), Vec::new(), 0_usize);
        let mut next = Some(first);
        while let Some(mut line) = next {
            let chosen = line.algorithm.take().unwrap_or_else(|| algorithm.to_owned());
            algorithms.push(chosen.clone());
            bytes = bytes.saturating_add(line.len());
            items.push(O::item(chosen, line));
            let is_full = items.len() >= MAX_ITEMS || bytes >= MAX_BYTES;
            next = if is_full {
                None
            } else {
                lines.next_if(|line| {
                    names::with_previous_version(key.clone(), line.name.as_deref()).version == given.version
                })?
            };
        }
        let reply = O::call(&session, name, items).await?;
        if given.version.is_none() {
            current = Some(reply.name.clone());
        }
        if reply.results.len() != algorithms.len() {
            return Err(Failure::problem(
                "the server returned another number of results than items were sent",
            ));
        }
        for (algorithm, result) in algorithms.iter().zip(reply.results) {
            printer.print(&reply.name, algorithm, result)?;
        }
    }
    printer.end()
}
