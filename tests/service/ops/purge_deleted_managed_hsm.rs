//! Purging a deleted managed HSM. What is left is seen in `hsms.rs`.

use strongroom::api::grpc::pb::happening::What;
use tonic::Code;

use crate::hsms::{Place, delete, purge};
use crate::roles::ask::{bad, fails, not_granted};
use crate::support::{Server, days, fact};

#[tokio::test]
async fn only_who_may_purges_and_only_what_is_deleted() {
    let server = Server::start();
    let place = Place::of(&server);
    let mut contributor = server.client("contributor").await;
    fails(purge(&mut contributor, place.deleted("local")).await, Code::NotFound, "DELETED_HSM_NOT_FOUND");
    delete(&mut contributor, place.hsm("local")).await.unwrap();
    for name in ["reader", "administrator", "crypto-officer", "nobody"] {
        not_granted(purge(&mut server.client(name).await, place.deleted("local")).await);
    }
    bad(purge(&mut contributor, place.hsm("local")).await, "name");
    purge(&mut contributor, place.deleted("local")).await.unwrap();
    fails(purge(&mut contributor, place.deleted("local")).await, Code::NotFound, "DELETED_HSM_NOT_FOUND");
}

/// Purge protection refuses everybody on day 92, and the service purges on day 93.
#[tokio::test]
async fn purge_protection_refuses_everybody_until_the_service_purges() {
    let server = Server::start();
    let place = Place::of(&server);
    let mut contributor = server.client("contributor").await;
    let mut request = place.retaining("payroll", 90);
    request.managed_hsm.as_mut().unwrap().purge_protection = true;
    contributor.hsms.create_managed_hsm(request).await.unwrap();
    let mut dev = server.client("dev").await;
    dev.clock.advance_clock(days(3)).await.unwrap();
    let deleted = delete(&mut contributor, place.hsm("payroll")).await.unwrap();
    dev.clock.advance_clock(days(89)).await.unwrap();
    for name in ["owner", "contributor", "dev"] {
        let refused = purge(&mut server.client(name).await, deleted.name.clone()).await;
        let status = fails(refused, Code::FailedPrecondition, "PURGE_PROTECTED");
        assert_eq!(fact(&status, "recovery_level"), "Recoverable");
    }
    let happened = dev.clock.advance_clock(days(1)).await.unwrap().into_inner().happenings;
    assert_eq!(happened.len(), 1);
    assert_eq!(happened[0].what, Some(What::PurgedHsm(deleted.name.clone())));
    assert_eq!(happened[0].at, deleted.scheduled_purge_at);
    contributor.hsms.create_managed_hsm(place.creating("payroll")).await.unwrap();
    let purges = server.audit_of(1, |record| {
        record["operationName"] == "ManagedHsmPurge" && record["resultType"] == "Success"
    });
    assert_eq!(purges[0]["httpStatusCode"], 200);
}
