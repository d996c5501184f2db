//! Updating a vault.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::control::support::{CONTRIBUTOR, assign, group};
use crate::hsms::Container;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, guid, metadata,
};
use crate::support::{Client, Server};
use crate::vaults::{create, delete, get, policy, tag_request};

async fn update(client: &mut Client, vault: pb::Vault, mask: &[&str]) -> Result<pb::Vault, Status> {
    let update_mask =
        Some(prost_types::FieldMask { paths: mask.iter().map(|path| (*path).to_owned()).collect() });
    let request = pb::UpdateVaultRequest { vault: Some(vault), update_mask };
    client.vaults.update_vault(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn updates_only_the_fields_in_the_mask() {
    let mut server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let tenant = server.connection().tenant_id;
    let made = create(&mut owner, container.vault_request("payroll")).await.unwrap();
    let answer = owner.vaults.update_vault(tag_request(container.vault("payroll"), "a")).await;
    let scope = format!("/{}/providers/Microsoft.KeyVault/vaults/payroll", container.group);
    assert_audited(&server, metadata(&answer), "VaultPatch", "OK", &scope);
    let tagged = answer.unwrap().into_inner();
    assert_eq!(tagged, pb::Vault { tags: tagged.tags.clone(), updated: tagged.updated, ..made.clone() });
    assert!(tagged.tags["a"] == "yes" && tagged.updated != made.updated);

    let network =
        pb::NetworkRules { public_network_access: Some("disabled".to_owned()), ..Default::default() };
    let new = pb::Vault {
        name: container.vault("payroll"),
        sku: Some("PREMIUM".to_owned()),
        rbac_authorization: Some(false),
        access_policies: vec![policy(&tenant, &guid(1), &["all"])],
        network: Some(network),
        virtual_network_rules: vec!["/x/subnets/Y".to_owned()],
        enabled_for_deployment: true,
        enabled_for_disk_encryption: Some(true),
        enabled_for_template_deployment: Some(false),
        retention_days: Some(90),
        ..Default::default()
    };
    let mask = [
        "sku",
        "rbac_authorization",
        "access_policies",
        "network",
        "virtual_network_rules",
        "enabled_for_deployment",
        "enabled_for_disk_encryption",
        "enabled_for_template_deployment",
        "retention_days",
    ];
    let changed = update(&mut owner, new.clone(), &mask).await.unwrap();
    assert_eq!(
        (changed.sku(), changed.rbac_authorization(), &changed.tags),
        ("premium", false, &tagged.tags)
    );
    assert_eq!(changed.access_policies, new.access_policies);
    assert_eq!(changed.network.as_ref().unwrap().public_network_access(), "Disabled");
    assert_eq!(changed.virtual_network_rules, ["/x/subnets/y"]);
    assert!(changed.enabled_for_deployment && changed.enabled_for_disk_encryption());
    assert_eq!(changed.enabled_for_template_deployment, Some(false));
    server.restart();
    assert_eq!(get(&mut server.client("reader").await, container.vault("payroll")).await.unwrap(), changed);
}

#[tokio::test]
async fn purge_protection_cannot_be_disabled() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create(&mut owner, container.vault_request("payroll")).await.unwrap();
    let with = |purge_protection| pb::Vault {
        name: container.vault("payroll"),
        purge_protection,
        ..Default::default()
    };
    let off = update(&mut owner, with(false), &["purge_protection"]).await.unwrap();
    assert_eq!(off.recovery_level, "Recoverable+Purgeable");
    let on = update(&mut owner, with(true), &["purge_protection"]).await.unwrap();
    assert_eq!((on.purge_protection, on.recovery_level.as_str()), (true, "Recoverable"));
    assert_bad_parameter(update(&mut owner, with(false), &["purge_protection"]).await, "purge_protection");
    assert!(get(&mut owner, container.vault("payroll")).await.unwrap().purge_protection);
}

#[tokio::test]
async fn retention_interval_is_immutable() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create(&mut owner, container.vault_request("payroll")).await.unwrap();
    for (days, field) in [
        (Some(90), None),
        (Some(7), Some("vault.retention_days")),
        (Some(89), Some("vault.retention_days")),
        (Some(0), Some("retention_days")),
        (None, Some("retention_days")),
    ] {
        let vault =
            pb::Vault { name: container.vault("payroll"), retention_days: days, ..Default::default() };
        let outcome = update(&mut owner, vault, &["retention_days"]).await;
        match field {
            None => assert_eq!(outcome.unwrap().retention_days(), 90),
            Some(field) => {
                assert_bad_parameter(outcome, field);
            }
        }
    }
}

#[tokio::test]
async fn rejects_invalid_arguments_and_missing_permission() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let made = create(&mut owner, container.vault_request("payroll")).await.unwrap();
    let vault = || pb::Vault { name: container.vault("payroll"), ..Default::default() };
    for mask in [&[][..], &["name"], &["location"], &["tenant_id"], &["created"], &["tags", "x"]] {
        assert_bad_parameter(update(&mut owner, vault(), mask).await, "update_mask");
    }
    for optional in
        ["sku", "rbac_authorization", "enabled_for_disk_encryption", "enabled_for_template_deployment"]
    {
        assert_bad_parameter(update(&mut owner, vault(), &[optional]).await, optional);
    }
    let foreign = pb::Vault { access_policies: vec![policy(&guid(9), &guid(1), &["get"])], ..vault() };
    assert_bad_parameter(update(&mut owner, foreign, &["access_policies"]).await, "access_policies");
    let sku = pb::Vault { sku: Some("gold".to_owned()), ..vault() };
    assert_bad_parameter(update(&mut owner, sku, &["sku"]).await, "sku");
    let subnet = pb::Vault { virtual_network_rules: vec!["x".to_owned()], ..vault() };
    let refused = update(&mut owner, subnet, &["virtual_network_rules"]).await;
    assert_bad_parameter(refused, "virtual_network_rules");
    assert_bad_parameter(update(&mut owner, pb::Vault::default(), &["tags"]).await, "vault.name");
    let missing = pb::Vault { name: container.vault("missing"), ..Default::default() };
    let missing = update(&mut owner, missing, &["tags"]).await;
    assert_grpc_error(missing, Code::NotFound, "VAULT_NOT_FOUND");
    for name in ["reader", "contributor", "nobody"] {
        assert_not_granted(update(&mut server.client(name).await, vault(), &["tags"]).await);
    }
    assert_eq!(get(&mut owner, container.vault("payroll")).await.unwrap(), made);
    assign(&mut owner, CONTRIBUTOR, &server.principal("nobody").object_id, &group("dev")).await;
    update(&mut server.client("nobody").await, vault(), &["tags"]).await.unwrap();
    delete(&mut owner, container.vault("payroll")).await.unwrap();
    let deleted = update(&mut owner, vault(), &["tags"]).await;
    assert_grpc_error(deleted, Code::NotFound, "VAULT_NOT_FOUND");
}
