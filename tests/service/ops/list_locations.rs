//! Listing locations.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::requests::SUBSCRIPTION;
use crate::roles::support::{assert_audited, assert_grpc_error, assert_not_granted, guid, metadata};
use crate::support::Server;

fn request(parent: &str) -> pb::ListLocationsRequest {
    pb::ListLocationsRequest { parent: parent.to_owned() }
}

#[tokio::test]
async fn lists_by_name() {
    let server = Server::start();
    let mut reader = server.client("reader").await;
    let answer = reader.resources.list_locations(request(SUBSCRIPTION)).await;
    assert_audited(&server, metadata(&answer), "LocationList", "OK", &format!("/{SUBSCRIPTION}"));
    let locations = answer.unwrap().into_inner().locations;
    let names: Vec<_> = locations.iter().map(|location| location.name.as_str()).collect();
    assert!(names.is_sorted() && names.len() > 50, "{names:?}");
    let shown = |name: &str| {
        let name = format!("{SUBSCRIPTION}/locations/{name}");
        let found = locations.iter().find(|location| location.name == name);
        found.map(|location| location.display_name.clone()).unwrap_or_default()
    };
    assert_eq!((shown("localhost").as_str(), shown("westeurope").as_str()), ("Localhost", "West Europe"));
}

#[tokio::test]
async fn rejects_unknown_subscription_and_missing_permission() {
    let server = Server::start();
    let (mut reader, mut nobody) = (server.client("reader").await, server.client("nobody").await);
    let missing = reader.resources.list_locations(request(&format!("subscriptions/{}", guid(1)))).await;
    assert_grpc_error(missing, Code::NotFound, "SUBSCRIPTION_NOT_FOUND");
    assert_not_granted(nobody.resources.list_locations(request(SUBSCRIPTION)).await);
}
