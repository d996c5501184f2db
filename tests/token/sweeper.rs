//! Tests the sweeper: how the intents of interrupted operations are concluded.

use std::collections::BTreeMap;

use serde_json::Value;
use strongroom::clock::Clock;
use strongroom::model::change::{Change, ControlChange, Intent, IntentVerb, VersionOrigin};
use strongroom::model::deletion::{Deletable, Transition};
use strongroom::model::due::Notices;
use strongroom::model::hsm::{Activation, ManagedHsm, NetworkRules};
use strongroom::model::key::{Attributes, Curve, KeyOperations, KeyVersion, PublicMaterial, Tags};
use strongroom::model::name::{HsmName, KeyName};
use strongroom::model::resource::{ResourceGroup, Subscription, SubscriptionId};
use strongroom::model::retention::{Deletion, RetentionDays};
use strongroom::model::setting::Settings;
use strongroom::store::Commit;
use strongroom::token::Token;
use uuid::Uuid;

use crate::engine::Rig;
use crate::fixture::{WRAPPABLE, ec, id, spec};

pub(crate) fn local() -> HsmName {
    "local".parse().unwrap()
}

fn key() -> KeyName {
    "k".parse().unwrap()
}

/// The changes that create an HSM whose token has this serial number, and what contains it.
pub(crate) fn hsm(token_serial: String) -> Vec<Change> {
    let (subscription, created) = (SubscriptionId(Uuid::from_u128(3)), Clock::System.now());
    let hsm = ManagedHsm {
        id: Uuid::from_u128(7),
        name: local(),
        tenant: Uuid::from_u128(1),
        subscription,
        resource_group: "group".parse().unwrap(),
        location: "here".into(),
        sku: "Standard_B1".into(),
        retention: RetentionDays::DEFAULT,
        purge_protection: false,
        activation: Activation::Active,
        initial_administrators: Vec::new(),
        token_serial,
        created,
        deletion: None,
        tags: Tags::new(),
        network: NetworkRules::default(),
        settings: Settings::default(),
        security_domain: None,
        transfer_key: None,
        backup_jobs: Vec::new(),
    };
    let group = ResourceGroup {
        subscription,
        name: hsm.resource_group.clone(),
        location: hsm.location.clone(),
        created,
        tags: Tags::new(),
    };
    let subscription =
        Subscription { id: subscription, name: "one".into(), tenant: hsm.tenant, protected: false };
    vec![
        Change::Control(ControlChange::PutSubscription(subscription)),
        Change::Control(ControlChange::PutResourceGroup(group)),
        Change::InsertHsm(hsm, Vec::new()),
    ]
}

/// The changes that create a key with this material as version 1, and soft-delete it.
fn deleted_key(material: PublicMaterial) -> Vec<Change> {
    let now = Clock::System.now();
    let version = KeyVersion {
        container: local().into(),
        name: key(),
        version: id(1),
        material,
        protection: Default::default(),
        operations: KeyOperations::default(),
        attributes: Attributes {
            enabled: true,
            not_before: None,
            expires: None,
            created: now,
            updated: now,
            exportable: false,
        },
        tags: BTreeMap::new(),
        notices: Notices::default(),
        mode_family: None,
    };
    let deletion = Deletion { deleted_at: now, scheduled_purge_at: now };
    vec![
        Change::InsertVersion(version, VersionOrigin::Created),
        Change::Transition(Deletable::Key(local().into(), key()), Transition::SoftDelete(deletion)),
    ]
}

/// An engine with an HSM, whose token has object 1, and the intent of an interrupted operation on that object.
async fn interrupted(verb: IntentVerb) -> (Rig, Token, Uuid) {
    let rig = Rig::new(Clock::System).await;
    let token = rig.bench.open();
    let material = token.generate(id(1), &spec(ec(Curve::P256)), WRAPPABLE).await.unwrap();
    rig.tokens.attach(&local().into(), token.clone());
    let mut changes = hsm(rig.bench.info.serial.clone());
    if verb == IntentVerb::Destroy {
        changes.extend(deleted_key(material));
    }
    let intent = Intent { id: Uuid::from_u128(42), container: local().into(), verb, objects: vec![id(1)] };
    let open = Some(intent.clone());
    rig.store.commit(Commit { changes, open, ..Commit::default() }).await.unwrap();
    (rig, token, intent.id)
}

#[tokio::test]
async fn interrupted_purge_is_completed_and_audited() {
    let (rig, token, intent) = interrupted(IntentVerb::Destroy).await;
    let report = rig.engine.sweep().await;
    assert_eq!((report.concluded, report.failed), (1, 0));
    assert_eq!(token.holds(vec![id(1)]).await.unwrap(), [false]);
    assert!(rig.store.key(&local().into(), &key()).is_none() && rig.store.intents().is_empty());
    let record = rig.records("KeyPurge", 1).await.remove(0);
    assert_eq!(
        (&record["clientInfo"], &record["target"], &record["correlationId"], &record["resultType"]),
        (
            &Value::from("strongroom-sweeper"),
            &Value::from("hsms/local/deletedKeys/k"),
            &Value::from(intent.to_string()),
            &Value::from("Success"),
        ),
    );
    assert_eq!(rig.engine.sweep().await.concluded, 0);
}

#[tokio::test]
async fn interrupted_creation_and_restore_are_undone() {
    for verb in [IntentVerb::Create, IntentVerb::Restore] {
        let (rig, token, _) = interrupted(verb).await;
        assert_eq!(rig.engine.sweep().await.concluded, 1);
        assert_eq!(token.holds(vec![id(1)]).await.unwrap(), [false]);
        assert!(rig.store.intents().is_empty());
    }
}

#[tokio::test]
async fn interrupted_purge_of_hsm_is_completed_and_audited() {
    // As at a start, when the token of an interrupted purge is not opened.
    let rig = Rig::new(Clock::System).await;
    let now = Clock::System.now();
    let deletion = Deletion { deleted_at: now, scheduled_purge_at: now };
    let mut changes = hsm(rig.bench.info.serial.clone());
    changes.push(Change::Transition(Deletable::ManagedHsm(local()), Transition::SoftDelete(deletion)));
    let wipe = Intent {
        id: Uuid::from_u128(43),
        container: local().into(),
        verb: IntentVerb::Wipe,
        objects: Vec::new(),
    };
    let open = Some(wipe.clone());
    rig.store.commit(Commit { changes, open, ..Commit::default() }).await.unwrap();
    let report = rig.engine.sweep().await;
    assert_eq!((report.concluded, report.failed), (1, 0));
    assert!(rig.store.hsm(&local()).is_none());
    let record = rig.records("ManagedHsmPurge", 1).await.remove(0);
    assert_eq!(record["clientInfo"], "strongroom-sweeper");
    assert_eq!(record["correlationId"], wipe.id.to_string());
    assert!(
        record["target"].as_str().unwrap().ends_with("/locations/here/deletedManagedHSMs/local"),
        "{record}"
    );
}

#[tokio::test]
async fn intent_stays_open_while_its_token_is_unavailable() {
    let (rig, token, _) = interrupted(IntentVerb::Destroy).await;
    rig.tokens.detach(&local().into());
    let report = rig.engine.sweep().await;
    assert_eq!((report.concluded, report.failed), (0, 1));
    assert!(rig.store.key(&local().into(), &key()).is_some());
    rig.tokens.attach(&local().into(), token);
    assert_eq!(rig.engine.sweep().await.concluded, 1);
    // A failed attempt is logged, and not recorded as a call.
    assert_eq!(rig.records("KeyPurge", 1).await.len(), 1);
}
