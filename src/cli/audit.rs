//! `strongroom audit`: checks the files of an audit log, and prints the signed head that is kept with them. Asks no
//! service: the files are enough.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;

use super::Context;
use super::failure::{Failure, Outcome};
use crate::audit::{Expected, Report, Signed, verify_with};

/// Checks an audit log, and prints what is signed of it.
#[derive(Subcommand, Clone, Debug)]
pub enum AuditCommand {
    /// Check links, signatures, gaps and the end of the log, and name the first record that is wrong
    Verify(VerifyArgs),
    /// Print the last signed head of the log, to be kept elsewhere
    Head(LogArgs),
}

/// Which log.
#[derive(Args, Clone, Debug)]
pub struct LogArgs {
    /// Where the files are [default: audit in the data directory]
    #[arg(long, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

/// Which records, and what they are compared with.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    #[command(flatten)]
    log: LogArgs,
    /// Begin with this record
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    from: Option<u64>,
    /// End with this record
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    to: Option<u64>,
    /// The log must hold the record that this file names, a head that was printed before, and be signed by its key
    #[arg(long, value_name = "FILE")]
    head: Vec<PathBuf>,
    /// Trust signatures of this key, too, by its identifier (kid)
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
    wrong: Option<Wrong>,
}

#[derive(Serialize)]
struct Wrong {
    file: PathBuf,
    line: u64,
    record: Option<u64>,
    why: String,
}

pub(super) fn run(context: &Context, command: &AuditCommand) -> Outcome {
    match command {
        AuditCommand::Verify(args) => verify(context, args),
        AuditCommand::Head(args) => head(context, args),
    }
}

fn directory(context: &Context, args: &LogArgs) -> PathBuf {
    args.directory.clone().unwrap_or_else(|| context.options.data_dir().join("audit"))
}

fn head(context: &Context, args: &LogArgs) -> Outcome {
    let directory = directory(context, args);
    let found = Signed::head_in(&directory).map_err(|error| Failure::file(directory.display(), &error))?;
    let signed = found.ok_or_else(|| {
        Failure::problem(format!("{}: there is no signed head", directory.display())).hint(
            "--data-dir or --directory names the log; a running service signs it every audit.sign_seconds",
        )
    })?;
    // The same text for both formats: it is a file for `audit verify --head`.
    context.output.print(&signed, || {
        let text = serde_json::to_string_pretty(&signed).unwrap_or_default();
        format!("{text}\n")
    })
}

fn verify(context: &Context, args: &VerifyArgs) -> Outcome {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to < from
    {
        return Err(Failure::Usage("--to comes before --from".to_owned()));
    }
    let directory = directory(context, &args.log);
    let failed = |error| Failure::file(directory.display(), &error);
    let (mut heads, mut keys) = (Vec::new(), args.key.clone());
    for file in &args.head {
        let head = Signed::read(file).map_err(|error| Failure::file(file.display(), &error))?;
        let head = head.ok_or_else(|| Failure::problem(format!("there is no file {}", file.display())))?;
        keys.push(head.kid.clone());
        heads.push(head);
    }
    let mut expected = Expected { from: args.from, to: args.to, heads, keys, ..Expected::default() };
    let (kept, kept_is_wrong) = match Signed::head_in(&directory) {
        Ok(kept) => (kept, None),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => (None, Some(error.to_string())),
        Err(error) => return Err(failed(error)),
    };
    expected.heads.extend(kept);
    let report = verify_with(&directory, &expected).map_err(failed)?;
    let mut printed = Printed::of(report);
    if let (None, Some(why)) = (&printed.wrong, kept_is_wrong) {
        printed.wrong = Some(Wrong { file: directory, line: 0, record: None, why });
        printed.verified = false;
    }
    context.output.print(&printed, || printed.text())?;
    if printed.verified { Ok(()) } else { Err(Failure::No) }
}

impl Printed {
    fn of(report: Report) -> Self {
        let Report { records, first, last, chain, signatures, signed, keys, start, broken, begins: _ } =
            report;
        let wrong = broken.map(|found| Wrong {
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
        if let Some(Wrong { file, line, record, why }) = &self.wrong {
            let record = record.map_or_else(|| "the log".to_owned(), |record| format!("record {record}"));
            let line = if *line > 0 { format!(", line {line}") } else { String::new() };
            lines.push(format!("WRONG at {record} ({}{line}): {why}", file.display()));
        }
        if let Some(after) = self.begins_after {
            lines
                .push(format!("the files begin after record {after}: older ones were deleted as configured"));
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
