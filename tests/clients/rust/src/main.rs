//! Tests Azure's key client for Rust: the lifecycle of keys and cryptographic operations.
//!
//! The client is configured by environment variables as in any application; challenge resource verification is enabled,
//! and TLS is verified.

use std::collections::BTreeSet;
use std::error::Error;
use std::sync::Arc;

use azure_core::credentials::{Secret, TokenCredential};
use azure_core::http::StatusCode;
use azure_identity::ClientSecretCredential;
use azure_security_keyvault_keys::models::{
    CreateKeyParameters, CurveName, EncryptionAlgorithm, GetRandomBytesParameters, ImportKeyParameters,
    JsonWebKey, Key, KeyClientListKeyPropertiesOptions, KeyClientSignOptions, KeyOperationParameters,
    KeyRotationPolicy, KeyRotationPolicyAction, KeyRotationPolicyAttributes, KeyType, LifetimeAction,
    LifetimeActionTrigger, LifetimeActionType, RestoreKeyParameters, SignParameters, SignatureAlgorithm,
    UpdateKeyPropertiesParameters, VerifyParameters,
};
use azure_security_keyvault_keys::{KeyClient, ResourceExt as _};
use futures::TryStreamExt as _;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use p256::elliptic_curve::sec1::FromEncodedPoint as _;
use sha2::{Digest as _, Sha256};

type Done<T = ()> = Result<T, Box<dyn Error>>;

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

/// A client of a principal whose environment variables begin with `principal`.
fn client(principal: &str, secret: Option<&str>) -> Done<KeyClient> {
    let secret = secret.map_or_else(|| variable(&format!("{principal}_CLIENT_SECRET")), str::to_owned);
    let id = variable(&format!("{principal}_CLIENT_ID"));
    let credential: Arc<dyn TokenCredential> =
        ClientSecretCredential::new(&variable("AZURE_TENANT_ID"), id, Secret::new(secret), None)?;
    Ok(KeyClient::new(&variable("AZURE_KEYVAULT_URL"), credential, None)?)
}

/// Asserts that a call failed with this status and text.
fn refused<T>(result: azure_core::Result<T>, status: StatusCode, text: &str) {
    let Err(error) = result else { panic!("the call should have failed: {text}") };
    assert_eq!(error.http_status(), Some(status), "{error:?}");
    assert!(format!("{error:?}").contains(text), "{error:?}");
}

async fn create(keys: &KeyClient, name: &str, parameters: CreateKeyParameters) -> Done<Key> {
    Ok(keys.create_key(name, parameters.try_into()?, None).await?.into_model()?)
}

fn of_type(kty: KeyType) -> CreateKeyParameters {
    CreateKeyParameters { kty: Some(kty), ..Default::default() }
}

async fn kinds(keys: &KeyClient) -> Done {
    let rsa =
        CreateKeyParameters { key_size: Some(3072), public_exponent: Some(17), ..of_type(KeyType::Rsa) };
    let key = create(keys, "rsa", rsa).await?.key.unwrap();
    assert_eq!((key.kty, key.n.unwrap().len(), key.e.unwrap()), (Some(KeyType::RsaHsm), 384, vec![17]));
    for (curve, width) in
        [(CurveName::P256, 32), (CurveName::P256K, 32), (CurveName::P384, 48), (CurveName::P521, 66)]
    {
        let ec = CreateKeyParameters { curve: Some(curve.clone()), ..of_type(KeyType::Ec) };
        let key = create(keys, &format!("ec-{curve}"), ec).await?.key.unwrap();
        assert_eq!(
            (key.kty, key.x.unwrap().len(), key.y.unwrap().len()),
            (Some(KeyType::EcHsm), width, width)
        );
    }
    let key = create(keys, "oct", of_type(KeyType::Oct)).await?.key.unwrap();
    assert_eq!((key.kty, key.k), (Some(KeyType::OctHsm), None));
    Ok(())
}

