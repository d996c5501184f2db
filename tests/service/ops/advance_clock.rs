//! Advancing the virtual clock.

use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::advance_clock_request::Target;

use crate::support::{Server, days, ec, error_metadata};

fn purged(reply: &pb::AdvanceClockResponse) -> Vec<(i64, String)> {
    let each = reply.happenings.iter().map(|happening| match &happening.what {
        Some(pb::happening::What::PurgedKey(name)) => (happening.at.unwrap().seconds, name.clone()),
        _ => panic!("{happening:?}"),
    });
    each.collect()
}

#[tokio::test]
async fn due_work_runs_in_order_and_is_reported() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    let mut due = Vec::new();
    for name in ["b", "a", "c"] {
        dev.create(ec(name, "P-256")).await.unwrap();
        let request = pb::DeleteKeyRequest { name: format!("hsms/local/keys/{name}") };
        let deleted = dev.keys.delete_key(request).await.unwrap().into_inner();
        due.push((deleted.scheduled_purge_at.unwrap().seconds, format!("hsms/local/deletedKeys/{name}")));
        dev.clock.advance_clock(days(1)).await.unwrap();
    }
    let nothing = dev.clock.advance_clock(days(86)).await.unwrap().into_inner();
    assert_eq!(purged(&nothing), []);
    let reply = dev.clock.advance_clock(days(10)).await.unwrap().into_inner();
    assert_eq!(purged(&reply), due);

    // Each purge is audited at its scheduled time.
    let purges = server.audit_where(3, |record| record["operationName"] == "KeyPurge");
    assert_eq!(purges.len(), 3);
    for (record, (at, name)) in purges.iter().zip(&due) {
        assert_eq!(record["target"], **name);
        let time: jiff::Timestamp = record["time"].as_str().unwrap().parse().unwrap();
        assert_eq!(time.as_second(), *at);
        assert_eq!(record["resultType"], "Success");
    }
}

#[tokio::test]
async fn rejects_targets_in_the_past_or_out_of_range() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    let instant = |seconds| Target::To(prost_types::Timestamp { seconds, nanos: 0 });
    let by = |seconds, nanos| Target::By(prost_types::Duration { seconds, nanos });
    let refused = [
        (None, "target"),
        (Some(instant(1_000_000_000)), "to"),
        (Some(instant(i64::MAX)), "to"),
        (Some(by(-1, 0)), "by"),
        (Some(by(0, -1)), "by"),
        (Some(by(i64::MAX, 0)), "by"),
        // Out of the range of `google.protobuf.Duration`: such values once ended the call without a status.
        (Some(by(i64::MAX, 2_000_000_000)), "by"),
        (Some(by(0, 1_000_000_000)), "by"),
        (Some(by(i64::MIN, i32::MIN)), "by"),
        (Some(Target::To(prost_types::Timestamp { seconds: i64::MAX, nanos: i32::MAX })), "to"),
    ];
    let wrong = refused.len();
    let before = dev.clock.get_clock(pb::GetClockRequest {}).await.unwrap().into_inner().now.unwrap();
    for (target, field) in refused {
        let status = dev
            .clock
            .advance_clock(pb::AdvanceClockRequest { target, ..Default::default() })
            .await
            .unwrap_err();
        assert_eq!(
            (status.code(), error_metadata(&status, "field").as_str()),
            (tonic::Code::InvalidArgument, field)
        );
    }
    // Each rejected call has its own audit entry.
    let records = server.audit_where(wrong, |record| record["operationName"] == "ClockAdvance");
    assert_eq!(records.len(), wrong);
    assert!(records.iter().all(|record| record["resultSignature"] == "BAD_PARAMETER"), "{records:?}");
    let after = dev.clock.get_clock(pb::GetClockRequest {}).await.unwrap().into_inner().now.unwrap();
    assert!((0..30).contains(&(after.seconds - before.seconds)));
    let nothing = pb::AdvanceClockRequest { target: Some(by(0, 0)), ..Default::default() };
    dev.clock.advance_clock(nothing).await.unwrap();
}

#[tokio::test]
async fn only_principals_granted_by_the_seed_set_the_clock() {
    let server = Server::start();
    for name in ["crypto-user", "contributor", "administrator", "nobody"] {
        let mut client = server.client(name).await;
        let refusals = [
            client.clock.advance_clock(days(1)).await.map(drop),
            client.clock.freeze_clock(pb::FreezeClockRequest {}).await.map(drop),
            client.clock.resume_clock(pb::ResumeClockRequest {}).await.map(drop),
        ];
        for refused in refusals {
            let refused = refused.unwrap_err();
            assert_eq!(refused.code(), tonic::Code::PermissionDenied, "{name}: {refused:?}");
            assert_eq!(error_metadata(&refused, "action"), "Strongroom.Simulator/clock/turn/action");
        }
        assert!(client.clock.get_clock(pb::GetClockRequest {}).await.is_ok(), "all callers read the clock");
    }
    for name in ["dev", "owner"] {
        server.client(name).await.clock.advance_clock(days(1)).await.unwrap();
    }
}

#[tokio::test]
async fn advancing_over_ten_years_requires_force() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    let far = days(3654);
    let refused = dev.clock.advance_clock(far).await.unwrap_err();
    assert_eq!(
        (refused.code(), error_metadata(&refused, "field").as_str()),
        (tonic::Code::InvalidArgument, "force")
    );
    dev.clock.advance_clock(days(3653)).await.unwrap();
    dev.clock.advance_clock(pb::AdvanceClockRequest { force: true, ..far }).await.unwrap();
}
