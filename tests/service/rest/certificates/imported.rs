//! Imported certificates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::super::client::Rest;
use super::{OpenSsl, create, policy, with_vault};

#[tokio::test]
async fn files_are_imported_with_their_chain() {
    let (_server, vault) = with_vault("standard").await;
    let openssl = OpenSsl::new();
    openssl.run("ecparam -name prime256v1 -genkey -noout -out ca.key");
    openssl.run("req -x509 -new -key ca.key -subj /CN=Authority -days 30 -out ca");
    openssl.run("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out web.key");
    openssl.run("req -new -key web.key -subj /C=AU/ST=Some-State/O=Example -out csr");
    openssl.run("x509 -req -in csr -CA ca -CAkey ca.key -CAcreateserial -days 365 -out web");
    openssl.run("pkcs12 -export -inkey web.key -in web -certfile ca -passout pass:secret -out pfx");
    let [key, web, ca] = ["web.key", "web", "ca"].map(|file| String::from_utf8(openssl.read(file)).unwrap());
    let pem = format!("{ca}{key}{web}");
    openssl.run("x509 -in web -outform DER -out web.der");
    let der = STANDARD.encode(openssl.read("web.der"));
    for (name, body, content_type) in [
        (
            "pfx",
            json!({"value": STANDARD.encode(openssl.read("pfx")), "pwd": "secret"}),
            "application/x-pkcs12",
        ),
        ("raw", json!({"value": pem}), "application/x-pem-file"),
        (
            "pem",
            json!({"value": STANDARD.encode(&pem), "attributes": {"enabled": false}}),
            "application/x-pem-file",
        ),
    ] {
        let bundle = vault.post(&format!("/certificates/{name}/import"), body).await.json(200);
        assert_eq!(bundle["cer"], der);
        assert!(bundle.get("pending").is_none());
        assert_eq!(bundle["attributes"]["enabled"], name != "pem");
        let policy = &bundle["policy"];
        assert_eq!(policy["secret_props"]["contentType"], content_type);
        assert_eq!(policy["x509_props"]["subject"], "O=Example, S=Some-State, C=AU");
        assert_eq!(policy["x509_props"]["ekus"], json!([]));
        assert_eq!(policy["x509_props"]["validity_months"], 12);
        assert_eq!(policy["issuer"], json!({"name": "Unknown"}));
        assert_eq!(policy["lifetime_actions"][0]["action"]["action_type"], "EmailContacts");
        if name == "pem" {
            let refused = vault.get("/secrets/pem").await.json(403);
            assert_eq!(refused["error"]["innererror"]["code"], "SecretDisabled");
            continue;
        }
        let value =
            vault.get(&format!("/secrets/{name}")).await.json(200)["value"].as_str().unwrap().to_owned();
        if name == "raw" {
            let order = [value.find("PRIVATE KEY"), value.find(&web), value.find(&ca)];
            assert!(order.iter().all(Option::is_some) && order.is_sorted(), "{order:?}");
        } else {
            openssl.write("again", STANDARD.decode(value).unwrap());
            assert!(openssl.run("pkcs12 -in again -passin pass: -nodes").contains("BEGIN PRIVATE KEY"));
        }
    }
    let secret = json!({"value": STANDARD.encode(openssl.read("pfx")), "pwd": "wrong"});
    for (body, text) in [
        (
            secret,
            "The specified PKCS#12 X.509 certificate content can not be read. Please check if certificate is in valid PKCS#12 format.",
        ),
        (
            json!({"value": format!("{key}{}", web.replace("MII", "M!I"))}),
            "The specified PEM X.509 certificate content is in an unexpected format. Please check if certificate is in valid PEM format.",
        ),
        (json!({"value": web}), "value: the certificate has no private key"),
        (
            json!({"value": format!("{key}{ca}")}),
            "value: none of the certificates has the public key of the private key",
        ),
        (json!({}), "value: the value is missing"),
    ] {
        let refused = vault.post("/certificates/bad/import", body).await.json(400);
        assert_eq!(refused["error"], json!({"code": "BadParameter", "message": text}));
    }
    vault.get("/certificates/bad").await.json(404);
}

/// Returns the positions of texts in the value of a secret.
async fn positions(vault: &Rest, name: &str, texts: [&str; 2]) -> [usize; 2] {
    let value = vault.get(&format!("/secrets/{name}")).await.json(200)["value"].as_str().unwrap().to_owned();
    texts.map(|text| value.find(text.trim()).unwrap())
}

