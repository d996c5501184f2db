//! A gateway whose machine shows a wrong time: the database is set back, so that the real clock is ahead of it, or forth.

use std::time::{Duration, Instant};

use sqlx::ConnectOptions as _;
use strongroom::api::grpc::pb;

use super::site::{ADMIN, MACHINE, Site, TENANT};
use super::{HSM, KEY, admit, make};
use crate::support::{Client, micros, reason};

const DAY: i64 = 86_400_000_000;

/// A site whose machine principal owns the subscription.
fn site(more: &str) -> Site {
    let site = Site::new();
    let role = format!(
        "\n{more}\n[[control_plane_role]]\nprincipal = \"{MACHINE}\"\nrole = \"Owner\"\n\
         scope = \"/subscriptions/{TENANT}\"\n"
    );
    site.write("strongroom.toml", &(site.configuration() + &role));
    site
}

/// Changes the database of a gateway that is stopped.
async fn meddle(site: &Site, sql: &str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(site.path("data/strongroom.db"));
    let mut database = options.connect().await.unwrap();
    sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&mut database).await.unwrap();
}

/// Moves everything that is dated in the past: the clock is then as many days ahead as it would be had it jumped.
async fn set_back(site: &Site, days: i64) {
    let by = days * DAY;
    meddle(site, &format!("UPDATE time_mark SET mark = mark - {by}, seen = seen - {by}")).await;
    meddle(
        site,
        &format!(
            "UPDATE keys SET deleted_at = deleted_at - {by}, scheduled_purge_at = scheduled_purge_at - {by}"
        ),
    )
    .await;
}

async fn client(site: &Site, port: u16, principal: &str) -> Client {
    Client::of(site.connect(port, None).await.unwrap(), &site.bearers(principal))
}

async fn clock(client: &mut Client) -> pb::Clock {
    client.clock.get_clock(pb::GetClockRequest {}).await.unwrap().into_inner()
}

async fn deleted(client: &mut Client) -> usize {
    let request = pb::ListDeletedKeysRequest { parent: HSM.to_owned(), ..Default::default() };
    client.keys.list_deleted_keys(request).await.unwrap().into_inner().deleted_keys.len()
}

