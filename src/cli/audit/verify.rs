//! `strongroom audit verify`: verifies the files of one log, of the logs of several instances, or an export of them.

use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use crate::audit::{
    Break, LastRecord, Report, SignedStatement, VerifyOptions, first_record, verify_export, verify_with,
};
use crate::cli::Context;
use crate::cli::failure::{Failure, Outcome};

/// The records to verify, and what to compare them with.
#[derive(Args, Clone, Debug)]
pub struct VerifyArgs {
    /// Directory of the log files, once for each instance [default: audit in the data directory]
    #[arg(long, value_name = "DIRECTORY")]
    directory: Vec<PathBuf>,
    /// Verify the chains in a file that was written by `audit export`
    #[arg(long, value_name = "FILE", conflicts_with = "directory")]
    export: Option<PathBuf>,
    /// First record to verify
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "export")]
    from: Option<u64>,
    /// Last record to verify
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..), conflicts_with = "export")]
    to: Option<u64>,
    /// Require one of the logs to contain the record named by this previously printed head, signed with its key
    #[arg(long, value_name = "FILE")]
    head: Vec<PathBuf>,
    /// Also trust signatures of the key with this identifier (kid)
    #[arg(long, value_name = "KID")]
    key: Vec<String>,
}

/// The result for one chain.
#[derive(Serialize)]
struct ChainView {
    verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<String>,
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

/// The result for several chains.
#[derive(Serialize)]
struct ChainsView {
    verified: bool,
    chains: Vec<NamedChainView>,
    /// The files of heads whose record none of the chains has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    missing_heads: Vec<PathBuf>,
    /// What is wrong with an export besides its chains.
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<InvalidRecord>,
}

#[derive(Serialize)]
struct NamedChainView {
    #[serde(skip_serializing_if = "Option::is_none")]
    directory: Option<PathBuf>,
    #[serde(flatten)]
    chain: ChainView,
}

/// The log of an instance, and what its verification has found.
pub(super) struct VerifiedLog {
    pub(super) directory: PathBuf,
    pub(super) report: Report,
}

/// What all logs are compared with.
#[derive(Default)]
struct Expected {
    heads: Vec<SignedStatement>,
    keys: Vec<String>,
}

pub(super) fn run(context: &Context, args: &VerifyArgs) -> Outcome {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to < from
    {
        return Err(Failure::Usage("--to is less than --from".to_owned()));
    }
    let expected = Expected::read(args)?;
    if let Some(file) = &args.export {
        return run_export(context, args, file, &expected);
    }
    let directories = super::directories(context, &args.directory);
    let [directory] = directories.as_slice() else {
        if args.from.is_some() || args.to.is_some() {
            let why = "--from and --to are numbers of one log: give one --directory";
            return Err(Failure::Usage(why.to_owned()));
        }
        return run_several(context, args, &directories, &expected);
    };
    let Expected { heads, keys } = expected;
    let options = VerifyOptions { from: args.from, to: args.to, heads, keys, ..VerifyOptions::default() };
    let view = ChainView::of(verify_one(directory, options)?);
    context.output.print(&view, || view.text())?;
    if view.verified { Ok(()) } else { Err(Failure::NegativeResult) }
}

fn run_several(
    context: &Context,
    args: &VerifyArgs,
    directories: &[PathBuf],
    expected: &Expected,
) -> Outcome {
    let logs = verify_several(directories, expected)?;
    let missing_heads = missing_heads(args, logs.iter().map(|log| &log.report));
    let chains = logs.into_iter().map(|VerifiedLog { directory, report }| NamedChainView {
        directory: Some(directory),
        chain: ChainView::of(report),
    });
    print(context, chains.collect(), missing_heads, None)
}

fn run_export(context: &Context, args: &VerifyArgs, file: &Path, expected: &Expected) -> Outcome {
    let options = VerifyOptions {
        keys: expected.keys.clone(),
        sought: expected.sought().collect(),
        ..VerifyOptions::default()
    };
    let found = verify_export(file, &options).map_err(|error| Failure::file(file.display(), &error))?;
    let missing_heads = missing_heads(args, found.chains.iter().map(|chain| &chain.report));
    let chains = found.chains.into_iter().map(|chain| {
        let view = ChainView::of(Report { instance: Some(chain.instance), ..chain.report });
        NamedChainView { directory: None, chain: view }
    });
    print(context, chains.collect(), missing_heads, found.broken.map(InvalidRecord::of))
}

fn print(
    context: &Context,
    chains: Vec<NamedChainView>,
    missing_heads: Vec<PathBuf>,
    wrong: Option<InvalidRecord>,
) -> Outcome {
    let are_verified = chains.iter().all(|named| named.chain.verified);
    let verified = are_verified && missing_heads.is_empty() && wrong.is_none();
    let view = ChainsView { verified, chains, missing_heads, wrong };
    context.output.print(&view, || view.text())?;
    if verified { Ok(()) } else { Err(Failure::NegativeResult) }
}

/// The files of heads whose record is in none of these chains.
fn missing_heads<'r>(args: &VerifyArgs, reports: impl Iterator<Item = &'r Report> + Clone) -> Vec<PathBuf> {
    let is_found = |index: usize| reports.clone().any(|report| report.found.contains(&index));
    let files = args.head.iter().enumerate();
    files.filter(|(index, _)| !is_found(*index)).map(|(_, file)| file.clone()).collect()
}

/// Verifies logs that are to be exported, with all keys trusted.
pub(super) fn verify_logs(directories: &[PathBuf]) -> Outcome<Vec<VerifiedLog>> {
    verify_several(directories, &Expected::default())
}

