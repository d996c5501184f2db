//! Tests failures of the log and of the database, and what is found after a crash.

use super::*;

/// The number of counted calls.
fn counted(store: &Store) -> u64 {
    store.readings(ALL_TIME).iter().map(|reading| reading.calls).sum()
}

#[tokio::test]
async fn log_failure_fails_commits() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    let insert = |number| vec![Change::InsertVersion(version("a", number), VersionOrigin::Created)];
    for fault in [Fault::Full, Fault::NotFlushed, Fault::NotRemoved] {
        fixture.fail(fault);
        assert!(matches!(store.commit(call(Vec::new(), 1)).await, Err(Error::StorageFailed(_))), "{fault:?}");
    }
    assert!(matches!(store.commit(call(insert(1), 2)).await, Err(Error::StorageFailed(_))));
    assert_eq!(store.key_count(&local().into()), 0);
    fixture.fail(None);
    store.commit(call(Vec::new(), 3)).await.unwrap();

    // The database has the record of a change before the log.
    fixture.fail(Fault::Full);
    store.commit(call(insert(2), 4)).await.unwrap();
    assert_eq!(store.key_count(&local().into()), 1);
    assert!(store.commit(call(Vec::new(), 5)).await.is_err(), "the log lacks a record");
    store.close().await;
    assert!(fixture.try_open().await.is_err(), "the store does not open while the log cannot be written");
    fixture.fail(None);
    let store = fixture.open().await;
    assert_eq!((store.restored_records(), counted(&store)), (Some((3, 3)), 3));
    store.close().await;
    let report = audit::verify(&fixture.audit_directory()).unwrap();
    assert_eq!((report.records, report.last, report.broken), (3, Some(3), None));
}

#[tokio::test]
async fn database_failure_fails_commits() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    let database = fixture.database();
    execute_sql(&database, "ALTER TABLE audit_records RENAME TO away").await;
    let changes = vec![Change::InsertVersion(version("a", 1), VersionOrigin::Created)];
    assert!(matches!(store.commit(call(changes.clone(), 1)).await, Err(Error::StorageFailed(_))));
    assert_eq!(store.key_count(&local().into()), 0);
    store.commit(call(Vec::new(), 2)).await.unwrap();
    assert!(store.checkpoint().await.is_err());
    execute_sql(&database, "ALTER TABLE away RENAME TO audit_records").await;
    store.checkpoint().await.unwrap();
    store.commit(call(changes, 3)).await.unwrap();
    store.close().await;
    let report = audit::verify(&fixture.audit_directory()).unwrap();
    assert_eq!((report.records, report.broken), (3, None), "calls without changes need no database");
    assert_eq!(counted(&fixture.open().await), 3);
}

#[tokio::test]
async fn relaxed_durability_flushes_records_on_close() {
    let fixture = StoreFixture { durability: Durability::Relaxed, ..StoreFixture::new() };
    let store = fixture.open_with_hsm().await;
    for number in 1..=2_000 {
        store.commit(call(Vec::new(), number)).await.unwrap();
    }
    store.close().await;
    assert_eq!(audit::verify(&fixture.audit_directory()).unwrap().records, 2_001);
    assert_eq!(counted(&fixture.open().await), 2_001);
}

#[tokio::test]
async fn relaxed_durability_loses_no_record_on_log_failure() {
    let fixture = StoreFixture { durability: Durability::Relaxed, ..StoreFixture::new() };
    let store = fixture.open_with_hsm().await;
    fixture.fail(Fault::NotFlushed);
    let mut answered = 1;
    while store.commit(call(Vec::new(), answered)).await.is_ok() {
        answered += 1;
        tokio::task::yield_now().await;
    }
    fixture.fail(None);
    store.commit(call(Vec::new(), answered)).await.unwrap();
    store.close().await;
    let report = audit::verify(&fixture.audit_directory()).unwrap();
    assert_eq!((report.records, report.broken), (answered as u64 + 1, None));
    assert_eq!(counted(&fixture.open().await), answered as u64 + 1);
}

#[tokio::test]
async fn rejects_newer_schema() {
    let fixture = StoreFixture::new();
    fixture.open().await.close().await;
    let insert = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (9999, 'later', 1, x'00', 0)";
    execute_sql(&fixture.database(), insert).await;
    let Err(Error::Internal(why)) = fixture.try_open().await else { panic!("the store was opened") };
    let why = why.to_string();
    assert!(why.contains("schema 9999") && why.contains("newer"), "{why}");
}

