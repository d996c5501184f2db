//! Replacing a rotation policy: stored values, Azure's limits and permissions.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::rotation::{after, before, get, rotate_action, set};
use crate::support::{Server, ec, error_metadata, reason};

#[tokio::test]
async fn policy_is_stored_as_sent_fully_replaced_and_cleared() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("invoices", "P-256")).await.unwrap();
    let first = set(&mut dev, "INVOICES", "P1Y6M", after("P18M")).await.unwrap();
    assert_eq!(first.name, "hsms/local/keys/invoices/rotationPolicy");
    assert_eq!(first.expiry_time, "P1Y6M");
    assert_eq!(first.lifetime_actions, [rotate_action("P18M", "")], "the action is in lower case");
    assert_eq!(first.created, first.updated);
    assert_eq!(get(&mut dev, "invoices").await.unwrap(), first);

    let second = set(&mut dev, "invoices", "P090D", before("P30D")).await.unwrap();
    assert_eq!(
        (&*second.expiry_time, &second.lifetime_actions[..]),
        ("P090D", &[rotate_action("", "P30D")][..])
    );
    assert_eq!(second.created, first.created);
    let instant = |at: Option<prost_types::Timestamp>| at.map(|at| (at.seconds, at.nanos));
    assert!(instant(second.updated) > instant(first.updated));
    server.restart();
    let mut dev = server.client("dev").await;
    assert_eq!(get(&mut dev, "invoices").await.unwrap(), second);

    let only_expiry = set(&mut dev, "invoices", "P28D", vec![]).await.unwrap();
    assert_eq!((&*only_expiry.expiry_time, &only_expiry.lifetime_actions[..]), ("P28D", &[][..]));
    let blank = set(&mut dev, "invoices", "", vec![]).await.unwrap();
    let name = "hsms/local/keys/invoices/rotationPolicy".to_owned();
    assert_eq!(blank, pb::KeyRotationPolicy { name, ..Default::default() });
    assert_eq!(get(&mut dev, "invoices").await.unwrap(), blank);
    let again = set(&mut dev, "invoices", "P28D", vec![]).await.unwrap();
    assert_eq!(again.created, again.updated, "a cleared policy leaves no creation date");
}

#[tokio::test]
async fn enforces_azure_limits_and_names_the_field() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("a", "P-256")).await.unwrap();
    let stored = set(&mut dev, "a", "P1Y", after("P90D")).await.unwrap();
    let notify = pb::KeyLifetimeAction { action: "Notify".to_owned(), ..rotate_action("", "P30D") };
    for (expiry, actions, field) in [
        ("P27D", vec![], "expiry_time"),
        ("P90", vec![], "expiry_time"),
        ("P90DT1H", vec![], "expiry_time"),
        ("", after("P27D"), "lifetime_actions.time_after_create"),
        ("", after("-P90D"), "lifetime_actions.time_after_create"),
        ("", before("P30D"), "expiry_time"),
        ("P56D", before("P29D"), "lifetime_actions.time_before_expiry"),
        ("P1Y", vec![notify], "lifetime_actions.action"),
        ("P1Y", [after("P90D"), before("P30D")].concat(), "lifetime_actions"),
        ("P1Y", vec![rotate_action("P90D", "P30D")], "lifetime_actions"),
    ] {
        let status = set(&mut dev, "a", expiry, actions).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(
            (reason(&status).as_str(), error_metadata(&status, "field").as_str()),
            ("BAD_PARAMETER", field)
        );
    }
    assert_eq!(get(&mut dev, "a").await.unwrap(), stored);
}

#[tokio::test]
async fn requires_key_write_permission() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(ec("a", "P-256")).await.unwrap();
    set(&mut server.client("crypto-user").await, "a", "", after("P90D")).await.unwrap();
    for principal in ["crypto-officer", "crypto-auditor", "nobody"] {
        let mut client = server.client(principal).await;
        let status = set(&mut client, "a", "", after("P90D")).await.unwrap_err();
        assert_eq!(
            error_metadata(&status, "action"),
            "Microsoft.KeyVault/managedHsm/keys/write/action",
            "{principal}"
        );
    }
    let status = set(&mut dev, "nothing", "", after("P90D")).await.unwrap_err();
    assert_eq!(reason(&status), "KEY_NOT_FOUND");
    let records = server.audit_where(5, |record| record["operationName"] == "KeyRotationPolicySet");
    assert_eq!(records[0]["target"], "hsms/local/keys/a");
}
