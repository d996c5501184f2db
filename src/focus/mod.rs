//! Exports cost statements as CSV and JSON Lines with the columns of FOCUS 1.0, the FinOps Open Cost and
//! Usage Specification (<https://focus.finops.org/focus-specification/v1-0/>).

mod row;

use serde::Serialize;

pub use row::Row;

use crate::model::{Error, Result};

/// Returns the rows as CSV (RFC 4180), with the columns in the order of [`Row::COLUMNS`]. `headings` adds the
/// header line; without it, the rows can be appended to earlier ones.
///
/// # Errors
/// `Internal` if a row cannot be serialized.
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

/// Returns the rows as JSON Lines: one object per line, so that rows can be appended to earlier ones.
///
/// # Errors
/// `Internal` if a row cannot be serialized.
pub fn json_lines(rows: &[impl Serialize]) -> Result<Vec<u8>> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, row).map_err(Error::internal)?;
        lines.push(b'\n');
    }
    Ok(lines)
}
