//! Tests exhausted file descriptors: by connections, and by a lowered limit.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, Signal, getrlimit, kill_process, prlimit, setrlimit};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::scenario::Calls;
use super::{errors_with, wait_for_health};
use crate::support::{Server, reason};
use crate::worker_processes::workers;

const EXHAUSTED: &str = "no file descriptors are left";

/// Sets the number of descriptors that a server may have.
fn limit(server: &Server, descriptors: Option<u64>) -> Option<u64> {
    let process = Pid::from_raw(i32::try_from(server.process_id()).unwrap());
    let maximum = getrlimit(Resource::Nofile).maximum;
    prlimit(process, Resource::Nofile, Rlimit { current: descriptors.or(maximum), maximum }).unwrap().current
}

/// The processor time that a process has used, in hundredths of a second.
fn processor_time(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.process_id())).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.connection().endpoint.strip_prefix("https://").unwrap()).unwrap()
}

#[tokio::test]
async fn exhausted_descriptors_are_told_once_and_service_recovers() {
    // The worker processes of the token have descriptors of their own.
    let server = Server::start_with(&[], &[("STRONGROOM_TOKEN__ISOLATION", "process")]);
    let mut calls = Calls::begin(&server).await;
    let channel = server.channel().await;
    let status = async || {
        let answer = HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await;
        answer.unwrap().into_inner().status()
    };
    assert_eq!(status().await, ServingStatus::Serving);
    // No number below the limit is free.
    let before = limit(&server, Some(3));
    let waiting: Vec<TcpStream> = (0..50).map(|_| connect(&server)).collect();
    // Connections, the database and the audit log go on.
    for number in 0..20 {
        calls.sign().await.unwrap();
        calls.create(&format!("key-{number}")).await.unwrap();
    }
    let started = Instant::now();
    while status().await != ServingStatus::NotServing {
        assert!(started.elapsed() < Duration::from_secs(20), "{}", server.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(server.log().contains("health check failed"), "{}", server.log());
    let used = processor_time(&server);
    tokio::time::sleep(Duration::from_secs(3)).await;
    let used = processor_time(&server) - used;
    assert!(used < 100, "{used} hundredths of a second in 3 s: accepting is retried without a pause");
    assert_eq!(errors_with(&server, EXHAUSTED), 1, "{}", server.log());
    // A worker process that ends now cannot be replaced until descriptors are free.
    for worker in workers(&server) {
        kill_process(worker, Signal::KILL).unwrap();
    }

    limit(&server, before);
    let health = wait_for_health(&server, 200).await;
    assert_eq!(health.get("failing"), None, "{health}");
    drop(waiting);
    calls.connect(&server).await;
    calls.wait_until_served(&server).await;
    calls.create("after").await.unwrap();
    calls.assert_nothing_lost(&server).await;
    assert!(server.log().contains("connections are accepted again"), "{}", server.log());
}

#[tokio::test]
async fn exhausted_descriptors_make_a_token_in_the_process_unavailable_until_a_restart() {
    let mut server = Server::start_with(&[], &[("STRONGROOM_TOKEN__ISOLATION", "threads")]);
    let mut calls = Calls::begin(&server).await;
    let before = limit(&server, Some(3));
    let refused = calls.create("refused").await.unwrap_err();
    assert!(reason(&refused).starts_with("TOKEN_"), "{refused:?}");
    limit(&server, before);
    // SoftHSM does not find its objects again before it is loaded anew.
    let health = wait_for_health(&server, 503).await;
    assert!(health["failing"][0]["reason"].as_str().unwrap().starts_with("TOKEN_"), "{health}");
    server.restart();
    wait_for_health(&server, 200).await;
    calls.connect(&server).await;
    calls.sign().await.unwrap();
    calls.create("refused").await.unwrap();
    calls.assert_nothing_lost(&server).await;
}

#[tokio::test]
async fn silent_connections_leave_descriptors_for_files() {
    // The server inherits the limit of this process, which then needs more itself.
    let own = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(300), ..own }).unwrap();
    let server = Server::start();
    setrlimit(Resource::Nofile, Rlimit { current: own.maximum, ..own }).unwrap();
    let mut calls = Calls::begin(&server).await;
    assert!(server.log().contains("the limit of open files"), "{}", server.log());
    let mut silent = Vec::new();
    for round in 0..15 {
        silent.extend((0..100).map(|_| connect(&server)));
        calls.sign().await.unwrap();
        calls.create(&format!("key-{round}")).await.unwrap();
    }
    // A new client is served, too.
    calls.connect(&server).await;
    calls.sign().await.unwrap();
    let health = wait_for_health(&server, 200).await;
    assert_eq!(health["status"], "serving");
    assert_eq!(errors_with(&server, EXHAUSTED), 0, "{}", server.log());
    drop(silent);
    calls.assert_nothing_lost(&server).await;
}
