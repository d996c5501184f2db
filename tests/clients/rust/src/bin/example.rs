//! Creates a key, and signs with it.

use azure_core::credentials::Secret;
use azure_identity::ClientSecretCredential;
use azure_security_keyvault_keys::models::{CreateKeyParameters, CurveName, KeyType};
use azure_security_keyvault_keys::models::{SignParameters, SignatureAlgorithm, VerifyParameters};
use azure_security_keyvault_keys::{KeyClient, ResourceExt};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let connection: serde_json::Value =
        serde_json::from_slice(&std::fs::read(".strongroom/connection.json")?)?;
    let principals = connection["principals"].as_array().ok_or("there are principals")?;
    let dev = principals.iter().find(|principal| principal["name"] == "dev").ok_or("one is dev")?;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let secret = Secret::new(text(&dev["client_secret"]));
    let tenant = text(&connection["tenant_id"]);
    let credential = ClientSecretCredential::new(&tenant, text(&dev["client_id"]), secret, None)?;
    let keys = KeyClient::new(&std::env::var("AZURE_KEYVAULT_URL")?, credential, None)?;

    let wanted =
        CreateKeyParameters { kty: Some(KeyType::EcHsm), curve: Some(CurveName::P256), ..Default::default() };
    let key = keys.create_key("invoices", wanted.try_into()?, None).await?.into_model()?;
    let version = key.resource_id()?.version.unwrap_or_default();
    // The SHA-256 digest of the data.
    let digest = Some(vec![7; 32]);
    let algorithm = Some(SignatureAlgorithm::Es256);
    let sign = SignParameters { algorithm: algorithm.clone(), value: digest.clone() };
    let signature = keys.sign("invoices", sign.try_into()?, None).await?.into_model()?.result;
    let verify = VerifyParameters { algorithm, digest, signature };
    let verified = keys.verify("invoices", &version, verify.try_into()?, None).await?.into_model()?;
    assert_eq!(verified.value, Some(true));
    println!("signed with {version}");
    Ok(())
}
