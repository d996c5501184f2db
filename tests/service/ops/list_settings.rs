//! Listing the settings of an HSM.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    HSM, assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::Server;

fn request(parent: &str) -> pb::ListSettingsRequest {
    pb::ListSettingsRequest { parent: parent.to_owned() }
}

#[tokio::test]
async fn lists_the_only_setting_as_off() {
    let server = Server::start();
    let mut administrator = server.client("administrator").await;
    let answer = administrator.settings.list_settings(request(HSM)).await;
    assert_audited(&server, metadata(&answer), "SettingList", "OK", HSM);
    let setting = pb::Setting {
        name: format!("{HSM}/settings/AllowKeyManagementOperationsThroughARM"),
        r#type: "boolean".to_owned(),
        value: "false".to_owned(),
    };
    assert_eq!(answer.unwrap().into_inner().settings, [setting]);
}

#[tokio::test]
async fn rejects_missing_permission_and_invalid_parents() {
    let server = Server::start();
    let mut administrator = server.client("administrator").await;
    let mut officer = server.client("crypto-officer").await;
    let answer = officer.settings.list_settings(request(HSM)).await;
    assert_audited(&server, metadata(&answer), "SettingList", "ACTION_NOT_GRANTED", HSM);
    assert_not_granted(answer);
    let elsewhere = administrator.settings.list_settings(request("hsms/elsewhere")).await;
    assert_grpc_error(elsewhere, Code::NotFound, "HSM_NOT_FOUND");
    for parent in ["", "local", "hsms/local/", "hsms/local/settings"] {
        assert_bad_parameter(administrator.settings.list_settings(request(parent)).await, "parent");
    }
}
