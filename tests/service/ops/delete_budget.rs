//! Deleting a budget.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{assert_grpc_error, assert_not_granted};
use crate::support::{Server, days, error_metadata};
use crate::usage::{freeze_clock_at, subscription};

#[tokio::test]
async fn deleted_budget_emits_no_events() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    freeze_clock_at(&mut owner, "2050-01-01").await;
    let parent = subscription(&server);
    let making =
        pb::CreateBudgetRequest { parent, budget_id: "monthly".to_owned(), amount: "768".to_owned() };
    let name = owner.usage.create_budget(making).await.unwrap().into_inner().name;
    let request = pb::DeleteBudgetRequest { name };
    let mut reader = server.client("reader").await;
    let status = assert_not_granted(reader.usage.delete_budget(request.clone()).await);
    assert_eq!(error_metadata(&status, "action"), "Microsoft.Consumption/budgets/delete");
    owner.usage.delete_budget(request.clone()).await.unwrap();
    assert_eq!(owner.clock.advance_clock(days(59)).await.unwrap().into_inner().happenings, []);
    assert_grpc_error(owner.usage.delete_budget(request).await, Code::NotFound, "BUDGET_NOT_FOUND");
}
