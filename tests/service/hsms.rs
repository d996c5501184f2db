//! Helpers for managed HSMs, and tests of their content across deletion, recovery and purge.

use strongroom::api::grpc::pb;
use tonic::{Code, Response, Status};

use crate::roles::support::{CRYPTO_USER, assert_grpc_error};
use crate::support::{Client, Server, days, ec, error_metadata};

/// The subscription and the resource group of the seed's HSMs.
#[derive(Clone)]
pub(crate) struct Container {
    /// The resource name of the subscription.
    pub(crate) subscription: String,
    /// The resource name of the resource group.
    pub(crate) group: String,
    administrator: String,
}

impl Container {
    /// Reads the names from a server's `connection.json`.
    pub(crate) fn of(server: &Server) -> Self {
        let connection = server.connection();
        let subscription = format!("subscriptions/{}", connection.subscription_id);
        let group = format!("{subscription}/resourceGroups/{}", connection.resource_group);
        Self { subscription, group, administrator: server.principal("administrator").object_id }
    }

    /// Returns the resource name of an HSM.
    pub(crate) fn hsm(&self, name: &str) -> String {
        format!("{}/managedHsms/{name}", self.group)
    }

    /// Returns the resource name of a deleted HSM.
    pub(crate) fn deleted(&self, name: &str) -> String {
        format!("{}/locations/localhost/deletedManagedHsms/{name}", self.subscription)
    }

    /// Returns a request to create an HSM whose administrator is the principal `administrator`.
    pub(crate) fn create_request(&self, name: &str) -> pb::CreateManagedHsmRequest {
        let mut request = create_request(&self.group, name);
        request.managed_hsm.as_mut().unwrap().administrators = vec![self.administrator.clone()];
        request
    }

    /// Returns a request to create an HSM with this retention interval.
    pub(crate) fn create_request_with_retention(
        &self,
        name: &str,
        retention_days: u32,
    ) -> pb::CreateManagedHsmRequest {
        let mut request = self.create_request(name);
        request.managed_hsm.as_mut().unwrap().retention_days = Some(retention_days);
        request
    }
}

/// Returns a request to create an HSM.
pub(crate) fn create_request(parent: &str, name: &str) -> pb::CreateManagedHsmRequest {
    let hsm = pb::ManagedHsm {
        location: "localhost".to_owned(),
        administrators: vec!["5a30c304-ba63-54bf-bd78-3d2684c1da0c".to_owned()],
        ..Default::default()
    };
    pb::CreateManagedHsmRequest {
        parent: parent.to_owned(),
        managed_hsm_id: name.to_owned(),
        managed_hsm: Some(hsm),
    }
}

/// Returns a request to replace the tags of an HSM.
pub(crate) fn tag_request(name: String, tag: &str) -> pb::UpdateManagedHsmRequest {
    let tags = [(tag.to_owned(), "yes".to_owned())].into();
    pb::UpdateManagedHsmRequest {
        managed_hsm: Some(pb::ManagedHsm { name, tags, ..Default::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["tags".to_owned()] }),
    }
}

/// Creates and activates an HSM, and assigns `crypto-user` the role Managed HSM Crypto User.
pub(crate) async fn create_activated(
    server: &Server,
    request: pb::CreateManagedHsmRequest,
) -> pb::ManagedHsm {
    let mut contributor = server.client("contributor").await;
    let made = contributor.hsms.create_managed_hsm(request).await.unwrap().into_inner();
    let mut administrator = server.client("administrator").await;
    let name = made.data_plane.clone();
    administrator.hsms.activate_managed_hsm(pb::ActivateManagedHsmRequest { name }).await.unwrap();
    let assigning = pb::CreateRoleAssignmentRequest {
        parent: made.data_plane.clone(),
        role_definition: CRYPTO_USER.to_owned(),
        principal_id: server.principal("crypto-user").object_id,
        scope: "/".to_owned(),
        ..Default::default()
    };
    administrator.access.create_role_assignment(assigning).await.unwrap();
    made
}

/// Soft-deletes an HSM.
pub(crate) async fn delete(client: &mut Client, name: String) -> Result<pb::DeletedManagedHsm, Status> {
    client.hsms.delete_managed_hsm(pb::DeleteManagedHsmRequest { name }).await.map(Response::into_inner)
}

