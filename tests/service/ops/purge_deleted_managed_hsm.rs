//! Purging a deleted managed HSM. `hsms.rs` tests what remains of it.

use strongroom::api::grpc::pb::happening::What;
use tonic::Code;

use crate::hsms::{Container, delete, purge};
use crate::roles::support::{assert_bad_parameter, assert_grpc_error, assert_not_granted};
use crate::support::{Server, days, error_metadata};

#[tokio::test]
async fn rejects_live_hsms_and_missing_permission() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    assert_grpc_error(
        purge(&mut contributor, container.deleted("local")).await,
        Code::NotFound,
        "DELETED_HSM_NOT_FOUND",
    );
    delete(&mut contributor, container.hsm("local")).await.unwrap();
    for name in ["reader", "administrator", "crypto-officer", "nobody"] {
        assert_not_granted(purge(&mut server.client(name).await, container.deleted("local")).await);
    }
    assert_bad_parameter(purge(&mut contributor, container.hsm("local")).await, "name");
    purge(&mut contributor, container.deleted("local")).await.unwrap();
    assert_grpc_error(
        purge(&mut contributor, container.deleted("local")).await,
        Code::NotFound,
        "DELETED_HSM_NOT_FOUND",
    );
}

/// With purge protection, purge requests fail on day 92, and the service purges on day 93.
#[tokio::test]
async fn purge_protection_holds_until_the_scheduled_purge() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    let mut request = container.create_request_with_retention("payroll", 90);
    request.managed_hsm.as_mut().unwrap().purge_protection = true;
    contributor.hsms.create_managed_hsm(request).await.unwrap();
    let mut dev = server.client("dev").await;
    dev.clock.advance_clock(days(3)).await.unwrap();
    let deleted = delete(&mut contributor, container.hsm("payroll")).await.unwrap();
    dev.clock.advance_clock(days(89)).await.unwrap();
    for name in ["owner", "contributor", "dev"] {
        let refused = purge(&mut server.client(name).await, deleted.name.clone()).await;
        let status = assert_grpc_error(refused, Code::FailedPrecondition, "PURGE_PROTECTED");
        assert_eq!(error_metadata(&status, "recovery_level"), "Recoverable");
    }
    let events = dev.clock.advance_clock(days(1)).await.unwrap().into_inner().happenings;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].what, Some(What::PurgedHsm(deleted.name.clone())));
    assert_eq!(events[0].at, deleted.scheduled_purge_at);
    contributor.hsms.create_managed_hsm(container.create_request("payroll")).await.unwrap();
    let purges = server.audit_where(1, |record| {
        record["operationName"] == "ManagedHsmPurge" && record["resultType"] == "Success"
    });
    assert_eq!(purges[0]["httpStatusCode"], 200);
}
