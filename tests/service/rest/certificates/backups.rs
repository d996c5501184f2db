//! Backups of certificates, and what they are restored to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use strongroom::api::grpc::pb;

use super::super::client::Rest;
use super::{OpenSsl, create, policy, with_vault};
use crate::hsms::Container;
use crate::lifecycle::{events_after, kinds, try_events_after};
use crate::support::Server;
use crate::vaults;

/// Creates another vault in a region, with the permissions of the first.
async fn other_vault(server: &Server, first: &Rest, name: &str, location: &str) -> Rest {
    let all = || Some(pb::PermissionNames { names: vec!["all".to_owned(), "purge".to_owned()] });
    let policy = pb::AccessPolicy {
        tenant_id: server.connection().tenant_id,
        principal_id: server.principal("dev").object_id,
        application_id: String::new(),
        permissions: Some(pb::AccessPermissions {
            keys: all(),
            secrets: all(),
            certificates: all(),
            ..Default::default()
        }),
    };
    let request = Container::of(server).vault_request_with(name, |vault| {
        vault.location = location.to_owned();
        vault.rbac_authorization = Some(false);
        vault.access_policies = vec![policy];
    });
    vaults::create(&mut server.client("owner").await, request).await.unwrap();
    let host = first.base.replace("https://contoso.", &format!("{name}."));
    first.at_host(&host)
}

/// Returns the signature that a key of a vault makes of a digest.
async fn sign(vault: &Rest, key: &str, digest: &str) -> Value {
    let body = json!({"alg": "RS256", "value": digest});
    vault.post(&format!("/keys/{key}/sign"), body).await.json(200)["value"].clone()
}

