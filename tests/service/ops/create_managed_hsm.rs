//! Creating a managed HSM.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::hsms::{Container, create_request, live_names};
use crate::roles::support::{
    assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::{Client, Server, error_metadata};

async fn create(client: &mut Client, request: pb::CreateManagedHsmRequest) -> Result<pb::ManagedHsm, Status> {
    client.hsms.create_managed_hsm(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn created_hsm_has_requested_properties_and_administrators() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    let mut request = container.create_request_with_retention("Payroll-1", 7);
    let asked = request.managed_hsm.as_mut().unwrap();
    asked.purge_protection = true;
    asked.sku = Some("custom_b32".to_owned());
    asked.tags = [("team".to_owned(), "billing".to_owned())].into();
    asked.network =
        Some(pb::NetworkRules { ip_rules: vec!["203.0.113.0/24".to_owned()], ..Default::default() });
    let answer = contributor.hsms.create_managed_hsm(request).await;
    let scope = format!("/{}/providers/Microsoft.KeyVault/managedHSMs/Payroll-1", container.group);
    assert_audited(&server, metadata(&answer), "ManagedHsmCreate", "OK", &scope);
    let made = answer.unwrap().into_inner();
    assert_eq!(
        (made.name.as_str(), made.data_plane.as_str()),
        (&*container.hsm("Payroll-1"), "hsms/Payroll-1")
    );
    assert_eq!((made.retention_days(), made.purge_protection, made.activated), (7, true, false));
    assert_eq!((made.recovery_level.as_str(), made.sku()), ("CustomizedRecoverable", "Custom_B32"));
    assert_eq!(made.tags["team"], "billing");
    assert_eq!(made.network.as_ref().unwrap().ip_rules, ["203.0.113.0/24"]);

    // The administrator holds that role only; the creator has no access to the data plane.
    let assignments =
        pb::ListRoleAssignmentsRequest { parent: made.data_plane.clone(), ..Default::default() };
    let activating = pb::ActivateManagedHsmRequest { name: made.data_plane.clone() };
    assert_not_granted(contributor.hsms.activate_managed_hsm(activating.clone()).await);
    let mut administrator = server.client("administrator").await;
    administrator.hsms.activate_managed_hsm(activating).await.unwrap();
    let assigned = administrator.access.list_role_assignments(assignments).await.unwrap().into_inner();
    let assigned: Vec<_> = assigned
        .role_assignments
        .iter()
        .map(|one| (one.role_definition.as_str(), one.principal_id.as_str(), one.scope.as_str()))
        .collect();
    let administrator = server.principal("administrator").object_id;
    let role = format!("hsms/Payroll-1/roleDefinitions/{}", crate::roles::support::ADMINISTRATOR);
    assert_eq!(assigned, [(role.as_str(), administrator.as_str(), "/")]);
}

#[tokio::test]
async fn applies_azure_defaults() {
    let server = Server::start();
    let container = Container::of(&server);
    let made = create(&mut server.client("owner").await, container.create_request("payroll")).await.unwrap();
    assert_eq!((made.retention_days(), made.purge_protection), (90, false));
    assert_eq!((made.sku(), made.recovery_level.as_str()), ("Standard_B1", "Recoverable+Purgeable"));
    let network = made.network.unwrap();
    assert_eq!(
        [network.public_network_access(), network.default_action(), network.bypass()],
        ["Enabled", "Allow", "AzureServices"]
    );
}

#[tokio::test]
async fn retention_interval_is_seven_to_ninety_days() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    for (name, days) in [("seven", 7), ("ninety", 90)] {
        assert_eq!(
            create(&mut contributor, container.create_request_with_retention(name, days))
                .await
                .unwrap()
                .retention_days(),
            days
        );
    }
    for days in [0, 1, 6, 91, u32::MAX] {
        assert_bad_parameter(
            create(&mut contributor, container.create_request_with_retention("wrong", days)).await,
            "retention_days",
        );
    }
    assert_eq!(live_names(&mut contributor, &container).await, ["local", "ninety", "seven"]);
}

#[tokio::test]
async fn rejected_request_names_the_field_and_leaves_no_token() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    let with = |change: fn(&mut pb::ManagedHsm)| {
        let mut request = container.create_request("payroll");
        change(request.managed_hsm.as_mut().unwrap());
        request
    };
    let wrong: [(pb::CreateManagedHsmRequest, &str); 11] = [
        (with(|hsm| hsm.administrators.clear()), "administrators"),
        (with(|hsm| hsm.administrators = vec!["root".to_owned()]), "administrators"),
        (with(|hsm| hsm.location.clear()), "location"),
        (with(|hsm| hsm.sku = Some("Standard_B2".to_owned())), "sku"),
        (with(|hsm| hsm.sku = Some(String::new())), "sku"),
        (with(|hsm| hsm.tenant_id = "x".to_owned()), "tenant_id"),
        (with(|hsm| hsm.tenant_id = crate::roles::support::guid(1)), "tenant_id"),
        (with(|hsm| hsm.tags = (0..51).map(|n| (n.to_string(), String::new())).collect()), "tags"),
        (
            with(|hsm| {
                let public_network_access = Some("SecuredByPerimeter".to_owned());
                hsm.network = Some(pb::NetworkRules { public_network_access, ..Default::default() });
            }),
            "network.public_network_access",
        ),
        (
            with(|hsm| {
                let ip_rules = vec!["10.0.0.0/8".to_owned()];
                hsm.network = Some(pb::NetworkRules { ip_rules, ..Default::default() });
            }),
            "network.ip_rules",
        ),
        (container.create_request("no--name"), "managed_hsm_id"),
    ];
    for (request, field) in wrong {
        assert_bad_parameter(create(&mut contributor, request).await, field);
    }
    let elsewhere = create_request(&format!("{}/resourceGroups/none", container.subscription), "payroll");
    assert_grpc_error(create(&mut contributor, elsewhere).await, Code::NotFound, "RESOURCE_GROUP_NOT_FOUND");
    assert_eq!(live_names(&mut contributor, &container).await, ["local"]);
    // That of the HSM and that of the vault of the seed.
    assert_eq!(crate::support::hsm_tokens(&server).len(), 2);
}

