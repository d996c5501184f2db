//! `strongroom key`: keys and what they are used for.

mod attributes;
mod cipher;
mod create;
mod earlier;
mod import;
mod read;
mod remove;
mod rotation;
mod sign;
mod update;
mod verify;
mod view;
mod wrap;

use clap::Subcommand;

pub(super) use attributes::{tag, tags};

use super::Context;
use super::failure::Outcome;

/// What can be done with keys.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// Generate a key in the token, or a new version of a key that exists
    Create(create::CreateArgs),
    /// Import a private or secret key; a new version if the key exists
    Import(import::ImportArgs),
    /// Show a key
    Show(read::ShowArgs),
    /// List the keys
    List,
    /// List the versions of a key, oldest first
    Versions(read::VersionsArgs),
    /// Change operations, attributes or tags of a version
    Update(update::UpdateArgs),
    /// Make a new version like the current one; the key must have a rotation policy
    Rotate(remove::KeyArgs),
    /// When a key is rotated by itself
    #[command(subcommand)]
    RotationPolicy(rotation::PolicyCommand),
    /// Delete a key with all its versions; it can be recovered for a time
    Delete(remove::KeyArgs),
    /// List the deleted keys
    ListDeleted,
    /// Show a deleted key
    ShowDeleted(remove::DeletedKeyArgs),
    /// Bring a deleted key back
    Recover(remove::DeletedKeyArgs),
    /// Destroy a deleted key for good
    Purge(remove::DeletedKeyArgs),
    /// Sign a file or a digest
    Sign(sign::SignArgs),
    /// Check a signature; the exit code is 1 if it is wrong
    Verify(verify::VerifyArgs),
    /// Encrypt
    Encrypt(cipher::EncryptArgs),
    /// Decrypt; a file may also hold what `key encrypt` printed as JSON
    Decrypt(cipher::DecryptArgs),
    /// Wrap a symmetric key
    Wrap(wrap::WrapArgs),
    /// Unwrap a symmetric key; a file may also hold what `key wrap` printed as JSON
    Unwrap(wrap::UnwrapArgs),
}

/// Runs one of them.
pub(super) async fn run(context: &Context, command: KeyCommand) -> Outcome {
    match command {
        KeyCommand::Create(args) => create::run(context, args).await,
        KeyCommand::Import(args) => import::run(context, args).await,
        KeyCommand::Show(args) => read::show(context, args).await,
        KeyCommand::List => read::list(context).await,
        KeyCommand::Versions(args) => read::versions(context, args).await,
        KeyCommand::Update(args) => update::run(context, args).await,
        KeyCommand::Rotate(args) => rotation::rotate(context, args).await,
        KeyCommand::RotationPolicy(command) => rotation::policy(context, command).await,
        KeyCommand::Delete(args) => remove::delete(context, args).await,
        KeyCommand::ListDeleted => remove::list(context).await,
        KeyCommand::ShowDeleted(args) => remove::show(context, args).await,
        KeyCommand::Recover(args) => remove::recover(context, args).await,
        KeyCommand::Purge(args) => remove::purge(context, args).await,
        KeyCommand::Sign(args) => sign::run(context, args).await,
        KeyCommand::Verify(args) => verify::run(context, args).await,
        KeyCommand::Encrypt(args) => cipher::encrypt(context, args).await,
        KeyCommand::Decrypt(args) => cipher::decrypt(context, args).await,
        KeyCommand::Wrap(args) => wrap::wrap(context, args).await,
        KeyCommand::Unwrap(args) => wrap::unwrap(context, args).await,
    }
}
