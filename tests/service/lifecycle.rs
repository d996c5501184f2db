//! Tests lifecycle watches: events are complete and in order across restarts and crashes, slow readers do not block
//! others, and a watch ends when its caller loses the right.

use std::time::{Duration, Instant};

use prost_types::{FieldMask, Timestamp};
use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::lifecycle_service_client::LifecycleServiceClient;
use tonic::{Code, Status, Streaming};

use crate::hsms::{Container, create_activated, delete, purge, recover};
use crate::roles::support::{CRYPTO_AUDITOR, HSM, assert_grpc_error, assert_not_granted, assign, unassign};
use crate::rotation::{after, rotate, set};
use crate::support::{Authorized, Client, Server, days, ec, error_metadata, oct};

/// How long an event may take to arrive.
const EVENT_TIMEOUT: Duration = Duration::from_secs(30);

/// An open watch.
pub(crate) struct Watch {
    stream: Streaming<pb::WatchLifecycleResponse>,
    waiting: std::vec::IntoIter<pb::LifecycleEvent>,
}

impl Watch {
    /// Opens a watch and waits for the first message, which confirms that it has started.
    pub(crate) async fn open(client: &mut Client, parent: &str, token: &str) -> Self {
        let stream = service(client, parent).watch_lifecycle(request(parent, token)).await.unwrap();
        let stream = stream.into_inner();
        let mut watch = Self { stream, waiting: Vec::new().into_iter() };
        watch.receive().await.unwrap();
        watch
    }

    async fn receive(&mut self) -> Result<(), Status> {
        let message = tokio::time::timeout(EVENT_TIMEOUT, self.stream.message())
            .await
            .expect("an event arrives in time");
        let message = message?.ok_or_else(|| Status::unknown("the stream ended without a status"))?;
        self.waiting = message.events.into_iter();
        Ok(())
    }

    /// Returns the next event, or the status that ends the watch.
    pub(crate) async fn next(&mut self) -> Result<pb::LifecycleEvent, Status> {
        loop {
            if let Some(event) = self.waiting.next() {
                return Ok(event);
            }
            self.receive().await?;
        }
    }

    /// Returns the next `count` events.
    async fn take(&mut self, count: usize) -> Vec<pb::LifecycleEvent> {
        let mut events = Vec::new();
        while events.len() < count {
            events.push(self.next().await.unwrap());
        }
        events
    }
}

/// Returns the lifecycle client with the access token of the plane that `parent` belongs to.
pub(crate) fn service<'a>(
    client: &'a mut Client,
    parent: &str,
) -> &'a mut LifecycleServiceClient<Authorized> {
    match parent.split('/').next() {
        Some("subscriptions") => &mut client.control_lifecycle,
        Some("vaults") => &mut client.vault_lifecycle,
        _ => &mut client.lifecycle,
    }
}

/// Returns a request for a watch without an end.
pub(crate) fn request(parent: &str, token: &str) -> pb::WatchLifecycleRequest {
    pb::WatchLifecycleRequest { parent: parent.to_owned(), resume_token: token.to_owned(), until_now: false }
}

/// Returns the events after a resume token until now.
pub(crate) async fn try_events_after(
    client: &mut Client,
    parent: &str,
    token: &str,
) -> Result<Vec<pb::LifecycleEvent>, Status> {
    let request = pb::WatchLifecycleRequest { until_now: true, ..request(parent, token) };
    let mut stream = service(client, parent).watch_lifecycle(request).await?.into_inner();
    let mut events = Vec::new();
    while let Some(message) = stream.message().await? {
        events.extend(message.events);
    }
    Ok(events)
}

/// Returns the events after a resume token until now, and expects success.
pub(crate) async fn events_after(client: &mut Client, parent: &str, token: &str) -> Vec<pb::LifecycleEvent> {
    try_events_after(client, parent, token).await.unwrap()
}