#[tokio::test]
async fn usage_is_counted_once_whether_written_or_not() {
    let fixture = StoreFixture::new();
    let store = fixture.open().await;
    for number in 1..=400 {
        store.commit(call(Vec::new(), number)).await.unwrap();
        if number == 300 {
            store.checkpoint().await.unwrap();
        }
    }
    assert_eq!(store.readings(ALL_TIME)[0].container, None, "the HSM does not exist");
    let sql = "SELECT SUM(calls) FROM readings";
    assert_eq!(query(&fixture.database(), sql).await, 300);
    let crashed = fixture.crashed();
    store.close().await;
    assert_eq!(query(&fixture.database(), sql).await, 400);
    let again = crashed.open().await;
    assert_eq!((counted(&again), again.uses(ALL_TIME)), (400, fixture.open().await.uses(ALL_TIME)));
}

#[tokio::test]
async fn data_directory_of_the_previous_version_is_opened() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    for number in 1..=4 {
        store.commit(call(Vec::new(), number)).await.unwrap();
    }
    store.close().await;
    // The previous version kept records in the outbox, counted there, and had no position.
    let lines = fixture.audit_lines();
    let file = &fixture.audit_files()[0];
    std::fs::write(file, lines[..3].join("\n") + "\n").unwrap();
    let rows = lines.iter().enumerate().skip(1).map(|(at, line)| {
        let (seq, chain) = (at + 1, &line[line.len() - 45..line.len() - 2]);
        let counter = r#"[{"hsm":"local","event":"KeySign","meter":"cryptographic","hour":1772452800},1]"#;
        format!(
            "INSERT INTO audit_outbox (last_seq, first_seq, at, chain, counted, lines) VALUES ({seq}, {seq}, \
             1772452800000000, '{chain}', '{{\"calls\":[{counter}]}}', '{line}\n');"
        )
    });
    let sql = format!(
        "DROP TABLE audit_records; DROP TABLE instances; DROP TABLE change_log; DROP TABLE leases; \
         ALTER TABLE intents DROP COLUMN instance; \
         CREATE TABLE audit_outbox (last_seq BIGINT NOT NULL PRIMARY KEY, first_seq BIGINT NOT NULL, \
             at BIGINT NOT NULL, chain TEXT NOT NULL, counted TEXT NOT NULL, lines TEXT NOT NULL); \
         {} UPDATE readings SET calls = 1; \
         DELETE FROM _sqlx_migrations WHERE version >= 25;",
        rows.collect::<String>()
    );
    execute_sql(&fixture.database(), sql).await;

    let store = fixture.open().await;
    assert_eq!((counted(&store), store.restored_records()), (5, Some((4, 5))));
    store.commit(call(Vec::new(), 5)).await.unwrap();
    let crashed = fixture.crashed();
    store.checkpoint().await.unwrap();
    let checkpointed = fixture.crashed();
    for copy in [crashed, checkpointed] {
        assert_eq!(copy.audit_lines()[..5], lines[..]);
        assert_eq!(counted(&copy.open().await), 6);
    }
    let left = query(&fixture.database(), "SELECT COUNT(*) FROM audit_records").await;
    assert_eq!(left, 0, "rows are removed when their counts are in the totals");
}

#[tokio::test]
async fn torn_last_line_is_cut_and_not_counted() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    for number in 1..=3 {
        store.commit(call(Vec::new(), number)).await.unwrap();
    }
    let crashed = fixture.crashed();
    let text = std::fs::read_to_string(&crashed.audit_files()[0]).unwrap();
    let last = text.trim_end().rfind('\n').unwrap() + 1;
    for len in (last..=text.len()).step_by(23).chain([text.len() - 1, text.len()]) {
        let copy = crashed.crashed();
        std::fs::write(&copy.audit_files()[0], &text[..len]).unwrap();
        let left = if len == text.len() { 4 } else { 3 };
        let store = copy.open().await;
        assert_eq!((copy.audit_lines().len(), counted(&store)), (left, left as u64), "{len}");
        store.commit(call(Vec::new(), 4)).await.unwrap();
        store.close().await;
        assert_eq!(counted(&copy.open().await), left as u64 + 1);
        let report = audit::verify(&copy.audit_directory()).unwrap();
        assert_eq!((report.records, report.broken), (left as u64 + 1, None));
    }
}
