//! Settings over REST, byte for byte as recorded.

use http::Method;
use serde_json::{Value, json};

use super::client::Rest;
use crate::support::Server;

const SETTING: &str = "/settings/AllowKeyManagementOperationsThroughARM";

fn text(value: &str) -> String {
    format!(r#"{{"name":"AllowKeyManagementOperationsThroughARM","type":"boolean","value":"{value}"}}"#)
}

#[tokio::test]
async fn lists_reads_and_updates_settings_as_recorded() {
    let server = Server::start();
    let administrator = Rest::authenticated(&server, "administrator").await;
    let listed = administrator.get("/settings").await;
    assert_eq!((listed.status, listed.text), (200, format!(r#"{{"settings":[{}]}}"#, text("false"))));
    let on = administrator.patch(SETTING, json!({"value": "true"})).await;
    assert_eq!((on.status, on.text.len(), on.text), (200, 81, text("true")));
    let read = administrator.get(SETTING).await;
    assert_eq!((read.status, read.text), (200, text("true")));
    let off =
        administrator.patch(SETTING, json!({"value": "FALSE", "type": "boolean", "name": "other"})).await;
    assert_eq!((off.status, off.text.len(), off.text), (200, 82, text("false")));
}

#[tokio::test]
async fn errors_have_the_recorded_messages() {
    let server = Server::start();
    let administrator = Rest::authenticated(&server, "administrator").await;
    let misspelt = "Invalid setting name. Please check the spelling of the setting name to update.";
    for name in ["invalid%20name", "x", "a%00", "allowkeymanagementoperationsthrougharm"] {
        let path = format!("/settings/{name}");
        assert_eq!(administrator.get(&path).await.error(400, "InvalidSetting"), misspelt);
        let patched = administrator.patch(&path, json!({"value": "true"})).await;
        assert_eq!(patched.error(400, "InvalidSetting"), misspelt);
    }
    for body in [Value::Null, json!({}), json!({"value": null})] {
        let refused = administrator.patch(SETTING, body).await;
        assert_eq!(refused.error(400, "Nocontentprovided"), "No content provided");
    }
    for body in [json!({"value": "yes"}), json!({"value": true}), json!({"value": ""}), json!(["true"])] {
        administrator.patch(SETTING, body).await.error(400, "BadParameter");
    }
    for (method, path) in [
        (Method::PUT, SETTING),
        (Method::DELETE, SETTING),
        (Method::POST, "/settings"),
        (Method::GET, "/settings/a/b"),
    ] {
        let answer = administrator.raw(method, &format!("{path}?api-version=7.4"), "").await;
        answer.error(404, "NotFound");
    }
    let user = Rest::authenticated(&server, "crypto-user").await;
    let denied = "Not authorized to access Microsoft.KeyVault/managedHsm/settings/write/action on /";
    assert_eq!(user.patch(SETTING, json!({"value": "true"})).await.error(403, "AccessDenied"), denied);
    assert_eq!(administrator.get(SETTING).await.text, text("false"));
}
