//! Tests of the files: days, size limits, failed appends and interrupted writes.

use std::fs;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn line(seq: u64) -> String {
    format!("{{\"a\":\"é\",\"seq\":{seq},\"chain\":\"c{seq}\"}}\n")
}

fn last(seq: u64) -> LastRecord {
    LastRecord { seq, chain: format!("c{seq}") }
}

fn append(sink: &mut Sink, seq: u64, day: &str) {
    sink.append(at(day), &line(seq), last(seq)).unwrap();
}

fn read_after(sink: &mut Sink, after: u64) -> Vec<String> {
    let mut lines = Vec::new();
    sink.read_after(after, &mut |line| lines.push(line.to_owned() + "\n")).unwrap();
    lines
}

fn names(dir: &Path) -> Vec<String> {
    files::list(dir).unwrap().into_iter().map(|(name, _)| name.to_string()).collect()
}

const MONDAY: &str = "2026-03-02T23:59:59Z";
const TUESDAY: &str = "2026-03-03T00:00:00Z";

#[test]
fn writes_records_to_the_file_of_their_day() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("audit");
    let mut sink = Sink::open(&dir).unwrap();
    assert_eq!(*sink.last(), LastRecord::default());
    for (seq, day) in [(1, MONDAY), (2, TUESDAY), (3, MONDAY), (4, MONDAY)] {
        append(&mut sink, seq, day);
    }
    let read = |day: &str| fs::read_to_string(dir.join(format!("audit-{day}.jsonl"))).unwrap();
    assert_eq!(read("2026-03-02"), line(1));
    assert_eq!(read("2026-03-03"), [line(2), line(3), line(4)].concat());
    assert_eq!(*Sink::open(&dir).unwrap().last(), last(4));
}

#[test]
fn starts_a_new_file_at_the_size_limit() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = Sink::open(dir.path()).unwrap().with_max_file_size(60);
    for seq in 1..=5 {
        append(&mut sink, seq, MONDAY);
    }
    append(&mut sink, 6, TUESDAY);
    let found = names(dir.path());
    assert_eq!(
        found,
        [
            "audit-2026-03-02.jsonl",
            "audit-2026-03-02_000002.jsonl",
            "audit-2026-03-02_000003.jsonl",
            "audit-2026-03-03.jsonl"
        ]
    );
    let mut sorted = found.clone();
    sorted.sort();
    assert_eq!(found, sorted, "file names sort in the order of their records");
    let mut sink = Sink::open(dir.path()).unwrap();
    assert_eq!(sink.last_seq(), 6);
    for after in 0..=7 {
        let expected: Vec<String> = (after + 1..=6).map(line).collect();
        assert_eq!(read_after(&mut sink, after), expected, "{after}");
    }
}

#[test]
fn truncates_incomplete_last_line() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = Sink::open(dir.path()).unwrap();
    append(&mut sink, 1, MONDAY);
    append(&mut sink, 2, TUESDAY);
    let path = dir.path().join("audit-2026-03-03.jsonl");
    let complete = fs::read(&path).unwrap();

    for torn in ["{\"a\":1,\"se", &"x".repeat(200_000), "\0\0\0", "\0\0c3\"}\n", "{\"a\":\0\"\n{\"\0\n"] {
        fs::write(&path, [&complete, torn.as_bytes()].concat()).unwrap();
        assert_eq!(Sink::open(dir.path()).unwrap().last_seq(), 2);
        assert_eq!(fs::read(&path).unwrap(), complete);
    }
    // The zero bytes of a block that was not written cut a character in two.
    fs::write(&path, [&complete, &b"{\"a\":\"\xc3\0\0\"}\n"[..]].concat()).unwrap();
    assert_eq!(Sink::open(dir.path()).unwrap().last_seq(), 2);
    assert_eq!(fs::read(&path).unwrap(), complete);
    // The newest file has no complete line: the last record is in the file before it.
    fs::write(&path, &complete[..4]).unwrap();
    let mut sink = Sink::open(dir.path()).unwrap();
    assert_eq!((sink.last_seq(), fs::read(&path).unwrap().len()), (1, 0));
    append(&mut sink, 2, MONDAY);
    assert_eq!(fs::read(&path).unwrap(), complete, "writing continues in the newest file");
}

#[test]
fn every_torn_tail_leaves_a_prefix_of_the_records() {
    let dir = tempfile::tempdir().unwrap();
    let mut sink = Sink::open(dir.path()).unwrap();
    append(&mut sink, 1, MONDAY);
    sink.append(at(MONDAY), &[line(2), line(3)].concat(), last(3)).unwrap();
    let path = dir.path().join("audit-2026-03-02.jsonl");
    let complete = fs::read(&path).unwrap();
    let ends: Vec<usize> = (1..=3).map(|seq| (1..=seq).map(|seq| line(seq).len()).sum()).collect();
    for len in 0..=complete.len() {
        fs::write(&path, &complete[..len]).unwrap();
        let mut sink = Sink::open(dir.path()).unwrap();
        let left = ends.iter().filter(|end| **end <= len).count();
        assert_eq!(sink.last_seq(), left as u64, "{len}");
        let expected: Vec<String> = (1..=left as u64).map(line).collect();
        assert_eq!(read_after(&mut sink, 0), expected);
        append(&mut sink, left as u64 + 1, MONDAY);
        let expected: String = (1..=left as u64 + 1).map(line).collect();
        assert_eq!(fs::read_to_string(&path).unwrap(), expected);
    }
    // A block of the second append was not written before the machine failed: its last line is complete nevertheless.
    for hole in ends[0]..ends[1] {
        let mut bytes = complete.clone();
        bytes[hole] = 0;
        fs::write(&path, &bytes).unwrap();
        let mut sink = Sink::open(dir.path()).unwrap();
        assert_eq!(read_after(&mut sink, 1), [] as [String; 0], "{hole}");
        assert_eq!((sink.last_seq(), fs::read(&path).unwrap()), (1, complete[..ends[0]].to_vec()));
    }
}

#[test]
fn rejects_log_that_does_not_end_with_a_record() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("audit-2026-03-03.jsonl"), "hello\n").unwrap();
    assert!(Sink::open(dir.path()).is_err());
}

#[test]
fn failed_append_is_removed_before_the_next_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("audit-2026-03-03.jsonl");
    std::os::unix::fs::symlink("/dev/full", &path).unwrap();
    let mut sink = Sink::open(dir.path()).unwrap();
    assert!(sink.append(at(TUESDAY), &line(1), last(1)).is_err());
    assert_eq!(sink.last_seq(), 0);
    let error = sink.append(at(TUESDAY), &line(1), last(1)).unwrap_err();
    assert!(error.to_string().contains("have not been removed"), "{error}");
    assert!(sink.append("2026-03-04T00:00:00Z".parse().unwrap(), &line(1), last(1)).is_err());
    assert!(sink.discard_failed().is_err(), "the device cannot be truncated");

    // The disk is full after a part of the lines.
    fs::remove_file(&path).unwrap();
    let mut sink = Sink::open(dir.path()).unwrap();
    append(&mut sink, 1, TUESDAY);
    let complete = fs::read(&path).unwrap();
    fs::write(&path, [&complete[..], &line(2).as_bytes()[..7]].concat()).unwrap();
    sink.current.as_mut().unwrap().torn = true;
    sink.discard_failed().unwrap();
    assert_eq!(fs::read(&path).unwrap(), complete);
    append(&mut sink, 2, TUESDAY);
    assert_eq!(*Sink::open(dir.path()).unwrap().last(), last(2));
}
