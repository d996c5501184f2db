//! Checking whether the name of a vault is available.

use strongroom::api::grpc::pb;

use crate::hsms::Container;
use crate::roles::support::{assert_audited, assert_bad_parameter, assert_not_granted, metadata};
use crate::support::Server;
use crate::vaults::{create, delete};

fn request(container: &Container, name: &str) -> pb::CheckVaultNameRequest {
    pb::CheckVaultNameRequest { parent: container.subscription.clone(), vault_id: name.to_owned() }
}

#[tokio::test]
async fn reports_available_taken_and_invalid_names() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    for name in ["live", "deleted"] {
        create(&mut owner, container.vault_request(name)).await.unwrap();
    }
    delete(&mut owner, container.vault("deleted")).await.unwrap();
    for (name, reason, text) in [
        ("payroll", "", ""),
        // The name of an HSM is available for a vault.
        ("local", "", ""),
        ("live", "AlreadyExists", "in use"),
        ("LIVE", "AlreadyExists", "in use"),
        ("deleted", "AlreadyExists", "deleted vault"),
        ("no--name", "AccountNameInvalid", "hyphen"),
        ("", "AccountNameInvalid", "3 to 24"),
    ] {
        let answer = owner.vaults.check_vault_name(request(&container, name)).await;
        let answer = answer.unwrap().into_inner();
        assert_eq!((answer.available, answer.reason.as_str()), (reason.is_empty(), reason), "{name}");
        assert!(answer.message.contains(text), "{}", answer.message);
    }
    let answer = owner.vaults.check_vault_name(request(&container, "payroll")).await;
    let scope = format!("/{}/providers/Microsoft.KeyVault/checkNameAvailability", container.subscription);
    assert_audited(&server, metadata(&answer), "VaultCheckName", "OK", &scope);
}

#[tokio::test]
async fn requires_read_permission_on_the_subscription() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut administrator = server.client("administrator").await;
    assert_not_granted(administrator.vaults.check_vault_name(request(&container, "payroll")).await);
    let wrong = pb::CheckVaultNameRequest { parent: "dev".to_owned(), ..request(&container, "payroll") };
    assert_bad_parameter(server.client("reader").await.vaults.check_vault_name(wrong).await, "parent");
}
