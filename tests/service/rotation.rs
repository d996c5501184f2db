//! Tests rotation over time: scheduled rotations, near-expiry events, and their retries.

use std::time::{Duration, Instant};

use prost_types::{FieldMask, Timestamp};
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::advance_clock_request::Target;
use strongroom::api::grpc::pb::happening::What;
use tonic::Status;

use crate::support::{Client, Server, days, ec, oct, reason};

const DAY: i64 = 86_400;

/// Returns a rotate action with one of its periods.
pub(crate) fn rotate_action(after: &str, before: &str) -> pb::KeyLifetimeAction {
    pb::KeyLifetimeAction {
        action: "rotate".to_owned(),
        time_after_create: after.to_owned(),
        time_before_expiry: before.to_owned(),
    }
}

/// Returns an action that rotates this long after creation, spelled as most clients do.
pub(crate) fn after(period: &str) -> Vec<pb::KeyLifetimeAction> {
    vec![pb::KeyLifetimeAction { action: "Rotate".to_owned(), ..rotate_action(period, "") }]
}

/// Returns an action that rotates this long before expiry.
pub(crate) fn before(period: &str) -> Vec<pb::KeyLifetimeAction> {
    vec![rotate_action("", period)]
}

/// Replaces a key's policy.
pub(crate) async fn set(
    client: &mut Client,
    key: &str,
    expiry: &str,
    lifetime_actions: Vec<pb::KeyLifetimeAction>,
) -> Result<pb::KeyRotationPolicy, Status> {
    let name = format!("hsms/local/keys/{key}/rotationPolicy");
    let expiry_time = expiry.to_owned();
    let request = pb::UpdateKeyRotationPolicyRequest { name, expiry_time, lifetime_actions };
    client.keys.update_key_rotation_policy(request).await.map(tonic::Response::into_inner)
}

/// Reads a key's policy.
pub(crate) async fn get(client: &mut Client, key: &str) -> Result<pb::KeyRotationPolicy, Status> {
    let name = format!("hsms/local/keys/{key}/rotationPolicy");
    let request = pb::GetKeyRotationPolicyRequest { name };
    client.keys.get_key_rotation_policy(request).await.map(tonic::Response::into_inner)
}

/// Rotates a key on demand.
pub(crate) async fn rotate(client: &mut Client, key: &str) -> Result<pb::KeyBundle, Status> {
    let request = pb::RotateKeyRequest { name: format!("hsms/local/keys/{key}") };
    client.keys.rotate_key(request).await.map(tonic::Response::into_inner)
}

/// The versions of a key, oldest first.
pub(crate) async fn versions(client: &mut Client, key: &str) -> Vec<pb::KeyBundle> {
    let parent = format!("hsms/local/keys/{key}");
    let request = pb::ListKeyVersionsRequest { parent, page_size: 1000, ..Default::default() };
    client.keys.list_key_versions(request).await.unwrap().into_inner().versions
}

/// Changes attributes of the current version.
async fn change(client: &mut Client, key: &str, path: &str, attributes: pb::KeyAttributes) -> pb::KeyBundle {
    let request = pb::UpdateKeyVersionRequest {
        name: format!("hsms/local/keys/{key}"),
        attributes: Some(attributes),
        update_mask: Some(FieldMask { paths: vec![format!("attributes.{path}")] }),
        ..Default::default()
    };
    client.keys.update_key_version(request).await.unwrap().into_inner()
}

async fn freeze(client: &mut Client) -> i64 {
    let clock = client.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    clock.into_inner().now.unwrap().seconds
}

/// Advances the clock by days, and returns the events with their day since `start`.
async fn advance(client: &mut Client, start: i64, by: i64) -> Vec<(i64, String)> {
    let reply = client.clock.advance_clock(days(by)).await.unwrap().into_inner();
    let events = reply.happenings.into_iter().map(|happening| {
        let what = match happening.what.unwrap() {
            What::RotatedKey(name) => format!("rotated {}", key_of(&name)),
            What::NearExpiry(name) => format!("expiring {}", key_of(&name)),
            What::NotRotatedKey(name) => format!("not rotated {}", key_of(&name)),
            What::PurgedKey(name) => format!("purged {}", key_of(&name)),
            What::PurgedHsm(name)
            | What::PurgedVault(name)
            | What::PurgedSecret(name)
            | What::PurgedCertificate(name) => {
                format!("purged {name}")
            }
            What::ReachedBudget(name) => format!("reached {name}"),
            other => panic!("{other:?}"),
        };
        ((happening.at.unwrap().seconds - start) / DAY, what)
    });
    events.collect()
}

