//! Prints one line for each line of the input, and reports those that failed.

use serde::ser::SerializeMap as _;
use serde::{Serialize, Serializer};
use tonic_types::RpcStatusExt as _;
use tonic_types::pb::Status;

use super::operations::{ItemResult, Value};
use crate::cli::failure::{Failure, Outcome};
use crate::cli::input::encode;
use crate::cli::output::{Output, note};

/// Prints results, and counts those that are no success.
pub(super) struct Printer {
    output: Output,
    printed: usize,
    failed: usize,
    invalid: usize,
}

/// A result as JSON: as the command for one value prints it, or the error.
struct Printed<'a> {
    name: &'a str,
    algorithm: &'a str,
    result: &'a ItemResult,
}

impl Serialize for Printed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", self.name)?;
        map.serialize_entry("algorithm", self.algorithm)?;
        match self.result {
            Ok(values) => {
                for (name, value) in values {
                    match value {
                        Value::Bytes(bytes) => map.serialize_entry(name, &encode(bytes))?,
                        Value::Valid(valid) => map.serialize_entry(name, valid)?,
                    }
                }
            }
            Err(status) => {
                let reason = reason(status);
                map.serialize_entry("error", &ItemError { reason: &reason, message: &status.message })?;
            }
        }
        map.end()
    }
}

/// The error of an item as JSON.
#[derive(Serialize)]
struct ItemError<'a> {
    reason: &'a str,
    message: &'a str,
}

/// The stable name of an error; empty if the server did not send it.
fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// A result as text: its values, separated by spaces.
fn text(result: &ItemResult) -> String {
    let values = result.iter().flatten().map(|(_, value)| match value {
        Value::Bytes(bytes) => encode(bytes),
        Value::Valid(true) => "valid".to_owned(),
        Value::Valid(false) => "invalid".to_owned(),
    });
    values.collect::<Vec<_>>().join(" ")
}

impl Printer {
    pub(super) const fn new(output: Output) -> Self {
        Self { output, printed: 0, failed: 0, invalid: 0 }
    }

    /// Prints the result of the next line.
    pub(super) fn print(&mut self, name: &str, algorithm: &str, result: ItemResult) -> Outcome {
        self.printed += 1;
        match &result {
            Err(status) => {
                self.failed += 1;
                note(&format!("line {}: {} ({})", self.printed, status.message, reason(status)));
            }
            Ok(values) if values.iter().any(|(_, value)| matches!(value, Value::Valid(false))) => {
                self.invalid += 1;
            }
            Ok(_) => {}
        }
        self.output.print_line(&Printed { name, algorithm, result: &result }, || text(&result))
    }

    /// Returns the outcome of the command.
    pub(super) fn end(self) -> Outcome {
        match self {
            Self { failed: 0, invalid: 0, .. } => Ok(()),
            Self { failed: 0, .. } => Err(Failure::NegativeResult),
            Self { failed, printed, .. } => {
                Err(Failure::problem(format!("{failed} of {printed} lines failed")))
            }
        }
    }
}
