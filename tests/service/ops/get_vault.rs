//! Reading a vault as a resource.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::control::support::{READER, assign, vault};
use crate::hsms::Container;
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::Server;
use crate::vaults::{create, get};

#[tokio::test]
async fn reader_reads_the_resource() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let made = create(&mut owner, container.vault_request("payroll")).await.unwrap();
    let mut reader = server.client("reader").await;
    let answer = reader.vaults.get_vault(pb::GetVaultRequest { name: container.vault("payroll") }).await;
    let scope = format!("/{}/providers/Microsoft.KeyVault/vaults/payroll", container.group);
    assert_audited(&server, metadata(&answer), "VaultGet", "OK", &scope);
    assert_eq!(answer.unwrap().into_inner(), made);
    assert_eq!(get(&mut reader, container.vault("PAYROLL")).await.unwrap(), made);
    // The role Reader at this vault suffices, and does not apply at another one.
    create(&mut owner, container.vault_request("other")).await.unwrap();
    let mut nobody = server.client("nobody").await;
    assign(&mut owner, READER, &server.principal("nobody").object_id, &vault("payroll")).await;
    assert_eq!(get(&mut nobody, container.vault("payroll")).await.unwrap(), made);
    assert_not_granted(get(&mut nobody, container.vault("other")).await);
}

#[tokio::test]
async fn roles_of_hsms_cannot_read_the_resource() {
    let server = Server::start();
    let container = Container::of(&server);
    create(&mut server.client("owner").await, container.vault_request("payroll")).await.unwrap();
    for name in ["contributor", "administrator", "crypto-officer", "nobody"] {
        let mut caller = server.client(name).await;
        assert_not_granted(get(&mut caller, container.vault("payroll")).await);
        // The refusal does not disclose whether the vault exists.
        assert_not_granted(get(&mut caller, container.vault("missing")).await);
    }
}

#[tokio::test]
async fn rejects_unknown_vaults_and_invalid_names() {
    let server = Server::start();
    let container = Container::of(&server);
    create(&mut server.client("owner").await, container.vault_request("payroll")).await.unwrap();
    let mut reader = server.client("reader").await;
    let elsewhere = format!("{}/resourceGroups/other/vaults/payroll", container.subscription);
    // An HSM has the last name.
    for name in [container.vault("missing"), elsewhere, container.vault("local")] {
        assert_grpc_error(get(&mut reader, name).await, Code::NotFound, "VAULT_NOT_FOUND");
    }
    for name in ["", "vaults/payroll", "hsms/payroll", &container.group, &container.hsm("payroll")] {
        assert_bad_parameter(get(&mut reader, name.to_owned()).await, "name");
    }
}
