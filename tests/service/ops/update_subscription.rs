//! Protecting a subscription.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::requests::SUBSCRIPTION;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, guid, metadata,
};
use crate::support::Server;

fn request(undeletable: bool, mask: &[&str]) -> pb::UpdateSubscriptionRequest {
    let paths = mask.iter().map(|path| (*path).to_owned()).collect();
    let update_mask = Some(prost_types::FieldMask { paths });
    pb::UpdateSubscriptionRequest { name: SUBSCRIPTION.to_owned(), undeletable, update_mask }
}

#[tokio::test]
async fn protection_cannot_be_disabled() {
    let mut server = Server::start();
    let mut owner = server.client("owner").await;
    // Setting the current value changes nothing.
    let off = owner.resources.update_subscription(request(false, &["undeletable"])).await.unwrap();
    assert!(!off.into_inner().undeletable);
    for _ in 0..2 {
        let answer = owner.resources.update_subscription(request(true, &["undeletable"])).await;
        assert_audited(&server, metadata(&answer), "SubscriptionUpdate", "OK", &format!("/{SUBSCRIPTION}"));
        let changed = answer.unwrap().into_inner();
        assert_eq!((changed.undeletable, changed.display_name.as_str()), (true, "dev"));
    }
    assert_bad_parameter(
        owner.resources.update_subscription(request(false, &["undeletable"])).await,
        "undeletable",
    );
    server.restart();
    let mut owner = server.client("owner").await;
    let read = pb::GetSubscriptionRequest { name: SUBSCRIPTION.to_owned() };
    assert!(owner.resources.get_subscription(read).await.unwrap().into_inner().undeletable);
}

#[tokio::test]
async fn rejects_invalid_masks_and_missing_permission() {
    let server = Server::start();
    let mut owner = server.client("owner").await;
    for mask in [&[][..], &["display_name"], &["undeletable", "name"]] {
        assert_bad_parameter(owner.resources.update_subscription(request(true, mask)).await, "update_mask");
    }
    let unmasked = pb::UpdateSubscriptionRequest { update_mask: None, ..request(true, &[]) };
    assert_bad_parameter(owner.resources.update_subscription(unmasked).await, "update_mask");
    let name = format!("subscriptions/{}", guid(1));
    let missing = pb::UpdateSubscriptionRequest { name, ..request(true, &["undeletable"]) };
    let missing = owner.resources.update_subscription(missing).await;
    assert_grpc_error(missing, Code::NotFound, "SUBSCRIPTION_NOT_FOUND");
    // Managing HSMs does not include protecting the subscription.
    for name in ["contributor", "reader", "administrator", "nobody"] {
        let mut caller = server.client(name).await;
        assert_not_granted(caller.resources.update_subscription(request(true, &["undeletable"])).await);
    }
}
