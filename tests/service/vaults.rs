//! Helpers for vaults, and tests of what remains of them across deletion, recovery, purge and restarts.

use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::happening::What;
use tonic::{Code, Response, Status};

use crate::control::support::{OWNER, assign, create_group, delete_group, list_assignments, vault};
use crate::hsms::Container;
use crate::roles::support::{assert_grpc_error, assert_not_granted};
use crate::support::{Client, Server, days, error_metadata, hsm_tokens};

impl Container {
    /// Returns the resource name of a vault.
    pub(crate) fn vault(&self, name: &str) -> String {
        format!("{}/vaults/{name}", self.group)
    }

    /// Returns the resource name of a deleted vault.
    pub(crate) fn deleted_vault(&self, name: &str) -> String {
        format!("{}/locations/localhost/deletedVaults/{name}", self.subscription)
    }

    /// Returns a request to create a vault.
    pub(crate) fn vault_request(&self, name: &str) -> pb::CreateVaultRequest {
        create_request(&self.group, name)
    }

    /// Returns a request to create a vault, with changes.
    pub(crate) fn vault_request_with(
        &self,
        name: &str,
        change: impl FnOnce(&mut pb::Vault),
    ) -> pb::CreateVaultRequest {
        let mut request = self.vault_request(name);
        change(request.vault.as_mut().unwrap());
        request
    }
}

/// Returns a request to create a vault.
pub(crate) fn create_request(parent: &str, name: &str) -> pb::CreateVaultRequest {
    pb::CreateVaultRequest {
        parent: parent.to_owned(),
        vault_id: name.to_owned(),
        vault: Some(pb::Vault { location: "localhost".to_owned(), ..Default::default() }),
    }
}

/// Returns a request to replace the tags of a vault.
pub(crate) fn tag_request(name: String, tag: &str) -> pb::UpdateVaultRequest {
    let tags = [(tag.to_owned(), "yes".to_owned())].into();
    pb::UpdateVaultRequest {
        vault: Some(pb::Vault { name, tags, ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["tags".to_owned()] }),
    }
}

/// Returns an access policy with permissions for keys.
pub(crate) fn policy(tenant: &str, principal: &str, keys: &[&str]) -> pb::AccessPolicy {
    let names = keys.iter().map(|name| (*name).to_owned()).collect();
    pb::AccessPolicy {
        tenant_id: tenant.to_owned(),
        principal_id: principal.to_owned(),
        application_id: String::new(),
        permissions: Some(pb::AccessPermissions {
            keys: Some(pb::PermissionNames { names }),
            ..Default::default()
        }),
    }
}

/// Creates a vault.
pub(crate) async fn create(
    client: &mut Client,
    request: pb::CreateVaultRequest,
) -> Result<pb::Vault, Status> {
    client.vaults.create_vault(request).await.map(Response::into_inner)
}

/// Reads a vault.
pub(crate) async fn get(client: &mut Client, name: String) -> Result<pb::Vault, Status> {
    client.vaults.get_vault(pb::GetVaultRequest { name }).await.map(Response::into_inner)
}

/// Soft-deletes a vault.
pub(crate) async fn delete(client: &mut Client, name: String) -> Result<pb::DeletedVault, Status> {
    client.vaults.delete_vault(pb::DeleteVaultRequest { name }).await.map(Response::into_inner)
}

/// Recovers a vault.
pub(crate) async fn recover(client: &mut Client, name: String) -> Result<pb::Vault, Status> {
    let request = pb::RecoverDeletedVaultRequest { name };
    client.vaults.recover_deleted_vault(request).await.map(Response::into_inner)
}

/// Purges a vault.
pub(crate) async fn purge(client: &mut Client, name: String) -> Result<(), Status> {
    client.vaults.purge_deleted_vault(pb::PurgeDeletedVaultRequest { name }).await.map(drop)
}

/// Lists the names of the live vaults besides that of the seed.
pub(crate) async fn live_names(client: &mut Client, container: &Container) -> Vec<String> {
    let request = pb::ListVaultsRequest { parent: container.subscription.clone(), ..Default::default() };
    let page = client.vaults.list_vaults(request).await.unwrap().into_inner();
    let names = page.vaults.iter().map(|vault| vault.data_plane["vaults/".len()..].to_owned());
    names.filter(|name| name != "demo").collect()
}