fn key_of(name: &str) -> &str {
    name.split('/').nth(3).unwrap()
}

fn expected_events<const N: usize>(all: [(i64, &str); N]) -> Vec<(i64, String)> {
    all.into_iter().map(|(day, what)| (day, what.to_owned())).collect()
}

/// Waits until a condition holds.
async fn wait_until(server: &Server, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < Duration::from_secs(20), "{}", server.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn key_rotates_at_each_policy_instant_across_restarts() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let start = freeze(&mut dev).await;
    dev.create(ec("a", "P-256")).await.unwrap();
    dev.create(oct("b", 256)).await.unwrap();
    dev.create(oct("c", 256)).await.unwrap();
    set(&mut dev, "a", "P90D", after("P30D")).await.unwrap();
    set(&mut dev, "b", "", after("P28D")).await.unwrap();
    set(&mut dev, "c", "P90D", vec![]).await.unwrap();
    assert_eq!(advance(&mut dev, start, 29).await, expected_events([(28, "rotated b")]));

    server.restart();
    let mut dev = server.client("dev").await;
    let events = advance(&mut dev, start, 61).await;
    let expected = expected_events([
        (30, "rotated a"),
        (56, "rotated b"),
        (60, "rotated a"),
        (84, "rotated b"),
        (90, "rotated a"),
    ]);
    assert_eq!(events, expected);
    let made = versions(&mut dev, "a").await;
    let created: Vec<i64> = made.iter().map(|version| version.created.unwrap().seconds - start).collect();
    assert_eq!(created, [0, 30 * DAY, 60 * DAY, 90 * DAY]);
    let lives = |version: &pb::KeyBundle| Some(version.expires?.seconds - version.created?.seconds);
    assert_eq!(
        made.iter().map(lives).collect::<Vec<_>>(),
        [None, Some(90 * DAY), Some(90 * DAY), Some(90 * DAY)]
    );
    assert_eq!(versions(&mut dev, "c").await.len(), 1, "a policy without action rotates on demand only");

    // A rotation on demand restarts the period.
    advance(&mut dev, start, 10).await;
    rotate(&mut dev, "a").await.unwrap();
    let events = advance(&mut dev, start, 29).await;
    assert_eq!(events, expected_events([(112, "rotated b")]));
    assert_eq!(advance(&mut dev, start, 1).await, expected_events([(130, "rotated a")]));

    // Each rotation has an audit entry at its own instant.
    let records = server.audit_where(8, |record| record["operationName"] == "KeyRotateIfDue");
    assert_eq!(records.len(), 8);
    for record in &records {
        assert_eq!(record["resultType"], "Success", "{record}");
        assert_eq!(record["clientInfo"], "strongroom-scheduler", "{record}");
    }
    let time: jiff::Timestamp = records[0]["time"].as_str().unwrap().parse().unwrap();
    assert_eq!(time.as_second(), start + 28 * DAY);
}

#[tokio::test]
async fn key_rotates_before_expiry_and_near_expiry_is_emitted_once() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let start = freeze(&mut dev).await;
    let expiring = |name: &str, day: i64| {
        let expires = Some(Timestamp { seconds: start + day * DAY, nanos: 0 });
        let attributes = Some(pb::KeyAttributes { expires, ..Default::default() });
        pb::CreateKeyRequest { attributes, ..ec(name, "P-256") }
    };
    // The event is emitted 30 days before expiry, unless the policy has rotated the version by then.
    for (name, day) in [("early", 100), ("late", 100), ("same", 100), ("plain", 50), ("soon", 5)] {
        dev.create(expiring(name, day)).await.unwrap();
    }
    set(&mut dev, "early", "P1Y", before("P60D")).await.unwrap();
    set(&mut dev, "late", "P1Y", before("P20D")).await.unwrap();
    set(&mut dev, "same", "P1Y", before("P30D")).await.unwrap();
    let first = advance(&mut dev, start, 25).await;
    // For a key that expires within 30 days of its creation, the scheduler or this advance emits the event.
    let others: Vec<_> = first.into_iter().filter(|(_, what)| what != "expiring soon").collect();
    assert_eq!(others, expected_events([(20, "expiring plain")]));
    server.restart();
    let mut dev = server.client("dev").await;
    let events = advance(&mut dev, start, 65).await;
    let expected = expected_events([
        (40, "rotated early"),
        (70, "rotated same"),
        (70, "expiring late"),
        (80, "rotated late"),
    ]);
    assert_eq!(events, expected);
    let notes =
        server.audit_where(3, |record| record["operationName"] == "KeyNearExpiryEventGridNotification");
    assert_eq!(notes.len(), 3, "{notes:?}");

    // A changed expiry emits another event; an unchanged one does not.
    let expires = |day: i64| pb::KeyAttributes {
        expires: Some(Timestamp { seconds: start + day * DAY, nanos: 0 }),
        ..Default::default()
    };
    change(&mut dev, "plain", "expires", expires(50)).await;
    assert_eq!(advance(&mut dev, start, 1).await, []);
    change(&mut dev, "plain", "expires", expires(130)).await;
    assert_eq!(advance(&mut dev, start, 9).await, expected_events([(100, "expiring plain")]));
}