async fn signatures(keys: &KeyClient) -> Done {
    let key = keys.get_key("ec-P-256", None).await?.into_model()?;
    let version = key.resource_id()?.version.unwrap();
    let digest = Sha256::digest(b"Invoice 17: 100.00 EUR").to_vec();
    let parameters =
        SignParameters { algorithm: Some(SignatureAlgorithm::Es256), value: Some(digest.clone()) };
    let options = KeyClientSignOptions { key_version: Some(version.clone()), ..Default::default() };
    let pinned = keys.sign("ec-P-256", parameters.clone().try_into()?, Some(options)).await?.into_model()?;
    // Without a version, the SDK writes an empty one: /keys/ec-P-256//sign
    let current = keys.sign("ec-P-256", parameters.try_into()?, None).await?.into_model()?;
    assert_eq!(pinned.kid, current.kid);

    // Verified with another implementation.
    let jwk = key.key.unwrap();
    let (x, y) = (jwk.x.unwrap(), jwk.y.unwrap());
    let point = p256::EncodedPoint::from_affine_coordinates(x.as_slice().into(), y.as_slice().into(), false);
    let public = p256::PublicKey::from_encoded_point(&point).unwrap();
    let verifier = p256::ecdsa::VerifyingKey::from(public);
    for signature in [pinned.result.unwrap(), current.result.unwrap()] {
        verifier.verify_prehash(&digest, &p256::ecdsa::Signature::from_slice(&signature)?)?;
        for (flip, valid) in [(0, true), (1, false)] {
            let mut signature = signature.clone();
            *signature.last_mut().unwrap() ^= flip;
            let parameters = VerifyParameters {
                algorithm: Some(SignatureAlgorithm::Es256),
                digest: Some(digest.clone()),
                signature: Some(signature),
            };
            let verified =
                keys.verify("ec-P-256", &version, parameters.try_into()?, None).await?.into_model()?;
            assert_eq!(verified.value, Some(valid));
        }
    }
    Ok(())
}

async fn ciphers(keys: &KeyClient) -> Done {
    let plain = |algorithm: EncryptionAlgorithm| KeyOperationParameters {
        algorithm: Some(algorithm),
        value: Some(b"plain".to_vec()),
        ..Default::default()
    };
    for algorithm in
        [EncryptionAlgorithm::Rsa1_5, EncryptionAlgorithm::RsaOaep, EncryptionAlgorithm::RsaOaep256]
    {
        let parameters = plain(algorithm.clone());
        let sealed = keys.encrypt("rsa", parameters.clone().try_into()?, None).await?.into_model()?;
        let back = KeyOperationParameters { value: sealed.result, ..parameters.clone() };
        let opened = keys.decrypt("rsa", "", back.try_into()?, None).await?.into_model()?;
        assert_eq!(opened.result.as_deref(), Some(&b"plain"[..]), "{algorithm:?}");
        let wrapped = keys.wrap_key("rsa", parameters.clone().try_into()?, None).await?.into_model()?;
        let back = KeyOperationParameters { value: wrapped.result, ..parameters };
        let opened = keys.unwrap_key("rsa", "", back.try_into()?, None).await?.into_model()?;
        assert_eq!(opened.result.as_deref(), Some(&b"plain"[..]), "{algorithm:?}");
    }
    let aad = Some(b"header".to_vec());
    let parameters = KeyOperationParameters {
        additional_authenticated_data: aad.clone(),
        ..plain(EncryptionAlgorithm::A256Gcm)
    };
    let sealed = keys.encrypt("oct", parameters.clone().try_into()?, None).await?.into_model()?;
    assert_eq!((sealed.iv.as_ref().unwrap().len(), sealed.additional_authenticated_data), (12, aad));
    let mut back = KeyOperationParameters {
        value: sealed.result,
        iv: sealed.iv,
        authentication_tag: sealed.authentication_tag,
        ..parameters
    };
    let opened = keys.decrypt("oct", "", back.clone().try_into()?, None).await?.into_model()?;
    assert_eq!(opened.result.as_deref(), Some(&b"plain"[..]));
    back.authentication_tag.as_mut().unwrap()[0] ^= 1;
    refused(keys.decrypt("oct", "", back.try_into()?, None).await, StatusCode::BadRequest, "BadParameter");

    // The example of RFC 3394, 4.6: a key of 256 bits, wrapped with one of 256 bits.
    let kek: Vec<u8> = (0..32).collect();
    let value: Vec<u8> =
        [0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff]
            .into_iter()
            .chain(0..16)
            .collect();
    let expected = [
        0x28, 0xc9, 0xf4, 0x04, 0xc4, 0xb8, 0x10, 0xf4, 0xcb, 0xcc, 0xb3, 0x5c, 0xfb, 0x87, 0xf8, 0x26, 0x3f,
        0x57, 0x86, 0xe2, 0xd8, 0x0e, 0xd3, 0x26, 0xcb, 0xc7, 0xf0, 0xe7, 0x1a, 0x99, 0xf4, 0x3b, 0xfb, 0x98,
        0x8b, 0x9b, 0x7a, 0x02, 0xdd, 0x21,
    ];
    let jwk = JsonWebKey { kty: Some(KeyType::OctHsm), k: Some(kek), ..Default::default() };
    let parameters = ImportKeyParameters { key: Some(jwk), hsm: Some(true), ..Default::default() };
    keys.import_key("kek", parameters.try_into()?, None).await?;
    let algorithm = Some(EncryptionAlgorithm::A256Kw);
    let parameters = KeyOperationParameters { algorithm, value: Some(value.clone()), ..Default::default() };
    let wrapped = keys.wrap_key("kek", parameters.clone().try_into()?, None).await?.into_model()?;
    assert_eq!(wrapped.result.as_deref(), Some(&expected[..]));
    let mut back = KeyOperationParameters { value: wrapped.result, ..parameters };
    let opened = keys.unwrap_key("kek", "", back.clone().try_into()?, None).await?.into_model()?;
    assert_eq!(opened.result, Some(value));
    back.value.as_mut().unwrap()[0] ^= 1;
    refused(keys.unwrap_key("kek", "", back.try_into()?, None).await, StatusCode::BadRequest, "BadParameter");
    Ok(())
}

