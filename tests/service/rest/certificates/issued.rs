//! Certificates that the vault signs itself, and those that are merged.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{OpenSsl, assert_kept, authenticated, create, decode, policy, with_vault};

#[tokio::test]
async fn self_signed_certificate_is_completed_with_its_companions() {
    let (mut server, vault) = with_vault("standard").await;
    let body = json!({"policy": policy("self", Value::Null), "tags": {"a": "b"}});
    let answer = vault.post("/certificates/web/create", body).await;
    let operation = answer.json(202);
    let id = operation["request_id"].as_str().unwrap();
    let url = format!("{}/certificates/web", vault.base);
    assert_eq!(answer.header("location"), format!("{url}/pending?api-version=7.6&request_id={id}"));
    assert_eq!(answer.header("retry-after"), "1");
    let expected = json!({
        "id": format!("{url}/pending"),
        "issuer": {"name": "self"},
        "csr": operation["csr"],
        "cancellation_requested": false,
        "status": "inProgress",
        "status_details": "Pending certificate created. Certificate request is in progress. This may take some time based on the issuer provider. Please check again later.",
        "request_id": id,
    });
    assert_eq!(answer.text, expected_order(&expected, &answer.text));
    let pending = vault.get("/certificates/web/pending").await;
    assert_eq!(pending.header("retry-after"), "");
    let pending = pending.json(200);
    assert_eq!((&pending["status"], &pending["target"]), (&json!("completed"), &json!(url)));
    assert!(pending.get("status_details").is_none() && pending["request_id"] == id);
    vault.get(&format!("/certificates/web/pending?request_id={}", "0".repeat(32))).await.json(404);

    let bundle = vault.get("/certificates/web/").await.json(200);
    let version = bundle["id"].as_str().unwrap().rsplit('/').next().unwrap();
    for (member, collection) in [("id", "certificates"), ("kid", "keys"), ("sid", "secrets")] {
        assert_eq!(bundle[member], format!("{}/{collection}/web/{version}", vault.base));
    }
    assert_eq!(bundle["tags"], json!({"a": "b"}));
    assert_eq!(bundle["pending"], json!({"id": format!("{url}/pending")}));
    assert_eq!(bundle["policy"]["lifetime_actions"][0]["action"]["action_type"], "AutoRenew");
    assert_eq!(bundle["policy"]["key_props"]["key_size"], 2048);

    let openssl = OpenSsl::new();
    openssl.write("csr", decode(&operation["csr"]));
    assert!(openssl.run("req -inform DER -in csr -noout -verify").contains("OK"));
    openssl.certificate("certificate", &bundle);
    openssl.run("verify -check_ss_sig -CAfile certificate certificate");
    let thumbprint = openssl.run("x509 -in certificate -noout -fingerprint -sha1").replace(':', "");
    let x5t = URL_SAFE_NO_PAD.decode(bundle["x5t"].as_str().unwrap()).unwrap();
    let x5t: Vec<_> = x5t.iter().map(|byte| format!("{byte:02X}")).collect();
    assert!(thumbprint.trim().ends_with(&x5t.join("")), "{thumbprint}");

    // The secret is a PKCS#12 file without password, with the private key of the certificate.
    let secret = vault.get(&format!("/secrets/web/{version}")).await.json(200);
    assert_eq!(secret["contentType"], "application/x-pkcs12");
    assert_eq!((&secret["managed"], &secret["kid"]), (&json!(true), &bundle["kid"]));
    openssl.write("pfx", decode(&secret["value"]));
    openssl.run("pkcs12 -in pfx -passin pass: -nodes -out bundle");
    let public = openssl.run("x509 -in certificate -noout -pubkey");
    assert_eq!(openssl.run("pkey -in bundle -pubout"), public);
    // The key signs in the token, with the same key pair.
    let key = vault.get(&format!("/keys/web/{version}")).await.json(200);
    assert_eq!(key["key"]["key_ops"], json!(["sign", "verify", "wrapKey", "unwrapKey"]));
    assert_eq!(key["managed"], true);
    for path in ["/keys", "/secrets"] {
        assert_eq!(vault.get(path).await.json(200)["value"][0]["managed"], true);
    }
    for member in ["enabled", "nbf", "exp"] {
        assert_eq!(key["attributes"][member], bundle["attributes"][member], "{member}");
        assert_eq!(secret["attributes"][member], bundle["attributes"][member], "{member}");
    }
    openssl.write("message", "message");
    openssl.run("dgst -sha256 -binary -out digest message");
    let digest = URL_SAFE_NO_PAD.encode(openssl.read("digest"));
    let signed = vault.post("/keys/web/sign", json!({"alg": "RS256", "value": digest})).await.json(200);
    openssl.write("signature", URL_SAFE_NO_PAD.decode(signed["value"].as_str().unwrap()).unwrap());
    openssl.write("public", public);
    openssl.run("dgst -sha256 -verify public -signature signature message");

    server.restart();
    let again = authenticated(&server).await;
    for (path, before) in
        [("/certificates/web", bundle), ("/certificates/web/pending", pending), ("/secrets/web", secret)]
    {
        assert_kept((&vault, &before), (&again, &again.get(path).await));
    }
}

