//! Certificates of vaults over the REST surface, verified with OpenSSL.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use strongroom::api::grpc::pb;

use super::client::{Rest, RestResponse};
use crate::hsms::Container;
use crate::support::Server;
use crate::vaults;

mod backups;
mod imported;
mod issued;
mod managed;
mod renewed;
mod test_issuer;

/// A server with the vault `contoso`, and a client whose access policy has every permission.
pub(super) async fn with_vault(sku: &str) -> (Server, Rest) {
    with_vault_as(sku, |_| {}).await
}

/// As [`with_vault`], with other properties of the vault.
pub(super) async fn with_vault_as(sku: &str, change: impl FnOnce(&mut pb::Vault)) -> (Server, Rest) {
    let server = Server::start();
    let mut request = Container::of(&server).vault_request("contoso");
    let vault = request.vault.as_mut().unwrap();
    vault.sku = Some(sku.to_owned());
    vault.rbac_authorization = Some(false);
    let all = || Some(pb::PermissionNames { names: vec!["all".to_owned(), "purge".to_owned()] });
    vault.access_policies = vec![pb::AccessPolicy {
        tenant_id: server.connection().tenant_id,
        principal_id: server.principal("dev").object_id,
        application_id: String::new(),
        permissions: Some(pb::AccessPermissions {
            keys: all(),
            secrets: all(),
            certificates: all(),
            ..Default::default()
        }),
    }];
    change(vault);
    vaults::create(&mut server.client("owner").await, request).await.unwrap();
    let rest = authenticated(&server).await;
    (server, rest)
}

async fn authenticated(server: &Server) -> Rest {
    let hsm = Rest::unauthenticated(server);
    let host = hsm.base.replace("https://local.managedhsm.", "contoso.vault.");
    let token = server.access_token_for("dev", "https://vault.azure.net").await;
    hsm.at_host(&host).with_token(&token)
}

/// Asserts that a response of a restarted server, which has another port, is the same otherwise.
#[track_caller]
fn assert_kept(before: (&Rest, &Value), after: (&Rest, &RestResponse)) {
    let before = before.1.to_string().replace(&before.0.base, &after.0.base);
    assert_eq!(after.1.json(200), serde_json::from_str::<Value>(&before).unwrap());
}

/// A directory for files of OpenSSL.
struct OpenSsl(tempfile::TempDir);

impl OpenSsl {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, file: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.0.path().join(file), contents).unwrap();
    }

    fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.0.path().join(file)).unwrap()
    }

    #[track_caller]
    fn run(&self, line: &str) -> String {
        let output = Command::new("openssl").args(line.split(' ')).current_dir(&self.0).output().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "openssl {line}: {text}");
        text
    }

    /// Writes a certificate of a response in PEM.
    fn certificate(&self, file: &str, bundle: &Value) {
        self.write("der", decode(&bundle["cer"]));
        self.run(&format!("x509 -in der -out {file}"));
    }
}

fn decode(text: &Value) -> Vec<u8> {
    STANDARD.decode(text.as_str().unwrap()).unwrap()
}

fn policy(issuer: &str, key: Value) -> Value {
    json!({
        "key_props": key,
        "x509_props": {"subject": "CN=www.example.com", "sans": {"dns_names": ["www.example.com"]}},
        "issuer": {"name": issuer},
    })
}

/// Creates a certificate, and returns the operation.
async fn create(vault: &Rest, name: &str, policy: Value) -> Value {
    vault.post(&format!("/certificates/{name}/create"), json!({ "policy": policy })).await.json(202)
}
