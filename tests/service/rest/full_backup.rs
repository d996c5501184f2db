//! The bodies and headers of full backups and restores, as recorded from Azure.

use std::time::Duration;

use serde_json::{Value, json};

use super::client::{Rest, RestResponse};
use crate::support::Server;

/// Returns the id of a job, and its status when it has ended.
async fn ended(dev: &Rest, noun: &str, started: &RestResponse) -> (String, RestResponse) {
    let id = started.json(202)["jobId"].as_str().unwrap().to_owned();
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase()));
    let path = format!("/{noun}/{id}/pending");
    assert_eq!(started.header("azure-asyncoperation"), format!("{}{path}", dev.base));
    assert_eq!(started.header("retry-after"), "1");
    loop {
        let status = dev.get(&path).await;
        assert_eq!((status.header("azure-asyncoperation"), status.header("retry-after")), ("", ""));
        if status.json(200)["status"] != "InProgress" {
            return (id, status);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn jobs_have_the_recorded_bodies_and_headers() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    dev.create("a", json!({"kty": "EC-HSM"})).await;
    let storage = json!({"storageResourceUri": "file:///nightly", "useManagedIdentity": false});

    let started = dev.post("/backup", storage.clone()).await;
    let (id, status) = ended(&dev, "backup", &started).await;
    let begun = &started.json(202)["startTime"];
    assert_eq!(
        started.text,
        format!(
            r#"{{"status":"InProgress","statusDetails":null,"error":null,"startTime":{begun},"endTime":null,"jobId":"{id}","azureStorageBlobContainerUri":null}}"#
        )
    );
    let json = status.json(200);
    let folder = json["azureStorageBlobContainerUri"].as_str().unwrap();
    let folder = folder.strip_prefix("file:///nightly/").unwrap();
    let digits = folder.strip_prefix("mhsm-local-").unwrap();
    assert!(digits.len() == 16 && digits.bytes().all(|byte| byte.is_ascii_digit()), "{folder}");
    let end = &json["endTime"];
    assert_eq!(
        status.text,
        format!(
            r#"{{"azureStorageBlobContainerUri":"file:///nightly/{folder}","endTime":{end},"error":null,"jobId":"{id}","startTime":{begun},"status":"Succeeded","statusDetails":null}}"#
        )
    );

    let (_, checked) = ended(&dev, "backup", &dev.post("/prebackup", storage.clone()).await).await;
    assert_eq!(checked.json(200)["azureStorageBlobContainerUri"], Value::Null);

    // An existing key is not changed.
    let body = json!({"sasTokenParameters": storage, "folder": folder});
    let (_, kept) = ended(&dev, "restore", &dev.put("/keys/a/restore", body).await).await;
    let details =
        "Number of successful key versions restored: 0, Number of key versions could not overwrite: 1";
    assert_eq!(kept.json(200)["statusDetails"], details);

    for (path, folder, status) in [
        ("/prerestore", folder, "Succeeded"),
        ("/restore", folder, "Succeeded"),
        ("/restore", "none", "Failed"),
    ] {
        let body = json!({"sasTokenParameters": storage, "folderToRestore": folder});
        let started = dev.put(path, body).await;
        let (id, found) = ended(&dev, "restore", &started).await;
        let json = found.json(200);
        assert_eq!((&json["status"], &json["jobId"]), (&status.into(), &id.into()), "{path}");
        assert_eq!(json.get("azureStorageBlobContainerUri"), None);
        assert_eq!(started.json(202).get("azureStorageBlobContainerUri"), None);
        if status == "Failed" {
            assert_eq!(json["error"]["code"], "BACKUP_STORAGE");
            assert!(json["error"]["message"].as_str().unwrap().contains("strongroom.backup"), "{json}");
        }
    }
    dev.get("/keys/a").await.json(200);
}

#[tokio::test]
async fn rejects_incomplete_requests() {
    let server = Server::start();
    let dev = Rest::authenticated(&server, "dev").await;
    for body in [json!({}), json!({"storageResourceUri": null})] {
        let message = dev.post("/backup", body).await.error(400, "BadParameter");
        assert!(message.contains("storageResourceUri"), "{message}");
    }
    let body = json!({"sasTokenParameters": {"storageResourceUri": "file:///nightly"}});
    let message = dev.put("/restore", body).await.error(400, "BadParameter");
    assert!(message.contains("folderToRestore"), "{message}");
    let container = "https://acct.blob.core.windows.net/c";
    let message = dev
        .post("/backup", json!({"storageResourceUri": container, "token": "sig=x"}))
        .await
        .error(400, "BadRequest");
    assert!(message.contains("The SAS token does not contain the expiry field"), "{message}");
    dev.get("/backup/00000000000000000000000000000001/pending").await.error(404, "NotFound");
    dev.get("/restore/x/pending").await.error(404, "NotFound");
}
