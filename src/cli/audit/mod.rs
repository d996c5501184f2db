//! `strongroom audit`: verifies and exports the files of audit logs and prints their signed heads, for which it needs the files only; lists
//! and follows the records of a running service.

mod export;
mod records;
mod verify;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Context;
use super::failure::{Failure, Outcome};
use crate::audit::SignedStatement;

/// Subcommands of `strongroom audit`.
#[derive(Subcommand, Clone, Debug)]
pub enum AuditCommand {
    /// Verify the hash chain, signatures, gaps and end of the log, and report the first invalid record
    Verify(verify::VerifyArgs),
    /// Write the records of the logs of several instances to one file, merged by time, in which each chain can be verified
    Export(export::ExportArgs),
    /// Print the last signed head of the log, to be stored elsewhere
    Head(LogArgs),
    /// List records of the subscription, newest first
    List(records::ListArgs),
    /// Print records of the subscription as they are written, one per line
    Tail(records::TailArgs),
}

/// Selects the log.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// Directory of the log files [default: audit in the data directory]
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

pub(super) async fn run(context: &Context, command: AuditCommand) -> Outcome {
    match command {
        AuditCommand::Verify(args) => verify::run(context, &args),
        AuditCommand::Export(args) => export::run(context, &args),
        AuditCommand::Head(args) => head(context, &args),
        AuditCommand::List(args) => records::list(context, args).await,
        AuditCommand::Tail(args) => records::tail(context, args).await,
    }
}

/// The directories of logs that are given, or that of the data directory.
fn directories(context: &Context, given: &[PathBuf]) -> Vec<PathBuf> {
    match given {
        [] => vec![context.options.data_dir().join("audit")],
        given => given.to_vec(),
    }
}

fn head(context: &Context, args: &LogArgs) -> Outcome {
    let directory = args.directory.clone().unwrap_or_else(|| context.options.data_dir().join("audit"));
    let found =
        SignedStatement::read_head(&directory).map_err(|error| Failure::file(directory.display(), &error))?;
    let signed = found.ok_or_else(|| {
        Failure::problem(format!("{}: the log has no signed head", directory.display())).hint(
            "select the log with --data-dir or --directory; a running service signs it every audit.sign_seconds",
        )
    })?;
    // JSON in both formats, since the output is the input of `audit verify --head`.
    context.output.print(&signed, || {
        let text = serde_json::to_string_pretty(&signed).unwrap_or_default();
        format!("{text}\n")
    })
}
