//! Operations, companions, policies, contacts and issuers of certificates.

use serde_json::{Value, json};

use super::{assert_kept, authenticated, create, policy, with_vault};

#[tokio::test]
async fn operation_is_cancelled_and_deleted() {
    let (_server, vault) = with_vault("standard").await;
    let missing = vault.get("/certificates/web/pending").await.json(404);
    assert_eq!(missing["error"]["code"], "PendingCertificateNotFound");
    assert_eq!(missing["error"]["message"], "Pending certificate not found: web");
    create(&vault, "web", policy("Unknown", json!({"kty": "EC"}))).await;
    let cancel = json!({"cancellation_requested": true});
    for _ in 0..2 {
        let cancelled = vault.patch("/certificates/web/pending", cancel.clone()).await.json(200);
        assert_eq!(
            (&cancelled["status"], &cancelled["cancellation_requested"]),
            (&json!("inProgress"), &json!(true))
        );
    }
    let deleted = vault.delete("/certificates/web/pending").await.json(200);
    assert_eq!(deleted["cancellation_requested"], true);
    vault.get("/certificates/web/pending").await.json(404);
    vault.delete("/certificates/web/pending").await.json(404);
    // The certificate remains, without a version.
    let deleted = vault.delete("/certificates/web").await.json(200);
    assert!(deleted.get("cer").is_none() && deleted["policy"]["issuer"]["name"] == "Unknown");
    assert_eq!(vault.delete("/deletedcertificates/web").await.status, 204);
    create(&vault, "web", policy("Self", json!({"kty": "EC"}))).await;
    vault.patch("/certificates/web/pending", cancel).await.json(400);
}

#[tokio::test]
async fn companions_change_only_with_their_certificate() {
    let (mut server, vault) = with_vault("standard").await;
    create(&vault, "web", policy("Self", json!({"kty": "EC"}))).await;
    let bundle = vault.get("/certificates/web").await.json(200);
    let key = vault.path(&bundle["kid"]).to_owned();
    let secret = vault.path(&bundle["sid"]).to_owned();
    for (refused, kind) in [
        (vault.delete("/keys/web").await, "Key"),
        (vault.post("/keys/web/create", json!({"kty": "RSA"})).await, "Key"),
        (vault.patch(&key, json!({"attributes": {"enabled": false}})).await, "Key"),
        (vault.post("/keys/web/backup", Value::Null).await, "Key"),
        (vault.post("/secrets/web/backup", Value::Null).await, "Secret"),
        (vault.delete("/secrets/web").await, "Secret"),
        (vault.put("/secrets/web", json!({"value": "x"})).await, "Secret"),
        (vault.patch(&secret, json!({"tags": {}})).await, "Secret"),
    ] {
        let body = refused.json(403);
        assert_eq!(body["error"]["code"], "Forbidden", "{body}");
        assert_eq!(body["error"]["innererror"]["code"], format!("{kind}ManagedByKeyVault"), "{body}");
    }
    // A certificate does not take the name of a key or a secret of its own.
    vault.put("/secrets/own", json!({"value": "x"})).await.json(200);
    let body = json!({"policy": policy("Self", json!({"kty": "EC"}))});
    vault.post("/certificates/own/create", body).await.json(409);

    let updated = vault
        .patch("/certificates/web/", json!({"attributes": {"enabled": false, "exp": 1}, "tags": {"x": "y"}}));
    let updated = updated.await.json(200);
    assert_eq!(updated["attributes"]["exp"], bundle["attributes"]["exp"]);
    assert_eq!((&updated["attributes"]["enabled"], &updated["tags"]["x"]), (&json!(false), &json!("y")));
    assert_eq!(vault.get(&key).await.json(200)["attributes"]["enabled"], false);
    vault.get(&secret).await.json(403);
    vault.patch("/certificates/web/", json!({"attributes": {"enabled": true}})).await.json(200);
    let value = vault.get(&secret).await.json(200)["value"].clone();

    let deleted = vault.delete("/certificates/web").await.json(200);
    assert_eq!(deleted["recoveryId"], format!("{}/deletedcertificates/web", vault.base));
    for collection in ["certificates", "keys", "secrets"] {
        vault.get(&format!("/{collection}/web")).await.json(404);
        vault.get(&format!("/deleted{collection}/web")).await.json(200);
    }
    for path in ["/deletedkeys/web", "/deletedsecrets/web"] {
        vault.post(&format!("{path}/recover"), Value::Null).await.json(403);
        vault.delete(path).await.json(403);
    }
    let conflict = vault.post("/certificates/web/create", json!({})).await.json(409);
    assert_eq!(conflict["error"]["innererror"]["code"], "ObjectIsDeletedButRecoverable");
    server.restart();
    let vault = authenticated(&server).await;
    let recovered = vault.post("/deletedcertificates/web/recover", Value::Null).await.json(200);
    assert_eq!(recovered["cer"], bundle["cer"]);
    assert_eq!(vault.get(&secret).await.json(200)["value"], value);
    assert_eq!(vault.delete("/deletedcertificates/web").await.status, 404);
    vault.delete("/certificates/web").await.json(200);
    let listed = vault.get("/deletedcertificates").await.json(200);
    assert_eq!(listed["value"].as_array().unwrap().len(), 1);
    assert_eq!(vault.delete("/deletedcertificates/web").await.status, 204);
    for collection in ["certificates", "keys", "secrets"] {
        vault.get(&format!("/deleted{collection}/web")).await.json(404);
    }
    // The names are free again.
    vault.put("/secrets/web", json!({"value": "x"})).await.json(200);
}