/// Returns the text of `json` with the members in the order of `text`; panics if the texts have different members.
fn expected_order(json: &Value, text: &str) -> String {
    let order: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
    assert_eq!(&Value::Object(order), json);
    text.to_owned()
}

#[tokio::test]
async fn keys_of_every_type_are_exportable_or_stay_in_the_token() {
    let (_server, vault) = with_vault("premium").await;
    for (name, key, kty) in [
        ("a", json!({"kty": "EC", "crv": "P-256"}), "EC"),
        ("b", json!({"kty": "EC", "crv": "P-384", "exportable": false}), "EC"),
        ("c", json!({"kty": "EC-HSM", "crv": "P-521"}), "EC-HSM"),
        ("d", json!({"kty": "RSA-HSM", "key_size": 3072}), "RSA-HSM"),
        ("e", json!({"kty": "EC", "crv": "P-256K"}), "EC"),
        ("f", json!({"kty": "RSA", "key_size": 2048, "exportable": false}), "RSA"),
    ] {
        let mut policy = policy("Self", key);
        policy["secret_props"] = json!({"contentType": "application/x-pem-file"});
        create(&vault, name, policy).await;
        let bundle = vault.get(&format!("/certificates/{name}")).await.json(200);
        let openssl = OpenSsl::new();
        openssl.certificate("certificate", &bundle);
        openssl.run("verify -check_ss_sig -CAfile certificate certificate");
        assert_eq!(vault.get(&format!("/keys/{name}")).await.json(200)["key"]["kty"], kty);
        let value =
            vault.get(&format!("/secrets/{name}")).await.json(200)["value"].as_str().unwrap().to_owned();
        let exportable = bundle["policy"]["key_props"]["exportable"] == true;
        assert_eq!(value.contains("PRIVATE KEY"), exportable, "{name}");
        assert_eq!(value.matches("BEGIN CERTIFICATE").count(), 1);
        if exportable {
            openssl.write("pem", value);
            let public = openssl.run("x509 -in certificate -noout -pubkey");
            assert_eq!(openssl.run("pkey -in pem -pubout"), public, "{name}");
        }
    }
    let refused = vault.post(
        "/certificates/g/create",
        json!({"policy": policy("Self", json!({"kty": "RSA-HSM", "exportable": true}))}),
    );
    let refused = refused.await.json(400);
    assert_eq!(refused["error"]["code"], "BadParameter");
    assert!(refused["error"]["message"].as_str().unwrap().contains("policy.key_props.exportable"));
    vault.get("/certificates/g").await.json(404);
}