#[tokio::test]
async fn disabled_and_deleted_keys_rotate_once_restored() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let start = freeze(&mut dev).await;
    for name in ["disabled", "deleted"] {
        dev.create(oct(name, 128)).await.unwrap();
        set(&mut dev, name, "", after("P30D")).await.unwrap();
    }
    let enabled = |enabled| pb::KeyAttributes { enabled: Some(enabled), ..Default::default() };
    change(&mut dev, "disabled", "enabled", enabled(false)).await;
    let name = "hsms/local/keys/deleted".to_owned();
    dev.keys.delete_key(pb::DeleteKeyRequest { name }).await.unwrap();
    assert_eq!(advance(&mut dev, start, 70).await, []);

    // Two rotations were due meanwhile; one is done, at the current instant.
    change(&mut dev, "disabled", "enabled", enabled(true)).await;
    let name = "hsms/local/deletedKeys/deleted".to_owned();
    dev.keys.recover_deleted_key(pb::RecoverDeletedKeyRequest { name }).await.unwrap();
    for name in ["disabled", "deleted"] {
        wait_until(&server, async || versions(&mut dev, name).await.len() == 2).await;
        let made = versions(&mut dev, name).await;
        assert_eq!(made[1].created.unwrap().seconds, start + 70 * DAY);
    }
    assert_eq!(advance(&mut dev, start, 29).await, []);
    assert_eq!(
        advance(&mut dev, start, 1).await,
        expected_events([(100, "rotated deleted"), (100, "rotated disabled")])
    );
}

#[tokio::test]
async fn rotations_due_during_downtime_run_once_at_start() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("a", "P-256")).await.unwrap();
    set(&mut dev, "a", "", after("P28D")).await.unwrap();
    // Two seconds before the rotation is due, the service is stopped for as long.
    let by = prost_types::Duration { seconds: 28 * DAY - 2, nanos: 0 };
    dev.clock
        .advance_clock(pb::AdvanceClockRequest { target: Some(Target::By(by)), ..Default::default() })
        .await
        .unwrap();
    assert_eq!(versions(&mut dev, "a").await.len(), 1);
    server.kill();
    std::thread::sleep(Duration::from_secs(2));
    server.start_again();
    let mut dev = server.client("dev").await;
    wait_until(&server, async || versions(&mut dev, "a").await.len() == 2).await;
    let again = advance(&mut dev, 0, 27).await;
    assert_eq!(again, [], "the new version restarts the period");
}

#[tokio::test]
async fn failed_rotation_is_reported_once_and_blocks_nothing_else() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let start = freeze(&mut dev).await;
    dev.create(oct("full", 128)).await.unwrap();
    dev.create(oct("other", 128)).await.unwrap();
    set(&mut dev, "full", "", after("P28D")).await.unwrap();
    set(&mut dev, "other", "", after("P28D")).await.unwrap();
    for _ in 1..100 {
        rotate(&mut dev, "full").await.unwrap();
    }
    assert_eq!(reason(&rotate(&mut dev, "full").await.unwrap_err()), "LIMIT_EXCEEDED");
    let events = advance(&mut dev, start, 60).await;
    assert_eq!(
        events,
        expected_events([(28, "not rotated full"), (28, "rotated other"), (56, "rotated other")])
    );
    server.restart();
    let mut dev = server.client("dev").await;
    assert_eq!(advance(&mut dev, start, 25).await, expected_events([(84, "rotated other")]));
    let refused = |record: &serde_json::Value| {
        record["operationName"] == "KeyRotateIfDue" && record["target"] == "hsms/local/keys/full"
    };
    let records = server.audit_where(1, refused);
    assert_eq!(records.len(), 1, "{records:?}");
    assert_eq!(
        (&records[0]["resultSignature"], versions(&mut dev, "full").await.len()),
        (&"LIMIT_EXCEEDED".into(), 100)
    );
    assert_eq!(server.log().matches("a key could not be rotated by its policy").count(), 1);

    // A changed policy causes another attempt.
    set(&mut dev, "full", "", after("P30D")).await.unwrap();
    wait_until(&server, async || server.audit_where(1, refused).len() == 2).await;
}

