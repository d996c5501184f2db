//! Tests of searches in logs of several files, with positions, limits and links.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use super::super::sink::{LastRecord, Sink};
use super::super::verify::link_of;
use super::*;

/// A log whose records have consecutive times, and files of at most this size.
struct Log {
    dir: tempfile::TempDir,
    sink: Sink,
}

impl Log {
    fn new(file_size: u64) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let sink = Sink::open(dir.path()).unwrap().with_max_file_size(file_size);
        Self { dir, sink }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Appends the record that follows the last one, with the time at its number of minutes after midnight.
    fn append(&mut self, operation: &str) -> u64 {
        let LastRecord { seq, chain } = self.sink.last().clone();
        let seq = seq + 1;
        let at = time(seq);
        let mut line = format!(r#"{{"time":"{at:.3}","operationName":"{operation}","seq":{seq}"#);
        let link = link_of(&chain, line.as_bytes());
        writeln!(line, r#","chain":"{link}"}}"#).unwrap();
        self.sink.append(at, &line, LastRecord { seq, chain: link }).unwrap();
        seq
    }

    fn files(&self) -> Vec<PathBuf> {
        files::list(self.path()).unwrap().into_iter().map(|(_, path)| path).collect()
    }

    fn all(&self) -> Search {
        Search {
            acknowledged: self.sink.last_seq(),
            begin: None,
            from: None,
            to: None,
            most: usize::MAX,
            bytes: u64::MAX,
        }
    }
}

fn time(seq: u64) -> Timestamp {
    let midnight: Timestamp = "2026-03-02T00:00:00Z".parse().unwrap();
    Timestamp::from_second(midnight.as_second() + i64::try_from(seq).unwrap() * 60).unwrap()
}

fn numbers(found: &Found) -> Vec<u64> {
    found.records.iter().map(|record| record.seq).collect()
}

/// A log of two days, with several files on each, whose every tenth record is a deletion.
fn log_of_two_days() -> Log {
    let mut log = Log::new(20_000);
    for seq in 1..=2_000_u64 {
        log.append(if seq % 10 == 0 { "KeyDelete" } else { "KeySign" });
    }
    assert!(log.files().len() > 4, "{:?}", log.files());
    log
}

#[test]
fn backwards_finds_the_newest_records_first_and_continues() {
    let log = log_of_two_days();
    let is_deletion = |record: &FoundRecord| record.operation == "KeyDelete";
    let mut search = Search { most: 7, ..log.all() };
    let (mut seen, mut pages) = (Vec::new(), 0);
    loop {
        let found = search.backwards(log.path(), is_deletion).unwrap();
        assert!(found.records.len() <= 7 && found.broken_at.is_none(), "{found:?}");
        seen.extend(numbers(&found));
        pages += 1;
        let Some(next) = found.next else { break };
        search.begin = Some(next.to_string().parse().unwrap());
    }
    let expected: Vec<u64> = (1..=200).rev().map(|number| number * 10).collect();
    assert_eq!((seen, pages), (expected, 29));
}

#[test]
fn every_search_reads_at_most_its_bytes_and_one_line() {
    let log = log_of_two_days();
    let size: u64 = log.files().iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    let (limit, mut searches, mut links) = (size / 20, 0, 0);
    let mut search = Search { bytes: limit, ..log.all() };
    loop {
        let found = search.backwards(log.path(), |_| false).unwrap();
        searches += 1;
        links += found.checked_links;
        assert!(found.checked_links * 100 <= limit, "{found:?}");
        let Some(next) = found.next else { break };
        search.begin = Some(next);
    }
    assert!((20..=22).contains(&searches), "{searches}");
    // The links between two searches are not checked.
    assert_eq!(links, 2_000 - searches);
    // Limits below the length of a line still make progress.
    let found = Search { bytes: 1, ..log.all() }.backwards(log.path(), |_| true).unwrap();
    assert_eq!(numbers(&found), [2_000]);
}

#[test]
fn times_select_records_without_reading_all_files() {
    let log = log_of_two_days();
    let (from, to) = (Some(time(500)), Some(time(520)));
    // The files after that time, and most of the one with it, are not read.
    let search = Search { from, to, bytes: 40_000, ..log.all() };
    let found = search.backwards(log.path(), |_| true).unwrap();
    assert_eq!(numbers(&found), (500..520).rev().collect::<Vec<_>>());
    assert_eq!(found.next, None, "older records are out of the range");

    // In a single large file.
    let mut log = Log::new(u64::MAX);
    for _ in 1..=1_000 {
        let operation = "x".repeat(4_000);
        log.append(&operation);
    }
    let (from, to) = (Some(time(100)), Some(time(110)));
    let search = Search { from, to, bytes: 800_000, ..log.all() };
    let found = search.backwards(log.path(), |_| true).unwrap();
    assert_eq!(numbers(&found), (100..110).rev().collect::<Vec<_>>());
}

#[test]
fn forwards_follows_the_log_over_its_files() {
    let mut log = Log::new(300);
    let start = log.all().forwards(log.path(), |_| true).unwrap();
    assert_eq!((start.records.len(), start.next), (0, None), "there is no file yet");
    log.append("KeySign");
    let mut position = log.all().forwards(log.path(), |_| true).unwrap().next;
    for round in 0..20 {
        let expected: Vec<u64> = (0..round % 4).map(|_| log.append("KeySign")).collect();
        let search = Search { begin: position, ..log.all() };
        let found = search.forwards(log.path(), |_| true).unwrap();
        assert_eq!((numbers(&found), found.broken_at), (expected, None));
        position = found.next;
    }
    // A position in a file that retention has deleted continues with the oldest file.
    let old = Search { begin: Some("2026-03-01-1-0".parse().unwrap()), ..log.all() };
    let all: Vec<u64> = (1..=log.sink.last_seq()).collect();
    assert_eq!(numbers(&old.forwards(log.path(), |_| true).unwrap()), all);
    assert!(old.backwards(log.path(), |_| true).unwrap().records.is_empty());
}

#[test]
fn records_that_are_not_acknowledged_are_not_read() {
    let mut log = Log::new(u64::MAX);
    for _ in 0..5 {
        log.append("KeySign");
    }
    let search = Search { acknowledged: 3, ..log.all() };
    assert_eq!(numbers(&search.backwards(log.path(), |_| true).unwrap()), [3, 2, 1]);
    let end = search.forwards(log.path(), |_| true).unwrap().next;
    let begin: Option<Position> = Some("2026-03-02-1-0".parse().unwrap());
    let found = Search { begin, ..search.clone() }.forwards(log.path(), |_| true).unwrap();
    assert_eq!((numbers(&found), &found.next), (vec![1, 2, 3], &end));
    // Nor is a line that is still being written.
    let path = log.files().remove(0);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{{\"time\":\"2026-03-02T")).unwrap();
    assert_eq!(numbers(&log.all().backwards(log.path(), |_| true).unwrap()), [5, 4, 3, 2, 1]);
    let found = Search { begin: end, ..log.all() }.forwards(log.path(), |_| true).unwrap();
    assert_eq!(numbers(&found), [4, 5]);
}

#[test]
fn altered_records_break_their_links() {
    let mut log = Log::new(u64::MAX);
    for _ in 0..6 {
        log.append("KeySign");
    }
    let path = log.files().remove(0);
    let text = fs::read_to_string(&path).unwrap();
    let altered: Vec<String> =
        text.lines()
            .map(|line| {
                if line.contains("\"seq\":4") { line.replace("KeySign", "KeyRead") } else { line.to_owned() }
            })
            .collect();
    fs::write(&path, altered.join("\n") + "\n").unwrap();
    let begin: Option<Position> = Some("2026-03-02-1-0".parse().unwrap());
    for found in [
        log.all().backwards(log.path(), |_| true).unwrap(),
        Search { begin, ..log.all() }.forwards(log.path(), |_| true).unwrap(),
    ] {
        assert_eq!((found.checked_links, found.broken_at), (5, Some(4)), "{found:?}");
    }
    // A record that is missing is one, too.
    let removed: Vec<&str> = text.lines().filter(|line| !line.contains("\"seq\":3")).collect();
    fs::write(&path, removed.join("\n") + "\n").unwrap();
    assert_eq!(log.all().backwards(log.path(), |_| true).unwrap().broken_at, Some(4));
}

#[test]
fn positions_inside_of_records_are_rejected() {
    let log = log_of_two_days();
    for text in [
        "",
        "2026-03-02",
        "2026-03-02-1-",
        "2026-3-2-1-0",
        "2026-03-02-1-0-0",
        "2026-03-02-+1-0",
        "../../x-1-0",
    ] {
        assert!(text.parse::<Position>().is_err(), "{text}");
    }
    for text in ["2026-03-02-1-1", "2026-03-02-1-99999999"] {
        let search = Search { begin: Some(text.parse().unwrap()), ..log.all() };
        for result in [search.backwards(log.path(), |_| true), search.forwards(log.path(), |_| true)] {
            assert_eq!(result.unwrap_err().kind(), io::ErrorKind::InvalidInput, "{text}");
        }
    }
}

#[test]
fn members_of_a_record_are_those_that_were_rendered() {
    let dir = tempfile::tempdir().unwrap();
    let identity = concat!(
        r#"{\"claim\":{\"appid\":\"app\",\"http_schemas_microsoft_com_identity\":{\"claims\":{\"objectidentifier\":\"p\"}},"#,
        r#"\"http_schemas_xmlsoap_org_ws_2005_05_identity\":{\"claims\":{\"upn\":\"a@b\"}}}}"#
    );
    let covered = format!(
        r#"{{"time":"2026-03-02T00:01:00.000Z","operationName":"BatchSign","resultType":"Failure","properties":{{"items":7,"failedItems":2}},"durationMs":3,"callerIpAddress":"10.0.0.1","identity":"{identity}","httpStatusCode":403,"resource":"Local","resourceType":"managedHSMs","target":"hsms/local/keys/a","resultSignature":"FORBIDDEN","seq":1"#
    );
    let link = link_of("", covered.as_bytes());
    fs::write(dir.path().join("audit-2026-03-02.jsonl"), format!("{covered},\"chain\":\"{link}\"}}\n"))
        .unwrap();
    let search = Search { acknowledged: 1, begin: None, from: None, to: None, most: 9, bytes: 9_999 };
    let found = search.backwards(dir.path(), |_| true).unwrap().records.remove(0);
    assert_eq!(
        found,
        FoundRecord {
            seq: 1,
            time: time(1),
            operation: "BatchSign".to_owned(),
            is_success: false,
            result: "FORBIDDEN".to_owned(),
            status: 403,
            duration_ms: 3,
            caller: FoundCaller {
                principal: "p".to_owned(),
                application: "app".to_owned(),
                user: "a@b".to_owned()
            },
            address: Some("10.0.0.1".parse().unwrap()),
            client_info: String::new(),
            request_uri: String::new(),
            correlation_id: String::new(),
            target: "hsms/local/keys/a".to_owned(),
            resource_id: String::new(),
            container: "hsms/Local".to_owned(),
            items: Some((7, 2)),
        }
    );
}
