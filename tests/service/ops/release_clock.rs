//! Releasing the clock. `gateway/time.rs` tests the release of a clock on hold.

use strongroom::api::grpc::pb;

use crate::support::{Server, error_metadata, reason};

#[tokio::test]
async fn release_does_not_change_the_clock_of_a_simulator() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    owner.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    let shown = owner.clock.get_clock(pb::GetClockRequest {}).await.unwrap().into_inner();
    let released = owner.clock.release_clock(pb::ReleaseClockRequest {}).await.unwrap().into_inner();
    assert_eq!(released, shown);
    assert_eq!(server.audit_where(1, |record| record["operationName"] == "ClockRelease").len(), 1);
}

#[tokio::test]
async fn requires_managed_hsm_purge_permission() {
    let server = Server::start();
    for name in ["reader", "crypto-user", "crypto-officer", "nobody"] {
        let mut client = server.client(name).await;
        let refused = client.clock.release_clock(pb::ReleaseClockRequest {}).await.unwrap_err();
        assert_eq!(
            (reason(&refused).as_str(), error_metadata(&refused, "action").as_str()),
            ("ACTION_NOT_GRANTED", "Microsoft.KeyVault/locations/deletedManagedHsms/purge/action"),
            "{name}"
        );
    }
    assert!(server.client("contributor").await.clock.release_clock(pb::ReleaseClockRequest {}).await.is_ok());
}
