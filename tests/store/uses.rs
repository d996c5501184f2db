//! Tests that recorded uses of key versions outlive the keys, for billing.

mod vaults;

use super::*;
use strongroom::model::key::Protection;

fn sign(key: &str, id: u32, second: i64) -> Commit {
    let used = AuditRecord { at: at(second), version: Some(Arc::new(version(key, id))), ..record(0) };
    Commit { record: Some(used), ..Commit::default() }
}

#[tokio::test]
async fn key_version_usage_survives_purge_and_restart() {
    const DAY: i64 = 86_400;
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    store
        .commit(call(vec![Change::InsertVersion(version("Invoices", 1), VersionOrigin::Created)], 1))
        .await
        .unwrap();
    for day in [0, 1, 1, 2, 60] {
        store.commit(sign("Invoices", 1, NOON + day * DAY)).await.unwrap();
    }
    let deletion = Deletion { deleted_at: at(NOON + 5), scheduled_purge_at: at(NOON + DAY) };
    let deletion_and_purge = vec![
        Change::Transition(deletable("Invoices"), Transition::SoftDelete(deletion)),
        Change::Transition(deletable("Invoices"), Transition::Purge(at(NOON))),
    ];
    store.commit(call(deletion_and_purge, 2)).await.unwrap();
    // Enough records for the outbox to be moved into the tables.
    for number in 0..600 {
        store.commit(call(Vec::new(), number)).await.unwrap();
    }
    let seen = store.uses(ALL_TIME);
    store.close().await;
    let store = fixture.open().await;
    assert_eq!(store.uses(ALL_TIME), seen);

    let first = NOON.div_euclid(DAY);
    let within = |from: i64, to: i64| {
        let uses = store.uses(Period { from: at((first + from) * DAY), to: at((first + to) * DAY) });
        uses.into_iter().filter(|used| used.key == name("Invoices")).collect::<Vec<_>>()
    };
    let [used] = &within(0, 1)[..] else { panic!("expected one used version") };
    assert_eq!((used.container.as_stored(), used.version), ("local", version("Invoices", 1).version));
    assert_eq!(used.days.iter().map(|day| i64::from(day) - first).collect::<Vec<_>>(), [0, 1, 2, 60]);
    assert_eq!(used.key_type.kty(Protection::Hsm), "EC-HSM");
    assert_eq!(within(31, 32).len(), 1, "the use of the third day counts for thirty days");
    assert_eq!((within(32, 59), within(90, 99)), (Vec::new(), Vec::new()));
}
