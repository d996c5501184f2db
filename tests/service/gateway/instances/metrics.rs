//! Tests the metrics of several instances over one database.

use std::time::{Duration, Instant};

use strongroom::api::grpc::pb;

use super::super::fixture::ADMIN;
use super::super::{HSM, assign_crypto_user_of};
use super::kit::{Instances, create, key};
use crate::calls::sign;

/// The time within which the lease passes on, and an instance that does not run any more is taken over.
const PATIENCE: Duration = Duration::from_secs(60);

/// A metric of an instance; `None` if it has none of this name.
async fn metric(all: &Instances, number: usize, name: &str) -> Option<f64> {
    let url = format!("http://127.0.0.1:{}/metrics", all.metrics_ports[number]);
    let text = reqwest::get(url).await.unwrap().text().await.unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

/// The value of a metric of each instance.
async fn metrics(all: &Instances, name: &str) -> [f64; 2] {
    [metric(all, 0, name).await.unwrap(), metric(all, 1, name).await.unwrap()]
}

#[tokio::test]
async fn instances_report_lease_changes_and_takeovers() {
    let mut all = Instances::start(2);
    let mut admins = all.clients(ADMIN).await;
    assign_crypto_user_of(HSM, &mut admins[0], ADMIN).await;
    let started = Instant::now();
    let holder = loop {
        let held = metrics(&all, "strongroom_lease_held").await;
        assert!(held.iter().sum::<f64>() <= 1.0, "{held:?}");
        if let Some(holder) = held.iter().position(|held| *held == 1.0) {
            break holder;
        }
        assert!(started.elapsed() < PATIENCE, "no instance has the lease");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let other = 1 - holder;

    // Calls at once after a change that another instance has acknowledged are decided again, unless this one has followed meanwhile.
    let applied = metrics(&all, "strongroom_change_log_applied_total").await[other];
    let mut round = 0;
    while metrics(&all, "strongroom_calls_decided_again_total").await[other] == 0.0 {
        assert!(round < 50, "no call was decided again");
        let name = format!("key-{round}");
        create(&mut admins[holder], &name).await.unwrap();
        admins[other].keys.get_key(pb::GetKeyRequest { name: key(&name) }).await.unwrap();
        round += 1;
    }
    let now = metrics(&all, "strongroom_change_log_applied_total").await[other];
    assert!(now >= applied + f64::from(round), "{round} keys were created, and {applied} became {now}");

    let started = Instant::now();
    loop {
        let [one, another] = metrics(&all, "strongroom_change_log_position").await;
        assert!(one > 0.0);
        if one == another {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "the positions are {one} and {another}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    // A killed instance leaves at least the usage of its last calls.
    assert_eq!(metrics(&all, "strongroom_instance_takeovers_total").await, [0.0, 0.0]);
    sign(&mut admins[other], &key("key-0"), "ES256", &[7; 32]).await.unwrap();
    all.kill(other);
    let started = Instant::now();
    while metric(&all, holder, "strongroom_instance_takeovers_total").await != Some(1.0) {
        assert!(started.elapsed() < PATIENCE, "{}", all.log(holder));
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
