//! Creating a vault.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::{CONTRIBUTOR, KEY_VAULT_CONTRIBUTOR, assign, create_group, group};
use crate::hsms::Container;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, guid, metadata,
};
use crate::support::{Server, error_metadata, hsm_tokens};
use crate::vaults::{create, create_request, delete, live_names, policy, purge};

#[tokio::test]
async fn created_vault_has_the_requested_properties() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let tenant = server.connection().tenant_id;
    let subnet = "/subscriptions/S/resourceGroups/R/providers/Microsoft.Network/virtualNetworks/V/Subnets/N";
    let mut given = policy(&tenant, &guid(7), &["Get", "WrapKey"]);
    given.application_id = guid(8);
    given.permissions.as_mut().unwrap().secrets = Some(pb::PermissionNames::default());
    let request = container.vault_request_with("Payroll-1", |vault| {
        vault.sku = Some("Premium".to_owned());
        vault.tenant_id = tenant.clone();
        vault.retention_days = Some(7);
        vault.purge_protection = true;
        vault.rbac_authorization = Some(false);
        vault.access_policies = vec![given.clone()];
        vault.tags = [("team".to_owned(), "billing".to_owned())].into();
        vault.network = Some(pb::NetworkRules {
            ip_rules: (0..11).map(|n| format!("203.0.113.{n}")).collect(),
            ..Default::default()
        });
        vault.virtual_network_rules = vec![subnet.to_owned()];
        vault.enabled_for_deployment = true;
        vault.enabled_for_disk_encryption = Some(false);
    });
    let answer = owner.vaults.create_vault(request).await;
    let scope = format!("/{}/providers/Microsoft.KeyVault/vaults/Payroll-1", container.group);
    assert_audited(&server, metadata(&answer), "VaultPut", "OK", &scope);
    let made = answer.unwrap().into_inner();
    assert_eq!(
        (made.name.as_str(), made.data_plane.as_str()),
        (&*container.vault("Payroll-1"), "vaults/Payroll-1")
    );
    assert_eq!((made.retention_days(), made.purge_protection, made.rbac_authorization()), (7, true, false));
    assert_eq!((made.recovery_level.as_str(), made.sku()), ("CustomizedRecoverable", "premium"));
    assert_eq!((made.tenant_id.as_str(), made.tags["team"].as_str()), (tenant.as_str(), "billing"));
    // Permissions keep their spelling, and a list that is absent stays absent.
    assert_eq!(made.access_policies, [given]);
    assert_eq!(made.network.as_ref().unwrap().ip_rules.len(), 11);
    assert_eq!(made.virtual_network_rules, [subnet.to_lowercase()]);
    assert!(made.enabled_for_deployment);
    assert_eq!((made.enabled_for_disk_encryption, made.enabled_for_template_deployment), (Some(false), None));
    assert_eq!(made.created, made.updated);
}

#[tokio::test]
async fn applies_azure_defaults() {
    let server = Server::start();
    let container = Container::of(&server);
    let made = create(&mut server.client("owner").await, container.vault_request("payroll")).await.unwrap();
    assert_eq!((made.retention_days(), made.purge_protection, made.rbac_authorization()), (90, false, true));
    assert_eq!((made.sku(), made.recovery_level.as_str()), ("standard", "Recoverable+Purgeable"));
    assert_eq!(made.access_policies, []);
    assert_eq!(made.tenant_id, server.connection().tenant_id);
    let network = made.network.unwrap();
    assert_eq!(
        [network.public_network_access(), network.default_action(), network.bypass()],
        ["Enabled", "Allow", "AzureServices"]
    );
}

