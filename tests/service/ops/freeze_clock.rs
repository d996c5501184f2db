//! Freezing the virtual clock.

use strongroom::api::grpc::pb;

use crate::support::{Server, days, ec};

#[tokio::test]
async fn frozen_clock_stops_but_can_be_advanced() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let frozen = dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap().into_inner();
    assert!(frozen.frozen);
    std::thread::sleep(std::time::Duration::from_millis(50));
    let made = dev.create(ec("a", "P-256")).await.unwrap();
    assert_eq!(made.created, frozen.now, "a new key has the frozen time");

    let advanced = dev.clock.advance_clock(days(1)).await.unwrap().into_inner().clock.unwrap();
    assert!(advanced.frozen);
    let (from, to) = (frozen.now.unwrap(), advanced.now.unwrap());
    assert_eq!((to.seconds - from.seconds, to.nanos), (86_400, from.nanos));

    server.restart();
    let mut dev = server.client("dev").await;
    let restarted = dev.clock.get_clock(pb::GetClockRequest {}).await.unwrap().into_inner();
    assert_eq!(restarted, advanced);
}