/// Returns the kinds of events.
pub(crate) fn kinds(events: &[pb::LifecycleEvent]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

/// Returns kind and subject name of each event, without container and version.
fn kinds_and_names(events: &[pb::LifecycleEvent]) -> Vec<String> {
    let name =
        |subject: &str| subject.split("/versions/").next().unwrap().rsplit('/').next().unwrap().to_owned();
    events.iter().map(|event| format!("{} {}", event.kind, name(&event.subject))).collect()
}

fn key(name: &str) -> String {
    format!("{HSM}/keys/{name}")
}

fn deleted(name: &str) -> String {
    format!("{HSM}/deletedKeys/{name}")
}

async fn delete_key(client: &mut Client, name: &str) -> pb::DeletedKeyBundle {
    client.keys.delete_key(pb::DeleteKeyRequest { name: key(name) }).await.unwrap().into_inner()
}

async fn recover_key(client: &mut Client, name: &str) {
    client.keys.recover_deleted_key(pb::RecoverDeletedKeyRequest { name: deleted(name) }).await.unwrap();
}

async fn now(client: &mut Client) -> i64 {
    client.clock.get_clock(pb::GetClockRequest {}).await.unwrap().into_inner().now.unwrap().seconds
}

/// Returns the sequence number of an event, which is its resume token.
fn number(event: &pb::LifecycleEvent) -> u64 {
    event.resume_token.parse().unwrap()
}

#[tokio::test]
async fn key_events_are_emitted_in_order() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let mut watches = [Watch::open(&mut dev, HSM, "").await, Watch::open(&mut dev, HSM, "").await];
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    let start = now(&mut dev).await;
    let first = dev.create(ec("invoices", "P-256")).await.unwrap();
    dev.create(ec("INVOICES", "P-256")).await.unwrap();
    let material = pb::ImportKeyMaterial { kty: "oct-HSM".to_owned(), k: vec![5; 32], ..Default::default() };
    let import = pb::ImportKeyRequest {
        parent: HSM.to_owned(),
        key_id: "brought".to_owned(),
        key: Some(material),
        ..Default::default()
    };
    dev.keys.import_key(import).await.unwrap();
    set(&mut dev, "invoices", "", after("P28D")).await.unwrap();
    rotate(&mut dev, "invoices").await.unwrap();
    let reply = delete_key(&mut dev, "brought").await;
    recover_key(&mut dev, "brought").await;
    delete_key(&mut dev, "brought").await;
    dev.keys.purge_deleted_key(pb::PurgeDeletedKeyRequest { name: deleted("brought") }).await.unwrap();
    dev.create(oct("short-lived", 128)).await.unwrap();
    let expires = Some(Timestamp { seconds: start + 40 * 86_400, nanos: 0 });
    let expiring = pb::UpdateKeyVersionRequest {
        name: key("short-lived"),
        attributes: Some(pb::KeyAttributes { expires, ..Default::default() }),
        update_mask: Some(FieldMask { paths: vec!["attributes.expires".to_owned()] }),
        ..Default::default()
    };
    dev.keys.update_key_version(expiring).await.unwrap();
    delete_key(&mut dev, "short-lived").await;
    recover_key(&mut dev, "short-lived").await;
    // The key has the maximum number of versions, so it cannot be rotated.
    dev.create(oct("full", 128)).await.unwrap();
    set(&mut dev, "full", "", after("P29D")).await.unwrap();
    for _ in 1..100 {
        rotate(&mut dev, "full").await.unwrap();
    }
    dev.create(ec("left", "P-256")).await.unwrap();
    delete_key(&mut dev, "left").await;
    dev.clock.advance_clock(days(91)).await.unwrap();

    let mut expected = vec![
        "key.created invoices",
        "key.created invoices",
        "key.imported brought",
        "key.rotated invoices",
        "key.deleted brought",
        "key.recovered brought",
        "key.deleted brought",
        "key.purged brought",
        "key.created short-lived",
        "key.deleted short-lived",
        "key.recovered short-lived",
        "key.created full",
    ];
    expected.extend(["key.rotated full"; 99]);
    expected.extend(["key.created left", "key.deleted left"]);
    let by_time = [
        (10, "key.near-expiry short-lived"),
        (28, "key.rotated invoices"),
        (29, "key.not-rotated full"),
        (56, "key.rotated invoices"),
        (84, "key.rotated invoices"),
        (90, "key.purged left"),
    ];
    expected.extend(by_time.map(|(_, what)| what));
    let events = watches[0].take(expected.len()).await;
    assert_eq!(kinds_and_names(&events), expected);
    assert_eq!(watches[1].take(expected.len()).await, events, "both watches get the same events");
    assert_eq!(events_after(&mut dev, HSM, "0").await, events, "a later watch gets the same events");
    for (event, (day, what)) in events[events.len() - by_time.len()..].iter().zip(by_time) {
        assert_eq!(event.at.unwrap().seconds, start + day * 86_400, "{what} to the second");
    }
    assert_eq!(events[0].subject, first.name);
    assert_eq!(
        (&events[4].subject, events[4].scheduled_purge_at),
        (&deleted("brought"), reply.scheduled_purge_at)
    );
    assert_eq!(events[5].subject, key("brought"));
    assert_eq!(events[events.len() - 6].expires, expires);
    assert!(events.is_sorted_by(|a, b| number(a) < number(b)));
}