#[tokio::test]
async fn unavailable_token_backs_off_and_other_work_proceeds() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("rotating", "P-256")).await.unwrap();
    set(&mut dev, "rotating", "", after("P30D")).await.unwrap();
    let made = dev.create(ec("expiring", "P-256")).await.unwrap().created.unwrap();
    // Both are due in two seconds, the rotation slightly earlier.
    let expires = Some(Timestamp { seconds: made.seconds + 60 * DAY, nanos: made.nanos });
    let attributes = pb::KeyAttributes { expires, ..Default::default() };
    change(&mut dev, "expiring", "expires", attributes).await;
    let by = prost_types::Duration { seconds: 30 * DAY - 2, nanos: 0 };
    dev.clock
        .advance_clock(pb::AdvanceClockRequest { target: Some(Target::By(by)), ..Default::default() })
        .await
        .unwrap();
    let softhsm = server.directory().join("softhsm");
    let (tokens, moved) = (softhsm.join("tokens"), softhsm.join("away"));
    std::fs::rename(&tokens, &moved).unwrap();

    let notes =
        server.audit_where(1, |record| record["operationName"] == "KeyNearExpiryEventGridNotification");
    assert_eq!(notes[0]["resultType"], "Success");
    let attempts = server.audit_where(2, |record| record["operationName"] == "KeyRotateIfDue");
    let instants: Vec<jiff::Timestamp> =
        attempts.iter().map(|record| record["time"].as_str().unwrap().parse().unwrap()).collect();
    assert_eq!(attempts[0]["resultType"], "Failure", "{attempts:?}");
    assert!(instants[1].duration_since(instants[0]).as_secs_f64() > 4.9, "{instants:?}");
    assert_eq!(server.log().matches("due work failed and is retried").count(), 1, "{}", server.log());

    server.kill();
    std::fs::rename(&moved, &tokens).unwrap();
    server.start_again();
    let mut dev = server.client("dev").await;
    wait_until(&server, async || versions(&mut dev, "rotating").await.len() == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn crash_during_rotations_loses_and_repeats_none() {
    const KEYS: usize = 20;
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let start = freeze(&mut dev).await;
    for key in 0..KEYS {
        dev.create(ec(&format!("key-{key}"), "P-256")).await.unwrap();
        set(&mut dev, &format!("key-{key}"), "", after("P28D")).await.unwrap();
    }
    let mut made = Vec::new();
    for round in 1..=4_u32 {
        // One second after all keys are due.
        let seconds = start + i64::from(round) * 28 * DAY + 1;
        let to = pb::AdvanceClockRequest {
            target: Some(Target::To(Timestamp { seconds, nanos: 0 })),
            ..Default::default()
        };
        let mut clock = dev.clock.clone();
        let interrupted = tokio::spawn(async move { clock.advance_clock(to).await.map(drop) });
        // Kills the server before, between or after the rotations.
        tokio::time::sleep(Duration::from_millis(u64::from(rand::random::<u8>()) * 2)).await;
        server.kill();
        let _ = interrupted.await.unwrap();
        server.start_again();
        dev = server.client("dev").await;
        dev.clock.advance_clock(to).await.unwrap();
        made.clear();
        for key in 0..KEYS {
            made.push(versions(&mut dev, &format!("key-{key}")).await.len());
        }
        let each = usize::try_from(round).unwrap() + 1;
        assert_eq!(made, [each; KEYS], "round {round}");
        assert_eq!(
            crate::crash::count_objects(&server).complete,
            each * KEYS + crate::crash::OF_DOMAIN + crate::crash::SEALING_KEYS,
            "round {round}: objects in the token"
        );
    }
}
