//! Letting the clock go on.

use strongroom::api::grpc::pb;

use crate::support::Server;

#[tokio::test]
async fn a_clock_goes_on_from_where_it_stood() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let frozen = dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap().into_inner();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let resumed = dev.clock.resume_clock(pb::ResumeClockRequest {}).await.unwrap().into_inner();
    assert!(!resumed.frozen);
    assert_eq!(resumed.now, frozen.now, "the time it stood still is not made up for");
    std::thread::sleep(std::time::Duration::from_millis(50));
    let again = dev.clock.resume_clock(pb::ResumeClockRequest {}).await.unwrap().into_inner();
    let (then, now) = (resumed.now.unwrap(), again.now.unwrap());
    assert!((now.seconds, now.nanos) > (then.seconds, then.nanos), "a clock that goes is let go");
}