#[tokio::test]
async fn hsm_events_are_emitted_in_order_without_key_events() {
    let server = Server::start();
    let container = Container::of(&server);
    let (mut reader, mut contributor) = (server.client("reader").await, server.client("contributor").await);
    let mut dev = server.client("dev").await;
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    let mut watch = Watch::open(&mut reader, &container.subscription, "").await;
    create_activated(&server, container.create_request_with_retention("payroll", 7)).await;
    let mut user = server.client("crypto-user").await;
    let parent = "hsms/payroll".to_owned();
    user.create(pb::CreateKeyRequest { parent, ..ec("salaries", "P-256") }).await.unwrap();
    contributor
        .hsms
        .update_managed_hsm(crate::hsms::tag_request(container.hsm("payroll"), "seen"))
        .await
        .unwrap();
    let reply = delete(&mut contributor, container.hsm("payroll")).await.unwrap();
    recover(&mut contributor, container.deleted("payroll")).await.unwrap();
    delete(&mut contributor, container.hsm("payroll")).await.unwrap();
    purge(&mut contributor, container.deleted("payroll")).await.unwrap();
    create_activated(&server, container.create_request_with_retention("payroll", 7)).await;
    let protecting = pb::UpdateManagedHsmRequest {
        managed_hsm: Some(pb::ManagedHsm {
            name: container.hsm("payroll"),
            purge_protection: true,
            ..Default::default()
        }),
        update_mask: Some(FieldMask { paths: vec!["purge_protection".to_owned()] }),
    };
    contributor.hsms.update_managed_hsm(protecting.clone()).await.unwrap();
    contributor.hsms.update_managed_hsm(protecting).await.unwrap();
    delete(&mut contributor, container.hsm("payroll")).await.unwrap();
    dev.clock.advance_clock(days(8)).await.unwrap();

    let expected = [
        "created",
        "activated",
        "deleted",
        "recovered",
        "deleted",
        "purged",
        "created",
        "activated",
        "purge-protected",
        "deleted",
        "purged",
    ];
    let expected = expected.map(|kind| format!("hsm.{kind} payroll"));
    let events = watch.take(expected.len()).await;
    assert_eq!(kinds_and_names(&events), expected);
    assert_eq!(
        (&events[0].subject, &events[3].subject),
        (&container.hsm("payroll"), &container.hsm("payroll"))
    );
    assert_eq!(
        (&events[2].subject, &events[5].subject),
        (&container.deleted("payroll"), &container.deleted("payroll"))
    );
    assert_eq!(events[2].scheduled_purge_at, reply.scheduled_purge_at);
    let purged = events[10].at.unwrap();
    assert_eq!(Some(purged), events[9].scheduled_purge_at, "to the second");
    // The log holds these, the seed's HSM and vault, and one key event: sequence numbers have no gaps.
    let all = events_after(&mut reader, &container.subscription, "0").await;
    assert_eq!(kinds_and_names(&all)[0], "hsm.created local");
    assert_eq!(number(&all[all.len() - 1]), u64::try_from(all.len()).unwrap() + 2);
}

