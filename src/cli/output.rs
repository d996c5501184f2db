//! Writes results to standard output, or raw bytes to a file.

use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;
use zeroize::Zeroizing;

use super::failure::{Failure, Outcome};
use super::options::Format;
use super::table;

/// Prints results in the format of `--output`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: Format,
}

/// An item of a list.
pub(crate) trait TableRow: Serialize {
    /// The column headings.
    const HEADINGS: &'static [&'static str];

    /// Returns one cell for each heading.
    fn cells(&self) -> Vec<String>;
}

impl Output {
    pub(crate) const fn new(format: Format) -> Self {
        Self { format }
    }

    /// Returns the format of results.
    pub(crate) const fn format(self) -> Format {
        self.format
    }

    /// Prints a result, as JSON or as text.
    pub(crate) fn print(self, result: &impl Serialize, text: impl FnOnce() -> String) -> Outcome {
        // Some results contain secrets.
        let text = Zeroizing::new(match self.format {
            Format::Table => text(),
            Format::Json => {
                let mut text = serde_json::to_string_pretty(result)
                    .map_err(|error| Failure::problem(format!("cannot serialize the result: {error}")))?;
                text.push('\n');
                text
            }
        });
        write_stdout(text.as_bytes())
    }

    /// Prints one result of a stream on one line, as JSON or as text.
    pub(crate) fn print_line(self, result: &impl Serialize, text: impl FnOnce() -> String) -> Outcome {
        // Some results contain secrets.
        let mut line = Zeroizing::new(match self.format {
            Format::Table => table::printable(&Zeroizing::new(text())),
            Format::Json => serde_json::to_string(result)
                .map_err(|error| Failure::problem(format!("cannot serialize the result: {error}")))?,
        });
        line.push('\n');
        write_stdout(line.as_bytes())
    }

    /// Prints a result, as JSON or as a single value.
    pub(crate) fn print_value(self, result: &impl Serialize, value: &str) -> Outcome {
        self.print(result, || format!("{value}\n"))
    }

    /// Prints a list, as JSON or as a table. For an empty table, writes `empty` to standard error.
    pub(crate) fn print_list<R: TableRow>(self, rows: &[R], empty: &str) -> Outcome {
        if rows.is_empty() && self.format == Format::Table {
            note(empty);
            return Ok(());
        }
        self.print(&rows, || {
            let cells: Vec<_> = rows.iter().map(TableRow::cells).collect();
            table::columns(R::HEADINGS, &cells)
        })
    }
}

/// Writes a message that is not a result to standard error.
pub(crate) fn note(text: &str) {
    // A closed standard error cannot be reported anywhere.
    let _ = writeln!(io::stderr(), "{}", table::printable(text));
}

/// Writes raw bytes to standard output.
pub(crate) fn write_stdout(bytes: &[u8]) -> Outcome {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Err(Failure::OutputClosed),
        Err(error) => Err(Failure::file("standard output", &error)),
    }
}

/// The destination of raw bytes: a file, or standard output for `-`.
#[derive(Clone, Debug)]
pub(crate) enum RawOutput {
    /// A file, replaced if it exists.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

impl From<std::ffi::OsString> for RawOutput {
    fn from(text: std::ffi::OsString) -> Self {
        if text == "-" { Self::Stdout } else { Self::File(text.into()) }
    }
}

impl RawOutput {
    /// Writes public bytes, such as signatures and ciphertexts.
    pub(crate) fn write(&self, bytes: &[u8]) -> Outcome {
        self.write_as(bytes, 0o666)
    }

    /// Writes secret bytes, such as plaintexts and keys. A new file gets mode 0600.
    pub(crate) fn write_secret(&self, bytes: &[u8]) -> Outcome {
        self.write_as(bytes, 0o600)
    }

    fn write_as(&self, bytes: &[u8], mode: u32) -> Outcome {
        use std::os::unix::fs::OpenOptionsExt;

        match self {
            Self::Stdout => write_stdout(bytes),
            Self::File(path) => std::fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(mode)
                .open(path)
                .and_then(|mut file| file.write_all(bytes))
                .map_err(|error| Failure::file(path.display(), &error)),
        }
    }
}
