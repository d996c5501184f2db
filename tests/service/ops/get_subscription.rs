//! Reading a subscription.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::ask::{assert_recorded, bad, fails, guid, metadata, not_granted};
use crate::support::{Server, fact};

fn request(id: &str) -> pb::GetSubscriptionRequest {
    pb::GetSubscriptionRequest { name: format!("subscriptions/{id}") }
}

#[tokio::test]
async fn who_may_read_it_reads_it() {
    let server = Server::start();
    let connection = server.connection();
    let mut reader = server.client("reader").await;
    let answer = reader.resources.get_subscription(request(&connection.subscription_id)).await;
    let scope = format!("/subscriptions/{}", connection.subscription_id);
    assert_recorded(&server, metadata(&answer), "SubscriptionGet", "OK", &scope);
    let read = answer.unwrap().into_inner();
    assert_eq!(read.name, format!("subscriptions/{}", connection.subscription_id));
    assert_eq!((read.display_name.as_str(), read.undeletable), ("dev", false));
    let upper = connection.subscription_id.to_uppercase();
    assert_eq!(reader.resources.get_subscription(request(&upper)).await.unwrap().into_inner(), read);
}

#[tokio::test]
async fn others_are_refused_in_azures_words() {
    let server = Server::start();
    let id = server.connection().subscription_id;
    for name in ["administrator", "crypto-user", "contributor", "nobody"] {
        let mut caller = server.client(name).await;
        let status = not_granted(caller.resources.get_subscription(request(&id)).await);
        assert_eq!(fact(&status, "action"), "Microsoft.Resources/subscriptions/read");
        assert_eq!(fact(&status, "scope"), format!("/subscriptions/{id}"));
        let words = "does not have authorization to perform action 'Microsoft.Resources/subscriptions/read'";
        assert!(status.message().contains(words), "{status:?}");
    }
}

#[tokio::test]
async fn what_is_none_is_told_apart_from_what_is_missing() {
    let server = Server::start();
    let mut reader = server.client("reader").await;
    let missing = reader.resources.get_subscription(request(&guid(1))).await;
    fails(missing, Code::NotFound, "SUBSCRIPTION_NOT_FOUND");
    for id in ["", "dev", "x/y"] {
        bad(reader.resources.get_subscription(request(id)).await, "name");
    }
}