async fn lists(keys: &KeyClient) -> Done {
    let options = KeyClientListKeyPropertiesOptions { maxresults: Some(2), ..Default::default() };
    let mut names = BTreeSet::new();
    let mut list = keys.list_key_properties(Some(options))?;
    while let Some(item) = list.try_next().await? {
        let id = item.resource_id()?;
        assert_eq!(id.version, None);
        assert!(item.attributes.unwrap().created.is_some());
        names.insert(id.name);
    }
    let expected = ["ec-P-256", "ec-P-256K", "ec-P-384", "ec-P-521", "kek", "oct", "rsa"];
    assert!(names.iter().map(String::as_str).eq(expected), "{names:?}");
    create(keys, "oct", of_type(KeyType::Oct)).await?;
    let versions: Vec<_> = keys.list_key_properties_versions("oct", None)?.try_collect().await?;
    assert_eq!(versions.len(), 2);
    Ok(())
}

async fn updates(keys: &KeyClient) -> Done {
    let key = keys.get_key("rsa", None).await?.into_model()?;
    let mut attributes = key.attributes.unwrap();
    attributes.enabled = Some(false);
    let tags = Some([("team".to_owned(), "billing".to_owned())].into());
    let parameters =
        UpdateKeyPropertiesParameters { key_attributes: Some(attributes), tags, ..Default::default() };
    let changed = keys.update_key_properties("rsa", parameters.try_into()?, None).await?.into_model()?;
    assert_eq!((changed.attributes.unwrap().enabled, changed.tags.unwrap().len()), (Some(false), 1));
    let parameters = SignParameters { algorithm: Some(SignatureAlgorithm::Rs256), value: Some(vec![7; 32]) };
    refused(keys.sign("rsa", parameters.try_into()?, None).await, StatusCode::Forbidden, "disabled key");
    Ok(())
}

async fn rotation(keys: &KeyClient) -> Done {
    let before = keys.get_key("ec-P-384", None).await?.into_model()?;
    let trigger = LifetimeActionTrigger { time_after_create: Some("P2M".to_owned()), ..Default::default() };
    let action = LifetimeActionType { type_prop: Some(KeyRotationPolicyAction::Rotate) };
    let policy = KeyRotationPolicy {
        attributes: Some(KeyRotationPolicyAttributes {
            expiry_time: Some("P90D".to_owned()),
            ..Default::default()
        }),
        lifetime_actions: Some(vec![LifetimeAction { action: Some(action), trigger: Some(trigger) }]),
        ..Default::default()
    };
    keys.update_key_rotation_policy("ec-P-384", policy.try_into()?, None).await?;
    let kept = keys.get_key_rotation_policy("ec-P-384", None).await?;
    let text: serde_json::Value = serde_json::from_slice(kept.body())?;
    assert_eq!(text["attributes"]["expiryTime"], "P90D");
    // The service returns `rotate`, but the SDK parses only `Rotate`; docs/clients documents this.
    assert!(kept.into_model().is_err());
    let rotated = keys.rotate_key("ec-P-384", None).await?.into_model()?;
    assert_ne!(rotated.resource_id()?.version, before.resource_id()?.version);
    assert!(rotated.attributes.unwrap().expires.is_some());
    Ok(())
}

