//! Resuming a frozen clock.

use strongroom::api::grpc::pb;

use crate::support::Server;

#[tokio::test]
async fn continues_from_the_frozen_time() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let frozen = dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap().into_inner();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let resumed = dev.clock.resume_clock(pb::ResumeClockRequest {}).await.unwrap().into_inner();
    assert!(!resumed.frozen);
    assert_eq!(resumed.now, frozen.now, "the duration of the freeze is not added");
    std::thread::sleep(std::time::Duration::from_millis(50));
    let again = dev.clock.resume_clock(pb::ResumeClockRequest {}).await.unwrap().into_inner();
    let (then, now) = (resumed.now.unwrap(), again.now.unwrap());
    assert!((now.seconds, now.nanos) > (then.seconds, then.nanos), "resuming a running clock has no effect");
}
