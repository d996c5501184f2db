//! Creating a budget.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::{Server, error_metadata};
use crate::usage::{freeze_clock_at, managed_hsm, subscription, vault};
use crate::vault_keys;

fn request(parent: String, id: &str, amount: &str) -> pb::CreateBudgetRequest {
    pb::CreateBudgetRequest { parent, budget_id: id.to_owned(), amount: amount.to_owned() }
}

#[tokio::test]
async fn reports_when_the_amount_is_expected_to_be_reached() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    freeze_clock_at(&mut owner, "2050-01-01").await;
    // At 3.20 per hour, 320 lasts 100 hours.
    let answer = owner.usage.create_budget(request(subscription(&server), "Monthly", "320")).await;
    let target = format!("/{}", subscription(&server));
    assert_audited(&server, metadata(&answer), "BudgetCreate", "OK", &target);
    let made = answer.unwrap().into_inner();
    assert_eq!(made.name, format!("{}/budgets/Monthly", subscription(&server)));
    assert_eq!((made.amount.as_str(), made.currency.as_str()), ("320", "USD"));
    assert_eq!(made.expected.unwrap().seconds - made.created.unwrap().seconds, 360_000);
    assert_eq!(made.reached, None);
    // The longest month, 744 hours, costs 2,380.80.
    let never = request(managed_hsm(&server, "local"), "never", "2380.81");
    let never = owner.usage.create_budget(never).await.unwrap().into_inner();
    assert_eq!((never.expected, never.scope), (None, managed_hsm(&server, "local")));

    let again = request(subscription(&server), "MONTHLY", "1");
    assert_grpc_error(owner.usage.create_budget(again).await, Code::AlreadyExists, "BUDGET_EXISTS");
}

#[tokio::test]
async fn budget_of_a_vault_is_reached_by_its_cost() {
    let (server, mut dev) = vault_keys::start().await;
    let mut owner = server.client("owner").await;
    freeze_clock_at(&mut owner, "2050-01-01").await;
    let scope = vault(&server, "demo");
    let made = owner.usage.create_budget(request(scope.clone(), "web", "5")).await.unwrap().into_inner();
    assert_eq!((made.scope, made.expected, made.reached), (scope, None, None));
    // A version of an EC-HSM key costs 5.00 in a month in which it is used.
    let key = vault_keys::create(&mut dev, vault_keys::VAULT, "signing", "EC-HSM");
    let key = key.await.unwrap();
    vault_keys::assert_signs(&mut dev, &key.name, &key).await;
    freeze_clock_at(&mut owner, "2050-01-02").await;
    let get = pb::GetBudgetRequest { name: made.name };
    let known = owner.usage.get_budget(get).await.unwrap().into_inner();
    assert!(known.reached.is_some(), "{known:?}");
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    for name in ["administrator", "contributor", "reader", "nobody"] {
        let mut caller = server.client(name).await;
        let status =
            assert_not_granted(caller.usage.create_budget(request(subscription(&server), "b", "1")).await);
        assert_eq!(error_metadata(&status, "action"), "Microsoft.Consumption/budgets/write");
    }
    let mut owner = server.client("owner").await;
    for amount in ["", "0", "-1", "1.001", "a lot", "1e3", "1000000000001"] {
        assert_bad_parameter(
            owner.usage.create_budget(request(subscription(&server), "b", amount)).await,
            "amount",
        );
    }
    assert_bad_parameter(
        owner.usage.create_budget(request(subscription(&server), "a b", "1")).await,
        "budget_id",
    );
    let group = format!("{}/resourceGroups/dev", subscription(&server));
    assert_bad_parameter(owner.usage.create_budget(request(group, "b", "1")).await, "parent");
    let elsewhere = request(managed_hsm(&server, "elsewhere"), "b", "1");
    assert_grpc_error(owner.usage.create_budget(elsewhere).await, Code::NotFound, "HSM_NOT_FOUND");
}