#[tokio::test]
async fn watch_resumes_after_restarts_and_crashes() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("a", "P-256")).await.unwrap();
    let mut token = events_after(&mut dev, HSM, "0").await.pop().unwrap().resume_token;
    let mut seen = Vec::new();
    let mut done = Vec::new();
    for round in 0..6 {
        // Some events are read before the server ends, the rest after it starts again.
        let mut watch = Watch::open(&mut dev, HSM, &token).await;
        for _ in 0..5 {
            delete_key(&mut dev, "a").await;
            recover_key(&mut dev, "a").await;
            done.extend(["key.deleted a", "key.recovered a"]);
        }
        let early = watch.take(3 + round % 2).await;
        token = early.last().unwrap().resume_token.clone();
        seen.extend(early);
        if round % 2 == 0 {
            server.kill();
        } else {
            assert!(server.stop().success(), "{}", server.log());
        }
        server.start_again();
        dev = server.client("dev").await;
        let missed = events_after(&mut dev, HSM, &token).await;
        token = missed.last().unwrap().resume_token.clone();
        seen.extend(missed);
    }
    assert_eq!(kinds_and_names(&seen), done);
    // There are no other events, so sequence numbers have no gaps.
    assert!(seen.windows(2).all(|pair| number(&pair[0]) + 1 == number(&pair[1])));
}

#[tokio::test]
async fn expired_resume_token_is_out_of_range() {
    let mut server = Server::start_with(&[], &[("STRONGROOM_EVENTS__KEPT", "5")]);
    let mut dev = server.client("dev").await;
    dev.create(ec("a", "P-256")).await.unwrap();
    let token = events_after(&mut dev, HSM, "0").await.pop().unwrap().resume_token;
    for _ in 0..5 {
        delete_key(&mut dev, "a").await;
        recover_key(&mut dev, "a").await;
    }
    for _ in 0..2 {
        let status = assert_grpc_error(
            try_events_after(&mut dev, HSM, &token).await,
            Code::OutOfRange,
            "RESUME_TOKEN_EXPIRED",
        );
        let oldest: u64 = error_metadata(&status, "oldest").parse().unwrap();
        let kept = events_after(&mut dev, HSM, "0").await;
        assert_eq!((kept.len(), number(&kept[0])), (5, oldest));
        let last_before = (oldest - 1).to_string();
        assert_eq!(events_after(&mut dev, HSM, &last_before).await, kept);
        server.restart();
        dev = server.client("dev").await;
    }
}

#[tokio::test]
async fn slow_reader_misses_no_event_and_blocks_no_caller() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("a", "P-256")).await.unwrap();
    let mut slow = Watch::open(&mut dev, HSM, "").await;
    for _ in 0..500 {
        delete_key(&mut dev, "a").await;
        recover_key(&mut dev, "a").await;
    }
    let events = slow.take(1000).await;
    assert!(kinds_and_names(&events).chunks(2).all(|pair| pair == ["key.deleted a", "key.recovered a"]));
    assert!(events.windows(2).all(|pair| number(&pair[0]) + 1 == number(&pair[1])));
}

