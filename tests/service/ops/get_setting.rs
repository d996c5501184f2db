//! Reading a setting of an HSM.

use strongroom::api::grpc::pb;
use tonic::Code;

use crate::roles::support::{
    HSM, assert_audited, assert_bad_parameter, assert_grpc_error, assert_not_granted, metadata,
};
use crate::support::{Client, Server};

/// The only setting of an HSM.
pub(crate) const SETTING: &str = "AllowKeyManagementOperationsThroughARM";

fn request(hsm: &str, name: &str) -> pb::GetSettingRequest {
    pb::GetSettingRequest { name: format!("hsms/{hsm}/settings/{name}") }
}

/// Returns the value of [`SETTING`] of an HSM.
pub(crate) async fn value(client: &mut Client, hsm: &str) -> String {
    client.settings.get_setting(request(hsm, SETTING)).await.unwrap().into_inner().value
}

#[tokio::test]
async fn matches_the_listed_setting() {
    let server = Server::start();
    let mut administrator = server.client("administrator").await;
    let answer = administrator.settings.get_setting(request("LOCAL", SETTING)).await;
    let name = format!("{HSM}/settings/{SETTING}");
    assert_audited(&server, metadata(&answer), "SettingGet", "OK", &format!("hsms/LOCAL/settings/{SETTING}"));
    let setting = answer.unwrap().into_inner();
    assert_eq!((setting.name.as_str(), setting.r#type.as_str()), (name.as_str(), "boolean"));
    let list = pb::ListSettingsRequest { parent: HSM.to_owned() };
    assert_eq!(administrator.settings.list_settings(list).await.unwrap().into_inner().settings, [setting]);
}

#[tokio::test]
async fn rejects_missing_permission_and_unknown_names() {
    let server = Server::start();
    let mut administrator = server.client("administrator").await;
    assert_not_granted(
        server.client("crypto-auditor").await.settings.get_setting(request("local", SETTING)).await,
    );
    for name in ["Nothing", "allowkeymanagementoperationsthrougharm", "", "a b"] {
        let refused = administrator.settings.get_setting(request("local", name)).await;
        assert_grpc_error(refused, Code::NotFound, "SETTING_NOT_FOUND");
    }
    assert_grpc_error(
        administrator.settings.get_setting(request("elsewhere", SETTING)).await,
        Code::NotFound,
        "HSM_NOT_FOUND",
    );
    for name in ["", HSM, "hsms/local/settings", "hsms/local/keys/a", "hsms/local/settings/a/b"] {
        let request = pb::GetSettingRequest { name: name.to_owned() };
        assert_bad_parameter(administrator.settings.get_setting(request).await, "name");
    }
}
