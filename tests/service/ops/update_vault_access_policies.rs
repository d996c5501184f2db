//! Adding, replacing and removing access policies of a vault.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::hsms::Container;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, guid, metadata,
};
use crate::support::{Client, Server, error_metadata};
use crate::vaults::{create, get, policy};

fn request(
    name: String,
    change: &str,
    policies: &[pb::AccessPolicy],
) -> pb::UpdateVaultAccessPoliciesRequest {
    pb::UpdateVaultAccessPoliciesRequest {
        name,
        change: change.to_owned(),
        access_policies: policies.to_vec(),
    }
}

async fn change(
    client: &mut Client,
    name: String,
    change: &str,
    policies: &[pb::AccessPolicy],
) -> Result<Vec<pb::AccessPolicy>, Status> {
    let answer = client.vaults.update_vault_access_policies(request(name, change, policies)).await;
    answer.map(|answer| answer.into_inner().access_policies)
}

#[tokio::test]
async fn policies_are_added_replaced_and_removed_per_principal() {
    let mut server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let tenant = server.connection().tenant_id;
    let one = |keys: &[&str]| policy(&tenant, &guid(1), keys);
    let two = policy(&tenant, &guid(2), &["all"]);
    let on_behalf = pb::AccessPolicy { application_id: guid(3), ..one(&["sign"]) };
    create(&mut owner, container.vault_request("payroll")).await.unwrap();
    let vault = container.vault("payroll");
    let answer = owner.vaults.update_vault_access_policies(request(
        vault.clone(),
        "add",
        &[one(&["Get"]), two.clone()],
    ));
    let answer = answer.await;
    let scope = format!("/{}/providers/Microsoft.KeyVault/vaults/payroll", container.group);
    assert_audited(&server, metadata(&answer), "VaultAccessPolicyUpdate", "OK", &scope);
    assert_eq!(answer.unwrap().into_inner().access_policies, [one(&["Get"]), two.clone()]);
    // Permissions that the policy has, in any spelling, are not added again.
    let added = change(&mut owner, vault.clone(), "ADD", &[one(&["get", "List"])]).await.unwrap();
    assert_eq!(added, [one(&["Get", "List"]), two.clone()]);
    // The policy of an application on behalf of the same principal is another policy.
    let added = change(&mut owner, vault.clone(), "add", std::slice::from_ref(&on_behalf)).await.unwrap();
    assert_eq!(added, [one(&["Get", "List"]), two.clone(), on_behalf.clone()]);
    let replaced = change(&mut owner, vault.clone(), "replace", &[one(&["wrapKey", "list"])]).await.unwrap();
    assert_eq!(replaced, [one(&["wrapKey", "list"]), two.clone(), on_behalf.clone()]);
    let removed = change(&mut owner, vault.clone(), "remove", &[one(&["LIST", "purge"])]).await.unwrap();
    assert_eq!(removed, [one(&["wrapKey"]), two.clone(), on_behalf.clone()]);
    // A policy without permissions is removed; an unknown one changes nothing.
    let unknown = policy(&tenant, &guid(9), &["all"]);
    let removed = change(&mut owner, vault.clone(), "remove", &[one(&["wrapkey"]), unknown]).await.unwrap();
    assert_eq!(removed, [two.clone(), on_behalf.clone()]);
    server.restart();
    let mut reader = server.client("reader").await;
    assert_eq!(get(&mut reader, vault).await.unwrap().access_policies, [two, on_behalf]);
}

#[tokio::test]
async fn rejected_change_names_the_field_and_changes_nothing() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let tenant = server.connection().tenant_id;
    let vault = container.vault("payroll");
    let policies: Vec<_> = (0..1024).map(|n| policy(&tenant, &guid(n), &["get"])).collect();
    let request = container.vault_request_with("payroll", |vault| vault.access_policies = policies);
    let made = create(&mut owner, request).await.unwrap();
    let one = |keys: &[&str]| policy(&tenant, &guid(1), keys);
    for (kind, given, field) in [
        ("", one(&["get"]), "change"),
        ("set", one(&["get"]), "change"),
        ("add", one(&["fly"]), "access_policies.permissions.keys"),
        ("remove", one(&["fly"]), "access_policies.permissions.keys"),
        ("add", policy(&guid(9), &guid(1), &["get"]), "access_policies"),
        ("add", policy("", &guid(1), &["get"]), "access_policies.tenant_id"),
        ("add", policy(&tenant, "", &["get"]), "access_policies.principal_id"),
        // The vault has the maximum number of policies.
        ("add", policy(&tenant, &guid(5000), &["get"]), "access_policies"),
        ("replace", policy(&tenant, &guid(5000), &["get"]), "access_policies"),
    ] {
        assert_bad_parameter(change(&mut owner, vault.clone(), kind, &[given]).await, field);
    }
    let unknown = change(&mut owner, vault.clone(), "add", &[one(&["fly"])]).await.unwrap_err();
    let text = "\"fly\" is not a permission for keys; they are all, encrypt";
    assert!(unknown.message().contains(text), "{unknown:?}");
    let missing = change(&mut owner, container.vault("missing"), "add", &[one(&["get"])]).await;
    assert_grpc_error(missing, Code::NotFound, "VAULT_NOT_FOUND");
    for name in ["reader", "contributor", "administrator", "nobody"] {
        let refused = change(&mut server.client(name).await, vault.clone(), "add", &[one(&["all"])]).await;
        let status = assert_not_granted(refused);
        assert_eq!(error_metadata(&status, "action"), "Microsoft.KeyVault/vaults/accessPolicies/write");
    }
    assert_eq!(get(&mut owner, vault).await.unwrap(), made);
}
