//! Imported certificates.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::{OpenSsl, with_vault};

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
