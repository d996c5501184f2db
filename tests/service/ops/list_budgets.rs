//! Listing budgets.

use strongroom::api::grpc::pb;

use crate::roles::support::assert_not_granted;
use crate::support::{Server, error_metadata};
use crate::usage::{managed_hsm, subscription};

#[tokio::test]
async fn lists_the_budgets_of_a_subscription_by_name() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    let list = pb::ListBudgetsRequest { parent: subscription(&server) };
    assert_eq!(owner.usage.list_budgets(list.clone()).await.unwrap().into_inner().budgets, []);
    for (parent, id) in [(subscription(&server), "b"), (managed_hsm(&server, "local"), "A")] {
        let amount = "999999".to_owned();
        let making = pb::CreateBudgetRequest { parent, budget_id: id.to_owned(), amount };
        owner.usage.create_budget(making).await.unwrap();
    }
    let mut reader = server.client("reader").await;
    let listed = reader.usage.list_budgets(list.clone()).await.unwrap().into_inner().budgets;
    let scopes: Vec<_> = listed.into_iter().map(|budget| budget.scope).collect();
    assert_eq!(scopes, [managed_hsm(&server, "local"), subscription(&server)]);

    let mut nobody = server.client("nobody").await;
    let status = assert_not_granted(nobody.usage.list_budgets(list).await);
    assert_eq!(error_metadata(&status, "action"), "Microsoft.Consumption/budgets/read");
}