#[tokio::test]
async fn policy_is_replaced_by_members() {
    let (_server, vault) = with_vault("standard").await;
    create(&vault, "web", policy("Self", json!({"kty": "EC"}))).await;
    let before = vault.get("/certificates/web").await.json(200);
    let known = vault.get("/certificates/web/policy").await.json(200);
    assert_eq!(known, before["policy"]);
    let patch = json!({"key_props": {"kty": "RSA", "key_size": 4096}, "attributes": {"nbf": 1}});
    let changed = vault.patch("/certificates/web/policy", patch).await.json(200);
    assert_eq!(
        changed["key_props"],
        json!({"exportable": true, "kty": "RSA", "key_size": 4096, "reuse_key": false})
    );
    assert_eq!((&changed["x509_props"], &changed["issuer"]), (&known["x509_props"], &known["issuer"]));
    assert_eq!(changed["attributes"]["created"], known["attributes"]["created"]);
    assert_eq!(vault.get("/certificates/web").await.json(200)["cer"], before["cer"]);
    for (patch, field) in [
        (json!({"key_props": {"kty": "DSA"}}), "policy.key_props.kty"),
        (json!({"x509_props": {"subject": "www"}}), "policy.x509_props.subject"),
        (
            json!({"x509_props": {"subject": "CN=a", "sans": {"ipAddresses": ["a"]}}}),
            "policy.x509_props.sans.ipAddresses",
        ),
        (json!({"secret_props": {"contentType": "text/plain"}}), "policy.secret_props.contentType"),
        (
            json!({"lifetime_actions": [{"trigger": {"lifetime_percentage": 100}, "action": {"action_type": "AutoRenew"}}]}),
            "policy.lifetime_actions.trigger.lifetime_percentage",
        ),
        (json!({"issuer": {"name": "a b"}}), "policy.issuer.name"),
    ] {
        let refused = vault.patch("/certificates/web/policy", patch).await.json(400);
        let message = refused["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("{field}: ")), "{message}");
    }
    assert_eq!(vault.get("/certificates/web/policy").await.json(200), changed);
}

#[tokio::test]
async fn contacts_and_issuers_are_kept_without_passwords() {
    let (mut server, vault) = with_vault("standard").await;
    for answer in [vault.get("/certificates/contacts").await, vault.delete("/certificates/contacts").await] {
        let body = answer.json(404);
        assert_eq!(body["error"], json!({"code": "ContactsNotFound", "message": "Contacts not found"}));
    }
    let contacts = json!({"contacts": [{"email": "a@example.com", "name": "A"}, {"email": "b@example.com"}]});
    let set = vault.put("/certificates/contacts", contacts.clone()).await.json(200);
    assert_eq!(set["contacts"], contacts["contacts"]);
    assert_eq!(set["id"], format!("{}/certificates/contacts", vault.base));
    vault.put("/certificates/contacts", json!({"contacts": []})).await.json(400);
    let issuer = json!({
        "provider": "DigiCert",
        "credentials": {"account_id": "me", "pwd": "hunter2"},
        "org_details": {"admin_details": [{"first_name": "Jo", "email": "jo@example.com"}]},
    });
    let made = vault.put("/certificates/issuers/Acme", issuer).await.json(200);
    assert_eq!(
        made["org_details"],
        json!({"zip": 0, "admin_details": [{"first_name": "Jo", "email": "jo@example.com"}]})
    );
    assert_eq!(
        (&made["credentials"], &made["attributes"]["enabled"]),
        (&json!({"account_id": "me"}), &json!(true))
    );
    let updated = json!({"credentials": {}, "attributes": {"enabled": false}});
    let updated = vault.patch("/certificates/issuers/acme", updated).await.json(200);
    assert_eq!(
        (&updated["credentials"], &updated["provider"]),
        (&json!({"account_id": "me"}), &json!("DigiCert"))
    );
    let listed = vault.get("/certificates/issuers").await.json(200);
    assert_eq!(listed["value"], json!([{"id": made["id"], "provider": "DigiCert"}]));
    server.restart();
    let before = vault;
    let vault = authenticated(&server).await;
    assert_kept((&before, &set), (&vault, &vault.get("/certificates/contacts").await));
    assert_kept((&before, &updated), (&vault, &vault.get("/certificates/issuers/ACME").await));
    let disabled = json!({"policy": policy("acme", json!({"kty": "EC"}))});
    vault.post("/certificates/web/create", disabled.clone()).await.json(400);
    vault.patch("/certificates/issuers/acme", json!({"attributes": {"enabled": true}})).await.json(200);
    let pending = vault.post("/certificates/web/create", disabled).await.json(202);
    assert_eq!(pending["issuer"], json!({"name": "acme"}));
    let merge =
        vault.post("/certificates/web/pending/merge", json!({"x5c": [pending["csr"]]})).await.json(403);
    assert_eq!(
        merge["error"]["message"],
        "Merge is forbidden on pending object created with issuer : acme while it is in progess."
    );
    assert_eq!(vault.delete("/certificates/issuers/acme").await.json(200)["provider"], "DigiCert");
    let missing = vault.get("/certificates/issuers/acme").await.json(404);
    assert_eq!(missing["error"], json!({"code": "CertificateIssuerNotFound", "message": "Issuer not found"}));
    let unknown = json!({"policy": policy("other", Value::Null)});
    vault.post("/certificates/x/create", unknown).await.json(404);
    assert_kept((&before, &set), (&vault, &vault.delete("/certificates/contacts").await));
}
