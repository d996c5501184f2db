//! Tests Azure's secret client for Rust: the lifecycle of secrets in a vault.

use std::error::Error;
use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::StatusCode;
use azure_identity::ClientSecretCredential;
use azure_security_keyvault_secrets::models::{
    RestoreSecretParameters, SetSecretParameters, UpdateSecretPropertiesParameters,
};
use azure_security_keyvault_secrets::{ResourceExt as _, SecretClient};
use futures::TryStreamExt as _;

type Done<T = ()> = Result<T, Box<dyn Error>>;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// A client of a principal whose environment variables begin with `principal`.
fn client(principal: &str) -> Done<SecretClient> {
    let secret = Secret::new(variable(&format!("{principal}_CLIENT_SECRET")));
    let id = variable(&format!("{principal}_CLIENT_ID"));
    let credential: Arc<dyn TokenCredential> =
        ClientSecretCredential::new(&variable("AZURE_TENANT_ID"), id, secret, None)?;
    Ok(SecretClient::new(&variable("AZURE_VAULT_URL"), credential, None)?)
}

/// Asserts that a call failed with this status and text.
fn refused<T>(result: azure_core::Result<T>, status: StatusCode, text: &str) {
    let Err(error) = result else { panic!("the call should have failed: {text}") };
    assert_eq!(error.http_status(), Some(status), "{error:?}");
    assert!(format!("{error:?}").contains(text), "{error:?}");
}

async fn set(secrets: &SecretClient, name: &str, value: &str) -> azure_core::Result<String> {
    let parameters = SetSecretParameters { value: Some(value.to_owned()), ..Default::default() };
    let secret = secrets.set_secret(name, parameters.try_into()?, None).await?.into_model()?;
    Ok(secret.resource_id()?.version.unwrap_or_default())
}

async fn value(secrets: &SecretClient, name: &str) -> azure_core::Result<Option<String>> {
    Ok(secrets.get_secret(name, None).await?.into_model()?.value)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Done {
    let secrets = client("AZURE")?;
    let first = set(&secrets, "password", "hunter2").await?;
    let second = set(&secrets, "password", "hunter3").await?;
    assert_eq!(value(&secrets, "password").await?.as_deref(), Some("hunter3"));
    let versions: Vec<_> = secrets.list_secret_properties_versions("password", None)?.try_collect().await?;
    let listed: Vec<_> = versions.iter().map(|one| one.resource_id().unwrap().version.unwrap()).collect();
    assert_eq!(listed, [first, second]);
    refused(set(&secrets, "under_score", "x").await, StatusCode::BadRequest, "BadParameter");

    let tags = [("team".to_owned(), "web".to_owned())].into();
    let update = UpdateSecretPropertiesParameters {
        content_type: Some("text/plain".to_owned()),
        tags: Some(tags),
        ..Default::default()
    };
    let updated =
        secrets.update_secret_properties("password", update.try_into()?, None).await?.into_model()?;
    assert_eq!((updated.content_type.as_deref(), updated.value), (Some("text/plain"), None));

    let backup = secrets.backup_secret("password", None).await?.into_model()?.value;
    secrets.delete_secret("password", None).await?;
    refused(value(&secrets, "password").await, StatusCode::NotFound, "SecretNotFound");
    refused(set(&secrets, "password", "x").await, StatusCode::Conflict, "Conflict");
    let deleted: Vec<_> = secrets.list_deleted_secret_properties(None)?.try_collect().await?;
    assert_eq!(deleted.len(), 1);
    secrets.recover_deleted_secret("password", None).await?;
    assert_eq!(value(&secrets, "password").await?.as_deref(), Some("hunter3"));
    secrets.delete_secret("password", None).await?;
    secrets.purge_deleted_secret("password", None).await?;
    let restore = RestoreSecretParameters { secret_backup: backup };
    secrets.restore_secret(restore.try_into()?, None).await?;
    assert_eq!(value(&secrets, "password").await?.as_deref(), Some("hunter3"));

    refused(value(&client("USER")?, "password").await, StatusCode::Forbidden, "Forbidden");
    Ok(())
}
