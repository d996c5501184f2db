//! Tests that concurrent calls respect limits and unique names, when each call alone would succeed.

use std::collections::HashSet;

use futures_util::future::join_all;
use strongroom::api::grpc::pb;
use tonic::Code;

use crate::arm::client::{Arm, hsm, hsm_body};
use crate::hsms::Container;
use crate::roles::support::{CRYPTO_USER, assignment_request, definition_request, guid};
use crate::support::{Server, reason};
use crate::usage::{managed_hsm, subscription};

/// The object id of the seed's principal `dev`.
const DEV: &str = "5f5f0fe6-58db-5998-91a5-15b9b035d751";

/// Returns the number of successful replies, and asserts that all others are errors with this code and reason.
fn successes<T>(answers: &[Result<T, tonic::Status>], code: Code, why: &str) -> usize {
    for status in answers.iter().filter_map(|answer| answer.as_ref().err()) {
        assert_eq!((status.code(), reason(status)), (code, why.to_owned()), "{status}");
    }
    answers.iter().filter(|answer| answer.is_ok()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_hsm_creations_over_arm_respect_the_limit() {
    let server = Server::start();
    let contributor = Arm::authenticated(&server, "contributor").await;
    let answers = join_all((0..7).map(|number| {
        let contributor = contributor.clone();
        async move { contributor.send("PUT", &hsm(&format!("pay-{number}")), &hsm_body(DEV)).await }
    }))
    .await;
    // The seed's HSM is one of the five.
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    let made = statuses.iter().filter(|status| matches!(status, 200..=202)).count();
    let refused = statuses.iter().filter(|status| **status == 400).count();
    assert_eq!((made, refused), (4, 3), "{statuses:?}\n{}", server.log());

    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    assert_eq!(crate::hsms::live_names(&mut owner, &container).await.len(), 5);
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_role_creations_respect_the_limits() {
    let server = Server::start();
    let dev = server.client("dev").await;
    let assign = |number: u32, scope: &str| {
        let (mut dev, request) = (dev.clone(), assignment_request(CRYPTO_USER, &guid(number), scope));
        async move { dev.access.create_role_assignment(request).await }
    };
    let at_key = join_all((0..14).map(|number| assign(number, "/keys/invoices"))).await;
    assert_eq!(successes(&at_key, Code::ResourceExhausted, "LIMIT_EXCEEDED"), 10);
    let define = |number: u32| {
        let (mut dev, request) = (dev.clone(), definition_request(&guid(number), &[], &[]));
        async move { dev.access.put_role_definition(request).await }
    };
    let defined = join_all((0..55).map(define)).await;
    assert_eq!(successes(&defined, Code::ResourceExhausted, "LIMIT_EXCEEDED"), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_budget_creations_with_one_name_keep_one() {
    let server = Server::start();
    let owner = server.client("owner").await;
    let scopes = [subscription(&server), managed_hsm(&server, "local")];
    let answers = join_all((0..8).map(|number| {
        let mut owner = owner.clone();
        let parent = scopes[number % 2].clone();
        let amount = (number + 1).to_string();
        let request = pb::CreateBudgetRequest { parent, budget_id: "monthly".to_owned(), amount };
        async move { owner.usage.create_budget(request).await }
    }))
    .await;
    assert_eq!(successes(&answers, Code::AlreadyExists, "BUDGET_EXISTS"), 1);
    let made = answers.into_iter().find_map(Result::ok).unwrap().into_inner();
    let listing = pb::ListBudgetsRequest { parent: subscription(&server) };
    let listed = owner.clone().usage.list_budgets(listing).await.unwrap().into_inner().budgets;
    let budgets: HashSet<_> = listed.iter().map(|one| (one.scope.clone(), one.amount.clone())).collect();
    assert_eq!(budgets, HashSet::from([(made.scope, made.amount)]));
}
