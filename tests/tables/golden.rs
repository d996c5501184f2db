//! Files that say what a table was when somebody last looked at it.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Expects that the table is what `tests/golden/{name}` says. Otherwise shows what differs, and leaves the new table
/// where it can be copied from.
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
    panic!("{path} differs:\n{difference}\nif that is meant: cp {} {path}", new.display());
}
