//! Tests of exports: order, periods, and the detection of each modification.

use std::fmt::Write as _;
use std::path::Path;

use super::*;
use crate::sink::Sink;
use crate::verify::{VerifyOptions, link_of};

fn at(minute: i64) -> Timestamp {
    let midnight: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
    Timestamp::from_second(midnight.as_second() + minute * 60).unwrap()
}

/// Writes a log with a record for each of these minutes after midnight.
fn write_log(directory: &Path, minutes: &[i64]) {
    let mut sink = Sink::open(directory).unwrap().with_max_file_size(300);
    for minute in minutes {
        let LastRecord { seq, chain } = sink.last().clone();
        let (seq, at) = (seq + 1, at(*minute));
        let mut line = format!(r#"{{"time":"{at:.3}","operationName":"Key{minute}","seq":{seq}"#);
        let link = link_of(&chain, line.as_bytes());
        writeln!(line, r#","chain":"{link}"}}"#).unwrap();
        sink.append(at, &line, LastRecord { seq, chain: link }).unwrap();
    }
}

/// Two logs in one directory.
struct Logs(tempfile::TempDir);

impl Logs {
    /// The times of `east` decrease once, as those of concurrent calls do.
    fn new() -> Self {
        let logs = Self(tempfile::tempdir().unwrap());
        write_log(&logs.0.path().join("east"), &[1, 3, 6, 5, 9]);
        write_log(&logs.0.path().join("west"), &[2, 4, 7, 8]);
        logs
    }

    fn logs(&self) -> [ExportedLog; 2] {
        [("east", 5), ("west", 4)].map(|(name, last)| {
            let directory = self.0.path().join(name);
            ExportedLog { directory, instance: name.to_owned(), last }
        })
    }

    /// The lines of an export.
    fn export(&self, from: Option<i64>, to: Option<i64>) -> Vec<String> {
        let mut written = Vec::new();
        let period = ExportPeriod { from: from.map(at), to: to.map(at) };
        export(&self.logs(), period, &mut written).unwrap();
        String::from_utf8(written).unwrap().lines().map(str::to_owned).collect()
    }

    /// Verifies a file with these lines, and returns the violations that it finds.
    fn violations(&self, lines: &[String]) -> Vec<String> {
        self.verify_text(&(lines.join("\n") + "\n"))
    }

    fn verify_text(&self, text: &str) -> Vec<String> {
        let path = self.0.path().join("export.jsonl");
        std::fs::write(&path, text).unwrap();
        let report = verify_export(&path, &VerifyOptions::default()).unwrap();
        let chains = report.chains.iter().filter_map(|chain| {
            let broken = chain.report.broken.as_ref()?;
            Some(format!("{} {:?}: {}", chain.instance, broken.seq, broken.why))
        });
        let violations: Vec<String> =
            report.broken.iter().map(|broken| broken.why.clone()).chain(chains).collect();
        assert_eq!(report.is_verified(), violations.is_empty());
        violations
    }
}

/// The operations of the records of an export, in order.
fn operations(lines: &[String]) -> Vec<&str> {
    const NAME: &str = "\"operationName\":\"";
    let records = lines.iter().filter_map(|line| line.split_once(NAME)?.1.split_once('"'));
    records.map(|(name, _)| name).collect()
}

const NONE: [&str; 0] = [];

#[test]
fn records_are_merged_by_time_in_the_order_of_their_chains() {
    let logs = Logs::new();
    let lines = logs.export(None, None);
    assert_eq!(lines.len(), 2 + 9);
    assert_eq!(
        operations(&lines),
        ["Key1", "Key2", "Key3", "Key4", "Key6", "Key5", "Key7", "Key8", "Key9"],
        "a record is not before its predecessor in its chain"
    );
    assert!(
        lines[2]
            .starts_with(r#"{"instance":"east","position":1,"record":{"time":"2026-03-02T00:01:00.000Z""#)
    );
    assert_eq!(logs.violations(&lines), NONE);
}

#[test]
fn a_period_is_a_part_of_each_chain_without_gaps() {
    let logs = Logs::new();
    let lines = logs.export(Some(3), Some(6));
    // Record 3 of `east` is later, and between records of the period.
    assert_eq!(operations(&lines), ["Key3", "Key4", "Key6", "Key5"]);
    assert_eq!(logs.violations(&lines), NONE);
    assert_eq!(
        logs.violations(&lines[..5])[0],
        "east Some(4): record 4 is missing: the header states that record 4 is the last"
    );
    let without_first = [&lines[..2], &lines[3..]].concat();
    assert!(logs.violations(&without_first)[0].starts_with("east Some(2): record 2 is missing"));
    let empty = logs.export(Some(10), None);
    assert_eq!((empty.len(), logs.violations(&empty)), (2, vec![]));
}

#[test]
fn a_log_that_changes_after_its_verification_is_not_exported() {
    let logs = Logs::new();
    let mut longer = logs.logs();
    longer[0].last = 6;
    let error = export(&longer, ExportPeriod::default(), &mut Vec::new()).unwrap_err();
    assert!(
        error.to_string().ends_with("what follows record 5 is not the record that was verified"),
        "{error}"
    );
    let mut same = logs.logs();
    same[1].instance = "east".to_owned();
    assert!(export(&same, ExportPeriod::default(), &mut Vec::new()).is_err());
    let file = logs.0.path().join("west/audit-2026-03-02.jsonl");
    let altered = std::fs::read_to_string(&file).unwrap().replacen("Key2", "Key0", 1);
    std::fs::write(&file, altered).unwrap();
    let error = export(&logs.logs(), ExportPeriod::default(), &mut Vec::new()).unwrap_err();
    assert!(
        error.to_string().ends_with("what follows record 0 is not the record that was verified"),
        "{error}"
    );
}

#[test]
fn each_modification_of_an_export_is_found() {
    let logs = Logs::new();
    let lines = logs.export(None, None);
    let modified = |modify: &dyn Fn(&mut Vec<String>)| {
        let mut changed = lines.clone();
        modify(&mut changed);
        assert_ne!(changed, lines);
        logs.violations(&changed)
    };
    let found = |modify: &dyn Fn(&mut Vec<String>), expected: &str| {
        let violations = modified(modify);
        assert!(violations.len() == 1 && violations[0].starts_with(expected), "{expected}: {violations:?}");
    };
    let replace = |line: usize, old: &'static str, new: &'static str| {
        move |lines: &mut Vec<String>| lines[line] = lines[line].replacen(old, new, 1)
    };
    for line in 2..lines.len() {
        let violations = modified(&|lines| drop(lines.remove(line)));
        assert_eq!(violations.len(), 1, "without line {line}: {violations:?}");
        let violations = modified(&|lines| lines.insert(line, lines[line].clone()));
        assert_eq!(violations.len(), 1, "line {line} twice: {violations:?}");
        if line + 1 < lines.len() {
            let violations = modified(&|lines| lines.swap(line, line + 1));
            assert!(!violations.is_empty(), "lines {line} and the next one swapped");
        }
    }
    found(&replace(4, "Key3", "Key0"), "east Some(2): the link does not match the record");
    found(&replace(4, "\"position\":2", "\"position\":3"), "east Some(2): the position is not");
    found(&|lines| lines.swap(6, 7), "east Some(3): record 3 is missing");
    found(&|lines| lines.swap(4, 5), "east Some(2): the record is after later ones of other instances");
    found(
        &replace(0, "\"seq\":5", "\"seq\":4"),
        "east Some(5): the header states that record 4 is the last one",
    );
    found(&replace(0, "\"seq\":0", "\"seq\":1"), "east Some(2): record 2 is missing: record 1 comes next");
    found(&|lines| drop(lines.remove(0)), "the export has no chain of the instance east");
    found(&|lines| lines.insert(1, lines[0].clone()), "the export has two chains with the name");
    found(&|lines| lines.truncate(1), "east Some(1): record 1 is missing: the header states");
    found(&|lines| lines.push("{}".to_owned()), "the line is not a record of an export");
    let moved = modified(&replace(3, "west", "east"));
    assert!(moved.len() == 2 && moved[1].starts_with("west Some(1): record 1 is missing"), "{moved:?}");
    assert_eq!(logs.verify_text(&lines.join("\n")), ["the last line is incomplete"]);
    assert_eq!(logs.verify_text(""), ["the file is no export: its first line names no chain"]);
}
