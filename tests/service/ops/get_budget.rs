//! Reading a budget, and the event when its amount is reached.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{assert_bad_parameter, assert_grpc_error, assert_not_granted};
use crate::support::{Server, days, error_metadata};
use crate::usage::{freeze_clock_at, midnight, subscription};

fn request(server: &Server, id: &str) -> pb::GetBudgetRequest {
    pb::GetBudgetRequest { name: format!("{}/budgets/{id}", subscription(server)) }
}

#[tokio::test]
async fn emits_one_event_per_month_when_reached() {
    let mut server = Server::start();
    let mut owner = server.client("owner").await;
    freeze_clock_at(&mut owner, "2050-01-01").await;
    // 768 lasts ten days at 76.80 per day.
    let making = pb::CreateBudgetRequest {
        parent: subscription(&server),
        budget_id: "monthly".to_owned(),
        amount: "768".to_owned(),
    };
    let made = owner.usage.create_budget(making).await.unwrap().into_inner();
    assert_eq!(made.expected, midnight("2050-01-11"));
    let reported = owner.clock.advance_clock(days(59)).await.unwrap().into_inner().happenings;
    let reached = pb::happening::What::ReachedBudget(made.name.clone());
    let events: Vec<_> = reported.into_iter().map(|one| (one.at, one.what)).collect();
    let when = |day: &str| (midnight(day), Some(reached.clone()));
    assert_eq!(events, [when("2050-01-11"), when("2050-02-11")]);
    let is_threshold_event = |record: &serde_json::Value| record["operationName"] == "BudgetThresholdReached";
    let records = server.audit_where(2, is_threshold_event);
    assert_eq!(records.len(), 2);
    assert!(server.log().contains("a budget is reached"), "{}", server.log());

    server.restart();
    let mut reader = server.client("reader").await;
    let later = reader.usage.get_budget(request(&server, "MONTHLY")).await.unwrap().into_inner();
    assert_eq!((later.reached, later.expected), (midnight("2050-02-11"), midnight("2050-03-11")));
    assert_eq!(
        server.audit_where(2, is_threshold_event).len(),
        2,
        "the event is not repeated after a restart"
    );
}

#[tokio::test]
async fn budget_already_exceeded_is_reported_immediately() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    freeze_clock_at(&mut owner, "2050-01-20").await;
    let parent = subscription(&server);
    let making = pb::CreateBudgetRequest { parent, budget_id: "late".to_owned(), amount: "1".to_owned() };
    let made = owner.usage.create_budget(making).await.unwrap().into_inner();
    assert_eq!(made.expected, midnight("2050-01-20"));
    // The scheduler is woken by the change.
    let records = server.audit_where(1, |record| record["operationName"] == "BudgetThresholdReached");
    assert_eq!(records[0]["target"].as_str().unwrap().rsplit('/').next(), Some("late"));
    let read = owner.usage.get_budget(request(&server, "late")).await.unwrap().into_inner();
    assert_eq!(read.reached, midnight("2050-01-20"));
}

#[tokio::test]
async fn rejects_missing_permission_and_unknown_budgets() {
    let server = Server::start();
    for name in ["administrator", "contributor", "nobody"] {
        let mut caller = server.client(name).await;
        let status = assert_not_granted(caller.usage.get_budget(request(&server, "b")).await);
        assert_eq!(error_metadata(&status, "action"), "Microsoft.Consumption/budgets/read");
    }
    let mut reader = server.client("reader").await;
    assert_grpc_error(
        reader.usage.get_budget(request(&server, "b")).await,
        Code::NotFound,
        "BUDGET_NOT_FOUND",
    );
    assert_bad_parameter(reader.usage.get_budget(request(&server, "a b")).await, "name");
}
