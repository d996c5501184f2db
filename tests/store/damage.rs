//! Flips bits of the database and of the audit log: a start refuses the file, or finds everything as it was.

use super::*;

/// A generator of pseudo-random numbers (SplitMix64), so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }
}

/// Flips a bit of a file, and returns the position of its byte.
fn flip(file: &Path, random: &mut Random, first: usize) -> usize {
    let mut bytes = std::fs::read(file).unwrap();
    let at = first + random.below(bytes.len() - first);
    bytes[at] ^= 1 << random.below(8);
    std::fs::write(file, bytes).unwrap();
    at
}

/// A store with some hundred keys, deleted keys and role assignments; closed unless `crashes`.
async fn filled(crashes: bool) -> (StoreFixture, String) {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    for number in 1..=120 {
        let key = format!("key-{}", number % 90);
        let changes = vec![Change::InsertVersion(version(&key, number), VersionOrigin::Created)];
        store.commit(call(changes, number as usize)).await.unwrap();
    }
    for number in 200..220 {
        let deletion = Deletion { deleted_at: at(NOON + 2), scheduled_purge_at: at(NOON + 90 * 86_400) };
        let key = Deletable::Key(local().into(), name(&format!("key-{}", number - 180)));
        let changes = vec![Change::Transition(key, Transition::SoftDelete(deletion))];
        store.commit(call(changes, number)).await.unwrap();
    }
    store.checkpoint().await.unwrap();
    if crashes {
        // Further calls are in the log only.
        store.commit(call(Vec::new(), 300)).await.unwrap();
    }
    let seen = snapshot(&store);
    if crashes {
        let crashed = fixture.crashed();
        store.close().await;
        return (crashed, seen);
    }
    store.close().await;
    (fixture, seen)
}

/// What a start with a damaged file does.
#[derive(PartialEq, Eq, Debug)]
enum Start {
    Refused,
    Unchanged,
    Changed,
}

async fn start(copy: &StoreFixture, expected: &str, what: &str) -> Start {
    // The files of the log are opened first, as by the server.
    match copy.try_open().await {
        Err(Error::Internal(why)) => {
            let text = Error::Internal(why).with_causes().to_string();
            assert!(text.contains("database") || text.contains("audit log"), "{what}: {text}");
            Start::Refused
        }
        Err(other) => panic!("{what}: {other:?}"),
        Ok(store) => match snapshot(&store) == expected {
            true => Start::Unchanged,
            false => Start::Changed,
        },
    }
}

#[tokio::test]
async fn any_flipped_bit_of_a_closed_database_refuses_the_start() {
    let (fixture, seen) = filled(false).await;
    let mut random = Random(1);
    for number in 0..250 {
        let copy = fixture.crashed();
        let at = flip(&copy.database(), &mut random, 0);
        assert_eq!(
            start(&copy, &seen, &format!("{number}: byte {at}")).await,
            Start::Refused,
            "{number}: byte {at}"
        );
        // Nothing is changed: the file can be compared with others, and the digest is still there.
        assert!(copy.database().with_extension("db.sha256").exists());
    }
    assert_eq!(start(&fixture, &seen, "undamaged").await, Start::Unchanged);
}

#[tokio::test]
async fn flipped_bit_of_the_write_ahead_log_loses_nothing_unnoticed() {
    let (fixture, seen) = filled(true).await;
    let log = fixture.database().with_extension("db-wal");
    assert!(std::fs::metadata(&log).unwrap().len() > 100_000);
    let mut random = Random(2);
    let mut refused = 0;
    for number in 0..150 {
        let copy = fixture.crashed();
        let at = flip(&copy.database().with_extension("db-wal"), &mut random, 0);
        match start(&copy, &seen, &format!("{number}: byte {at}")).await {
            Start::Refused => refused += 1,
            // The bit is in a page of an earlier state, or in bytes that SQLite does not use.
            Start::Unchanged => {}
            Start::Changed => {
                panic!("{number}: byte {at} of the write-ahead log changes the state unnoticed")
            }
        }
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn flipped_bit_after_a_crash_never_loses_a_key_by_broken_structure() {
    let (closed, seen) = filled(false).await;
    // As after a crash, there is no digest. Values have no checksum, so that a changed value is not noticed; a page that cannot be
    // read is.
    std::fs::remove_file(closed.database().with_extension("db.sha256")).unwrap();
    let mut random = Random(3);
    let mut counts = [0; 3];
    for number in 0..250 {
        let copy = closed.crashed();
        let at = flip(&copy.database(), &mut random, 0);
        let what = format!("{number}: byte {at}");
        match start(&copy, &seen, &what).await {
            Start::Refused => counts[0] += 1,
            Start::Unchanged => counts[1] += 1,
            Start::Changed => {
                counts[2] += 1;
                let store = copy.open().await;
                assert_eq!(store.key_count(&local().into()), 90, "{what}: a key is lost");
            }
        }
    }
    assert!(counts[0] > 0, "refused, unchanged, a value changed: {counts:?}");
}

#[tokio::test]
async fn any_flipped_bit_of_the_audit_log_is_found_by_verification() {
    let (fixture, _) = filled(false).await;
    let mut random = Random(4);
    for number in 0..250 {
        let copy = fixture.crashed();
        let file = &copy.audit_files()[0];
        let at = flip(file, &mut random, 0);
        let found = audit::verify(&copy.audit_directory());
        // Without its last line feed, the last record is an incomplete write, which the next start completes.
        let is_last_byte = at + 1 == usize::try_from(std::fs::metadata(file).unwrap().len()).unwrap();
        let is_found = found.as_ref().map_or(true, |report| report.broken.is_some());
        assert!(is_found || is_last_byte, "{number}: byte {at}: {found:?}");
    }
}

#[tokio::test]
async fn closed_database_that_another_program_changed_is_refused_until_its_digest_is_deleted() {
    let (fixture, seen) = filled(false).await;
    let digest = fixture.database().with_extension("db.sha256");
    let kept = std::fs::read(&digest).unwrap();
    execute_sql(&fixture.database(), "CREATE TABLE other (number BIGINT)").await;
    std::fs::write(&digest, kept).unwrap();
    let Err(Error::Internal(why)) = fixture.try_open().await else { panic!("the store was opened") };
    let why = why.to_string();
    assert!(why.contains("strongroom.db.sha256") && why.contains("changed by another program"), "{why}");
    std::fs::remove_file(&digest).unwrap();
    assert_eq!(start(&fixture, &seen, "without a digest").await, Start::Unchanged);
}