#[tokio::test]
async fn reused_key_is_that_of_the_version_before() {
    let (_server, vault) = with_vault("standard").await;
    let key = json!({"kty": "EC", "reuse_key": true});
    create(&vault, "web", policy("Self", key)).await;
    let first = vault.get("/certificates/web").await.json(200);
    let again = vault.post("/certificates/web/create", json!({})).await.json(202);
    let second = vault.get("/certificates/web").await.json(200);
    assert_ne!(first["id"], second["id"]);
    assert_eq!(again["status"], "inProgress");
    let openssl = OpenSsl::new();
    openssl.certificate("first", &first);
    openssl.certificate("second", &second);
    let public = |file: &str| openssl.run(&format!("x509 -in {file} -noout -pubkey"));
    assert_eq!(public("first"), public("second"));
    let versions = vault.get("/certificates/web/versions").await.json(200);
    let ids: Vec<_> = versions["value"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect();
    assert_eq!(ids, [first["id"].clone(), second["id"].clone()]);
    assert_eq!(vault.get(vault.path(&first["id"])).await.json(200)["cer"], first["cer"]);
    let new = json!({"kty": "EC", "reuse_key": false});
    create(&vault, "web", policy("Self", new)).await;
    openssl.certificate("third", &vault.get("/certificates/web").await.json(200));
    assert_ne!(public("third"), public("second"));
}

#[tokio::test]
async fn certificate_of_another_issuer_is_merged() {
    let (_server, vault) = with_vault("standard").await;
    let operation = create(&vault, "web", policy("Unknown", Value::Null)).await;
    assert!(operation["status_details"].as_str().unwrap().contains("Please Perform Merge"));
    let busy = vault.post("/certificates/web/create", json!({})).await.json(409);
    assert_eq!(busy["error"]["code"], "Forbidden");
    assert!(busy["error"]["message"].as_str().unwrap().ends_with("status is inProgress."));
    // The first version is listed on request, disabled and without a certificate.
    assert_eq!(vault.get("/certificates").await.json(200)["value"], json!([]));
    let listed = vault.get("/certificates?includePending=true").await.json(200)["value"][0].clone();
    assert_eq!((&listed["attributes"]["enabled"], &listed["subject"]), (&json!(false), &json!("")));
    assert!(listed.get("x5t").is_none() && listed["attributes"]["nbf"].is_i64());
    let unissued = vault.get("/certificates/web").await.json(200);
    for member in ["kid", "sid", "x5t", "cer"] {
        assert!(unissued.get(member).is_none(), "{member}");
    }
    vault.get("/keys/web").await.json(404);

    let openssl = OpenSsl::new();
    openssl.write("csr", decode(&operation["csr"]));
    openssl.run("ecparam -name prime256v1 -genkey -noout -out ca.key");
    openssl.run("req -x509 -new -key ca.key -subj /CN=Authority -days 30 -out ca");
    openssl.run("req -inform DER -in csr -out csr.pem");
    openssl.run(
        "x509 -req -in csr.pem -CA ca -CAkey ca.key -CAcreateserial -days 9 -copy_extensions copy -out web",
    );
    openssl.run("x509 -in web -outform DER -out web.der");
    openssl.run("x509 -in ca -outform DER -out ca.der");
    let [web, ca] = ["web.der", "ca.der"].map(|file| STANDARD.encode(openssl.read(file)));
    let other = vault.post("/certificates/web/pending/merge", json!({"x5c": [ca]})).await.json(400);
    assert_eq!(other["error"]["code"], "BadParameter");
    // Once more in base64, and the issuer first: both happen.
    let twice = STANDARD.encode(&web);
    let merged =
        vault.post("/certificates/web/pending/merge", json!({"x5c": [ca, twice], "tags": {"c": "d"}}));
    let merged = merged.await;
    let location = merged.header("location").to_owned();
    let merged = merged.json(201);
    assert_eq!(location, format!("{}?api-version=7.6", merged["id"].as_str().unwrap()));
    assert_eq!((&merged["cer"], &merged["tags"]), (&json!(web), &json!({"c": "d"})));
    assert_eq!(vault.get("/certificates/web/pending").await.json(200)["status"], "completed");
    vault.post("/certificates/web/pending/merge", json!({"x5c": [web]})).await.json(404);
    openssl.write("pfx", decode(&vault.get("/secrets/web").await.json(200)["value"]));
    openssl.run("pkcs12 -in pfx -passin pass: -nodes -out bundle");
    let bundle = String::from_utf8(openssl.read("bundle")).unwrap();
    assert_eq!(bundle.matches("BEGIN CERTIFICATE").count(), 2);
    openssl.run("verify -CAfile ca -untrusted bundle web");
    assert_eq!(openssl.run("pkey -in bundle -pubout"), openssl.run("x509 -in web -noout -pubkey"));
}
