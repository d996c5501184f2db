//! Watching lifecycle events of keys, managed HSMs and budgets: permissions, resume tokens, start and end.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::hsms::{Container, create_activated, delete, purge};
use crate::lifecycle::{Watch, events_after, kinds, request, service, try_events_after};
use crate::roles::support::{
    CRYPTO_USER, HSM, assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, assign,
};
use crate::support::{Server, days, ec, error_metadata};

#[tokio::test]
async fn first_message_is_immediate_and_has_a_resume_token() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("before", "P-256")).await.unwrap();
    let answer = dev.lifecycle.watch_lifecycle(request(HSM, "")).await.unwrap();
    assert_audited(&server, answer.metadata(), "LifecycleWatch", "OK", "hsms/local/keys");
    let mut stream = answer.into_inner();
    let first = stream.message().await.unwrap().unwrap();
    assert_eq!(first.events, []);
    dev.create(ec("after", "P-256")).await.unwrap();
    let second = stream.message().await.unwrap().unwrap();
    assert_eq!(kinds(&second.events), ["key.created"]);
    assert_eq!(second.resume_token, second.events[0].resume_token);
    // The first message's resume token replays the events after it, and none before.
    assert_eq!(events_after(&mut dev, HSM, &first.resume_token).await, second.events);
    assert_eq!(events_after(&mut dev, HSM, &second.resume_token).await, []);
    assert_eq!(kinds(&events_after(&mut dev, HSM, "0").await), ["key.created", "key.created"]);
}

#[tokio::test]
async fn requires_read_permission_at_keys_or_subscription() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut dev = server.client("dev").await;
    for name in ["crypto-user", "crypto-auditor"] {
        let mut allowed = server.client(name).await;
        events_after(&mut allowed, HSM, "0").await;
        let status = assert_not_granted(
            allowed.control_lifecycle.watch_lifecycle(request(&container.subscription, "0")).await,
        );
        assert_eq!(error_metadata(&status, "action"), "Microsoft.KeyVault/managedHSMs/read");
    }
    for name in ["owner", "contributor", "reader"] {
        let mut allowed = server.client(name).await;
        assert_eq!(kinds(&events_after(&mut allowed, &container.subscription, "0").await), ["hsm.created"]);
        let status = assert_not_granted(allowed.lifecycle.watch_lifecycle(request(HSM, "0")).await);
        assert_eq!(error_metadata(&status, "action"), "Microsoft.KeyVault/managedHsm/keys/read/action");
        assert_eq!(error_metadata(&status, "scope"), "/keys");
    }
    // A role at one key is not a role at all keys.
    let mut nobody = server.client("nobody").await;
    assign(&mut dev, CRYPTO_USER, &server.principal("nobody").object_id, "/keys/mine").await;
    assert_not_granted(nobody.lifecycle.watch_lifecycle(request(HSM, "")).await);
}

#[tokio::test]
async fn budget_events_require_budget_read_permission() {
    let server = Server::start();
    let container = Container::of(&server);
    let budgets = format!("{}/budgets", container.subscription);
    let mut owner = server.client("owner").await;
    crate::usage::freeze_clock_at(&mut owner, "2050-01-01").await;
    let mut reader = server.client("reader").await;
    let mut watch = Watch::open(&mut reader, &budgets, "").await;
    // 768 lasts ten days at 76.80 per day.
    let making = pb::CreateBudgetRequest {
        parent: container.subscription.clone(),
        budget_id: "monthly".to_owned(),
        amount: "768".to_owned(),
    };
    let made = owner.usage.create_budget(making).await.unwrap().into_inner();
    owner.clock.advance_clock(days(59)).await.unwrap();
    for day in ["2050-01-11", "2050-02-11"] {
        let event = watch.next().await.unwrap();
        assert_eq!((event.kind.as_str(), &event.subject), ("budget.reached", &made.name));
        assert_eq!(event.at, crate::usage::midnight(day));
    }
    assert_eq!(events_after(&mut reader, &budgets, "0").await.len(), 2);
    assert_eq!(kinds(&events_after(&mut reader, &container.subscription, "0").await), ["hsm.created"]);
    for name in ["contributor", "administrator"] {
        let mut other = server.client(name).await;
        let status = assert_not_granted(other.control_lifecycle.watch_lifecycle(request(&budgets, "")).await);
        assert_eq!(error_metadata(&status, "action"), "Microsoft.Consumption/budgets/read");
    }
}

#[tokio::test]
async fn rejects_invalid_resume_tokens_and_parents() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    for token in ["x", "-1", "1000000"] {
        assert_bad_parameter(dev.lifecycle.watch_lifecycle(request(HSM, token)).await, "resume_token");
    }
    for parent in ["", "hsms/local/keys/a", "subscriptions/x", "subscriptions/x/budgets", "keys"] {
        assert_bad_parameter(service(&mut dev, parent).watch_lifecycle(request(parent, "")).await, "parent");
    }
    let elsewhere = dev.lifecycle.watch_lifecycle(request("hsms/elsewhere", "")).await;
    assert_grpc_error(elsewhere, Code::NotFound, "HSM_NOT_FOUND");
}

#[tokio::test]
async fn watch_of_keys_ends_when_its_hsm_is_deleted() {
    let server = Server::start();
    let container = Container::of(&server);
    create_activated(&server, container.create_request_with_retention("payroll", 7)).await;
    let (mut user, mut contributor) =
        (server.client("crypto-user").await, server.client("contributor").await);
    let parent = "hsms/payroll".to_owned();
    let mut watch = Watch::open(&mut user, &parent, "").await;
    user.create(pb::CreateKeyRequest { parent: parent.clone(), ..ec("old", "P-256") }).await.unwrap();
    assert_eq!(watch.next().await.unwrap().kind, "key.created");
    delete(&mut contributor, container.hsm("payroll")).await.unwrap();
    assert_grpc_error(watch.next().await, Code::FailedPrecondition, "HSM_DELETED");
    assert_grpc_error(
        try_events_after(&mut user, &parent, "0").await,
        Code::FailedPrecondition,
        "HSM_DELETED",
    );
    purge(&mut contributor, container.deleted("payroll")).await.unwrap();
    assert_grpc_error(try_events_after(&mut user, &parent, "0").await, Code::NotFound, "HSM_NOT_FOUND");

    // A new HSM of the same name has its own events.
    create_activated(&server, container.create_request_with_retention("payroll", 7)).await;
    assert_eq!(events_after(&mut user, &parent, "0").await, []);
    user.create(pb::CreateKeyRequest { parent: parent.clone(), ..ec("new", "P-256") }).await.unwrap();
    let [event] = &events_after(&mut user, &parent, "0").await[..] else { panic!("one event") };
    assert!(event.subject.starts_with("hsms/payroll/keys/new/versions/"), "{event:?}");
}
