//! Tests soft-delete over time: scheduled purges of keys and HSMs, and purge protection.

use strongroom::api::grpc::pb;

use crate::hsms::{self, Container};
use crate::support::{Server, days, ec, micros, oct, reason, timestamp};

fn deleted_name(name: &str) -> String {
    format!("hsms/local/deletedKeys/{name}")
}

async fn delete(client: &mut crate::support::Client, name: &str) -> pb::DeletedKeyBundle {
    let request = pb::DeleteKeyRequest { name: format!("hsms/local/keys/{name}") };
    client.keys.delete_key(request).await.unwrap().into_inner()
}

async fn deleted_keys(client: &mut crate::support::Client) -> Vec<String> {
    let request = pb::ListDeletedKeysRequest { parent: "hsms/local".to_owned(), ..Default::default() };
    let reply = client.keys.list_deleted_keys(request).await.unwrap().into_inner();
    reply.deleted_keys.into_iter().map(|key| key.name).collect()
}

/// Writes a seed with a retention interval of seven days, with or without purge protection, and returns its path.
pub(crate) fn seed(directory: &std::path::Path, purge_protection: bool) -> String {
    let text = std::fs::read_to_string("hsm-config/dev.toml").unwrap();
    let text = text.replace("retention_days = 90", "retention_days = 7");
    let text = text.replace("purge_protection = false", &format!("purge_protection = {purge_protection}"));
    let path = directory.join("seed.toml");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn key_is_purged_exactly_at_the_end_of_retention() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    dev.create(oct("a", 256)).await.unwrap();
    dev.create(ec("b", "P-256")).await.unwrap();
    let due = delete(&mut dev, "a").await.scheduled_purge_at.unwrap();
    delete(&mut dev, "b").await;
    let request = pb::RecoverDeletedKeyRequest { name: deleted_name("b") };
    dev.keys.recover_deleted_key(request).await.unwrap();

    let before = prost_types::Timestamp { seconds: due.seconds - 1, nanos: due.nanos };
    let to = |instant| pb::AdvanceClockRequest {
        target: Some(pb::advance_clock_request::Target::To(instant)),
        ..Default::default()
    };
    dev.clock.advance_clock(to(before)).await.unwrap();
    assert_eq!(deleted_keys(&mut dev).await, [deleted_name("a")]);
    dev.clock.advance_clock(to(due)).await.unwrap();
    assert!(deleted_keys(&mut dev).await.is_empty());

    // The name can be reused, and the recovered key is not purged.
    dev.create(ec("a", "P-256")).await.unwrap();
    let sign = pb::SignRequest {
        name: "hsms/local/keys/b".to_owned(),
        algorithm: "ES256".to_owned(),
        digest: vec![1; 32],
    };
    dev.crypto.sign(sign).await.unwrap();
    assert_eq!(dev.clock.advance_clock(days(365)).await.unwrap().into_inner().happenings, []);
}

#[tokio::test]
async fn purge_protection_blocks_purge_until_scheduled_purge_date() {
    let directory = tempfile::tempdir().unwrap();
    let seed = seed(directory.path(), true);
    let server = Server::start_with(&[], &[("STRONGROOM_SIMULATOR__SEED_FILE", &seed)]);
    let mut dev = server.client("dev").await;
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    dev.create(ec("a", "P-256")).await.unwrap();
    let deleted = delete(&mut dev, "a").await;
    assert_eq!(deleted.key.unwrap().recovery_level, "CustomizedRecoverable");

    for day in 0..7 {
        let request = pb::PurgeDeletedKeyRequest { name: deleted_name("a") };
        let refused = dev.keys.purge_deleted_key(request).await.unwrap_err();
        assert_eq!(reason(&refused), "PURGE_PROTECTED", "day {day}");
        let events = dev.clock.advance_clock(days(1)).await.unwrap().into_inner().happenings;
        assert_eq!(events.len(), usize::from(day == 6), "day {day}");
    }
    assert!(deleted_keys(&mut dev).await.is_empty());
}

