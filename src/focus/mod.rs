//! Statements as data for other programs: CSV and JSON lines with the columns of FOCUS 1.0, the FinOps
//! Open Cost and Usage Specification (<https://focus.finops.org/focus-specification/v1-0/>).

mod row;

use serde::Serialize;

pub use row::Row;

use crate::model::{Error, Result};

/// The rows as CSV (RFC 4180), the columns in the order of the specification's names; with the line of
/// headings, or without where rows follow others.
///
/// # Errors
/// `Internal` where the rows cannot be written, which their type does not forbid.
pub fn csv(rows: &[Row], headings: bool) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    if headings {
        writer.write_record(Row::COLUMNS).map_err(Error::internal)?;
    }
    for row in rows {
        writer.serialize(row).map_err(Error::internal)?;
    }
    writer.into_inner().map_err(Error::internal)
}

/// The rows as JSON, one object a line, so that rows can follow others.
///
/// # Errors
/// `Internal` where the rows cannot be written, which their type does not forbid.
pub fn json_lines(rows: &[impl Serialize]) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, row).map_err(Error::internal)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
