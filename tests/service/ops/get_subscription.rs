//! Reading a subscription.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, guid, metadata,
};
use crate::support::{Server, error_metadata};

fn request(id: &str) -> pb::GetSubscriptionRequest {
    pb::GetSubscriptionRequest { name: format!("subscriptions/{id}") }
}

#[tokio::test]
async fn reader_reads_the_subscription() {
    let server = Server::start();
    let connection = server.connection();
    let mut reader = server.client("reader").await;
    let answer = reader.resources.get_subscription(request(&connection.subscription_id)).await;
    let scope = format!("/subscriptions/{}", connection.subscription_id);
    assert_audited(&server, metadata(&answer), "SubscriptionGet", "OK", &scope);
    let read = answer.unwrap().into_inner();
    assert_eq!(read.name, format!("subscriptions/{}", connection.subscription_id));
    assert_eq!((read.display_name.as_str(), read.undeletable), ("dev", false));
    let upper = connection.subscription_id.to_uppercase();
    assert_eq!(reader.resources.get_subscription(request(&upper)).await.unwrap().into_inner(), read);
}

#[tokio::test]
async fn refusal_has_the_message_of_azure() {
    let server = Server::start();
    let id = server.connection().subscription_id;
    for name in ["administrator", "crypto-user", "contributor", "nobody"] {
        let mut caller = server.client(name).await;
        let status = assert_not_granted(caller.resources.get_subscription(request(&id)).await);
        assert_eq!(error_metadata(&status, "action"), "Microsoft.Resources/subscriptions/read");
        assert_eq!(error_metadata(&status, "scope"), format!("/subscriptions/{id}"));
        let message =
            "does not have authorization to perform action 'Microsoft.Resources/subscriptions/read'";
        assert!(status.message().contains(message), "{status:?}");
    }
}

#[tokio::test]
async fn distinguishes_invalid_and_unknown_subscriptions() {
    let server = Server::start();
    let mut reader = server.client("reader").await;
    let missing = reader.resources.get_subscription(request(&guid(1))).await;
    assert_grpc_error(missing, Code::NotFound, "SUBSCRIPTION_NOT_FOUND");
    for id in ["", "dev", "x/y"] {
        assert_bad_parameter(reader.resources.get_subscription(request(id)).await, "name");
    }
}
