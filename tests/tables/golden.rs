//! Files that say what a table was when somebody last looked at it.

use std::fs;
use std::path::Path;

/// Expects that the table is what `tests/golden/{name}` says. Otherwise shows what differs, and leaves the new table
/// where it can be copied from.
#[track_caller]
pub(crate) fn assert_golden(name: &str, table: &str) {
    let path = format!("tests/golden/{name}");
    let seen = fs::read_to_string(&path).unwrap_or_default();
    if seen == table {
        return;
    }
    let new = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&new, table).unwrap();
    panic!("{path} differs:\n{}\nif that is meant: cp {} {path}", difference(&seen, table), new.display());
}

/// Lines that only one of them has.
fn difference(old: &str, new: &str) -> String {
    let without = |sign: char, these: &str, those: &str| {
        let missing = |line: &&str| !those.lines().any(|other| other == *line);
        these.lines().filter(missing).map(|line| format!("{sign} {line}\n")).collect::<String>()
    };
    without('-', old, new) + &without('+', new, old)
}

#[test]
fn a_difference_is_shown() {
    assert_eq!(difference("a\nb\n", "a\nc\n"), "- b\n+ c\n");
}
