//! Tests of the checks of a database file.

use std::time::{Duration, Instant};

use super::*;

/// Creates a database of `megabytes`, and breaks its structure if `is_damaged`.
fn database(directory: &Path, megabytes: i64, is_damaged: bool) -> PathBuf {
    let path = directory.join("with % and ?.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch("CREATE TABLE filler (number INTEGER PRIMARY KEY, bytes BLOB)").unwrap();
    for number in 0..megabytes {
        db.execute("INSERT INTO filler VALUES (?1, zeroblob(1000000))", [number]).unwrap();
    }
    drop(db);
    if is_damaged {
        let mut bytes = fs::read(&path).unwrap();
        // The link of an overflow page to the next one.
        let pages = bytes.len() / 4096;
        bytes[(pages / 2) * 4096 + 2] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    path
}

fn damage(path: &Path) -> Option<String> {
    let faults = Arc::new(Faults::default());
    let check = start_background_check(&Location::from(path), Arc::clone(&faults)).unwrap();
    let started = Instant::now();
    while check.as_ref().is_some_and(|check| !check.thread.is_finished()) {
        assert!(started.elapsed() < Duration::from_secs(60));
        thread::yield_now();
    }
    faults.current().map(|found| found.state())
}

#[test]
fn structure_of_a_large_database_is_checked_in_the_background() {
    let directory = tempfile::tempdir().unwrap();
    let path = database(directory.path(), 34, true);
    check_structure(&path).unwrap();
    assert_eq!(damage(&path).as_deref(), Some("the database is damaged"));
    fs::remove_file(&path).unwrap();
    let path = database(directory.path(), 34, false);
    assert_eq!(damage(&path), None);
    // A check that is not complete ends at once.
    let check = start_background_check(&Location::from(&path), Arc::default()).unwrap().unwrap();
    let started = Instant::now();
    check.end();
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[test]
fn structure_of_a_small_database_is_checked_first() {
    let directory = tempfile::tempdir().unwrap();
    let path = database(directory.path(), 1, true);
    let why = check_structure(&path).unwrap_err().to_string();
    assert!(why.contains("is damaged; restore"), "{why}");
    assert!(start_background_check(&Location::from(&path), Arc::default()).unwrap().is_none());
}

#[tokio::test]
async fn digest_has_the_format_of_sha256sum_and_is_removed_by_a_start() {
    let directory = tempfile::tempdir().unwrap();
    let path = database(directory.path(), 0, false);
    DigestCheck::start(&path).finish().await.unwrap();
    leave_digest(&Location::from(&path)).unwrap();
    let text = fs::read_to_string(digest_path(&path)).unwrap();
    assert!(
        text.len() == 64 + 2 + "with % and ?.db\n".len() && text.ends_with("  with % and ?.db\n"),
        "{text}"
    );
    DigestCheck::start(&path).finish().await.unwrap();
    assert!(!digest_path(&path).exists());
}