async fn deletion(keys: &KeyClient) -> Done {
    let before = keys.get_key("ec-P-521", None).await?.into_model()?;
    let deleted = keys.delete_key("ec-P-521", None).await?.into_model()?;
    let base = variable("AZURE_KEYVAULT_URL");
    assert_eq!(deleted.recovery_id, Some(format!("{base}/deletedkeys/ec-P-521")));
    refused(
        keys.get_key("ec-P-521", None).await,
        StatusCode::NotFound,
        &format!("Key not found: {base}/keys/ec-P-521"),
    );
    refused(
        keys.create_key("ec-P-521", of_type(KeyType::Ec).try_into()?, None).await,
        StatusCode::Conflict,
        "deleted but recoverable",
    );
    let listed: Vec<_> = keys.list_deleted_key_properties(None)?.try_collect().await?;
    assert_eq!(listed.len(), 1);
    keys.get_deleted_key("ec-P-521", None).await?;
    let recovered = keys.recover_deleted_key("ec-P-521", None).await?.into_model()?;
    assert_eq!(recovered.resource_id()?, before.resource_id()?);
    keys.delete_key("ec-P-521", None).await?;
    keys.purge_deleted_key("ec-P-521", None).await?;
    refused(keys.get_deleted_key("ec-P-521", None).await, StatusCode::NotFound, "KeyNotFound");
    create(keys, "ec-P-521", of_type(KeyType::Ec)).await?;
    Ok(())
}

async fn backup(keys: &KeyClient) -> Done {
    let made = create(keys, "kept", of_type(KeyType::Ec)).await?;
    let backup = keys.backup_key("kept", None).await?.into_model()?.value;
    let restore = || RestoreKeyParameters { key_backup: backup.clone() };
    refused(keys.restore_key(restore().try_into()?, None).await, StatusCode::Conflict, "Conflict");
    keys.delete_key("kept", None).await?;
    keys.purge_deleted_key("kept", None).await?;
    let none = RestoreKeyParameters { key_backup: Some(b"none".to_vec()) };
    refused(keys.restore_key(none.try_into()?, None).await, StatusCode::BadRequest, "MalformedBackupBlob");
    let restored = keys.restore_key(restore().try_into()?, None).await?.into_model()?;
    assert_eq!(restored.resource_id()?, made.resource_id()?);
    assert_eq!(restored.attributes.unwrap().created, made.attributes.unwrap().created);
    Ok(())
}

async fn random(keys: &KeyClient) -> Done {
    let request = |count| GetRandomBytesParameters { count: Some(count) };
    let bytes = keys.get_random_bytes(request(128).try_into()?, None).await?.into_model()?.value.unwrap();
    assert_eq!(bytes.len(), 128);
    let refusal = "count cannot be greater than 128 or less than 1";
    refused(keys.get_random_bytes(request(129).try_into()?, None).await, StatusCode::BadRequest, refusal);
    Ok(())
}

async fn unauthorized_principals() -> Done {
    let user = client("USER", None)?;
    refused(user.get_key("rsa", None).await, StatusCode::Forbidden, "keys/read/action on /keys/rsa");
    let error = client("USER", Some("wrong"))?.get_key("rsa", None).await.expect_err("the secret is wrong");
    assert!(format!("{error:?}").contains("7000215"), "{error:?}");
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Done {
    let keys = client("AZURE", None)?;
    kinds(&keys).await?;
    signatures(&keys).await?;
    ciphers(&keys).await?;
    lists(&keys).await?;
    updates(&keys).await?;
    rotation(&keys).await?;
    deletion(&keys).await?;
    backup(&keys).await?;
    random(&keys).await?;
    unauthorized_principals().await
}