#[tokio::test]
async fn purges_due_during_downtime_run_at_start() {
    let directory = tempfile::tempdir().unwrap();
    let seed = seed(directory.path(), false);
    let mut server = Server::start_with(&[], &[("STRONGROOM_SIMULATOR__SEED_FILE", &seed)]);
    let mut dev = server.client("dev").await;
    dev.create(ec("a", "P-256")).await.unwrap();
    delete(&mut dev, "a").await;
    // Two seconds before the purge is due, the service is stopped for as long.
    let by = prost_types::Duration { seconds: 7 * 86_400 - 2, nanos: 0 };
    let request = pb::AdvanceClockRequest {
        target: Some(pb::advance_clock_request::Target::By(by)),
        ..Default::default()
    };
    dev.clock.advance_clock(request).await.unwrap();
    assert_eq!(deleted_keys(&mut dev).await, [deleted_name("a")]);
    server.kill();
    std::thread::sleep(std::time::Duration::from_secs(2));
    server.start_again();

    let mut dev = server.client("dev").await;
    let started = std::time::Instant::now();
    while !deleted_keys(&mut dev).await.is_empty() {
        assert!(started.elapsed() < std::time::Duration::from_secs(10), "{}", server.log());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[tokio::test]
async fn scheduler_purges_when_due_without_a_call() {
    let directory = tempfile::tempdir().unwrap();
    let seed = seed(directory.path(), false);
    let server = Server::start_with(&[], &[("STRONGROOM_SIMULATOR__SEED_FILE", &seed)]);
    let mut dev = server.client("dev").await;
    dev.create(ec("a", "P-256")).await.unwrap();
    delete(&mut dev, "a").await;
    let by = prost_types::Duration { seconds: 7 * 86_400 - 1, nanos: 0 };
    let request = pb::AdvanceClockRequest {
        target: Some(pb::advance_clock_request::Target::By(by)),
        ..Default::default()
    };
    dev.clock.advance_clock(request).await.unwrap();
    let started = std::time::Instant::now();
    while !deleted_keys(&mut dev).await.is_empty() {
        assert!(started.elapsed() < std::time::Duration::from_secs(10), "{}", server.log());
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

fn to(instant: i64) -> pb::AdvanceClockRequest {
    pb::AdvanceClockRequest {
        target: Some(pb::advance_clock_request::Target::To(timestamp(instant))),
        ..Default::default()
    }
}

#[tokio::test]
async fn hsm_is_purged_exactly_at_the_end_of_retention() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut dev = server.client("dev").await;
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    for days in [7, 90] {
        dev.hsms.create_managed_hsm(container.create_request_with_retention("payroll", days)).await.unwrap();
        let deleted = hsms::delete(&mut dev, container.hsm("payroll")).await.unwrap();
        let due = micros(deleted.scheduled_purge_at);
        assert_eq!(due - micros(deleted.deleted_at), i64::from(days) * 86_400_000_000);
        assert_eq!(dev.clock.advance_clock(to(due - 1)).await.unwrap().into_inner().happenings, []);
        let taken = dev.hsms.create_managed_hsm(container.create_request("payroll")).await.unwrap_err();
        assert_eq!(reason(&taken), "HSM_EXISTS");
        let events = dev.clock.advance_clock(to(due)).await.unwrap().into_inner().happenings;
        assert_eq!(events.iter().map(|one| micros(one.at)).collect::<Vec<_>>(), [due]);
    }
    dev.hsms.create_managed_hsm(container.create_request("payroll")).await.unwrap();
}

#[tokio::test]
async fn protected_subscription_allows_only_scheduled_purges() {
    let directory = tempfile::tempdir().unwrap();
    let seed = seed(directory.path(), false);
    let server = Server::start_with(&[], &[("STRONGROOM_SIMULATOR__SEED_FILE", &seed)]);
    let container = Container::of(&server);
    let mut dev = server.client("dev").await;
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    dev.create(ec("a", "P-256")).await.unwrap();
    delete(&mut dev, "a").await;
    dev.hsms.create_managed_hsm(container.create_request_with_retention("payroll", 90)).await.unwrap();
    hsms::delete(&mut dev, container.hsm("payroll")).await.unwrap();
    // The protection also applies to keys and HSMs that are already deleted.
    let update_mask = Some(prost_types::FieldMask { paths: vec!["undeletable".to_owned()] });
    let name = container.subscription.clone();
    let request = pb::UpdateSubscriptionRequest { name, undeletable: true, update_mask };
    server.client("owner").await.resources.update_subscription(request).await.unwrap();

    let get = pb::GetDeletedKeyRequest { name: deleted_name("a") };
    let key = dev.keys.get_deleted_key(get).await.unwrap().into_inner();
    assert_eq!(key.key.unwrap().recovery_level, "CustomizedRecoverable+ProtectedSubscription");
    let get = pb::GetDeletedManagedHsmRequest { name: container.deleted("payroll") };
    let hsm = dev.hsms.get_deleted_managed_hsm(get).await.unwrap().into_inner();
    assert_eq!(hsm.managed_hsm.unwrap().recovery_level, "Recoverable+ProtectedSubscription");
    for who in ["owner", "contributor", "dev"] {
        let refused =
            hsms::purge(&mut server.client(who).await, container.deleted("payroll")).await.unwrap_err();
        assert_eq!(reason(&refused), "PURGE_PROTECTED", "{who}");
    }
    let request = pb::PurgeDeletedKeyRequest { name: deleted_name("a") };
    let refused = dev.keys.purge_deleted_key(request).await.unwrap_err();
    assert_eq!(reason(&refused), "PURGE_PROTECTED");

    let events = dev.clock.advance_clock(days(90)).await.unwrap().into_inner().happenings;
    assert_eq!(
        events.iter().map(|one| micros(one.at)).collect::<Vec<_>>(),
        [micros(key.scheduled_purge_at), micros(hsm.scheduled_purge_at)]
    );
    assert!(deleted_keys(&mut dev).await.is_empty());
}
