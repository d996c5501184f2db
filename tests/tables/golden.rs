//! Compares generated tables with golden files.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Asserts that the table equals `tests/golden/{name}`. Otherwise shows the difference and writes the new table to a
/// file, so that it can be copied.
#[track_caller]
pub(crate) fn assert_golden(name: &str, table: &str) {
    let path = format!("tests/golden/{name}");
    if fs::read_to_string(&path).unwrap_or_default() == table {
        return;
    }
    let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&new, table).unwrap();
    let difference = Command::new("diff").args(["-u", "--new-file", &path]).arg(&new).output().unwrap();
    let difference = String::from_utf8_lossy(&difference.stdout);
    panic!("{path} differs:\n{difference}\nif this is intended: cp {} {path}", new.display());
}
