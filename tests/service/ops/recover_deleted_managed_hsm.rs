//! Recovering a deleted managed HSM. `hsms.rs` tests what is recovered with it.

use tonic::Code;

use crate::hsms::{Container, delete, live_names, recover};
use crate::roles::support::{assert_bad_parameter, assert_grpc_error, assert_not_granted};
use crate::support::{Server, days};

#[tokio::test]
async fn recovered_hsm_is_unchanged_and_can_be_deleted_again() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    let first = delete(&mut contributor, container.hsm("local")).await.unwrap();
    let recovered = recover(&mut contributor, container.deleted("local")).await.unwrap();
    assert_eq!(Some(recovered), first.managed_hsm);
    assert_eq!(live_names(&mut contributor, &container).await, ["local"]);
    assert_grpc_error(
        recover(&mut contributor, container.deleted("local")).await,
        Code::NotFound,
        "DELETED_HSM_NOT_FOUND",
    );

    let mut dev = server.client("dev").await;
    dev.clock.advance_clock(days(10)).await.unwrap();
    delete(&mut contributor, container.hsm("local")).await.unwrap();
    // Nothing is purged on the first scheduled purge date.
    assert_eq!(dev.clock.advance_clock(days(85)).await.unwrap().into_inner().happenings, []);
    assert_eq!(dev.clock.advance_clock(days(5)).await.unwrap().into_inner().happenings.len(), 1);
}

#[tokio::test]
async fn requires_managed_hsm_write_permission() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    delete(&mut contributor, container.hsm("local")).await.unwrap();
    for name in ["reader", "administrator", "crypto-officer", "nobody"] {
        assert_not_granted(recover(&mut server.client(name).await, container.deleted("local")).await);
    }
    assert_bad_parameter(recover(&mut contributor, container.hsm("local")).await, "name");
    recover(&mut contributor, container.deleted("local")).await.unwrap();
}
