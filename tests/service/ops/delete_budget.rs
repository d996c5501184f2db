//! Deleting a budget.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::bill::{stand_at, subscription};
use crate::roles::ask::{fails, not_granted};
use crate::support::{Server, days, fact};

#[tokio::test]
async fn deleted_budget_emits_no_events() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    stand_at(&mut owner, "2050-01-01").await;
    let parent = subscription(&server);
    let making =
        pb::CreateBudgetRequest { parent, budget_id: "monthly".to_owned(), amount: "768".to_owned() };
    let name = owner.usage.create_budget(making).await.unwrap().into_inner().name;
    let request = pb::DeleteBudgetRequest { name };
    let mut reader = server.client("reader").await;
    let status = not_granted(reader.usage.delete_budget(request.clone()).await);
    assert_eq!(fact(&status, "action"), "Microsoft.Consumption/budgets/delete");
    owner.usage.delete_budget(request.clone()).await.unwrap();
    assert_eq!(owner.clock.advance_clock(days(59)).await.unwrap().into_inner().happenings, []);
    fails(owner.usage.delete_budget(request).await, Code::NotFound, "BUDGET_NOT_FOUND");
}