/// Verifies the logs of several instances. Refuses two logs of one chain.
fn verify_several(directories: &[PathBuf], expected: &Expected) -> Outcome<Vec<VerifiedLog>> {
    let mut paths: Vec<PathBuf> = Vec::new();
    let mut first: Vec<Option<LastRecord>> = Vec::new();
    for directory in directories {
        let failed = |error| Failure::file(directory.display(), &error);
        let path = directory.canonicalize().map_err(failed)?;
        let record = first_record(directory).map_err(failed)?;
        let same = paths
            .iter()
            .zip(&first)
            .position(|(other, begin)| *other == path || (begin.is_some() && *begin == record));
        if let Some(same) = same {
            return Err(one_chain(&directories[same], directory));
        }
        paths.push(path);
        first.push(record);
    }
    // A log whose oldest files were deleted begins with a record that is in the middle of an older copy.
    let begins = first.iter().map(|record| record.clone().unwrap_or_default());
    let sought: Vec<LastRecord> = expected.sought().chain(begins).collect();
    let mut logs: Vec<VerifiedLog> = Vec::new();
    for directory in directories {
        let (keys, sought) = (expected.keys.clone(), sought.clone());
        let report = verify_one(directory, VerifyOptions { keys, sought, ..VerifyOptions::default() })?;
        let begins = report.found.iter().filter_map(|found| found.checked_sub(expected.heads.len()));
        if let Some(other) = begins.map(|index| &directories[index]).find(|other| *other != directory) {
            return Err(one_chain(other, directory));
        }
        logs.push(VerifiedLog { directory: directory.clone(), report });
    }
    Ok(logs)
}

fn one_chain(one: &Path, other: &Path) -> Failure {
    let (one, other) = (one.display(), other.display());
    Failure::problem(format!("{one} and {other} have records of the same chain"))
        .hint("give one directory for each instance")
}

/// Verifies a log with its own last signed head. An invalid one is a violation.
fn verify_one(directory: &Path, mut expected: VerifyOptions) -> Outcome<Report> {
    let failed = |error| Failure::file(directory.display(), &error);
    let (stored, stored_error) = match SignedStatement::read_head(directory) {
        Ok(stored) => (stored, None),
        Err(error) if error.kind() == std::io::ErrorKind::InvalidData => (None, Some(error.to_string())),
        Err(error) => return Err(failed(error)),
    };
    expected.heads.extend(stored);
    let mut report = verify_with(directory, &expected).map_err(failed)?;
    if let (None, Some(why)) = (&report.broken, stored_error) {
        report.broken = Some(Break { file: directory.to_owned(), line: 0, seq: None, why });
    }
    Ok(report)
}

impl Expected {
    fn read(args: &VerifyArgs) -> Outcome<Self> {
        let mut expected = Self { heads: Vec::new(), keys: args.key.clone() };
        for file in &args.head {
            let head = SignedStatement::read(file).map_err(|error| Failure::file(file.display(), &error))?;
            let head =
                head.ok_or_else(|| Failure::problem(format!("there is no file {}", file.display())))?;
            expected.keys.push(head.kid.clone());
            expected.heads.push(head);
        }
        Ok(expected)
    }

    /// The records of the heads.
    fn sought(&self) -> impl Iterator<Item = LastRecord> {
        self.heads.iter().map(|head| LastRecord { seq: head.seq, chain: head.chain.clone() })
    }
}

impl InvalidRecord {
    fn of(found: Break) -> Self {
        Self { file: found.file, line: found.line, record: found.seq, why: found.why }
    }

    fn text(&self) -> String {
        let Self { file, line, record, why } = self;
        let record = record.map_or_else(|| "the log".to_owned(), |record| format!("record {record}"));
        let line = if *line > 0 { format!(", line {line}") } else { String::new() };
        format!("WRONG at {record} ({}{line}): {why}", file.display())
    }
}

impl ChainView {
    fn of(report: Report) -> Self {
        let Report { records, first, last, chain, signatures, signed, keys, start, instance, broken, .. } =
            report;
        let wrong = broken.map(InvalidRecord::of);
        let verified = wrong.is_none();
        Self {
            verified,
            instance,
            records,
            first,
            last,
            chain,
            signatures,
            signed,
            keys,
            begins_after: start,
            wrong,
        }
    }

    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.wrong.iter().map(InvalidRecord::text).collect();
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
        lines.extend(self.keys.iter().map(|key| format!("signed with key {key}")));
        if self.verified {
            lines.push("unbroken".to_owned());
        }
        lines
    }

    fn text(&self) -> String {
        let named = self.instance.iter().map(|name| format!("instance {name}"));
        named.chain(self.lines()).collect::<Vec<_>>().join("\n") + "\n"
    }
}

impl NamedChainView {
    fn lines(&self) -> Vec<String> {
        let name = self.chain.instance.as_deref().unwrap_or("(no name)");
        let directory = self.directory.as_ref().map(|directory| format!(", {}", directory.display()));
        let heading = format!("instance {name}{}:", directory.unwrap_or_default());
        let indented = self.chain.lines().into_iter().map(|line| format!("  {line}"));
        std::iter::once(heading).chain(indented).collect()
    }
}

impl ChainsView {
    fn text(&self) -> String {
        let mut lines: Vec<String> = self.wrong.iter().map(InvalidRecord::text).collect();
        for file in &self.missing_heads {
            lines.push(format!("WRONG: no chain has the record of the head in {}", file.display()));
        }
        lines.extend(self.chains.iter().flat_map(NamedChainView::lines));
        let broken = self.chains.iter().filter(|named| !named.chain.verified).count();
        lines.push(match (self.verified, broken) {
            (true, _) => format!("all {} chains are unbroken", self.chains.len()),
            (false, 0) => "not verified".to_owned(),
            (false, broken) => format!("{broken} of {} chains are broken", self.chains.len()),
        });
        lines.join("\n") + "\n"
    }
}
