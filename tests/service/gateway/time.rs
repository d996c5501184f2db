//! Tests a gateway whose system clock jumps: the dates in the database are moved, so that the clock is ahead or behind.

use std::time::{Duration, Instant};

use sqlx::ConnectOptions as _;
use strongroom::api::grpc::pb;

use super::fixture::{ADMIN, Gateway, MACHINE, TENANT};
use super::{HSM, KEY, assign_crypto_user, create_invoices_key};
use crate::support::{Client, micros, reason};

const DAY: i64 = 86_400_000_000;

/// Returns a gateway whose machine principal is Owner of the subscription.
fn gateway(more: &str) -> Gateway {
    let gateway = Gateway::new();
    let role = format!(
        "\n{more}\n[[control_plane_role]]\nprincipal = \"{MACHINE}\"\nrole = \"Owner\"\n\
         scope = \"/subscriptions/{TENANT}\"\n"
    );
    gateway.write("strongroom.toml", &(gateway.configuration() + &role));
    gateway
}

/// Executes SQL on the database of a stopped gateway.
async fn execute(gateway: &Gateway, sql: &str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(gateway.path("data/strongroom.db"));
    // The digest of the database says that nothing has changed it.
    let _ = std::fs::remove_file(gateway.path("data/strongroom.db.sha256"));
    let mut database = options.connect().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut database).await.unwrap();
}

/// Moves all dates into the past by a number of days, as if the clock had jumped ahead by as many.
async fn set_back(gateway: &Gateway, days: i64) {
    let by = days * DAY;
    execute(gateway, &format!("UPDATE time_mark SET mark = mark - {by}, seen = seen - {by}")).await;
    execute(
        gateway,
        &format!(
            "UPDATE keys SET deleted_at = deleted_at - {by}, scheduled_purge_at = scheduled_purge_at - {by}"
        ),
    )
    .await;
}

async fn client(gateway: &Gateway, port: u16, principal: &str) -> Client {
    Client::with_tokens(gateway.connect(port, None).await.unwrap(), &gateway.bearers(principal))
}

async fn clock(client: &mut Client) -> pb::Clock {
    client.clock.get_clock(pb::GetClockRequest {}).await.unwrap().into_inner()
}

async fn deleted(client: &mut Client) -> usize {
    let request = pb::ListDeletedKeysRequest { parent: HSM.to_owned(), ..Default::default() };
    client.keys.list_deleted_keys(request).await.unwrap().into_inner().deleted_keys.len()
}

