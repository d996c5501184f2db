//! `strongroom audit`: verifies the files of an audit log and prints its signed head, for which it needs the files only; lists and follows
//! the records of a running service.

mod records;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Context;
use super::failure::{Failure, Outcome};
use crate::audit::{Report, SignedStatement, VerifyOptions, verify_with};

/// Subcommands of `strongroom audit`.
#[derive(Subcommand, Clone, Debug)]
pub enum AuditCommand {
    /// Verify the hash chain, signatures, gaps and end of the log, and report the first invalid record
    Verify(VerifyArgs),
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

/// The records to verify, and what to compare them with.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    #[command(flatten)]
    log: LogArgs,
    /// First record to verify
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    from: Option<u64>,
    /// Last record to verify
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    to: Option<u64>,
    /// Require the log to contain the record named by this previously printed head, signed with its key
    #[arg(long, value_name = "FILE")]
    head: Vec<PathBuf>,
    /// Also trust signatures of the key with this identifier (kid)
    #[arg(long, value_name = "KID")]
    key: Vec<String>,
}

#[derive(Serialize)]
struct Printed {
    verified: bool,
    records: u64,
    first: Option<u64>,
    last: Option<u64>,
    chain: String,
    signatures: u64,
    signed: Option<u64>,
    keys: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    begins_after: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<InvalidRecord>,
}

#[derive(Serialize)]
struct InvalidRecord {
    file: PathBuf,
    line: u64,
    record: Option<u64>,
    why: String,
}

pub(super) async fn run(context: &Context, command: AuditCommand) -> Outcome {
    match command {
        AuditCommand::Verify(args) => verify(context, &args),
        AuditCommand::Head(args) => head(context, &args),
        AuditCommand::List(args) => records::list(context, args).await,
        AuditCommand::Tail(args) => records::tail(context, args).await,
    }
}

fn directory(context: &Context, args: &LogArgs) -> PathBuf {
    args.directory.clone().unwrap_or_else(|| context.options.data_dir().join("audit"))
}

fn head(context: &Context, args: &LogArgs) -> Outcome {
    let directory = directory(context, args);
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

fn verify(context: &Context, args: &VerifyArgs) -> Outcome {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to < from
    {
        return Err(Failure::Usage("--to is less than --from".to_owned()));
    }
    let directory = directory(context, &args.log);
    let failed = |error| Failure::file(directory.display(), &error);
    let (mut heads, mut keys) = (Vec::new(), args.key.clone());
    for file in &args.head {
        let head = SignedStatement::read(file).map_err(|error| Failure::file(file.display(), &error))?;
        let head = head.ok_or_else(|| Failure::problem(format!("there is no file {}", file.display())))?;
        keys.push(head.kid.clone());
        heads.push(head);
    }
    let mut expected =
        VerifyOptions { from: args.from, to: args.to, heads, keys, ..VerifyOptions::default() };
    let (stored, stored_error) = match SignedStatement::read_head(&directory) {
        Ok(stored) => (stored, None),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => (None, Some(error.to_string())),
        Err(error) => return Err(failed(error)),
    };
    expected.heads.extend(stored);
    let report = verify_with(&directory, &expected).map_err(failed)?;
    let mut printed = Printed::from_report(report);
    if let (None, Some(why)) = (&printed.wrong, stored_error) {
        printed.wrong = Some(InvalidRecord { file: directory, line: 0, record: None, why });
        printed.verified = false;
    }
    context.output.print(&printed, || printed.text())?;
    if printed.verified { Ok(()) } else { Err(Failure::NegativeResult) }
}

impl Printed {
    fn from_report(report: Report) -> Self {
        let Report { records, first, last, chain, signatures, signed, keys, start, broken, begins: _ } =
            report;
        let wrong = broken.map(|found| InvalidRecord {
            file: found.file,
            line: found.line,
            record: found.seq,
            why: found.why,
        });
        let verified = wrong.is_none();
        Self { verified, records, first, last, chain, signatures, signed, keys, begins_after: start, wrong }
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        if let Some(InvalidRecord { file, line, record, why }) = &self.wrong {
            let record = record.map_or_else(|| "the log".to_owned(), |record| format!("record {record}"));
            let line = if *line > 0 { format!(", line {line}") } else { String::new() };
            lines.push(format!("WRONG at {record} ({}{line}): {why}", file.display()));
        }
        if let Some(after) = self.begins_after {
            lines.push(format!(
                "the log begins after record {after}: older records were deleted by the retention setting"
            ));
        }
        match (self.first, self.last) {
            (Some(first), Some(last)) => {
                lines.push(format!(
                    "records {first} to {last}: {} checked, {} signatures",
                    self.records, self.signatures
                ));
                match self.signed {
                    Some(signed) => lines.push(format!("signed up to record {signed}")),
                    None => lines.push("nothing is signed".to_owned()),
                }
            }
            _ => lines.push("no record was checked".to_owned()),
        }
        for key in &self.keys {
            lines.push(format!("signed with key {key}"));
        }
        if self.verified {
            lines.push("unbroken".to_owned());
        }
        lines.join("\n") + "\n"
    }
}
