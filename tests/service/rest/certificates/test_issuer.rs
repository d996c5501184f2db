//! Certificates that the test issuer of a simulator issues, or refuses.

use std::time::Duration;

use serde_json::{Value, json};
use strongroom::api::grpc::pb;

use super::super::client::{Rest, RestResponse};
use super::{OpenSsl, assert_kept, authenticated, create, decode, policy, with_vault};
use crate::crash::count_objects;
use crate::support::days;

/// Sets an issuer with the provider of the test issuer.
pub(super) async fn set_issuer(vault: &Rest, name: &str, account: &str) {
    let issuer = json!({"provider": "Test", "credentials": {"account_id": account}});
    vault.put(&format!("/certificates/issuers/{name}"), issuer).await.json(200);
}

/// Waits until an operation has ended, as clients do.
pub(super) async fn ended(vault: &Rest, name: &str) -> RestResponse {
    for _ in 0..500 {
        let pending = vault.get(&format!("/certificates/{name}/pending")).await;
        if pending.json(200)["status"] != "inProgress" {
            return pending;
        }
        assert_eq!(pending.header("retry-after"), "1");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the operation does not end");
}

#[tokio::test]
async fn issued_chain_is_valid_for_tls() {
    let (mut server, vault) = with_vault("standard").await;
    set_issuer(&vault, "ca", "").await;
    for (name, key, exportable) in [
        ("web", json!({"kty": "RSA", "key_size": 2048}), true),
        ("api", json!({"kty": "EC", "crv": "P-384", "exportable": false}), false),
    ] {
        let mut policy = policy("CA", key);
        policy["secret_props"] = json!({"contentType": "application/x-pem-file"});
        let begun = create(&vault, name, policy).await;
        assert_eq!((&begun["status"], &begun["issuer"]), (&json!("inProgress"), &json!({"name": "CA"})));
        let done = ended(&vault, name).await.json(200);
        assert_eq!(done["status"], "completed", "{done}");
        assert_eq!(done["target"], format!("{}/certificates/{name}", vault.base));
        assert_eq!((&done["csr"], &done["request_id"]), (&begun["csr"], &begun["request_id"]));

        let bundle = vault.get(&format!("/certificates/{name}")).await.json(200);
        let pem =
            vault.get(&format!("/secrets/{name}")).await.json(200)["value"].as_str().unwrap().to_owned();
        assert_eq!(pem.contains("PRIVATE KEY"), exportable);
        let openssl = OpenSsl::new();
        openssl.certificate("leaf", &bundle);
        let blocks: Vec<_> = pem.split_inclusive("-----END CERTIFICATE-----\n").collect();
        assert_eq!(blocks.len(), 2, "the secret has the leaf and its issuer");
        openssl.write("ca", blocks[1]);
        openssl.run("verify -x509_strict -check_ss_sig -CAfile ca ca");
        openssl
            .run("verify -x509_strict -purpose sslserver -verify_hostname www.example.com -CAfile ca leaf");
        let text = openssl.run("x509 -in leaf -noout -issuer -subject");
        assert!(
            text.contains("CN = Strongroom Test Issuer") || text.contains("CN=Strongroom Test Issuer"),
            "{text}"
        );
        // The request has the key of the certificate, which signs in the token.
        openssl.write("csr", decode(&begun["csr"]));
        let requested = openssl.run("req -inform DER -in csr -noout -pubkey");
        assert_eq!(openssl.run("x509 -in leaf -noout -pubkey"), requested);
        if exportable {
            handshake(&pem, blocks[1]);
        }
    }
    // The authority is the same after a restart, although its certificate is not stored.
    let before = vault.get("/secrets/api").await.json(200);
    server.restart();
    let again = authenticated(&server).await;
    assert_kept((&vault, &before), (&again, &again.get("/secrets/api").await));
    let mut policy = policy("ca", json!({"kty": "EC"}));
    policy["secret_props"] = json!({"contentType": "application/x-pem-file"});
    create(&again, "later", policy).await;
    ended(&again, "later").await;
    let ca =
        |secret: &Value| secret["value"].as_str().unwrap().split("-----BEGIN").last().unwrap().to_owned();
    assert_eq!(ca(&again.get("/secrets/later").await.json(200)), ca(&before));
}

/// Connects a TLS client, which trusts the issuer, to a server with the contents of a secret.
fn handshake(secret: &str, ca: &str) {
    use std::sync::Arc;

    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    let chain = CertificateDer::pem_slice_iter(secret.as_bytes()).collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_slice(secret.as_bytes()).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
    let provider = || Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = rustls::ClientConfig::builder_with_provider(provider());
    let client = client.with_safe_default_protocol_versions().unwrap();
    let client = client.with_root_certificates(roots).with_no_client_auth();
    let server = rustls::ServerConfig::builder_with_provider(provider());
    let server = server.with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(chain, key).unwrap();
    let name = "www.example.com".try_into().unwrap();
    let mut client = rustls::ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = rustls::ServerConnection::new(Arc::new(server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() {
        let mut sent = Vec::new();
        client.write_tls(&mut sent).unwrap();
        server.read_tls(&mut sent.as_slice()).unwrap();
        server.process_new_packets().unwrap();
        let mut sent = Vec::new();
        server.write_tls(&mut sent).unwrap();
        client.read_tls(&mut sent.as_slice()).unwrap();
        client.process_new_packets().unwrap();
    }
}

#[tokio::test]
async fn refused_requests_fail_with_their_error() {
    let (server, vault) = with_vault("standard").await;
    let objects = count_objects(&server).complete;
    set_issuer(&vault, "broken", "fail").await;
    set_issuer(&vault, "strict", "reject").await;
    for (name, issuer, code) in
        [("a", "broken", "Certificate issuer error"), ("b", "strict", "Request rejected")]
    {
        create(&vault, name, policy(issuer, json!({"kty": "EC"}))).await;
        let failed = ended(&vault, name).await;
        assert_eq!(failed.header("retry-after"), "");
        let failed = failed.json(200);
        assert_eq!(failed["status"], "failed");
        let message = "The issuer encountered an error processing the certificate request.";
        assert_eq!(failed["error"], json!({"code": code, "message": message}));
        assert!(failed.get("target").is_none());
        for collection in ["keys", "secrets"] {
            vault.get(&format!("/{collection}/{name}")).await.json(404);
        }
        // A further attempt may succeed.
        create(&vault, name, policy("Self", json!({"kty": "EC"}))).await;
        assert_eq!(ended(&vault, name).await.json(200)["status"], "completed");
        assert_eq!(
            vault.get(&format!("/certificates/{name}/versions")).await.json(200)["value"]
                .as_array()
                .unwrap()
                .len(),
            1
        );
        vault.delete(&format!("/certificates/{name}")).await.json(200);
        assert_eq!(vault.delete(&format!("/deletedcertificates/{name}")).await.status, 204);
    }
    // The private keys of operations that failed are destroyed, soon after the operation ends.
    for _ in 0..500 {
        if count_objects(&server).complete == objects {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(count_objects(&server).complete, objects);
    let refused = vault.put(
        "/certificates/issuers/x",
        json!({"provider": "test", "credentials": {"account_id": "delay=soon"}}),
    );
    let refused = refused.await.json(400);
    let message = refused["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("credentials.account_id: "), "{message}");
    vault.get("/certificates/issuers/x").await.json(404);
}

#[tokio::test]
async fn slow_issuer_answers_by_the_clock_unless_cancelled() {
    let (mut server, vault) = with_vault("standard").await;
    let mut dev = server.client("dev").await;
    dev.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
    set_issuer(&vault, "slow", "delay=36h").await;
    for name in ["kept", "cancelled", "deleted"] {
        create(&vault, name, policy("slow", json!({"kty": "EC"}))).await;
    }
    let conflict = json!({"policy": policy("Self", json!({"kty": "EC"}))});
    vault.post("/certificates/kept/create", conflict).await.json(409);
    let cancelled = vault
        .patch("/certificates/cancelled/pending", json!({"cancellation_requested": true}))
        .await
        .json(200);
    assert_eq!(
        (&cancelled["status"], &cancelled["cancellation_requested"]),
        (&json!("inProgress"), &json!(true))
    );
    let ended = ended(&vault, "cancelled").await.json(200);
    assert_eq!(
        (&ended["status"], &ended["error"]["code"]),
        (&json!("cancelled"), &json!("Request cancelled"))
    );
    vault.patch("/certificates/cancelled/pending", json!({"cancellation_requested": true})).await.json(400);
    vault.delete("/certificates/deleted/pending").await.json(200);

    dev.clock.advance_clock(days(1)).await.unwrap();
    server.restart();
    let vault = authenticated(&server).await;
    let mut dev = server.client("dev").await;
    assert_eq!(vault.get("/certificates/kept/pending").await.json(200)["status"], "inProgress");
    let advanced = dev.clock.advance_clock(days(1)).await.unwrap().into_inner();
    let happened: Vec<_> = advanced.happenings.into_iter().map(|happening| happening.what.unwrap()).collect();
    let expected = "vaults/contoso/certificates/kept".to_owned();
    assert_eq!(happened, [pb::happening::What::EndedCertificateOperation(expected)]);
    let done = vault.get("/certificates/kept/pending").await.json(200);
    assert_eq!(done["status"], "completed");
    // The certificate is dated by its issue, not by its request.
    let validity = vault.get("/certificates/kept").await.json(200)["attributes"].clone();
    let created = validity["created"].as_i64().unwrap();
    assert_eq!(validity["nbf"].as_i64().unwrap(), created - 600);
    assert_eq!(created - done_at(&vault).await, 36 * 3600);
    for name in ["cancelled", "deleted"] {
        vault.get(&format!("/secrets/{name}")).await.json(404);
    }
}

/// Returns when the policy of `kept` was created: when its version was requested.
async fn done_at(vault: &Rest) -> i64 {
    vault.get("/certificates/kept/policy").await.json(200)["attributes"]["created"].as_i64().unwrap()
}