async fn wait_for_deleted_keys(gateway: &Gateway, client: &mut Client, left: usize) {
    let started = Instant::now();
    while deleted(client).await != left {
        // Reading the clock updates its proof before the next tick.
        clock(client).await;
        assert!(started.elapsed() < Duration::from_secs(30), "{}", gateway.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Starts a gateway, creates and deletes a key, and stops the gateway.
async fn with_a_deleted_key(gateway: &mut Gateway) {
    let port = gateway.start();
    let mut admin = client(gateway, port, ADMIN).await;
    assign_crypto_user(&mut admin, ADMIN).await;
    let roles = pb::ListRoleDefinitionsRequest { parent: HSM.to_owned() };
    let roles = admin.access.list_role_definitions(roles).await.unwrap().into_inner().role_definitions;
    let officer = roles.iter().find(|role| role.role_name == "Managed HSM Crypto Officer").unwrap();
    let request = pb::CreateRoleAssignmentRequest {
        parent: HSM.to_owned(),
        role_definition: officer.name.clone(),
        principal_id: ADMIN.to_owned(),
        scope: "/".to_owned(),
        ..Default::default()
    };
    admin.access.create_role_assignment(request).await.unwrap();
    create_invoices_key(&mut admin).await.unwrap();
    admin.keys.delete_key(pb::DeleteKeyRequest { name: KEY.to_owned() }).await.unwrap();
    assert_eq!(clock(&mut admin).await.standing, "running");
    drop(admin);
    gateway.stop();
}

#[tokio::test]
async fn clock_91_days_ahead_holds_purges_until_release() {
    let mut gateway = gateway("");
    with_a_deleted_key(&mut gateway).await;
    set_back(&gateway, 91).await;

    let port = gateway.start();
    let mut admin = client(&gateway, port, ADMIN).await;
    let mut machine = client(&gateway, port, MACHINE).await;
    // Calls are served while the clock is held.
    let other = pb::CreateKeyRequest { parent: HSM.to_owned(), ..crate::support::ec("other", "P-256") };
    admin.create(other).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(deleted(&mut admin).await, 1, "{}", gateway.log());
    let held = clock(&mut admin).await;
    let hold = held.hold.unwrap();
    assert_eq!((held.standing.as_str(), hold.reason.as_str()), ("held", "stop"));
    assert_eq!(hold.ahead.unwrap().seconds / 86_400, 91);
    assert!(gateway.log().contains("the machine's clock is ahead"), "{}", gateway.log());
    let refusals = gateway.log().matches("due work failed").count();
    assert_eq!(refusals, 0, "held purges are not attempted");
    let http = reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(gateway.authority.pem.as_bytes()).unwrap()])
        .build()
        .unwrap();
    let health = http.get(format!("https://127.0.0.1:{port}/healthz")).send().await.unwrap();
    let health: serde_json::Value = health.json().await.unwrap();
    assert_eq!((health["status"].as_str(), health["clock"].as_str()), (Some("serving"), Some("held")));

    // The hold survives a restart.
    drop((admin, machine));
    gateway.stop();
    let port = gateway.start();
    let mut admin = client(&gateway, port, ADMIN).await;
    machine = client(&gateway, port, MACHINE).await;
    assert_eq!(clock(&mut admin).await.hold.unwrap().since, hold.since);
    assert_eq!(deleted(&mut admin).await, 1);

    let refused = admin.clock.release_clock(pb::ReleaseClockRequest {}).await.unwrap_err();
    assert_eq!(reason(&refused), "ACTION_NOT_GRANTED", "administrators of an HSM may not release the clock");
    assert_eq!(deleted(&mut admin).await, 1);
    let released = machine.clock.release_clock(pb::ReleaseClockRequest {}).await.unwrap().into_inner();
    assert_eq!((released.standing.as_str(), released.hold), ("running", None));
    wait_for_deleted_keys(&gateway, &mut admin, 0).await;

    let watch = pb::WatchLifecycleRequest {
        parent: format!("subscriptions/{TENANT}"),
        resume_token: "0".to_owned(),
        until_now: true,
    };
    let mut stream = machine.control_lifecycle.watch_lifecycle(watch).await.unwrap().into_inner();
    let mut kinds = Vec::new();
    while let Some(batch) = stream.message().await.unwrap() {
        kinds.extend(batch.events.into_iter().map(|event| event.kind));
    }
    kinds.retain(|kind| kind.starts_with("clock."));
    assert_eq!(kinds, ["clock.held", "clock.released"]);
    drop((admin, machine));
    gateway.stop();
    assert!(
        audit(&gateway)
            .iter()
            .any(|record| { record["operationName"] == "ClockRelease" && record["resultType"] == "Success" })
    );
}

#[tokio::test]
async fn configured_operator_releases_the_clock_without_a_role() {
    let other = "11111111-2222-3333-4444-555555555555";
    let operator = |tenant: &str| {
        format!("[time]\noperators = [{{ tenant = \"{tenant}\", principal = \"{ADMIN}\" }}]\n")
    };
    // The object id in another tenant is another principal.
    for (tenant, reasons) in [(other, Some("ACTION_NOT_GRANTED")), (TENANT, None)] {
        let mut gateway = gateway(&operator(tenant));
        gateway.start();
        gateway.stop();
        set_back(&gateway, 91).await;
        let port = gateway.start();
        let mut admin = client(&gateway, port, ADMIN).await;
        assert_eq!(clock(&mut admin).await.standing, "held");
        let released = admin.clock.release_clock(pb::ReleaseClockRequest {}).await;
        assert_eq!(released.as_ref().err().map(reason).as_deref(), reasons);
        let standing = clock(&mut admin).await.standing;
        assert_eq!(standing == "running", reasons.is_none(), "{standing}");
    }
}

#[tokio::test]
async fn steady_clock_is_trusted_after_proof_seconds() {
    let mut gateway = gateway("[time]\nproof_seconds = 3\n");
    with_a_deleted_key(&mut gateway).await;
    set_back(&gateway, 91).await;
    let port = gateway.start();
    let mut admin = client(&gateway, port, ADMIN).await;
    assert_eq!(deleted(&mut admin).await, 1);
    wait_for_deleted_keys(&gateway, &mut admin, 0).await;
    assert_eq!(clock(&mut admin).await.standing, "running");
}

#[tokio::test]
async fn stop_within_limit_does_not_hold_the_clock() {
    let mut gateway = gateway("[time]\nstop_seconds = 8640000\n");
    with_a_deleted_key(&mut gateway).await;
    set_back(&gateway, 91).await;
    let port = gateway.start();
    let mut admin = client(&gateway, port, ADMIN).await;
    wait_for_deleted_keys(&gateway, &mut admin, 0).await;
}

#[tokio::test]
async fn clock_behind_high_water_mark_dates_nothing_before_it() {
    let mut gateway = gateway("");
    with_a_deleted_key(&mut gateway).await;
    // The system clock is 400 days behind its earlier reading.
    set_back(&gateway, -400).await;
    let port = gateway.start();
    let mut admin = client(&gateway, port, ADMIN).await;
    let shown = clock(&mut admin).await;
    assert_eq!(shown.standing, "behind", "{shown:?}");
    let behind = shown.behind.unwrap().seconds;
    assert!((0..600).contains(&(400 * 86_400 - behind)), "{behind}");
    let mark = micros(shown.now);
    let request = pb::CreateKeyRequest { parent: HSM.to_owned(), ..crate::support::ec("other", "P-256") };
    let made = admin.create(request).await.unwrap();
    assert!(micros(made.created) >= mark);
    let name = format!("{HSM}/keys/other");
    let gone = admin.keys.delete_key(pb::DeleteKeyRequest { name }).await.unwrap().into_inner();
    assert!(micros(gone.deleted_at) >= mark && micros(gone.scheduled_purge_at) >= mark + 90 * DAY);

    let mut machine = client(&gateway, port, MACHINE).await;
    let released = machine.clock.release_clock(pb::ReleaseClockRequest {}).await.unwrap().into_inner();
    assert!(micros(released.now) < mark, "after the release the system clock is authoritative");
    assert_eq!(clock(&mut admin).await.standing, "running");
    drop((admin, machine));
    gateway.stop();
    let records = audit(&gateway);
    // Entries have the time of arrival, which precedes the time that the call answers.
    let mark = mark - 1_000_000;
    let times =
        records.iter().skip_while(|record| record["operationName"] != "ClockGet" || at(record) < mark);
    let before_release: Vec<_> =
        times.take_while(|record| record["operationName"] != "ClockRelease").collect();
    assert!(before_release.len() >= 3, "{records:?}");
    assert!(before_release.iter().all(|record| at(record) >= mark));
}

fn at(record: &serde_json::Value) -> i64 {
    record["time"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_microsecond()
}

/// Returns the audit entries of a stopped gateway.
fn audit(gateway: &Gateway) -> Vec<serde_json::Value> {
    let mut files: Vec<_> =
        std::fs::read_dir(gateway.path("data/audit")).unwrap().map(|file| file.unwrap().path()).collect();
    // The directory also holds the public signing keys.
    files.retain(|file| file.extension().is_some_and(|kind| kind == "jsonl"));
    files.sort();
    let text: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn virtual_clock_rpcs_are_unimplemented() {
    let mut gateway = gateway("");
    let port = gateway.start();
    let mut machine = client(&gateway, port, MACHINE).await;
    for refused in [
        machine.clock.advance_clock(crate::support::days(1)).await.map(drop),
        machine.clock.freeze_clock(pb::FreezeClockRequest {}).await.map(drop),
        machine.clock.resume_clock(pb::ResumeClockRequest {}).await.map(drop),
    ] {
        assert_eq!(refused.unwrap_err().code(), tonic::Code::Unimplemented);
    }
}
