//! A request for each operation on the contents of vaults, valid enough to be authorized.

use http::Method;
use prost::Message as _;
use serde_json::{Value, json};
use strongroom::model::vault_rbac::VaultAction;

use crate::requests::{HSM, valid_request, watching};
use crate::rest::client::base64url;

/// The vault whose keys requests name. Its resource name is as long as that of the seed's HSM, so that it can replace it in encoded
/// messages.
pub(super) const KEYS_VAULT: &str = "abc";
/// The vault whose secrets and certificates requests name.
pub(super) const OBJECTS_VAULT: &str = "sample";

/// Returns an encoded message.
pub(super) fn grpc_request(operation: &str, action: VaultAction) -> Vec<u8> {
    if operation == "WatchLifecycle" {
        let collection = action.policy_permission().kind.collection();
        let parent = match collection {
            "keys" => format!("vaults/{OBJECTS_VAULT}"),
            _ => format!("vaults/{OBJECTS_VAULT}/{collection}"),
        };
        return watching(&parent).encode_to_vec();
    }
    let vault = format!("vaults/{KEYS_VAULT}");
    assert_eq!(vault.len(), HSM.len());
    let mut message = valid_request(operation);
    let places: Vec<usize> =
        (0..message.len()).filter(|at| message[*at..].starts_with(HSM.as_bytes())).collect();
    for at in places {
        message[at..at + HSM.len()].copy_from_slice(vault.as_bytes());
    }
    message
}

/// Returns method, path and body of a request.
pub(super) fn rest_request(operation: &str) -> (Method, &'static str, String) {
    let (method, path, body) = key_request(operation)
        .or_else(|| secret_request(operation))
        .or_else(|| certificate_request(operation))
        .unwrap_or_else(|| panic!("no REST request is defined for {operation}"));
    (method, path, if body.is_null() { String::new() } else { body.to_string() })
}

