//! Updating a setting of an HSM: its value, its lifetime and permissions.

use strongroom::api::grpc::pb;
use tonic::{Code, Response, Status};

use super::get_setting::{SETTING, value};
use crate::hsms::{self, Container};
use crate::roles::support::{
    HSM, assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::{Client, Server};

async fn set(client: &mut Client, hsm: &str, value: &str) -> Result<Response<pb::Setting>, Status> {
    let name = format!("hsms/{hsm}/settings/{SETTING}");
    client.settings.update_setting(pb::UpdateSettingRequest { name, value: value.to_owned() }).await
}

#[tokio::test]
async fn survives_a_restart_and_changes_nothing_else() {
    let mut server = Server::start();
    let mut administrator = server.client("administrator").await;
    let mut owner = server.client("owner").await;
    let read = pb::GetManagedHsmRequest { name: Container::of(&server).hsm("local") };
    let before = owner.hsms.get_managed_hsm(read.clone()).await.unwrap().into_inner();

    let answer = set(&mut administrator, "local", "True").await;
    let name = format!("{HSM}/settings/{SETTING}");
    assert_audited(&server, metadata(&answer), "SettingUpdate", "OK", &name);
    let setting = pb::Setting { name, r#type: "boolean".to_owned(), value: "true".to_owned() };
    assert_eq!(answer.unwrap().into_inner(), setting);
    server.restart();
    let mut administrator = server.client("administrator").await;
    assert_eq!(value(&mut administrator, "local").await, "true");
    let after = server.client("owner").await.hsms.get_managed_hsm(read).await.unwrap().into_inner();
    assert_eq!(after, before);
    set(&mut administrator, "local", "false").await.unwrap();
    assert_eq!(value(&mut administrator, "local").await, "false");
}

#[tokio::test]
async fn setting_is_per_hsm_and_recovered_and_purged_with_it() {
    let server = Server::start();
    let container = Container::of(&server);
    let (mut owner, mut administrator) = (server.client("owner").await, server.client("administrator").await);
    let make = async |owner: &mut Client, administrator: &mut Client| {
        owner.hsms.create_managed_hsm(container.create_request("payroll")).await.unwrap();
        let activate = pb::ActivateManagedHsmRequest { name: "hsms/payroll".to_owned() };
        administrator.hsms.activate_managed_hsm(activate).await.unwrap();
    };
    make(&mut owner, &mut administrator).await;
    set(&mut administrator, "payroll", "true").await.unwrap();
    assert_eq!(value(&mut administrator, "local").await, "false");
    // Updating the resource does not change the setting.
    let tagging = hsms::tag_request(container.hsm("payroll"), "seen");
    owner.hsms.update_managed_hsm(tagging).await.unwrap();
    assert_eq!(value(&mut administrator, "payroll").await, "true");

    hsms::delete(&mut owner, container.hsm("payroll")).await.unwrap();
    let refused = set(&mut administrator, "payroll", "false").await;
    assert_grpc_error(refused, Code::FailedPrecondition, "HSM_DELETED");
    let recover = pb::RecoverDeletedManagedHsmRequest { name: container.deleted("payroll") };
    owner.hsms.recover_deleted_managed_hsm(recover).await.unwrap();
    assert_eq!(value(&mut administrator, "payroll").await, "true");

    hsms::delete(&mut owner, container.hsm("payroll")).await.unwrap();
    let purge = pb::PurgeDeletedManagedHsmRequest { name: container.deleted("payroll") };
    owner.hsms.purge_deleted_managed_hsm(purge).await.unwrap();
    make(&mut owner, &mut administrator).await;
    assert_eq!(value(&mut administrator, "payroll").await, "false");
}

/// Settings and tags belong to the same HSM: neither update may overwrite the other.
#[tokio::test]
async fn concurrent_updates_of_settings_and_tags_are_kept() {
    let server = Server::start();
    let container = Container::of(&server);
    let (mut owner, mut administrator) = (server.client("owner").await, server.client("administrator").await);
    for round in 0..20 {
        let (on, tag) = ((round % 2 == 0).to_string(), format!("round-{round}"));
        let tagging = hsms::tag_request(container.hsm("local"), &tag);
        let (set, tagged) =
            tokio::join!(set(&mut administrator, "local", &on), owner.hsms.update_managed_hsm(tagging));
        set.unwrap();
        tagged.unwrap();
        let read = pb::GetManagedHsmRequest { name: container.hsm("local") };
        let tags = owner.hsms.get_managed_hsm(read).await.unwrap().into_inner().tags;
        assert!(tags.values().chain(tags.keys()).any(|text| *text == tag), "{tags:?}");
        assert_eq!(value(&mut administrator, "local").await, on);
    }
}

#[tokio::test]
async fn rejects_missing_permission_and_invalid_values() {
    let server = Server::start();
    let mut administrator = server.client("administrator").await;
    for name in ["owner", "contributor", "crypto-officer", "crypto-user", "nobody"] {
        assert_not_granted(set(&mut server.client(name).await, "local", "true").await);
    }
    for wrong in ["", "1", "on", "true\n"] {
        assert_bad_parameter(set(&mut administrator, "local", wrong).await, "value");
    }
    let request = pb::UpdateSettingRequest { name: format!("{HSM}/settings/x"), value: "true".to_owned() };
    assert_grpc_error(
        administrator.settings.update_setting(request).await,
        Code::NotFound,
        "SETTING_NOT_FOUND",
    );
    assert_grpc_error(set(&mut administrator, "elsewhere", "true").await, Code::NotFound, "HSM_NOT_FOUND");
    assert_eq!(value(&mut administrator, "local").await, "false");
}