#[tokio::test]
async fn order_of_certificates_is_kept_on_request() {
    let (_server, vault) = with_vault("standard").await;
    let openssl = OpenSsl::new();
    openssl.run("ecparam -name prime256v1 -genkey -noout -out ca.key");
    openssl.run("req -x509 -new -key ca.key -subj /CN=Authority -days 30 -out ca");
    openssl.run("ecparam -name prime256v1 -genkey -noout -out ec.key");
    openssl.run("pkcs8 -topk8 -nocrypt -in ec.key -out key");
    openssl.run("req -new -key ec.key -subj /CN=web -out csr");
    openssl.run("x509 -req -in csr -CA ca -CAkey ca.key -CAcreateserial -days 365 -out web");
    let [key, web, ca] = ["key", "web", "ca"].map(|file| String::from_utf8(openssl.read(file)).unwrap());
    for (name, keep) in [("kept", true), ("sorted", false)] {
        let body = json!({"value": format!("{ca}{key}{web}"), "preserveCertOrder": keep});
        let imported = vault.post(&format!("/certificates/{name}/import"), body).await.json(200);
        assert_eq!(imported.get("preserveCertOrder"), keep.then_some(&json!(true)));
        openssl.run("x509 -in web -outform DER -out web.der");
        assert_eq!(imported["cer"], STANDARD.encode(openssl.read("web.der")), "the leaf is the certificate");
        let [first, second] = positions(&vault, name, [&ca, &web]).await;
        assert_eq!(first < second, keep, "{name}");
        let former =
            vault.raw(reqwest::Method::GET, &format!("/certificates/{name}?api-version=7.5"), "").await;
        assert!(former.json(200).get("preserveCertOrder").is_none());
    }
    for (name, keep) in [("merged", true), ("led", false)] {
        let policy = json!({
            "key_props": {"kty": "EC"}, "x509_props": {"subject": "CN=m"}, "issuer": {"name": "Unknown"},
            "secret_props": {"contentType": "application/x-pem-file"},
        });
        let body = json!({"policy": policy, "preserveCertOrder": keep});
        let begun = vault.post(&format!("/certificates/{name}/create"), body).await.json(202);
        assert_eq!(begun.get("preserveCertOrder"), keep.then_some(&json!(true)));
        openssl.write("der", super::decode(&begun["csr"]));
        openssl.run("req -inform DER -in der -out csr");
        openssl.run("x509 -req -in csr -CA ca -CAkey ca.key -CAcreateserial -days 9 -out leaf");
        let mut x5c = Vec::new();
        for file in ["ca", "leaf"] {
            openssl.run(&format!("x509 -in {file} -outform DER -out der"));
            x5c.push(STANDARD.encode(openssl.read("der")));
        }
        let merge = json!({ "x5c": x5c });
        let merged = vault.post(&format!("/certificates/{name}/pending/merge"), merge).await.json(201);
        assert_eq!(merged["cer"], x5c[1]);
        let leaf = String::from_utf8(openssl.read("leaf")).unwrap();
        let [first, second] = positions(&vault, name, [&ca, &leaf]).await;
        assert_eq!(first < second, keep, "{name}");
    }
}

#[tokio::test]
async fn secrets_of_certificates_are_converted_to_pem() {
    let (_server, vault) = with_vault("standard").await;
    for (name, exportable) in [("open", true), ("closed", false)] {
        let policy = policy("Self", json!({"kty": "EC", "exportable": exportable}));
        create(&vault, name, policy).await;
        let openssl = OpenSsl::new();
        openssl.certificate("certificate", &vault.get(&format!("/certificates/{name}")).await.json(200));
        let path = format!("/secrets/{name}?outContentType=application/x-pem-file");
        let converted = vault.get(&path).await.json(200);
        openssl.write("pem", converted["value"].as_str().unwrap());
        openssl.run("x509 -in pem -out found");
        assert_eq!(openssl.read("found"), openssl.read("certificate"));
        if exportable {
            let public = openssl.run("x509 -in certificate -noout -pubkey");
            assert_eq!(openssl.run("pkey -in pem -pubout"), public);
        } else {
            assert!(!converted["value"].as_str().unwrap().contains("PRIVATE KEY"));
        }
        let stored = vault.get(&format!("/secrets/{name}")).await.json(200)["value"].clone();
        let same = vault.get(&format!("/secrets/{name}?outContentType=application/x-pkcs12")).await.json(200);
        assert_eq!(same["value"], stored);
    }
    let mut pem = policy("Self", json!({"kty": "EC"}));
    pem["secret_props"] = json!({"contentType": "application/x-pem-file"});
    create(&vault, "pem", pem).await;
    vault.put("/secrets/text", json!({"value": "x", "contentType": "application/x-pkcs12"})).await.json(200);
    for (name, wanted, from, to) in [
        ("pem", "application/x-pkcs12", "PEM", "PFX"),
        ("text", "application/x-pem-file", "Unsupported", "PEM"),
    ] {
        let refused = vault.get(&format!("/secrets/{name}?outContentType={wanted}")).await.json(400);
        let message = format!(
            "The '{from}' to '{to}' transformation is not supported. Only PFX to PEM transformation is supported."
        );
        assert_eq!(refused["error"], json!({"code": "BadParameter", "message": message}));
    }
}