/// Recovers an HSM.
pub(crate) async fn recover(client: &mut Client, name: String) -> Result<pb::ManagedHsm, Status> {
    let request = pb::RecoverDeletedManagedHsmRequest { name };
    client.hsms.recover_deleted_managed_hsm(request).await.map(Response::into_inner)
}

/// Purges an HSM.
pub(crate) async fn purge(client: &mut Client, name: String) -> Result<(), Status> {
    let request = pb::PurgeDeletedManagedHsmRequest { name };
    client.hsms.purge_deleted_managed_hsm(request).await.map(drop)
}

/// Lists the names of the live HSMs.
pub(crate) async fn live_names(client: &mut Client, container: &Container) -> Vec<String> {
    let request = pb::ListManagedHsmsRequest { parent: container.subscription.clone(), ..Default::default() };
    let page = client.hsms.list_managed_hsms(request).await.unwrap().into_inner();
    page.managed_hsms.iter().map(|hsm| hsm.data_plane["hsms/".len()..].to_owned()).collect()
}

/// Lists the names of the deleted HSMs.
pub(crate) async fn deleted_names(client: &mut Client, container: &Container) -> Vec<String> {
    let parent = container.subscription.clone();
    let request = pb::ListDeletedManagedHsmsRequest { parent, ..Default::default() };
    let page = client.hsms.list_deleted_managed_hsms(request).await.unwrap().into_inner();
    let name = |hsm: &pb::DeletedManagedHsm| hsm.name.rsplit('/').next().unwrap().to_owned();
    page.deleted_managed_hsms.iter().map(name).collect()
}

/// Signs with a key.
async fn sign(client: &mut Client, key: &str) -> Result<(), Status> {
    let request =
        pb::SignRequest { name: key.to_owned(), algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    client.crypto.sign(request).await.map(drop)
}

#[tokio::test]
async fn deleted_hsm_keeps_its_keys_and_rejects_use_until_recovered() {
    let mut server = Server::start();
    let container = Container::of(&server);
    create_activated(&server, container.create_request_with_retention("payroll", 7)).await;
    let mut user = server.client("crypto-user").await;
    for name in ["live", "gone"] {
        let parent = "hsms/payroll".to_owned();
        user.create(pb::CreateKeyRequest { parent, ..ec(name, "P-256") }).await.unwrap();
    }
    let request = pb::DeleteKeyRequest { name: "hsms/payroll/keys/gone".to_owned() };
    let reply = user.keys.delete_key(request).await.unwrap().into_inner();
    let mut contributor = server.client("contributor").await;
    let deleted = delete(&mut contributor, container.hsm("payroll")).await.unwrap();
    for again in [false, true] {
        if again {
            server.restart();
            user = server.client("crypto-user").await;
            contributor = server.client("contributor").await;
        }
        let status = assert_grpc_error(
            sign(&mut user, "hsms/payroll/keys/live").await,
            Code::FailedPrecondition,
            "HSM_DELETED",
        );
        assert_eq!(error_metadata(&status, "resource"), "hsms/payroll");
        let nobody = sign(&mut server.client("nobody").await, "hsms/payroll/keys/live").await;
        assert_grpc_error(nobody, Code::PermissionDenied, "ACTION_NOT_GRANTED");
        let taken = contributor.hsms.create_managed_hsm(container.create_request("PayRoll")).await;
        assert_eq!(
            error_metadata(&assert_grpc_error(taken, Code::AlreadyExists, "HSM_EXISTS"), "deleted"),
            "true"
        );
    }
    let mut dev = server.client("dev").await;
    dev.clock.advance_clock(days(6)).await.unwrap();
    recover(&mut contributor, deleted.name).await.unwrap();
    sign(&mut user, "hsms/payroll/keys/live").await.unwrap();

    // The deleted key kept its scheduled purge date and is purged on it.
    let events = dev.clock.advance_clock(days(1)).await.unwrap().into_inner().happenings;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].at, reply.scheduled_purge_at);
    sign(&mut user, "hsms/payroll/keys/live").await.unwrap();
}