/// Lists the names of the deleted vaults.
pub(crate) async fn deleted_names(client: &mut Client, container: &Container) -> Vec<String> {
    let parent = container.subscription.clone();
    let request = pb::ListDeletedVaultsRequest { parent, ..Default::default() };
    let page = client.vaults.list_deleted_vaults(request).await.unwrap().into_inner();
    page.deleted_vaults.iter().map(|one| one.name.rsplit('/').next().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn recovery_keeps_policies_and_tags_but_not_role_assignments() {
    let mut server = Server::start();
    let container = Container::of(&server);
    let (mut owner, mut nobody) = (server.client("owner").await, server.client("nobody").await);
    let (tenant, principal) = (server.connection().tenant_id, server.principal("nobody").object_id);
    let request = container.vault_request_with("payroll", |vault| {
        vault.tags = [("team".to_owned(), "billing".to_owned())].into();
        vault.access_policies = vec![policy(&tenant, &principal, &["Get", "list"])];
    });
    let made = create(&mut owner, request).await.unwrap();
    assign(&mut owner, OWNER, &principal, &vault("payroll")).await;
    assert_eq!(get(&mut nobody, container.vault("payroll")).await.unwrap(), made);
    delete(&mut owner, container.vault("payroll")).await.unwrap();
    // The assignment is deleted with the vault.
    assert!(list_assignments(&mut owner, &container.subscription, &principal).await.is_empty());
    assert_not_granted(recover(&mut nobody, container.deleted_vault("payroll")).await);
    let recovered = recover(&mut owner, container.deleted_vault("payroll")).await.unwrap();
    assert_eq!(recovered.access_policies, made.access_policies);
    assert_eq!((&recovered.tags, recovered.created), (&made.tags, made.created));
    for again in [false, true] {
        if again {
            server.restart();
            (owner, nobody) = (server.client("owner").await, server.client("nobody").await);
        }
        assert_not_granted(get(&mut nobody, container.vault("payroll")).await);
        assert_eq!(get(&mut owner, container.vault("payroll")).await.unwrap(), recovered);
    }
}

#[tokio::test]
async fn restarts_keep_live_and_deleted_vaults_and_their_purge_dates() {
    let mut server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let live = create(&mut owner, container.vault_request("live")).await.unwrap();
    create(&mut owner, container.vault_request_with("gone", |vault| vault.retention_days = Some(7)))
        .await
        .unwrap();
    let deleted = delete(&mut owner, container.vault("gone")).await.unwrap();
    server.kill();
    server.start_again();
    let mut owner = server.client("owner").await;
    assert_eq!(get(&mut owner, container.vault("live")).await.unwrap(), live);
    let request = pb::GetDeletedVaultRequest { name: container.deleted_vault("gone") };
    assert_eq!(owner.vaults.get_deleted_vault(request).await.unwrap().into_inner(), deleted);
    // The scheduled purge date was not lost.
    let events = server.client("dev").await.clock.advance_clock(days(7)).await.unwrap().into_inner();
    let found: Vec<_> = events.happenings.iter().map(|one| (one.what.clone(), one.at)).collect();
    assert_eq!(found, [(Some(What::PurgedVault(deleted.name)), deleted.scheduled_purge_at)]);
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn token_is_allocated_at_creation_and_released_by_purge() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    let before = hsm_tokens(&server).len();
    create(&mut owner, container.vault_request("one")).await.unwrap();
    assert_eq!(hsm_tokens(&server).len(), before + 1);
    delete(&mut owner, container.vault("one")).await.unwrap();
    create(&mut owner, container.vault_request("two")).await.unwrap();
    assert_eq!(hsm_tokens(&server).len(), before + 2, "a deleted vault keeps its token");
    purge(&mut owner, container.deleted_vault("one")).await.unwrap();
    // The token of the purged vault is reused, by a container of either kind.
    owner.hsms.create_managed_hsm(container.create_request("three")).await.unwrap();
    assert_eq!(hsm_tokens(&server).len(), before + 2);
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn vault_and_hsm_of_one_name_are_independent() {
    let mut server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    // The HSM of the seed has this name.
    create(&mut owner, container.vault_request("local")).await.unwrap();
    let mut user = server.client("crypto-user").await;
    user.create(crate::support::ec("k", "P-256")).await.unwrap();
    delete(&mut owner, container.vault("local")).await.unwrap();
    let sign = pb::SignRequest {
        name: "hsms/local/keys/k".to_owned(),
        algorithm: "ES256".to_owned(),
        digest: vec![7; 32],
    };
    user.crypto.sign(sign.clone()).await.unwrap();
    assert_eq!(crate::hsms::live_names(&mut owner, &container).await, ["local"]);
    purge(&mut owner, container.deleted_vault("local")).await.unwrap();
    user.crypto.sign(sign.clone()).await.unwrap();
    create(&mut owner, container.vault_request("local")).await.unwrap();
    crate::hsms::delete(&mut owner, container.hsm("local")).await.unwrap();
    crate::hsms::purge(&mut owner, container.deleted("local")).await.unwrap();
    assert_eq!(live_names(&mut owner, &container).await, ["local"]);
    server.restart();
    let mut owner = server.client("owner").await;
    assert_eq!(live_names(&mut owner, &container).await, ["local"]);
    assert!(crate::hsms::live_names(&mut owner, &container).await.is_empty());
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn deletion_of_the_resource_group_soft_deletes_its_vaults() {
    let mut server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create_group(&mut owner, "team").await;
    let team = format!("{}/resourceGroups/team", container.subscription);
    create(&mut owner, create_request(&team, "payroll")).await.unwrap();
    create(&mut owner, container.vault_request("elsewhere")).await.unwrap();
    delete_group(&mut owner, "team").await.unwrap();
    // One transaction: a crash does not leave it half done.
    server.kill();
    server.start_again();
    let mut owner = server.client("owner").await;
    assert_eq!(live_names(&mut owner, &container).await, ["elsewhere"]);
    assert_eq!(deleted_names(&mut owner, &container).await, ["payroll"]);
    assert_grpc_error(
        recover(&mut owner, container.deleted_vault("payroll")).await,
        Code::NotFound,
        "RESOURCE_GROUP_NOT_FOUND",
    );
    create_group(&mut owner, "team").await;
    let recovered = recover(&mut owner, container.deleted_vault("payroll")).await.unwrap();
    assert_eq!(recovered.name, format!("{team}/vaults/payroll"));
}

/// A call that was interrupted has taken effect or not, and both leave a consistent token pool.
#[tokio::test]
async fn killed_creations_and_purges_leave_nothing_behind() {
    let mut server = Server::start();
    let container = Container::of(&server);
    let before = hsm_tokens(&server).len();
    let mut owner = server.client("owner").await;
    create(&mut owner, container.vault_request("purged")).await.unwrap();
    delete(&mut owner, container.vault("purged")).await.unwrap();
    let (mut creating, mut purging) = (owner.clone(), owner);
    let (create_it, purge_it) = (container.vault_request("created"), container.deleted_vault("purged"));
    let calls =
        tokio::spawn(
            async move { tokio::join!(create(&mut creating, create_it), purge(&mut purging, purge_it)) },
        );
    tokio::time::sleep(std::time::Duration::from_millis(15)).await;
    server.kill();
    let (created, purged) = calls.await.unwrap();
    server.start_again();
    let mut owner = server.client("owner").await;
    let (live, deleted) =
        (live_names(&mut owner, &container).await, deleted_names(&mut owner, &container).await);
    assert!(created.is_err() || live == ["created"], "{live:?}");
    assert!(purged.is_err() || deleted.is_empty(), "{deleted:?}");
    for name in live {
        delete(&mut owner, container.vault(&name)).await.unwrap();
    }
    for name in deleted_names(&mut owner, &container).await {
        purge(&mut owner, container.deleted_vault(&name)).await.unwrap();
    }
    for name in ["created", "purged"] {
        create(&mut owner, container.vault_request(name)).await.unwrap();
    }
    assert!(hsm_tokens(&server).len() <= before + 2);
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn protected_subscription_allows_only_scheduled_purges_of_vaults() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    create(&mut owner, container.vault_request_with("payroll", |vault| vault.retention_days = Some(7)))
        .await
        .unwrap();
    delete(&mut owner, container.vault("payroll")).await.unwrap();
    let update_mask = Some(prost_types::FieldMask { paths: vec!["undeletable".to_owned()] });
    let request = pb::UpdateSubscriptionRequest {
        name: container.subscription.clone(),
        undeletable: true,
        update_mask,
    };
    owner.resources.update_subscription(request).await.unwrap();
    let refused = purge(&mut owner, container.deleted_vault("payroll")).await;
    let status = assert_grpc_error(refused, Code::FailedPrecondition, "PURGE_PROTECTED");
    assert_eq!(error_metadata(&status, "recovery_level"), "CustomizedRecoverable+ProtectedSubscription");
    let events = server.client("dev").await.clock.advance_clock(days(7)).await.unwrap().into_inner();
    assert_eq!(events.happenings.len(), 1);
    assert!(deleted_names(&mut owner, &container).await.is_empty());
}

#[tokio::test]
async fn vaults_are_created_and_purged_concurrently() {
    let server = Server::start();
    let container = Container::of(&server);
    let owner = server.client("owner").await;
    let create_and_purge = |name: &'static str| {
        let (mut owner, container) = (owner.clone(), container.clone());
        async move {
            for _ in 0..5 {
                create(&mut owner, container.vault_request(name)).await.unwrap();
                delete(&mut owner, container.vault(name)).await.unwrap();
                purge(&mut owner, container.deleted_vault(name)).await.unwrap();
            }
        }
    };
    tokio::join!(create_and_purge("one"), create_and_purge("two"), create_and_purge("three"));
    // Of concurrent creations with one name, one succeeds.
    let (mut first, mut second) = (owner.clone(), owner.clone());
    let outcomes = tokio::join!(
        create(&mut first, container.vault_request("same")),
        create(&mut second, container.vault_request("SAME")),
    );
    let refused = if outcomes.0.is_ok() { outcomes.1 } else { outcomes.0 };
    assert_grpc_error(refused, Code::AlreadyExists, "VAULT_EXISTS");
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}
