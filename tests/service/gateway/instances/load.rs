//! Failures of instances, of the database and of connections while calls are made. These tests take long, and depend on how a busy
//! machine schedules them: `make soak` runs them.

use std::time::Duration;

use super::super::fixture::ADMIN;
use super::super::{HSM, assign_crypto_user_of};
use super::checker::{Checker, assert_nothing_is_lost, under_load};
use super::kit::{Database, Instances};
use super::proxy::{At, Cut, Mode, Proxy};

async fn checkers(all: &Instances) -> Vec<Checker> {
    assign_crypto_user_of(HSM, &mut all.client(0, ADMIN).await, ADMIN).await;
    let mut checkers = Vec::new();
    for number in 0..3 {
        checkers.push(Checker::new(all, number).await);
    }
    checkers
}

async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_while_instances_and_the_database_fail() {
    let mut all = Instances::start(3);
    let mut checkers = checkers(&all).await;
    for round in 0..6 {
        let victim = round as usize % 3;
        under_load(&mut all, &mut checkers, round, async |all| match round {
            0 | 3 => {
                all.kill(victim);
                all.spawn(victim);
            }
            // It wakes up with an old image of the state.
            1 | 4 => {
                all.signal(victim, "STOP");
                pause(Duration::from_secs(2)).await;
                all.signal(victim, "CONT");
            }
            _ => {
                all.database.script("kill");
                pause(Duration::from_millis(300)).await;
                all.database.script("start");
            }
        })
        .await;
    }
    assert_nothing_is_lost(&mut all, &mut checkers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_by_failovers_under_load() {
    let mut all = Instances::start(3);
    let mut checkers = checkers(&all).await;
    for round in 0..3 {
        under_load(&mut all, &mut checkers, round, async |all| {
            all.database.add_standby();
            pause(Duration::from_millis(500)).await;
            // The last primary is not killed: it is cut off for a while, and does not notice that it is none any more.
            let how = if round == 2 { "pause" } else { "kill" };
            all.database.script(how);
            all.database.promote();
            if round == 2 {
                all.database.resume_former_primary();
            }
        })
        .await;
    }
    assert_nothing_is_lost(&mut all, &mut checkers).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_while_connections_are_cut() {
    let database = Database::start();
    let proxies: Vec<Proxy> = (0..3).map(|_| Proxy::start(&database)).collect();
    let urls: Vec<String> = proxies.iter().map(Proxy::url).collect();
    let mut all = Instances::start_on(database, &urls);
    let mut checkers = checkers(&all).await;
    for round in 0..6 {
        let proxy = &proxies[round as usize % 3];
        under_load(&mut all, &mut checkers, round, async |_| match round % 3 {
            0 => {
                for _ in 0..5 {
                    proxies.iter().for_each(Proxy::close_all);
                    pause(Duration::from_millis(1_500)).await;
                }
            }
            // Longer than a statement and an attempt to connect may take.
            1 => {
                proxy.set(Mode::Silent);
                pause(Duration::from_secs(13)).await;
                proxy.set(Mode::Open);
            }
            _ => {
                for cut in [Cut::NotForwarded, Cut::Forwarded, Cut::Answered].repeat(3) {
                    for (at, proxy) in [At::COMMIT, At::RECORDS, At::COMMIT].into_iter().zip(&proxies) {
                        proxy.cut_next(cut, at);
                    }
                    pause(Duration::from_millis(1_200)).await;
                }
            }
        })
        .await;
    }
    let cuts: u64 = proxies.iter().map(Proxy::cuts).sum();
    println!("{cuts} answers were lost");
    assert!(cuts >= 20, "{cuts}");
    assert_nothing_is_lost(&mut all, &mut checkers).await;
}
