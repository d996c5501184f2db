//! Listing the states of tokens: their containers, workers and calls.

use strongroom::api::grpc::pb;

use crate::requests::SUBSCRIPTION;
use crate::roles::support::{assert_audited, assert_not_granted, metadata, sign};
use crate::support::{Server, ec, error_metadata};

fn request() -> pb::ListTokenStatesRequest {
    pb::ListTokenStatesRequest { parent: SUBSCRIPTION.to_owned() }
}

#[tokio::test]
async fn tokens_have_their_containers_workers_and_calls() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let answer = dev.tokens.list_token_states(request()).await;
    assert_audited(&server, metadata(&answer), "TokenStateList", "OK", &format!("/{SUBSCRIPTION}"));
    let before = answer.unwrap().into_inner();
    assert_eq!(before.containers_without_token, [] as [String; 0]);
    let of_hsm = |states: pb::ListTokenStatesResponse| {
        let is_hsm = |token: &pb::TokenState| token.containers.iter().any(|name| name == "hsms/local");
        states.tokens.into_iter().find(is_hsm).unwrap()
    };
    let before = of_hsm(before);
    assert!(before.manufacturer.contains("SoftHSM"), "{before:?}");
    assert!(before.running_workers > 0 && before.failed_workers == 0, "{before:?}");
    assert!(before.calls > 0 && before.capacity > 0 && before.slow_capacity > 0, "{before:?}");
    for _ in 0..10 {
        sign(&mut dev, "invoices").await.unwrap();
    }
    let after = of_hsm(dev.tokens.list_token_states(request()).await.unwrap().into_inner());
    assert!(after.calls >= before.calls + 10, "{after:?}");
    let (median, most) = (after.median_duration.unwrap(), after.percentile_99_duration.unwrap());
    assert!(median.nanos > 0 && (most.seconds, most.nanos) >= (median.seconds, median.nanos), "{after:?}");
}

#[tokio::test]
async fn requires_the_action_of_metrics() {
    let server = Server::start();
    server.client("reader").await.tokens.list_token_states(request()).await.unwrap();
    for name in ["administrator", "crypto-officer", "nobody"] {
        let refused = assert_not_granted(server.client(name).await.tokens.list_token_states(request()).await);
        assert_eq!(error_metadata(&refused, "action"), "Microsoft.Insights/metrics/read");
    }
}
