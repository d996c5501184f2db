//! Tests the log of lifecycle events: atomic with its changes, numbered without gaps, and limited in length.

use strongroom::model::due::Notice;
use strongroom::model::event::{EventFilter, EventPosition, LifecycleEvent};

use super::*;

const KEYS: EventFilter = EventFilter::Keys(Uuid::from_u128(7));
const HSMS: EventFilter = EventFilter::ManagedHsms(SubscriptionId(Uuid::from_u128(3)));

fn read(store: &Store, watched: EventFilter, since: EventPosition) -> Vec<Arc<LifecycleEvent>> {
    let batch = store.events(watched, since, usize::MAX).unwrap();
    assert!(!batch.more);
    batch.events
}

fn emitted(store: &Store, watched: EventFilter) -> Vec<(u64, &'static str)> {
    read(store, watched, EventPosition::Beginning)
        .iter()
        .map(|event| (event.sequence, event.kind()))
        .collect()
}

fn deletion() -> Deletion {
    Deletion { deleted_at: at(NOON), scheduled_purge_at: at(NOON + 86_400) }
}

#[tokio::test]
async fn failed_commit_emits_no_event_and_leaves_no_gap() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    let mut newest = store.watch_events();
    store
        .commit(call(vec![Change::InsertVersion(version("a", 1), VersionOrigin::Created)], 1))
        .await
        .unwrap();
    assert!(newest.has_changed().unwrap());
    assert_eq!(*newest.borrow_and_update(), 2);
    // The second change fails, so the first is rolled back.
    let failing = vec![
        Change::InsertVersion(version("b", 2), VersionOrigin::Imported),
        Change::Transition(deletable("nothing"), Transition::Recover(at(NOON))),
    ];
    store.commit(call(failing, 2)).await.unwrap_err();
    // Not every change emits an event.
    store.commit(call(vec![Change::ReplaceVersion(version("A", 1))], 3)).await.unwrap();
    store.commit(call(Vec::new(), 4)).await.unwrap();
    assert!(!newest.has_changed().unwrap());
    let several = vec![
        Change::InsertVersion(version("A", 3), VersionOrigin::Rotated),
        Change::RecordNotice(local().into(), name("a"), Notice::NotRotated),
        Change::RecordNotice(local().into(), name("a"), Notice::NotRotated),
        Change::Transition(deletable("A"), Transition::SoftDelete(deletion())),
    ];
    store.commit(call(several, 5)).await.unwrap();
    let expected = [(2, "key.created"), (3, "key.rotated"), (4, "key.not-rotated"), (5, "key.deleted")];
    assert_eq!(emitted(&store, KEYS), expected);
    assert_eq!(emitted(&store, HSMS), [(1, "hsm.created")]);
    // Events have the key's name as created, and the time of the call.
    let events = read(&store, KEYS, EventPosition::Event(4));
    assert_eq!((events[0].subject().as_str(), events[0].at), ("hsms/local/deletedKeys/a", at(NOON)));

    store.close().await;
    let store = fixture.open().await;
    assert_eq!(emitted(&store, KEYS), expected);
    store
        .commit(call(vec![Change::Transition(deletable("a"), Transition::Recover(at(NOON)))], 6))
        .await
        .unwrap();
    assert_eq!(emitted(&store, KEYS).last(), Some(&(6, "key.recovered")));
    assert_eq!(read(&store, KEYS, EventPosition::Now), []);
}

#[tokio::test]
async fn events_beyond_limit_are_deleted() {
    let mut fixture = StoreFixture::new();
    fixture.events_kept = 10;
    let store = fixture.open_with_hsm().await;
    store
        .commit(call(vec![Change::InsertVersion(version("a", 1), VersionOrigin::Created)], 1))
        .await
        .unwrap();
    for number in 0..20 {
        let change = match number % 2 {
            0 => Change::Transition(deletable("a"), Transition::SoftDelete(deletion())),
            _ => Change::Transition(deletable("a"), Transition::Recover(at(NOON))),
        };
        store.commit(call(vec![change], number)).await.unwrap();
    }
    let check = |store: &Store, kept: u64| {
        let numbers: Vec<u64> = emitted(store, KEYS).iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (23 - kept..=22).collect::<Vec<_>>());
        let oldest = 23 - kept;
        assert_eq!(read(store, KEYS, EventPosition::Event(oldest - 1)).len() as u64, kept);
        let expired = Error::ResumeTokenExpired { after: oldest - 2, oldest };
        assert_eq!(store.events(KEYS, EventPosition::Event(oldest - 2), 5), Err(expired));
        assert!(store.events_concern(HSMS, oldest - 2) && !store.events_concern(HSMS, oldest - 1));
        assert!(matches!(store.events(KEYS, EventPosition::Event(23), 5), Err(Error::Invalid { .. })));
        // Reading in batches returns the same events.
        let part = store.events(KEYS, EventPosition::Beginning, 2).unwrap();
        assert_eq!((part.events.len(), part.position, part.more), (2, oldest + 1, true));
    };
    check(&store, 10);
    store.close().await;
    let store = fixture.open().await;
    check(&store, 10);
    store.close().await;
    fixture.events_kept = 4;
    check(&fixture.open().await, 4);
}
