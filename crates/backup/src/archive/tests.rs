//! Tests that a backup is read as written, and that every modification is detected.

use super::*;
use crate::key_record::tests::record;
use crate::model::Timestamp;
use uuid::Uuid;

const DOMAIN: Uuid = Uuid::from_u128(7);
const KEY: [u8; 32] = [9; 32];

fn records(keys: usize) -> Vec<Record> {
    let header = ArchiveHeader {
        hsm: "local".parse().unwrap(),
        hsm_id: Uuid::from_u128(1),
        at: Timestamp::UNIX_EPOCH,
    };
    let keys = std::iter::repeat_n(Record::Key(Box::new(record())), keys);
    std::iter::once(Record::Header(header)).chain(keys).collect()
}

fn written(records: &[Record]) -> Vec<u8> {
    let mut writer = ArchiveWriter::new(DOMAIN, &KEY).unwrap();
    let mut bytes: Vec<u8> = records.iter().flat_map(|record| writer.write(record).unwrap()).collect();
    bytes.extend(writer.finish().unwrap());
    bytes
}

fn read(bytes: &[u8], piece: usize) -> Result<(Vec<Record>, Counts), ArchiveError> {
    read_in(DOMAIN, &KEY, bytes, piece)
}

fn read_in(
    domain: Uuid,
    key: &[u8],
    bytes: &[u8],
    piece: usize,
) -> Result<(Vec<Record>, Counts), ArchiveError> {
    let mut reader = ArchiveReader::new(domain, zeroize::Zeroizing::new(key.to_vec()));
    let mut records = Vec::new();
    for piece in bytes.chunks(piece) {
        records.extend(reader.read(piece)?);
    }
    Ok((records, reader.finish()?))
}

#[test]
fn records_are_read_as_written() {
    for keys in [0, 1, 300] {
        let records = records(keys);
        let bytes = written(&records);
        for piece in [1000, 70_000, bytes.len()] {
            let (found, counts) = read(&bytes, piece).unwrap();
            assert_eq!(counts, Counts { keys: u64::try_from(keys).unwrap(), roles: 0 });
            assert_eq!(found[..keys + 1], records);
            assert_eq!(found[keys + 1..], [Record::End(counts)]);
        }
    }
}

#[test]
fn every_modification_is_detected() {
    let bytes = written(&records(1));
    for position in 0..bytes.len() {
        let mut modified = bytes.clone();
        modified[position] ^= 1;
        assert!(read(&modified, 1 << 20).is_err(), "{position}");
    }
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length], 1 << 20).is_err(), "{length}");
    }
    assert_eq!(read(&[&bytes[..], &[0]].concat(), 1 << 20), Err(ArchiveError::Incomplete));
}

#[test]
fn chunks_cannot_be_exchanged_or_removed() {
    let bytes = written(&records(300));
    let chunk = CHUNK_HEADER_BYTES + CHUNK_BYTES + TAG_BYTES;
    let (preamble, chunks) = bytes.split_at(PREAMBLE_BYTES);
    let [first, second] = [&chunks[..chunk], &chunks[chunk..2 * chunk]];
    let rest = &chunks[2 * chunk..];
    assert!(!rest.is_empty());
    for wrong in
        [[second, first, rest].concat(), [first, rest].concat(), [first, first, second, rest].concat()]
    {
        let found = read(&[preamble, &wrong].concat(), 1 << 20);
        assert_eq!(found, Err(ArchiveError::NotAuthentic));
    }
    assert_eq!(read(&[preamble, first, second].concat(), 1 << 20), Err(ArchiveError::Incomplete));
}

#[test]
fn errors_tell_other_domains_versions_and_files() {
    let bytes = written(&records(1));
    assert_eq!(read_in(Uuid::nil(), &KEY, &bytes, 1 << 20), Err(ArchiveError::OtherDomain));
    assert_eq!(read_in(DOMAIN, &[8; 32], &bytes, 1 << 20), Err(ArchiveError::NotAuthentic));
    let mut other = bytes.clone();
    other[MAGIC.len() + 1] = 9;
    assert_eq!(read(&other, 1 << 20), Err(ArchiveError::OtherVersion(9)));
    assert_eq!(read(b"PK\x03\x04 something", 1 << 20), Err(ArchiveError::NotAnArchive));
    assert_eq!(read(b"", 1), Err(ArchiveError::Incomplete));
}

#[test]
fn records_must_begin_with_a_header_and_end_once() {
    let header = records(0).remove(0);
    let key = records(1).remove(1);
    let end = Record::End(Counts::default());
    for wrong in [vec![key.clone()], vec![header.clone(), header.clone()], vec![header, end]] {
        let found = read(&written(&wrong), 1 << 20);
        assert!(matches!(found, Err(ArchiveError::InvalidRecord(_))), "{found:?}");
    }
}

#[test]
fn two_backups_of_one_state_differ() {
    assert_ne!(written(&records(1)), written(&records(1)));
}
