//! Tests that rotation policies and notices are stored, replaced, and deleted with their key.

use std::sync::Arc;

use strongroom::model::change::{Change, VersionOrigin};
use strongroom::model::deletion::Transition;
use strongroom::model::due::{Notice, Notices};
use strongroom::model::key::Key;
use strongroom::model::retention::Deletion;
use strongroom::model::rotation::{RotationPolicy, RotationRules, RotationTrigger};
use strongroom::model::time::{DueWork, ScheduledWork};
use strongroom::store::Store;

use crate::{NOON, StoreFixture, at, call, deletable, local, name, snapshot, version};

fn after(period: &str) -> Option<RotationTrigger> {
    Some(RotationTrigger::AfterCreation(period.parse().unwrap()))
}

fn before(period: &str) -> Option<RotationTrigger> {
    Some(RotationTrigger::BeforeExpiry(period.parse().unwrap()))
}

fn policy(expiry: &str, trigger: Option<RotationTrigger>) -> Option<Arc<RotationPolicy>> {
    let rules = RotationRules::new(expiry.parse().ok(), trigger).unwrap().unwrap();
    Some(Arc::new(RotationPolicy { rules, created: at(NOON), updated: at(NOON + 7) }))
}

fn put(key: &str, policy: Option<Arc<RotationPolicy>>) -> Change {
    Change::PutRotationPolicy(local().into(), name(key), policy)
}

fn key(store: &Store, key: &str) -> Arc<Key> {
    store.key(&local().into(), &name(key)).unwrap()
}

#[tokio::test]
async fn rotation_policies_survive_reopening_until_key_purge() {
    let fixture = StoreFixture::new();
    let store = fixture.open_with_hsm().await;
    let deletion = Deletion { deleted_at: at(NOON + 5), scheduled_purge_at: at(NOON + 86_400) };
    let insert = |key: &str, id| Change::InsertVersion(version(key, id), VersionOrigin::Created);
    let changes = vec![
        insert("Replaced", 1),
        put("replaced", policy("P1Y", after("P90D"))),
        put("REPLACED", policy("P2Y", before("P30D"))),
        Change::RecordNotice(local().into(), name("replaced"), Notice::NearExpiry),
        insert("replaced", 2),
        Change::RecordNotice(local().into(), name("replaced"), Notice::NotRotated),
        insert("cleared", 3),
        put("cleared", policy("P1Y", None)),
        Change::RecordNotice(local().into(), name("cleared"), Notice::NotRotated),
        put("cleared", None),
        insert("back", 4),
        put("back", policy("P1Y", None)),
        Change::Transition(deletable("back"), Transition::SoftDelete(deletion)),
        Change::Transition(deletable("back"), Transition::Recover(at(NOON))),
        insert("gone", 5),
        put("gone", policy("", after("P2M"))),
        Change::Transition(deletable("gone"), Transition::SoftDelete(deletion)),
        Change::Transition(deletable("gone"), Transition::Purge(at(NOON))),
        insert("gone", 6),
        insert("due", 7),
        put("due", policy("", after("P2M"))),
    ];
    store.commit(call(changes, 1)).await.unwrap();
    let seen = snapshot(&store);
    store.close().await;

    let again = fixture.open().await;
    assert_eq!(snapshot(&again), seen);
    let notices = |notice| Notices::default().with(notice);
    let replaced = key(&again, "replaced");
    assert_eq!(replaced.rotation, policy("P2Y", before("P30D")));
    assert_eq!(replaced.versions[0].notices, notices(Notice::NearExpiry));
    assert_eq!(replaced.versions[1].notices, notices(Notice::NotRotated));
    let cleared = key(&again, "cleared");
    assert_eq!((&cleared.rotation, cleared.versions[0].notices), (&None, Notices::default()));
    assert_eq!(key(&again, "back").rotation, policy("P1Y", None));
    assert_eq!(key(&again, "gone").rotation, None);

    // Two months after the creation on 2 March 2026, to the microsecond.
    let due = again.next_due(|_| false).unwrap();
    let expected = "2026-05-02T12:00:00.000001Z".parse().unwrap();
    let work = ScheduledWork::RotateKey(local().into(), name("due"));
    assert_eq!(due, DueWork { at: expected, work });
    assert!(again.is_due(&due) && !again.is_due(&DueWork { at: at(NOON), ..due.clone() }));
    assert_eq!(again.next_due(|other| *other == due), None);
    again.commit(call(vec![put("due", None)], 2)).await.unwrap();
    assert!(!again.is_due(&due));
}
