//! Short helpers for key and cryptography calls, and for assertions on their errors.

use strongroom::api::grpc::pb;
use tonic::{Code, Response, Status};

use crate::support::{Client, error_metadata, reason};

/// An instant in the past and one in the far future, in seconds since 1970.
const PAST: i64 = 1_000_000_000;
const FUTURE: i64 = 4_000_000_000;

/// Returns the resource name of a key of HSM `local`, without a version.
pub(crate) fn key(id: &str) -> String {
    format!("hsms/local/keys/{id}")
}

/// Imports a key and expects success.
pub(crate) async fn import(
    client: &mut Client,
    id: &str,
    material: impl Into<Option<pb::ImportKeyMaterial>>,
) -> pb::KeyBundle {
    try_import(client, id, material).await.unwrap()
}

pub(crate) async fn try_import(
    client: &mut Client,
    id: &str,
    material: impl Into<Option<pb::ImportKeyMaterial>>,
) -> Result<pb::KeyBundle, Status> {
    let request = pb::ImportKeyRequest {
        parent: "hsms/local".to_owned(),
        key_id: id.to_owned(),
        key: material.into(),
        ..Default::default()
    };
    client.keys.import_key(request).await.map(Response::into_inner)
}

pub(crate) async fn sign(
    client: &mut Client,
    name: &str,
    algorithm: &str,
    digest: &[u8],
) -> Result<pb::SignResponse, Status> {
    let (name, algorithm) = (name.to_owned(), algorithm.to_owned());
    let request = pb::SignRequest { name, algorithm, digest: digest.to_vec() };
    client.crypto.sign(request).await.map(Response::into_inner)
}

pub(crate) async fn verify(
    client: &mut Client,
    name: &str,
    algorithm: &str,
    digest: &[u8],
    signature: &[u8],
) -> Result<pb::VerifyResponse, Status> {
    let request = pb::VerifyRequest {
        name: name.to_owned(),
        algorithm: algorithm.to_owned(),
        digest: digest.to_vec(),
        signature: signature.to_vec(),
    };
    client.crypto.verify(request).await.map(Response::into_inner)
}

pub(crate) async fn encrypt(
    client: &mut Client,
    name: &str,
    algorithm: &str,
    plaintext: &[u8],
    (iv, aad): (&[u8], &[u8]),
) -> Result<pb::EncryptResponse, Status> {
    let request = pb::EncryptRequest {
        name: name.to_owned(),
        algorithm: algorithm.to_owned(),
        plaintext: plaintext.to_vec(),
        iv: iv.to_vec(),
        additional_authenticated_data: aad.to_vec(),
    };
    client.crypto.encrypt(request).await.map(Response::into_inner)
}

/// Returns the request that decrypts a ciphertext.
pub(crate) fn decrypt_request(sealed: pb::EncryptResponse) -> pb::DecryptRequest {
    pb::DecryptRequest {
        name: sealed.name,
        algorithm: sealed.algorithm,
        ciphertext: sealed.ciphertext,
        iv: sealed.iv,
        authentication_tag: sealed.authentication_tag,
        additional_authenticated_data: sealed.additional_authenticated_data,
    }
}

pub(crate) async fn decrypt(
    client: &mut Client,
    request: &pb::DecryptRequest,
) -> Result<pb::DecryptResponse, Status> {
    client.crypto.decrypt(request.clone()).await.map(Response::into_inner)
}

pub(crate) async fn wrap(
    client: &mut Client,
    name: &str,
    algorithm: &str,
    value: &[u8],
) -> Result<pb::WrapKeyResponse, Status> {
    let (name, algorithm) = (name.to_owned(), algorithm.to_owned());
    let request = pb::WrapKeyRequest { name, algorithm, key: value.to_vec() };
    client.crypto.wrap_key(request).await.map(Response::into_inner)
}

pub(crate) async fn unwrap(
    client: &mut Client,
    name: &str,
    algorithm: &str,
    wrapped: &[u8],
) -> Result<pb::UnwrapKeyResponse, Status> {
    let (name, algorithm) = (name.to_owned(), algorithm.to_owned());
    let request = pb::UnwrapKeyRequest { name, algorithm, wrapped_key: wrapped.to_vec() };
    client.crypto.unwrap_key(request).await.map(Response::into_inner)
}

/// Whether a key's current version can be used, and why not.
#[derive(Clone, Copy, Debug)]
pub(crate) enum State {
    /// Enabled, and always valid.
    Usable,
    Disabled,
    NotYetValid,
    Expired,
}

/// States in which a key cannot sign, encrypt or wrap, and the error reason for each.
pub(crate) const UNUSABLE: [(State, &str); 3] = [
    (State::Disabled, "KEY_DISABLED"),
    (State::NotYetValid, "KEY_NOT_YET_VALID"),
    (State::Expired, "KEY_EXPIRED"),
];

/// Puts a key's current version into a state.
pub(crate) async fn set_state(client: &mut Client, name: &str, state: State) {
    let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let attributes = pb::KeyAttributes {
        enabled: Some(!matches!(state, State::Disabled)),
        not_before: if matches!(state, State::NotYetValid) { at(FUTURE) } else { None },
        expires: if matches!(state, State::Expired) { at(PAST) } else { None },
        exportable: None,
    };
    let mask = ["attributes.enabled", "attributes.not_before", "attributes.expires"];
    update(client, name, &mask, attributes, &[]).await;
}

/// Sets `key_ops` of a key's current version.
pub(crate) async fn set_key_ops(client: &mut Client, name: &str, operations: &[&str]) {
    update(client, name, &["key_ops"], pb::KeyAttributes::default(), operations).await;
}

async fn update(
    client: &mut Client,
    name: &str,
    mask: &[&str],
    attributes: pb::KeyAttributes,
    operations: &[&str],
) {
    let strings = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
    let request = pb::UpdateKeyVersionRequest {
        name: name.to_owned(),
        key_ops: strings(operations),
        attributes: Some(attributes),
        update_mask: Some(prost_types::FieldMask { paths: strings(mask) }),
        ..Default::default()
    };
    client.keys.update_key_version(request).await.unwrap();
}

/// Expects an error and returns its code and reason.
pub(crate) fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> (Code, String) {
    let status = answer.unwrap_err();
    (status.code(), reason(&status))
}

/// Returns the code and reason of a failed precondition.
pub(crate) fn precondition(reason: &str) -> (Code, String) {
    (Code::FailedPrecondition, reason.to_owned())
}

/// Expects a BAD_PARAMETER error and returns the invalid field.
pub(crate) fn invalid_field<T: std::fmt::Debug>(answer: Result<T, Status>) -> String {
    let status = answer.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::InvalidArgument, "BAD_PARAMETER"),
        "{status}"
    );
    error_metadata(&status, "field")
}

/// Asserts the uniform error for invalid ciphertexts: its code, reason and message do not depend on the cause.
pub(crate) fn assert_decryption_failed<T: std::fmt::Debug>(answer: Result<T, Status>, what: &str) {
    let Err(status) = answer else { panic!("decrypted: {what}") };
    assert_eq!(
        (status.code(), reason(&status).as_str(), status.message()),
        (Code::InvalidArgument, "DECRYPTION_FAILED", "the input could not be decrypted with this key"),
        "{what}"
    );
}
