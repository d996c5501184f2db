//! `strongroom audit export`: the records of the logs of several instances, in one file.

use std::fs::{self, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Serialize;

use super::verify::{VerifiedLog, verify_logs};
use crate::audit::{ExportPeriod, ExportedChain, ExportedLog, export};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::note;
use crate::cli::{Context, time_argument};
use crate::model::Timestamp;

/// The records to export.
#[derive(Args, Clone, Debug)]
pub struct ExportArgs {
    /// Directory of the log files, once for each instance [default: audit in the data directory]
    #[arg(long, value_name = "DIRECTORY")]
    directory: Vec<PathBuf>,
    /// Start of the period
    #[arg(long, value_parser = time_argument::parse, value_name = "TIME")]
    from: Option<Timestamp>,
    /// Exclusive end of the period
    #[arg(long, value_parser = time_argument::parse, value_name = "TIME")]
    to: Option<Timestamp>,
    /// File to write, replaced if it exists
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
}

#[derive(Serialize)]
struct View {
    records: u64,
    chains: Vec<ChainView>,
}

#[derive(Serialize)]
struct ChainView {
    instance: String,
    records: u64,
    first: Option<u64>,
    last: Option<u64>,
}

pub(super) fn run(context: &Context, args: &ExportArgs) -> Outcome {
    let directories = super::directories(context, &args.directory);
    let logs = verify_logs(&directories)?.into_iter().filter_map(|log| exported_log(log).transpose());
    let logs: Vec<ExportedLog> = logs.collect::<Outcome<_>>()?;
    if logs.is_empty() {
        return Err(Failure::problem("none of the logs has records"));
    }
    for (index, log) in logs.iter().enumerate() {
        if let Some(other) = logs[..index].iter().find(|other| other.instance == log.instance) {
            let (one, other) = (other.directory.display(), log.directory.display());
            let why = format!("{one} and {other} have different chains of an instance {}", log.instance);
            return Err(Failure::problem(why).hint("export logs of different installations separately"));
        }
    }
    let period = ExportPeriod { from: args.from, to: args.to };
    let chains =
        write(&args.file, &logs, period).map_err(|error| Failure::file(args.file.display(), &error))?;
    let view = View::of(chains);
    context.output.print(&view, || view.text())
}

/// Returns `None` for a log without records: an instance that has not served a call yet.
fn exported_log(VerifiedLog { directory, report }: VerifiedLog) -> Outcome<Option<ExportedLog>> {
    if let Some(found) = report.broken {
        let why = format!("the log is not exported, because it does not match what was written: {found}");
        return Err(Failure::problem(why).hint("strongroom audit verify shows all that is known of it"));
    }
    let (Some(begins), Some(last)) = (report.begins, report.last) else {
        note(&format!("{}: the log has no records", directory.display()));
        return Ok(None);
    };
    Ok(Some(ExportedLog { directory, instance: report.instance.unwrap_or(begins.chain), last }))
}

/// Writes the file, which nobody but its owner can read, as the files of the logs. An incomplete one has another name.
fn write(path: &Path, logs: &[ExportedLog], period: ExportPeriod) -> io::Result<Vec<ExportedChain>> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
    let mut out = BufWriter::new(file);
    let written = export(logs, period, &mut out).and_then(|chains| {
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&part, path)?;
        Ok(chains)
    });
    if written.is_err() {
        // The first error is reported.
        let _ = fs::remove_file(&part);
    }
    written
}

impl View {
    fn of(chains: Vec<ExportedChain>) -> Self {
        let view = |chain: ExportedChain| {
            let records = chain.last.seq - chain.after.seq;
            let of_records = |seq| (records > 0).then_some(seq);
            ChainView {
                instance: chain.instance,
                records,
                first: of_records(chain.after.seq + 1),
                last: of_records(chain.last.seq),
            }
        };
        let chains: Vec<ChainView> = chains.into_iter().map(view).collect();
        Self { records: chains.iter().map(|chain| chain.records).sum(), chains }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for ChainView { instance, records, first, last } in &self.chains {
            text += &match (first, last) {
                (Some(first), Some(last)) => {
                    format!("instance {instance}: {records} records, {first} to {last}\n")
                }
                _ => format!("instance {instance}: no records in the period\n"),
            };
        }
        text + &format!("{} records exported\n", self.records)
    }
}