#[tokio::test]
async fn rejected_request_names_the_field_and_leaves_no_token() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let (tenant, tokens) = (server.connection().tenant_id, hsm_tokens(&server).len());
    let with = |change: &dyn Fn(&mut pb::Vault)| container.vault_request_with("payroll", change);
    let permissions = |change: fn(&mut pb::AccessPermissions, pb::PermissionNames)| {
        let mut wrong = policy(&tenant, &guid(1), &[]);
        let names = pb::PermissionNames { names: vec!["fly".to_owned()] };
        change(wrong.permissions.as_mut().unwrap(), names);
        with(&|vault| vault.access_policies = vec![wrong.clone()])
    };
    let policies = |one: pb::AccessPolicy| with(&move |vault| vault.access_policies = vec![one.clone()]);
    let many: Vec<_> = (0..1025).map(|n| policy(&tenant, &guid(n), &["get"])).collect();
    let subnets = |rules: Vec<String>| with(&move |vault| vault.virtual_network_rules.clone_from(&rules));
    let wrong: Vec<(pb::CreateVaultRequest, &str)> = vec![
        (with(&|vault| vault.location.clear()), "location"),
        (with(&|vault| vault.location = "atlantis".to_owned()), "location"),
        (with(&|vault| vault.sku = Some("Standard_B1".to_owned())), "sku"),
        (with(&|vault| vault.sku = Some(String::new())), "sku"),
        (with(&|vault| vault.tenant_id = "x".to_owned()), "tenant_id"),
        (with(&|vault| vault.tenant_id = guid(1)), "tenant_id"),
        (with(&|vault| vault.retention_days = Some(0)), "retention_days"),
        (with(&|vault| vault.retention_days = Some(6)), "retention_days"),
        (with(&|vault| vault.retention_days = Some(91)), "retention_days"),
        (with(&|vault| vault.tags = (0..51).map(|n| (n.to_string(), String::new())).collect()), "tags"),
        (
            with(&|vault| {
                let ip_rules = vec!["10.0.0.0/8".to_owned()];
                vault.network = Some(pb::NetworkRules { ip_rules, ..Default::default() });
            }),
            "network.ip_rules",
        ),
        (
            with(&|vault| {
                let ip_rules = vec!["203.0.113.1".to_owned(); 1001];
                vault.network = Some(pb::NetworkRules { ip_rules, ..Default::default() });
            }),
            "network.ip_rules",
        ),
        (subnets(vec!["/subscriptions/s".to_owned()]), "virtual_network_rules"),
        (subnets(vec!["/x/subnets/y".to_owned(); 201]), "virtual_network_rules"),
        (policies(policy("x", &guid(1), &[])), "access_policies.tenant_id"),
        (policies(policy(&tenant, "root", &[])), "access_policies.principal_id"),
        (
            policies(pb::AccessPolicy { application_id: "x".to_owned(), ..policy(&tenant, &guid(1), &[]) }),
            "access_policies.application_id",
        ),
        (policies(policy(&guid(9), &guid(1), &["get"])), "access_policies"),
        (with(&move |vault| vault.access_policies.clone_from(&many)), "access_policies"),
        (permissions(|all, names| all.keys = Some(names)), "access_policies.permissions.keys"),
        (permissions(|all, names| all.secrets = Some(names)), "access_policies.permissions.secrets"),
        (
            permissions(|all, names| all.certificates = Some(names)),
            "access_policies.permissions.certificates",
        ),
        (permissions(|all, names| all.storage = Some(names)), "access_policies.permissions.storage"),
        (container.vault_request("no--name"), "vault_id"),
        (container.vault_request("ab"), "vault_id"),
        (container.vault_request("a234567890123456789012345"), "vault_id"),
        (pb::CreateVaultRequest { vault: None, ..container.vault_request("payroll") }, "vault"),
    ];
    for (request, field) in wrong {
        assert_bad_parameter(create(&mut owner, request).await, field);
    }
    let elsewhere = create_request(&format!("{}/resourceGroups/none", container.subscription), "payroll");
    assert_grpc_error(create(&mut owner, elsewhere).await, Code::NotFound, "RESOURCE_GROUP_NOT_FOUND");
    assert!(live_names(&mut owner, &container).await.is_empty());
    assert_eq!(hsm_tokens(&server).len(), tokens);
}

#[tokio::test]
async fn names_are_unique_in_the_service_and_reserved_until_purged() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create_group(&mut owner, "team").await;
    let team = format!("{}/resourceGroups/team", container.subscription);
    create(&mut owner, container.vault_request("Payroll")).await.unwrap();
    for deleted in ["false", "true"] {
        for parent in [&container.group, &team] {
            let taken = create(&mut owner, create_request(parent, "PAYROLL")).await;
            let status = assert_grpc_error(taken, Code::AlreadyExists, "VAULT_EXISTS");
            assert_eq!(error_metadata(&status, "deleted"), deleted);
        }
        if deleted == "false" {
            delete(&mut owner, container.vault("payroll")).await.unwrap();
        }
    }
    purge(&mut owner, container.deleted_vault("payroll")).await.unwrap();
    create(&mut owner, container.vault_request("payroll")).await.unwrap();
}

#[tokio::test]
async fn requires_vault_write_permission() {
    let server = Server::start();
    let container = Container::of(&server);
    for name in ["contributor", "administrator", "crypto-officer", "reader", "nobody"] {
        let mut caller = server.client(name).await;
        let status = assert_not_granted(create(&mut caller, container.vault_request("payroll")).await);
        assert_eq!(error_metadata(&status, "action"), "Microsoft.KeyVault/vaults/write");
    }
    let mut owner = server.client("owner").await;
    for (role, who) in [(CONTRIBUTOR, "nobody"), (KEY_VAULT_CONTRIBUTOR, "reader")] {
        assign(&mut owner, role, &server.principal(who).object_id, &group("dev")).await;
        create(&mut server.client(who).await, container.vault_request(who)).await.unwrap();
    }
}
