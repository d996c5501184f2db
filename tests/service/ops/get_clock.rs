//! Reading the virtual clock.

use strongroom::api::grpc::pb;

use crate::support::{Client, Server, days};

#[tokio::test]
async fn starts_at_the_system_time_and_keeps_its_offset() {
    let mut server = Server::start();
    let mut nobody = server.client("nobody").await;
    let machine = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let shown = nobody.clock.get_clock(pb::GetClockRequest {}).await.unwrap().into_inner();
    assert!(!shown.frozen);
    assert_eq!((shown.standing.as_str(), &shown.hold, &shown.behind), ("running", &None, &None));
    assert!(shown.now.unwrap().seconds.abs_diff(i64::try_from(machine()).unwrap()) < 30);

    server.client("dev").await.clock.advance_clock(days(10)).await.unwrap();
    server.restart();
    let mut nobody = server.client("nobody").await;
    let shown = nobody.clock.get_clock(pb::GetClockRequest {}).await.unwrap().into_inner();
    let ahead = shown.now.unwrap().seconds - i64::try_from(machine()).unwrap();
    assert!((864_000 - 30..864_000 + 30).contains(&ahead), "{ahead}");
}

#[tokio::test]
async fn rejects_unauthenticated_clients() {
    let server = Server::start();
    let mut unauthenticated = Client::new(server.channel().await, None);
    let refused = unauthenticated.clock.get_clock(pb::GetClockRequest {}).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
    let refused = unauthenticated.clock.advance_clock(days(1)).await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::Unauthenticated);
}
