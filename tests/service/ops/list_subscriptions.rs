//! Listing subscriptions.

use strongroom::api::grpc::pb;

use crate::roles::support::{assert_audited, metadata};
use crate::support::Server;

#[tokio::test]
async fn lists_subscriptions_in_which_the_caller_has_a_role() {
    let server = Server::start();
    let connection = server.connection();
    let expected = pb::Subscription {
        name: format!("subscriptions/{}", connection.subscription_id),
        display_name: "dev".to_owned(),
        tenant_id: connection.tenant_id,
        undeletable: false,
    };
    for name in ["owner", "contributor", "reader", "dev"] {
        let mut caller = server.client(name).await;
        let listed = caller.resources.list_subscriptions(pb::ListSubscriptionsRequest {}).await;
        let listed = listed.unwrap().into_inner().subscriptions;
        assert_eq!(listed, std::slice::from_ref(&expected), "{name}");
    }
    // A role of local RBAC is not a role in the subscription.
    for name in ["administrator", "crypto-user", "nobody"] {
        let mut caller = server.client(name).await;
        let answer = caller.resources.list_subscriptions(pb::ListSubscriptionsRequest {}).await;
        assert_audited(&server, metadata(&answer), "SubscriptionList", "OK", "subscriptions");
        assert_eq!(answer.unwrap().into_inner().subscriptions, [], "{name}");
    }
}