type Request = Option<(Method, &'static str, Value)>;

fn key_request(operation: &str) -> Request {
    let none = Value::Null;
    let es256 = json!({"alg": "ES256", "value": base64url(&[7; 32])});
    let oaep = json!({"alg": "RSA-OAEP-256", "value": base64url(&[7; 32])});
    let ec = json!({"kty": "EC", "crv": "P-256", "x": base64url(&[1; 32]), "y": base64url(&[2; 32]), "d": base64url(&[3; 32])});
    Some(match operation {
        "CreateKey" => (Method::POST, "/keys/new/create", json!({"kty": "EC"})),
        "ImportKey" => (Method::PUT, "/keys/imported", json!({"key": ec})),
        "GetKey" => (Method::GET, "/keys/none", none),
        "ListKeys" => (Method::GET, "/keys", none),
        "ListKeyVersions" => (Method::GET, "/keys/none/versions", none),
        "UpdateKeyVersion" => (Method::PATCH, "/keys/none/", json!({"tags": {}})),
        "DeleteKey" => (Method::DELETE, "/keys/none", none),
        "RotateKey" => (Method::POST, "/keys/none/rotate", none),
        "BackupKey" => (Method::POST, "/keys/none/backup", none),
        "RestoreKey" => (Method::POST, "/keys/restore", json!({"value": base64url(b"none")})),
        "GetKeyRotationPolicy" => (Method::GET, "/keys/none/rotationpolicy", none),
        "UpdateKeyRotationPolicy" => {
            (Method::PUT, "/keys/none/rotationpolicy", json!({"attributes": {"expiryTime": "P1Y"}}))
        }
        "GetDeletedKey" => (Method::GET, "/deletedkeys/none", none),
        "ListDeletedKeys" => (Method::GET, "/deletedkeys", none),
        "RecoverDeletedKey" => (Method::POST, "/deletedkeys/none/recover", none),
        "PurgeDeletedKey" => (Method::DELETE, "/deletedkeys/none", none),
        "Sign" => (Method::POST, "/keys/none/sign", es256),
        "Verify" => {
            let body = json!({"alg": "ES256", "digest": base64url(&[7; 32]), "value": base64url(&[1; 64])});
            (Method::POST, "/keys/none/verify", body)
        }
        "Encrypt" => (Method::POST, "/keys/none/encrypt", oaep),
        "Decrypt" => (Method::POST, "/keys/none/decrypt", oaep),
        "WrapKey" => (Method::POST, "/keys/none/wrapkey", oaep),
        "UnwrapKey" => (Method::POST, "/keys/none/unwrapkey", oaep),
        _ => return None,
    })
}

fn secret_request(operation: &str) -> Request {
    let none = Value::Null;
    Some(match operation {
        "SetSecret" => (Method::PUT, "/secrets/new", json!({"value": "a value"})),
        "GetSecret" => (Method::GET, "/secrets/none", none),
        "ListSecrets" => (Method::GET, "/secrets", none),
        "ListSecretVersions" => (Method::GET, "/secrets/none/versions", none),
        "UpdateSecretVersion" => (Method::PATCH, "/secrets/none/", json!({"tags": {}})),
        "BackupSecret" => (Method::POST, "/secrets/none/backup", none),
        "RestoreSecret" => (Method::POST, "/secrets/restore", json!({"value": base64url(b"none")})),
        "DeleteSecret" => (Method::DELETE, "/secrets/none", none),
        "GetDeletedSecret" => (Method::GET, "/deletedsecrets/none", none),
        "ListDeletedSecrets" => (Method::GET, "/deletedsecrets", none),
        "RecoverDeletedSecret" => (Method::POST, "/deletedsecrets/none/recover", none),
        "PurgeDeletedSecret" => (Method::DELETE, "/deletedsecrets/none", none),
        _ => return None,
    })
}

/// Returns a certificate, in base64.
fn certificate() -> String {
    use base64::Engine as _;
    let made = rcgen::generate_simple_self_signed(["sample".to_owned()]).unwrap();
    base64::engine::general_purpose::STANDARD.encode(made.cert.der())
}

fn certificate_request(operation: &str) -> Request {
    let none = Value::Null;
    let policy = json!({
        "issuer": {"name": "Unknown"},
        "key_props": {"kty": "EC", "crv": "P-256", "exportable": false, "reuse_key": false},
        "x509_props": {"subject": "CN=sample"},
    });
    Some(match operation {
        "CreateCertificate" => (Method::POST, "/certificates/new/create", json!({"policy": policy})),
        "ImportCertificate" => (Method::POST, "/certificates/none/import", json!({"value": "AAAA"})),
        "MergeCertificate" => {
            (Method::POST, "/certificates/none/pending/merge", json!({"x5c": [certificate()]}))
        }
        "GetCertificate" => (Method::GET, "/certificates/none", none),
        "ListCertificates" => (Method::GET, "/certificates", none),
        "ListCertificateVersions" => (Method::GET, "/certificates/none/versions", none),
        "UpdateCertificateVersion" => (Method::PATCH, "/certificates/none/", json!({"tags": {}})),
        "GetCertificatePolicy" => (Method::GET, "/certificates/none/policy", none),
        "UpdateCertificatePolicy" => (Method::PATCH, "/certificates/none/policy", policy),
        "GetCertificateOperation" => (Method::GET, "/certificates/none/pending", none),
        "CancelCertificateOperation" => {
            (Method::PATCH, "/certificates/none/pending", json!({"cancellation_requested": true}))
        }
        "DeleteCertificateOperation" => (Method::DELETE, "/certificates/none/pending", none),
        "BackupCertificate" => (Method::POST, "/certificates/none/backup", none),
        "RestoreCertificate" => (Method::POST, "/certificates/restore", json!({"value": base64url(b"none")})),
        "DeleteCertificate" => (Method::DELETE, "/certificates/none", none),
        "GetDeletedCertificate" => (Method::GET, "/deletedcertificates/none", none),
        "ListDeletedCertificates" => (Method::GET, "/deletedcertificates", none),
        "RecoverDeletedCertificate" => (Method::POST, "/deletedcertificates/none/recover", none),
        "PurgeDeletedCertificate" => (Method::DELETE, "/deletedcertificates/none", none),
        "SetCertificateContacts" => {
            (Method::PUT, "/certificates/contacts", json!({"contacts": [{"email": "a@example.com"}]}))
        }
        "GetCertificateContacts" => (Method::GET, "/certificates/contacts", none),
        "DeleteCertificateContacts" => (Method::DELETE, "/certificates/contacts", none),
        "SetCertificateIssuer" => (Method::PUT, "/certificates/issuers/new", json!({"provider": "OneCert"})),
        "UpdateCertificateIssuer" => {
            (Method::PATCH, "/certificates/issuers/none", json!({"provider": "OneCert"}))
        }
        "GetCertificateIssuer" => (Method::GET, "/certificates/issuers/none", none),
        "ListCertificateIssuers" => (Method::GET, "/certificates/issuers", none),
        "DeleteCertificateIssuer" => (Method::DELETE, "/certificates/issuers/none", none),
        _ => return None,
    })
}
