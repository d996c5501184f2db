//! Tests certificates in vaults of a gateway, which has no test issuer.

use serde_json::json;
use strongroom::api::grpc::pb;

use super::fixture::{ADMIN, TENANT, VAULT_AUDIENCE};
use super::pool::{GROUP, gateway_with_pool};
use crate::vaults;

#[tokio::test]
async fn gateway_refuses_the_test_issuer() {
    let (gateway, mut admin) = gateway_with_pool(&["spare"], false).await;
    let mut request = vaults::create_request(GROUP, "contoso");
    let vault = request.vault.as_mut().unwrap();
    vault.rbac_authorization = Some(false);
    vault.access_policies = vec![pb::AccessPolicy {
        tenant_id: TENANT.to_owned(),
        principal_id: ADMIN.to_owned(),
        application_id: String::new(),
        permissions: Some(pb::AccessPermissions {
            certificates: Some(pb::PermissionNames { names: vec!["all".to_owned()] }),
            ..Default::default()
        }),
    }];
    vaults::create(&mut admin, request).await.unwrap();
    let http = reqwest::Client::builder()
        .http1_only()
        .tls_certs_only([reqwest::Certificate::from_pem(gateway.authority.pem.as_bytes()).unwrap()])
        .build()
        .unwrap();
    let token = gateway.token_for(ADMIN, VAULT_AUDIENCE);
    for (provider, status) in [("DigiCert", 200), ("test", 400)] {
        let url = format!("https://localhost:{}/certificates/issuers/ca?api-version=7.6", gateway.port());
        let request = http.put(url).header("host", "contoso.vault.localhost").bearer_auth(&token);
        let response = request.body(json!({ "provider": provider }).to_string()).send().await.unwrap();
        let found = response.status().as_u16();
        let body: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(found, status, "{body}");
        if status == 400 {
            let message = body["error"]["message"].as_str().unwrap();
            assert!(message.starts_with("provider: only a simulator has"), "{message}");
        }
    }
}