#[tokio::test]
async fn idle_watch_does_not_repeat_authorization() {
    let mut server = Server::start();
    let container = Container::of(&server);
    create_activated(&server, container.create_request("payroll")).await;
    let (mut dev, mut user) = (server.client("dev").await, server.client("crypto-user").await);
    dev.create(ec("a", "P-256")).await.unwrap();
    let mut watch = Watch::open(&mut dev, HSM, "").await;
    let parent = "hsms/payroll".to_owned();
    let mut other_watch = Watch::open(&mut user, &parent, "").await;
    // Events in another HSM, events of other resources, and calls that emit no event.
    for number in 0..20 {
        user.create(pb::CreateKeyRequest { parent: parent.clone(), ..oct(&format!("k{number}"), 128) })
            .await
            .unwrap();
        crate::roles::support::sign(&mut dev, "a").await.unwrap();
    }
    assign(&mut dev, CRYPTO_AUDITOR, &server.principal("nobody").object_id, "/keys").await;
    // The other watch has received all events, so this one has had the opportunity.
    other_watch.take(20).await;
    let is_watch_of_keys = |record: &serde_json::Value| {
        record["operationName"] == "LifecycleWatch" && record["target"] == "hsms/local/keys"
    };
    assert_eq!(server.audit_where(1, is_watch_of_keys).len(), 1);
    delete_key(&mut dev, "a").await;
    assert_eq!(kinds_and_names(&watch.take(1).await), ["key.deleted a"]);
    // The audit log is complete once the service has stopped.
    assert!(server.stop().success());
    assert_eq!(server.audit_where(2, is_watch_of_keys).len(), 2);
}

#[tokio::test]
async fn removed_role_ends_watch_before_the_next_event() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let given = assign(&mut dev, CRYPTO_AUDITOR, &server.principal("nobody").object_id, "/keys").await;
    let mut nobody = server.client("nobody").await;
    let mut watch = Watch::open(&mut nobody, HSM, "").await;
    dev.create(ec("seen", "P-256")).await.unwrap();
    assert_eq!(kinds_and_names(&watch.take(1).await), ["key.created seen"]);
    unassign(&mut dev, &given.name).await;
    dev.create(ec("unseen", "P-256")).await.unwrap();
    let status = assert_not_granted(watch.next().await);
    assert!(status.metadata().contains_key("x-correlation-id"));
    let refused = |record: &serde_json::Value| {
        record["operationName"] == "LifecycleWatch" && record["resultSignature"] == "ACTION_NOT_GRANTED"
    };
    assert_eq!(server.audit_where(1, refused).len(), 1);
}

#[tokio::test]
async fn watch_ends_when_its_credential_expires() {
    let server = Server::start_with(&[], &[("STRONGROOM_SIMULATOR__TOKEN_LIFETIME_SECONDS", "3")]);
    let mut short = server.client("dev").await;
    let mut watch = Watch::open(&mut short, HSM, "").await;
    let mut dev = server.client("dev").await;
    dev.create(ec("seen", "P-256")).await.unwrap();
    assert_eq!(kinds_and_names(&watch.take(1).await), ["key.created seen"]);
    let started = Instant::now();
    while short.keys.get_key(pb::GetKeyRequest { name: key("seen") }).await.is_ok() {
        assert!(started.elapsed() < EVENT_TIMEOUT, "the access token does not expire");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let mut dev = server.client("dev").await;
    dev.create(ec("unseen", "P-256")).await.unwrap();
    assert_grpc_error(watch.next().await, Code::Unauthenticated, "UNAUTHENTICATED");
}

#[tokio::test]
async fn watch_does_not_block_shutdown() {
    let mut server = Server::start_with(&[], &[("STRONGROOM_SERVER__SHUTDOWN_SECONDS", "20")]);
    let mut dev = server.client("dev").await;
    let mut reader = server.client("reader").await;
    let container = Container::of(&server);
    let mut watches =
        [Watch::open(&mut dev, HSM, "").await, Watch::open(&mut reader, &container.subscription, "").await];
    let ends = tokio::spawn(async move {
        for watch in &mut watches {
            assert_grpc_error(watch.next().await, Code::Unavailable, "SERVICE_STOPPING");
        }
    });
    let stopped = tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        assert!(server.stop().success(), "{}", server.log());
        (started.elapsed(), server)
    });
    ends.await.unwrap();
    drop((dev, reader));
    let (took, server) = stopped.await.unwrap();
    assert!(took < Duration::from_secs(15), "{took:?}");
    assert!(!server.log().contains("were aborted"), "{}", server.log());
}
