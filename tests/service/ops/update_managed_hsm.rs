//! Updating a managed HSM.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::hsms::{Container, delete, tag_request};
use crate::roles::support::{assert_bad_parameter, assert_grpc_error, assert_not_granted};
use crate::support::{Client, Server};

async fn update(
    client: &mut Client,
    managed_hsm: pb::ManagedHsm,
    mask: &[&str],
) -> Result<pb::ManagedHsm, Status> {
    let update_mask =
        Some(prost_types::FieldMask { paths: mask.iter().map(|path| (*path).to_owned()).collect() });
    let request = pb::UpdateManagedHsmRequest { managed_hsm: Some(managed_hsm), update_mask };
    client.hsms.update_managed_hsm(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn updates_only_the_fields_in_the_mask() {
    let mut server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    let tagged = contributor.hsms.update_managed_hsm(tag_request(container.hsm("local"), "a")).await.unwrap();
    assert_eq!(tagged.into_inner().tags["a"], "yes");
    let network =
        pb::NetworkRules { public_network_access: Some("disabled".to_owned()), ..Default::default() };
    let hsm = pb::ManagedHsm { name: container.hsm("local"), network: Some(network), ..Default::default() };
    let changed = update(&mut contributor, hsm, &["network"]).await.unwrap();
    assert_eq!(changed.tags["a"], "yes");
    assert_eq!(changed.network.as_ref().unwrap().public_network_access(), "Disabled");
    server.restart();
    let mut reader = server.client("reader").await;
    let request = pb::GetManagedHsmRequest { name: container.hsm("local") };
    assert_eq!(reader.hsms.get_managed_hsm(request).await.unwrap().into_inner(), changed);
}

#[tokio::test]
async fn purge_protection_cannot_be_disabled() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    let with = |purge_protection| pb::ManagedHsm {
        name: container.hsm("local"),
        purge_protection,
        ..Default::default()
    };
    let off = update(&mut contributor, with(false), &["purge_protection"]).await.unwrap();
    assert_eq!(off.recovery_level, "Recoverable+Purgeable");
    let on = update(&mut contributor, with(true), &["purge_protection"]).await.unwrap();
    assert_eq!((on.purge_protection, on.recovery_level.as_str()), (true, "Recoverable"));
    assert_bad_parameter(
        update(&mut contributor, with(false), &["purge_protection"]).await,
        "purge_protection",
    );
    // Purge protection of the HSM applies to its keys.
    let mut user = server.client("crypto-user").await;
    let key = user.create(crate::support::ec("k", "P-256")).await.unwrap();
    assert_eq!(key.recovery_level, "Recoverable");
}

#[tokio::test]
async fn retention_interval_is_immutable() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    for (days, works) in
        [(Some(90), true), (Some(7), false), (Some(89), false), (Some(0), false), (None, false)]
    {
        let hsm = pb::ManagedHsm { name: container.hsm("local"), retention_days: days, ..Default::default() };
        let outcome = update(&mut contributor, hsm, &["retention_days"]).await;
        if works {
            outcome.unwrap();
        } else {
            assert_bad_parameter(outcome, "retention_days");
        }
    }
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    let hsm = || pb::ManagedHsm { name: container.hsm("local"), ..Default::default() };
    for mask in [&[][..], &["sku"], &["name"], &["location"], &["activated"]] {
        assert_bad_parameter(update(&mut contributor, hsm(), mask).await, "update_mask");
    }
    assert_bad_parameter(
        update(&mut contributor, pb::ManagedHsm::default(), &["tags"]).await,
        "managed_hsm.name",
    );
    let missing = pb::ManagedHsm { name: container.hsm("missing"), ..Default::default() };
    assert_grpc_error(update(&mut contributor, missing, &["tags"]).await, Code::NotFound, "HSM_NOT_FOUND");
    assert_not_granted(update(&mut server.client("reader").await, hsm(), &["tags"]).await);
    delete(&mut contributor, container.hsm("local")).await.unwrap();
    assert_grpc_error(update(&mut contributor, hsm(), &["tags"]).await, Code::NotFound, "HSM_NOT_FOUND");
}
