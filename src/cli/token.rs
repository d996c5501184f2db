//! `strongroom token`: prints an access token for other programs, or renews the tokens of a running service.

use clap::{Args, Subcommand};
use rustix::process::{Pid, Signal, kill_process};
use secrecy::ExposeSecret;
use serde::Serialize;

use super::failure::{Failure, Outcome};
use super::output::{TableRow, note};
use super::plane::Plane;
use super::{Context, session};
use crate::api::grpc::pb;
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
    /// List the PKCS#11 tokens of the subscription with their workers, queues and calls
    List,
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
    match args.command {
        Some(TokenCommand::Retry) => return retry(context),
        Some(TokenCommand::List) => return list(context).await,
        None => {}
    }
    let issued = session::access_token(&context.options, args.plane).await?;
    let token = issued.access_token.expose_secret();
    let printed = Printed { token_type: "Bearer", access_token: token, expires_in: issued.expires_in };
    context.output.print_value(&printed, token)
}

/// A token as it is printed.
#[derive(Serialize)]
struct View {
    serial: String,
    label: String,
    containers: Vec<String>,
    running_workers: u32,
    starting_workers: u32,
    failed_workers: u32,
    worker_starts: u64,
    running_calls: u32,
    waiting_calls: u32,
    calls: u64,
    failed_calls: u64,
    median_ms: f64,
    percentile_99_ms: f64,
}

impl From<pb::TokenState> for View {
    fn from(state: pb::TokenState) -> Self {
        let millis = |duration: Option<prost_types::Duration>| {
            duration.map_or(0.0, |duration| {
                f64::from(i32::try_from(duration.seconds).unwrap_or(i32::MAX)) * 1e3
                    + f64::from(duration.nanos) / 1e6
            })
        };
        Self {
            serial: state.serial,
            label: state.label,
            containers: state.containers,
            running_workers: state.running_workers,
            starting_workers: state.starting_workers,
            failed_workers: state.failed_workers,
            worker_starts: state.worker_starts,
            running_calls: state.running_calls,
            waiting_calls: state.waiting_calls + state.waiting_slow_calls,
            calls: state.calls,
            failed_calls: state.failed_calls,
            median_ms: millis(state.median_duration),
            percentile_99_ms: millis(state.percentile_99_duration),
        }
    }
}

impl TableRow for View {
    const HEADINGS: &'static [&'static str] = &[
        "SERIAL",
        "LABEL",
        "WORKERS",
        "STARTS",
        "WAITING",
        "CALLS",
        "FAILED",
        "MEDIAN MS",
        "P99 MS",
        "CONTAINERS",
    ];

    fn cells(&self) -> Vec<String> {
        let workers = self.running_workers + self.starting_workers + self.failed_workers;
        vec![
            self.serial.clone(),
            self.label.clone(),
            format!("{} of {workers}", self.running_workers),
            self.worker_starts.to_string(),
            self.waiting_calls.to_string(),
            self.calls.to_string(),
            self.failed_calls.to_string(),
            self.median_ms.to_string(),
            self.percentile_99_ms.to_string(),
            self.containers.join(" "),
        ]
    }
}

/// Lists the tokens of the subscription.
async fn list(context: &Context) -> Outcome {
    let session = context.connect_control().await?;
    let parent = format!("subscriptions/{}", session.subscription()?);
    let request = pb::ListTokenStatesRequest { parent };
    let reply = session.tokens().list_token_states(request).await?.into_inner();
    if !reply.containers_without_token.is_empty() {
        note(&format!("without a token that can be used: {}", reply.containers_without_token.join(" ")));
    }
    let rows: Vec<View> = reply.tokens.into_iter().map(View::from).collect();
    context.output.print_list(&rows, "no token holds keys of this subscription")
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