#[tokio::test]
async fn restored_certificate_has_all_versions_and_its_private_keys() {
    let (server, vault) = with_vault("standard").await;
    for exportable in [true, false] {
        let key = json!({"kty": "RSA", "key_size": 2048, "exportable": exportable});
        create(&vault, "web", policy("Self", key)).await;
    }
    vault.patch("/certificates/web/", json!({"tags": {"a": "b"}})).await.json(200);
    let before = vault.get("/certificates/web").await.json(200);
    let versions = vault.get("/certificates/web/versions").await.json(200);
    let ids: Vec<String> = versions["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|version| version["id"].as_str().unwrap().rsplit('/').next().unwrap().to_owned())
        .collect();
    let secret = vault.get(&format!("/secrets/web/{}", ids[0])).await.json(200);
    let backup = vault.post("/certificates/web/backup", Value::Null).await.json(200);
    assert!(backup["value"].as_str().unwrap().starts_with("LkF6dXJlS2V5VmF1bHRDZXJ0aWZpY2F0ZUJhY2t1cFYx"));

    // Neither over a live name, nor over a deleted one.
    let conflict = vault.post("/certificates/restore", backup.clone()).await.json(409);
    let message = conflict["error"]["message"].as_str().unwrap();
    let start = format!(
        "There was a conflict restoring the certificate '{}/certificates/web/{}'.",
        vault.base, ids[1]
    );
    assert!(message.starts_with(&start), "{message}");
    vault.delete("/certificates/web").await.json(200);
    vault.post("/certificates/restore", backup.clone()).await.json(409);
    assert_eq!(vault.delete("/deletedcertificates/web").await.status, 204);
    // Nor over the name of a secret.
    vault.put("/secrets/web", json!({"value": "x"})).await.json(200);
    vault.post("/certificates/restore", backup.clone()).await.json(409);
    vault.delete("/secrets/web").await.json(200);
    assert_eq!(vault.delete("/deletedsecrets/web").await.status, 204);

    let other = other_vault(&server, &vault, "fabrikam", "localhost").await;
    for target in [&vault, &other] {
        let restored = target.post("/certificates/restore", backup.clone()).await.json(200);
        let mut expected = before.to_string().replace(&vault.base, &target.base);
        let pending = format!(",\"pending\":{{\"id\":\"{}/certificates/web/pending\"}}", target.base);
        assert!(expected.contains(&pending), "{expected}");
        expected = expected.replace(&pending, "");
        assert_eq!(restored, serde_json::from_str::<Value>(&expected).unwrap());
        let versions = target.get("/certificates/web/versions").await.json(200);
        assert_eq!(versions["value"].as_array().unwrap().len(), 2);
        // The exportable version has its private key, the other one signs in the token.
        let found = target.get(&format!("/secrets/web/{}", ids[0])).await.json(200);
        assert_eq!((&found["value"], &found["managed"]), (&secret["value"], &json!(true)));
        let openssl = OpenSsl::new();
        openssl.certificate("certificate", &restored);
        openssl.write("public", openssl.run("x509 -in certificate -noout -pubkey"));
        openssl.write("message", "message");
        openssl.run("dgst -sha256 -binary -out digest message");
        let digest = URL_SAFE_NO_PAD.encode(openssl.read("digest"));
        let signature = sign(target, "web", &digest).await;
        openssl.write("signature", URL_SAFE_NO_PAD.decode(signature.as_str().unwrap()).unwrap());
        openssl.run("dgst -sha256 -verify public -signature signature message");
        // It is a whole certificate again: companions are managed, and new versions can be created.
        let refused = target.delete("/keys/web").await.json(403);
        assert_eq!(refused["error"]["innererror"]["code"], "KeyManagedByKeyVault");
        target.post("/certificates/web/create", json!({})).await.json(202);
        let versions = target.get("/certificates/web/versions").await.json(200);
        assert_eq!(versions["value"].as_array().unwrap().len(), 3);
        // Two vaults that share a token cannot have the same keys: each is restored alone.
        target.delete("/certificates/web").await.json(200);
        assert_eq!(target.delete("/deletedcertificates/web").await.status, 204);
    }
}

#[tokio::test]
async fn events_follow_deletion_recovery_and_restore() {
    let (server, vault) = with_vault("standard").await;
    create(&vault, "web", policy("Self", json!({"kty": "EC"}))).await;
    let backup = vault.post("/certificates/web/backup", Value::Null).await.json(200);
    let deleted = vault.delete("/certificates/web").await.json(200);
    vault.post("/deletedcertificates/web/recover", Value::Null).await.json(200);
    vault.delete("/certificates/web").await.json(200);
    assert_eq!(vault.delete("/deletedcertificates/web").await.status, 204);
    vault.post("/certificates/restore", backup).await.json(200);
    let parent = "vaults/contoso/certificates";
    let mut dev = server.client("dev").await;
    let events = events_after(&mut dev, parent, "0").await;
    let expected = ["new-version", "deleted", "recovered", "deleted", "purged", "restored"];
    assert_eq!(kinds(&events), expected.map(|kind| format!("certificate.{kind}")));
    let purge = events[1].scheduled_purge_at.map(|at| at.seconds);
    assert_eq!(purge, deleted["scheduledPurgeDate"].as_i64());
    assert_eq!(events[1].subject, "vaults/contoso/deletedCertificates/web");
    assert_eq!(events[5].subject, "vaults/contoso/certificates/web");
    // Neither companions nor other watches have events of their own.
    for other in ["vaults/contoso", "hsms/local"] {
        assert_eq!(kinds(&events_after(&mut dev, other, "0").await), Vec::<&str>::new());
    }
    let mut reader = server.client("reader").await;
    let refused = try_events_after(&mut reader, parent, "0").await.unwrap_err();
    assert_eq!(refused.code(), tonic::Code::PermissionDenied);
}

#[tokio::test]
async fn backups_are_bound_to_kind_and_geography() {
    let (server, vault) = with_vault("standard").await;
    create(&vault, "web", policy("Self", json!({"kty": "EC"}))).await;
    let backup = vault.post("/certificates/web/backup", Value::Null).await.json(200);
    vault.delete("/certificates/web").await.json(200);
    vault.post("/certificates/web/backup", Value::Null).await.json(404);
    assert_eq!(vault.delete("/deletedcertificates/web").await.status, 204);
    let elsewhere = other_vault(&server, &vault, "europe", "westeurope").await;
    let refused = elsewhere.post("/certificates/restore", backup.clone()).await.json(400);
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.contains("geography"), "{message}");
    for (path, body) in [
        ("/secrets/restore", backup.clone()),
        ("/certificates/restore", json!({"value": "AAAA"})),
        ("/certificates/restore", json!({})),
    ] {
        vault.post(path, body).await.json(400);
    }
    for path in ["/certificates/web", "/secrets/web", "/keys/web"] {
        vault.get(path).await.json(404);
    }
    let pending = json!({"policy": policy("Unknown", json!({"kty": "EC"}))});
    vault.post("/certificates/unissued/create", pending).await.json(202);
    vault.post("/certificates/unissued/backup", Value::Null).await.json(404);
}