async fn becomes(site: &Site, client: &mut Client, left: usize) {
    let started = Instant::now();
    while deleted(client).await != left {
        // Reading the clock is what lets it prove itself before the next tick.
        clock(client).await;
        assert!(started.elapsed() < Duration::from_secs(30), "{}", site.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A gateway that was stopped with a deleted key in it.
async fn with_a_deleted_key(site: &mut Site) {
    let port = site.start();
    let mut admin = client(site, port, ADMIN).await;
    admit(&mut admin, ADMIN).await;
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
    make(&mut admin).await.unwrap();
    admin.keys.delete_key(pb::DeleteKeyRequest { name: KEY.to_owned() }).await.unwrap();
    assert_eq!(clock(&mut admin).await.standing, "running");
    drop(admin);
    site.stop();
}

#[tokio::test]
async fn clock_91_days_ahead_holds_purges_until_release() {
    let mut site = site("");
    with_a_deleted_key(&mut site).await;
    set_back(&site, 91).await;

    let port = site.start();
    let mut admin = client(&site, port, ADMIN).await;
    let mut machine = client(&site, port, MACHINE).await;
    // Reads and cryptography go on; other work is not held up.
    let other = pb::CreateKeyRequest { parent: HSM.to_owned(), ..crate::support::ec("other", "P-256") };
    admin.create(other).await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(deleted(&mut admin).await, 1, "{}", site.log());
    let held = clock(&mut admin).await;
    let hold = held.hold.unwrap();
    assert_eq!((held.standing.as_str(), hold.reason.as_str()), ("held", "stop"));
    assert_eq!(hold.ahead.unwrap().seconds / 86_400, 91);
    assert!(site.log().contains("the machine's clock is ahead"), "{}", site.log());
    let refusals = site.log().matches("due work failed").count();
    assert_eq!(refusals, 0, "purges that are held are not tried");
    let http = reqwest::Client::builder()
        .add_root_certificate(reqwest::Certificate::from_pem(site.authority.pem.as_bytes()).unwrap())
        .build()
        .unwrap();
    let health = http.get(format!("https://127.0.0.1:{port}/healthz")).send().await.unwrap();
    let health: serde_json::Value = health.json().await.unwrap();
    assert_eq!((health["status"].as_str(), health["clock"].as_str()), (Some("serving"), Some("held")));

    // The hold survives a restart.
    drop((admin, machine));
    site.stop();
    let port = site.start();
    let mut admin = client(&site, port, ADMIN).await;
    machine = client(&site, port, MACHINE).await;
    assert_eq!(clock(&mut admin).await.hold.unwrap().since, hold.since);
    assert_eq!(deleted(&mut admin).await, 1);

    let refused = admin.clock.release_clock(pb::ReleaseClockRequest {}).await.unwrap_err();
    assert_eq!(reason(&refused), "ACTION_NOT_GRANTED", "administering an HSM is no right over the clock");
    assert_eq!(deleted(&mut admin).await, 1);
    let released = machine.clock.release_clock(pb::ReleaseClockRequest {}).await.unwrap().into_inner();
    assert_eq!((released.standing.as_str(), released.hold), ("running", None));
    becomes(&site, &mut admin, 0).await;

    let watch = pb::WatchLifecycleRequest {
        parent: format!("subscriptions/{TENANT}"),
        resume_token: "0".to_owned(),
        until_now: true,
    };
    let mut stream = machine.lifecycle_of_resources.watch_lifecycle(watch).await.unwrap().into_inner();
    let mut kinds = Vec::new();
    while let Some(batch) = stream.message().await.unwrap() {
        kinds.extend(batch.events.into_iter().map(|event| event.kind));
    }
    kinds.retain(|kind| kind.starts_with("clock."));
    assert_eq!(kinds, ["clock.held", "clock.released"]);
    drop((admin, machine));
    site.stop();
    assert!(
        audit(&site)
            .iter()
            .any(|record| { record["operationName"] == "ClockRelease" && record["resultType"] == "Success" })
    );
}

#[tokio::test]
async fn steady_clock_is_trusted_after_proof_seconds() {
    let mut site = site("[time]\nproof_seconds = 3\n");
    with_a_deleted_key(&mut site).await;
    set_back(&site, 91).await;
    let port = site.start();
    let mut admin = client(&site, port, ADMIN).await;
    assert_eq!(deleted(&mut admin).await, 1);
    becomes(&site, &mut admin, 0).await;
    assert_eq!(clock(&mut admin).await.standing, "running");
}

#[tokio::test]
async fn stop_within_limit_does_not_hold_the_clock() {
    let mut site = site("[time]\nstop_seconds = 8640000\n");
    with_a_deleted_key(&mut site).await;
    set_back(&site, 91).await;
    let port = site.start();
    let mut admin = client(&site, port, ADMIN).await;
    becomes(&site, &mut admin, 0).await;
}

#[tokio::test]
async fn clock_behind_high_water_mark_dates_nothing_before_it() {
    let mut site = site("");
    with_a_deleted_key(&mut site).await;
    // The machine's clock, whatever it shows, is 400 days behind what it showed before.
    set_back(&site, -400).await;
    let port = site.start();
    let mut admin = client(&site, port, ADMIN).await;
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

    let mut machine = client(&site, port, MACHINE).await;
    let released = machine.clock.release_clock(pb::ReleaseClockRequest {}).await.unwrap().into_inner();
    assert!(micros(released.now) < mark, "who releases it says that the machine's clock is right");
    assert_eq!(clock(&mut admin).await.standing, "running");
    drop((admin, machine));
    site.stop();
    let records = audit(&site);
    // Records are dated to the millisecond.
    let mark = mark - mark % 1000;
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

/// The audit records of a gateway that is stopped.
fn audit(site: &Site) -> Vec<serde_json::Value> {
    let mut files: Vec<_> =
        std::fs::read_dir(site.path("data/audit")).unwrap().map(|file| file.unwrap().path()).collect();
    // The signing keys of the log are kept beside it.
    files.retain(|file| file.extension().is_some_and(|kind| kind == "jsonl"));
    files.sort();
    let text: String = files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn virtual_clock_rpcs_are_unimplemented() {
    let mut site = site("");
    let port = site.start();
    let mut machine = client(&site, port, MACHINE).await;
    for refused in [
        machine.clock.advance_clock(crate::support::days(1)).await.map(drop),
        machine.clock.freeze_clock(pb::FreezeClockRequest {}).await.map(drop),
        machine.clock.resume_clock(pb::ResumeClockRequest {}).await.map(drop),
    ] {
        assert_eq!(refused.unwrap_err().code(), tonic::Code::Unimplemented);
    }
}
