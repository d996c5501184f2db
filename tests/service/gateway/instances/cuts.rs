//! Connections to the database that are cut, at a known statement: a change is acknowledged only if the database has it, and an instance
//! without database answers nothing.

use tonic::Code;

use super::super::fixture::{ADMIN, MACHINE};
use super::super::{HSM, assign_crypto_user_of};
use super::kit::{Database, Instances, create, revoke, set_enabled, sign, state, until};
use super::proxy::{At, Cut, Mode, Proxy};
use crate::calls::refusal;
use crate::support::{Client, reason};

/// Starts an instance behind a proxy, which creates a key, and other instances that are connected to the server.
async fn start(others: usize) -> (Proxy, Instances, Vec<Client>) {
    let database = Database::start();
    let proxy = Proxy::start(&database);
    let urls = [vec![proxy.url()], vec![database.url.clone(); others]].concat();
    let all = Instances::start_on(database, &urls);
    let mut admins = all.clients(ADMIN).await;
    assign_crypto_user_of(HSM, &mut admins[0], ADMIN).await;
    create(&mut admins[0], "key").await.unwrap();
    (proxy, all, admins)
}

#[tokio::test(flavor = "multi_thread")]
async fn answer_to_commit_that_is_lost_is_found_in_the_database() {
    let (proxy, mut all, mut admins) = start(1).await;
    let mut is_enabled = true;
    for cut in [Cut::Answered, Cut::NotForwarded, Cut::Forwarded].repeat(2) {
        let before = proxy.cuts();
        proxy.cut_next(cut, At::COMMIT_OF_VERSION);
        let answer = set_enabled(&mut admins[0], "key", !is_enabled).await;
        assert_eq!(proxy.cuts(), before + 1, "{cut:?}");
        match cut {
            Cut::Answered => assert!(answer.is_ok(), "the database has the change: {answer:?}"),
            Cut::NotForwarded => {
                let refused = refusal(answer.clone());
                assert_eq!(refused, (Code::Unavailable, "STORAGE_UNAVAILABLE".to_owned()));
            }
            Cut::Forwarded => {}
        }
        is_enabled = match answer.map_err(|status| reason(&status)) {
            Ok(()) => !is_enabled,
            Err(reason) if reason == "STORAGE_UNAVAILABLE" => is_enabled,
            // The instance could not ask the database yet.
            Err(_) => state(&mut admins[1], "key").await == "LIVE",
        };
        for admin in &mut admins {
            let mut told = String::new();
            // The instance notices within a second that it can use the database again.
            until("the instance serves", async || {
                told = state(admin, "key").await;
                !told.starts_with("STORAGE_")
            })
            .await;
            assert_eq!(told, if is_enabled { "LIVE" } else { "KEY_DISABLED" }, "{cut:?}");
        }
    }
    all.stop_all();
    all.verify_audit_files();
}

#[tokio::test(flavor = "multi_thread")]
async fn records_whose_answer_is_lost_are_written_once() {
    // Records are not written at all if another instance has changed something in between.
    let (proxy, mut all, mut admins) = start(0).await;
    for cut in [Cut::Answered, Cut::NotForwarded, Cut::Forwarded].repeat(2) {
        let before = proxy.cuts();
        proxy.cut_next(cut, At::RECORDS);
        let mut answer = sign(&mut admins[0], "key").await;
        // A call at a time when the clock is written too is part of a transaction.
        while proxy.cuts() == before {
            answer.unwrap();
            answer = sign(&mut admins[0], "key").await;
        }
        match cut {
            Cut::Answered => assert!(answer.is_ok(), "the database has the record: {answer:?}"),
            Cut::NotForwarded => assert_eq!(refusal(answer).1, "STORAGE_UNAVAILABLE"),
            Cut::Forwarded => {}
        }
        until("the instance serves", async || sign(&mut admins[0], "key").await.is_ok()).await;
    }
    all.stop_all();
    // The numbers of the records have no gap, and none is there twice.
    all.verify_audit_files();
}

#[tokio::test(flavor = "multi_thread")]
async fn instance_without_database_allows_nothing_that_was_revoked() {
    let (proxy, mut all, mut admins) = start(1).await;
    let mut machine = all.client(0, MACHINE).await;
    for round in 0..3 {
        assign_crypto_user_of(HSM, &mut admins[1], MACHINE).await;
        until("the role is valid", async || sign(&mut machine, "key").await.is_ok()).await;
        proxy.set(Mode::Closed);
        revoke(&mut admins[1], MACHINE).await;
        for _ in 0..20 {
            let refused = refusal(sign(&mut machine, "key").await).1;
            assert!(refused.starts_with("STORAGE_"), "round {round}: {refused}");
        }
        proxy.set(Mode::Open);
        until("the role is not valid", async || {
            let refused = refusal(sign(&mut machine, "key").await).1;
            assert!(refused.starts_with("STORAGE_") || refused == "ACTION_NOT_GRANTED", "{refused}");
            refused == "ACTION_NOT_GRANTED"
        })
        .await;
    }
    all.stop_all();
    all.verify_audit_files();
}
