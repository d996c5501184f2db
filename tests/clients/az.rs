//! Tests the `az` command line: authentication as documented, then the documented lifecycles of a managed HSM and
//! of keys.

use std::path::Path;

use serde_json::json;
use strongroom::api::grpc::pb;

use super::sandbox::{Sandbox, example, install_clients};
use crate::kit::rest::{Rest, base64url};
use crate::support::Server;

const PAGE: &str = include_str!("../../docs/clients/az.md");

/// Authenticates `az` in a new configuration directory, and runs shell lines with it and the program under test.
fn with_az(server: &Server, lines: &str, environment: &[(&str, String)]) {
    let tools = install_clients("az").join("bin");
    let sandbox = Sandbox::of(server);
    let configuration = sandbox.file("azure");
    let programs = Path::new(env!("CARGO_BIN_EXE_strongroom")).parent().unwrap();
    let page = sandbox.with_port(example(PAGE, "sh"));
    let lines = format!("PATH='{}':$PATH\n{page}\n{lines}", programs.display());
    let mut variables = vec![("AZURE_CONFIG_DIR", configuration.to_str().unwrap())];
    variables.extend(environment.iter().map(|(name, value)| (*name, value.as_str())));
    sandbox.run(&tools, &lines, &variables);
}

/// Runs a script of `tests/clients/az` with an authenticated `az`.
fn run_script(name: &str) {
    run_script_on(&Server::start(), name, &[]);
}

/// Runs a script with an authenticated `az` of a server, and more environment variables.
pub(super) fn run_script_on(server: &Server, name: &str, environment: &[(&str, String)]) {
    with_az(server, &format!("bash '{}/tests/clients/az/{name}'", env!("CARGO_MANIFEST_DIR")), environment);
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn az_hsm_lifecycle_works_as_documented() {
    run_script("hsm.sh");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn az_key_lifecycle_works_as_documented() {
    run_script("keys.sh");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn az_vault_lifecycle_works_as_documented() {
    run_script("vaults.sh");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn az_secrets_and_keys_of_a_vault_work() {
    run_script("secrets.sh");
}

#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn az_certificates_of_a_vault_work() {
    run_script("certificates.sh");
}

/// An HSM is purged, and recovered from its security domain and key backups.
#[test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
fn az_recovers_a_purged_hsm() {
    run_script("recovery.sh");
}

/// The key is created over REST, used over gRPC, deleted by `az`, and recovered over gRPC.
#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn key_is_shared_by_rest_grpc_and_az() {
    let server = Server::start();
    let rest = Rest::authenticated(&server, "dev").await;
    let mut grpc = server.client("dev").await;
    let made = rest.create("shared", json!({"kty": "EC-HSM", "crv": "P-256"})).await;
    let version = made["key"]["kid"].as_str().unwrap().rsplit('/').next().unwrap();
    let name = format!("hsms/local/keys/shared/versions/{version}");
    let request = pb::SignRequest { name: name.clone(), algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    grpc.crypto.sign(request.clone()).await.unwrap();

    with_az(&server, "az keyvault key delete --hsm-name local --name shared", &[]);
    rest.get("/keys/shared").await.error(404, "KeyNotFound");
    assert_eq!(grpc.crypto.sign(request.clone()).await.unwrap_err().code(), tonic::Code::NotFound);
    let deleted = "hsms/local/deletedKeys/shared".to_owned();
    let back = grpc.keys.recover_deleted_key(pb::RecoverDeletedKeyRequest { name: deleted }).await.unwrap();
    assert_eq!(back.into_inner().name, name);
    assert_eq!(rest.get("/keys/shared").await.json(200), made);
    let signature = grpc.crypto.sign(request).await.unwrap().into_inner().signature;
    let verify = json!({"alg": "ES256", "digest": base64url(&[7; 32]), "value": base64url(&signature)});
    assert_eq!(rest.post("/keys/shared/verify", verify).await.json(200)["value"], true);
}