#[tokio::test]
async fn names_are_unique_and_a_location_holds_five_hsms() {
    let server = Server::start();
    let container = Container::of(&server);
    let mut contributor = server.client("contributor").await;
    for name in ["one", "two", "three", "four"] {
        create(&mut contributor, container.create_request(name)).await.unwrap();
    }
    let taken = create(&mut contributor, container.create_request("ONE")).await;
    assert_eq!(
        error_metadata(&assert_grpc_error(taken, Code::AlreadyExists, "HSM_EXISTS"), "deleted"),
        "false"
    );
    assert_grpc_error(
        create(&mut contributor, container.create_request("six")).await,
        Code::ResourceExhausted,
        "LIMIT_EXCEEDED",
    );
    // A soft-deleted HSM counts towards the limit.
    crate::hsms::delete(&mut contributor, container.hsm("one")).await.unwrap();
    assert_grpc_error(
        create(&mut contributor, container.create_request("six")).await,
        Code::ResourceExhausted,
        "LIMIT_EXCEEDED",
    );
    crate::hsms::purge(&mut contributor, container.deleted("one")).await.unwrap();
    create(&mut contributor, container.create_request("six")).await.unwrap();
}

#[tokio::test]
async fn requires_managed_hsm_write_permission() {
    let server = Server::start();
    let container = Container::of(&server);
    for name in ["administrator", "crypto-officer", "crypto-user", "reader", "nobody"] {
        let mut caller = server.client(name).await;
        let status = assert_not_granted(create(&mut caller, container.create_request("payroll")).await);
        assert_eq!(error_metadata(&status, "action"), "Microsoft.KeyVault/managedHSMs/write");
    }
}
