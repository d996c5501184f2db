//! `strongroom token`: prints an access token for other programs, or renews the tokens of a running service.

use clap::{Args, Subcommand};
use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::failure::{Failure, Outcome};
use super::plane::Plane;
use super::{Context, session};
use crate::server::DirectoryLock;

/// Selects the plane, or what is done with the tokens of a service.
#[derive(Args, Clone, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct TokenArgs {
    /// What is done with the PKCS#11 tokens of a running service
    #[command(subcommand)]
    command: Option<TokenCommand>,
    /// Plane that accepts the access token; each plane has another audience
    #[arg(long, value_enum, default_value_t, value_name = "PLANE")]
    plane: Plane,
}

/// What is done with the PKCS#11 tokens of a running service.
#[derive(Subcommand, Clone, Debug)]
enum TokenCommand {
    /// Have the service that uses this data directory read its PIN again, log in again and load its PKCS#11 module anew
    ///
    /// Use it after a rejected PIN is corrected, or the module is upgraded. Calls in progress are completed. The same as SIGUSR1.
    Retry,
}

/// A token response with the members of RFC 6749, section 5.1.
#[derive(Serialize)]
struct Printed<'a> {
    token_type: &'static str,
    access_token: &'a str,
    expires_in: Option<u64>,
}

/// Prints the access token, which is a secret.
pub(super) async fn run(context: &Context, args: &TokenArgs) -> Outcome {
    if let Some(TokenCommand::Retry) = args.command {
        return retry(context);
    }
    let issued = session::access_token(&context.options, args.plane).await?;
    let token = issued.access_token.expose_secret();
    let printed = Printed { token_type: "Bearer", access_token: token, expires_in: issued.expires_in };
    context.output.print_value(&printed, token)
}

/// Signals the service that uses the data directory.
fn retry(context: &Context) -> Outcome {
    let directory = context.options.data_dir();
    let holder = DirectoryLock::holder(&directory)
        .map_err(|error| Failure::file(directory.join("lock").display(), &error))?;
    let Some(process) = holder.and_then(Pid::from_raw) else {
        return Err(Failure::problem(format!("no service uses {}", directory.display()))
            .hint("name its data directory with --data-dir"));
    };
    kill_process(process, Signal::USR1)
        .map_err(|error| Failure::file(format!("process {}", process.as_raw_nonzero()), &error.into()))?;
    let printed = serde_json::json!({"process": process.as_raw_nonzero()});
    context.output.print_value(&printed, "the service renews its tokens; see its log")
}
