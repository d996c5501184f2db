//! Tests Apache Airflow: the scenario of `tests/clients/airflow`.

use super::sandbox::{Sandbox, environment, install_clients};
use crate::support::Server;

#[tokio::test]
#[cfg_attr(not(target_os = "linux"), ignore = "mount namespaces are Linux's")]
async fn airflow_reads_connections_and_variables_from_secrets() {
    let tools = install_clients("airflow").join("bin");
    let server = Server::start();
    let mut environment = environment(&server).await;
    environment.push(("REQUESTS_CA_BUNDLE", server.connection().ca_file.to_str().unwrap().to_owned()));
    // DefaultAzureCredential, which Airflow creates, has no other way to skip instance discovery.
    environment.push(("AZURE_TENANT_ID", "adfs".to_owned()));
    let environment: Vec<_> = environment.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let line = format!("python '{}/tests/clients/airflow/secrets_backend.py'", env!("CARGO_MANIFEST_DIR"));
    Sandbox::of(&server).run(&tools, &line, &environment);
}