#[tokio::test]
async fn recovery_purges_keys_that_came_due_meanwhile() {
    let server = Server::start();
    let container = Container::of(&server);
    create_activated(&server, container.create_request_with_retention("payroll", 7)).await;
    let mut user = server.client("crypto-user").await;
    let parent = "hsms/payroll".to_owned();
    user.create(pb::CreateKeyRequest { parent, ..ec("gone", "P-256") }).await.unwrap();
    user.keys.delete_key(pb::DeleteKeyRequest { name: "hsms/payroll/keys/gone".to_owned() }).await.unwrap();
    let mut dev = server.client("dev").await;
    dev.clock.advance_clock(days(5)).await.unwrap();
    let deleted = delete(&mut dev, container.hsm("payroll")).await.unwrap();
    // The scheduled purge date passes while the HSM is deleted: the purge waits.
    assert_eq!(dev.clock.advance_clock(days(4)).await.unwrap().into_inner().happenings, []);
    recover(&mut dev, deleted.name).await.unwrap();
    let events = dev.clock.advance_clock(days(0)).await.unwrap().into_inner().happenings;
    let officer = pb::CreateRoleAssignmentRequest {
        parent: "hsms/payroll".to_owned(),
        role_definition: crate::roles::support::CRYPTO_AUDITOR.to_owned(),
        principal_id: server.principal("crypto-auditor").object_id,
        scope: "/".to_owned(),
        ..Default::default()
    };
    server.client("administrator").await.access.create_role_assignment(officer).await.unwrap();
    let list = pb::ListDeletedKeysRequest { parent: "hsms/payroll".to_owned(), ..Default::default() };
    let left = server.client("crypto-auditor").await.keys.list_deleted_keys(list).await.unwrap().into_inner();
    // Purged by the scheduler, or by the advance if that ran first.
    assert!(events.len() <= 1);
    assert_eq!(left.deleted_keys, []);
}

#[tokio::test]
async fn purge_frees_the_name_and_removes_keys_and_roles() {
    let mut server = Server::start();
    let container = Container::of(&server);
    create_activated(&server, container.create_request("payroll")).await;
    let mut user = server.client("crypto-user").await;
    let parent = "hsms/payroll".to_owned();
    user.create(pb::CreateKeyRequest { parent: parent.clone(), ..ec("live", "P-256") }).await.unwrap();
    let mut contributor = server.client("contributor").await;
    delete(&mut contributor, container.hsm("payroll")).await.unwrap();
    purge(&mut contributor, container.deleted("payroll")).await.unwrap();
    assert_grpc_error(sign(&mut user, "hsms/payroll/keys/live").await, Code::NotFound, "HSM_NOT_FOUND");

    // Another HSM of this name has none of the keys and roles of the first.
    contributor.hsms.create_managed_hsm(container.create_request("payroll")).await.unwrap();
    assert_grpc_error(
        sign(&mut user, "hsms/payroll/keys/live").await,
        Code::PermissionDenied,
        "ACTION_NOT_GRANTED",
    );
    server.restart();
    let mut contributor = server.client("contributor").await;
    assert_eq!(live_names(&mut contributor, &container).await, ["local", "payroll"]);
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn hsms_are_created_and_purged_concurrently() {
    let server = Server::start();
    let container = Container::of(&server);
    let contributor = server.client("contributor").await;
    let create_and_purge = |name: &'static str| {
        let (mut contributor, container) = (contributor.clone(), container.clone());
        async move {
            for _ in 0..10 {
                contributor.hsms.create_managed_hsm(container.create_request(name)).await.unwrap();
                delete(&mut contributor, container.hsm(name)).await.unwrap();
                purge(&mut contributor, container.deleted(name)).await.unwrap();
            }
        }
    };
    tokio::join!(
        create_and_purge("one"),
        create_and_purge("two"),
        create_and_purge("three"),
        create_and_purge("four"),
    );
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn seed_does_not_recreate_purged_hsm() {
    let mut server = Server::start();
    let container = Container::of(&server);
    let mut owner = server.client("owner").await;
    delete(&mut owner, container.hsm("local")).await.unwrap();
    purge(&mut owner, container.deleted("local")).await.unwrap();
    server.restart();
    let mut owner = server.client("owner").await;
    assert!(live_names(&mut owner, &container).await.is_empty());
}
