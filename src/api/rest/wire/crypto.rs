//! Requests and responses of cryptographic operations.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::super::super::azure::binary::{Binary, bytes};
use super::super::super::azure::body::base64url;
use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use super::keys::kid;
use crate::model::{Error, Field, Result};
use crate::ops::crypto::{
    CryptoResult, Decrypt, DecryptInput, Encrypt, EncryptInput, Encrypted, GenerateRandomBytes,
    PlaintextResult, Sign, SignInput, UnwrapInput, UnwrapKey, Verified, Verify, VerifyInput, WrapInput,
    WrapKey,
};

/// The request body of all operations; each uses some of the members.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    aad: Option<Binary>,
    alg: Option<String>,
    digest: Option<Binary>,
    iv: Option<Binary>,
    tag: Option<Binary>,
    value: Option<Binary>,
}

impl Request {
    fn algorithm<T: std::str::FromStr<Err = Error>>(&self) -> Result<T> {
        self.alg.as_deref().unwrap_or_default().parse()
    }

    fn value(self) -> Result<Zeroizing<Vec<u8>>> {
        self.value.ok_or_else(|| Error::invalid(Field::Value, "the value is missing"))?.read(Field::Value)
    }
}

/// Unwraps a value that is not secret, or that its operation zeroizes itself.
fn into_vec(mut value: Zeroizing<Vec<u8>>) -> Vec<u8> {
    std::mem::take(&mut *value)
}

/// Renames the digest in errors to `value`, its name in the request to sign.
pub(in super::super) fn digest_is_value<T>(result: Result<T>) -> Result<T> {
    result.map_err(|error| named_value(error, Field::Digest))
}

/// Renames the key in errors to `value`, its name in the request to wrap.
pub(in super::super) fn key_is_value<T>(result: Result<T>) -> Result<T> {
    result.map_err(|error| named_value(error, Field::Key))
}

fn named_value(error: Error, field: Field) -> Error {
    match error {
        Error::Invalid { field: named, why } if named == field => Error::Invalid { field: Field::Value, why },
        other => other,
    }
}

pub(in super::super) fn sign(input: &RequestInput<'_>) -> Result<Sign> {
    let (key, request) = (input.version()?, input.body::<Request>()?);
    let input = SignInput { algorithm: request.algorithm()?, digest: into_vec(request.value()?) };
    Ok(Sign { key, input })
}

pub(in super::super) fn verify(input: &RequestInput<'_>) -> Result<Verify> {
    let (key, mut request) = (input.version()?, input.body::<Request>()?);
    let (algorithm, digest) = (request.algorithm()?, bytes(Field::Digest, request.digest.take())?);
    let signature = into_vec(request.value()?);
    Ok(Verify { key, input: VerifyInput { algorithm, digest: into_vec(digest), signature } })
}

pub(in super::super) fn encrypt(input: &RequestInput<'_>) -> Result<Encrypt> {
    let (key, mut request) = (input.version()?, input.body::<Request>()?);
    let input = EncryptInput {
        algorithm: request.algorithm()?,
        iv: into_vec(bytes(Field::Iv, request.iv.take())?),
        additional: into_vec(bytes(Field::Aad, request.aad.take())?),
        plaintext: request.value()?,
    };
    Ok(Encrypt { key, input })
}

pub(in super::super) fn decrypt(input: &RequestInput<'_>) -> Result<Decrypt> {
    let (key, mut request) = (input.version()?, input.body::<Request>()?);
    let input = DecryptInput {
        algorithm: request.algorithm()?,
        iv: into_vec(bytes(Field::Iv, request.iv.take())?),
        tag: into_vec(bytes(Field::Tag, request.tag.take())?),
        additional: into_vec(bytes(Field::Aad, request.aad.take())?),
        ciphertext: into_vec(request.value()?),
    };
    Ok(Decrypt { key, input })
}

pub(in super::super) fn wrap(input: &RequestInput<'_>) -> Result<WrapKey> {
    let (key, request) = (input.version()?, input.body::<Request>()?);
    let input = WrapInput { algorithm: request.algorithm()?, value: request.value()? };
    Ok(WrapKey { key, input })
}

pub(in super::super) fn unwrap(input: &RequestInput<'_>) -> Result<UnwrapKey> {
    let (key, request) = (input.version()?, input.body::<Request>()?);
    let input = UnwrapInput { algorithm: request.algorithm()?, value: into_vec(request.value()?) };
    Ok(UnwrapKey { key, input })
}

pub(in super::super) fn random(input: &RequestInput<'_>) -> Result<GenerateRandomBytes> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct RandomRequest {
        count: Option<i64>,
    }
    let container = input.container()?;
    let RandomRequest { count } = input.body()?;
    match i32::try_from(count.unwrap_or_default()) {
        Ok(count @ 1..=128) => Ok(GenerateRandomBytes { container, count }),
        _ => Err(Error::invalid(
            Field::Unnamed,
            "GetRandomBytesRequest: count cannot be greater than 128 or less than 1",
        )),
    }
}

/// The result of an operation, with the algorithm and the version that was used.
#[derive(Serialize)]
pub(in super::super) struct OperationResult<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    aad: Option<String>,
    alg: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    iv: Option<String>,
    kid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tag: Option<String>,
    value: T,
}

impl<T> OperationResult<T> {
    const fn new(alg: &'static str, kid: String, value: T) -> Self {
        Self { aad: None, alg, iv: None, kid, tag: None, value }
    }
}

pub(in super::super) fn outcome(endpoint: &Endpoint, outcome: CryptoResult) -> OperationResult<String> {
    OperationResult::new(outcome.algorithm, kid(endpoint, &outcome.version), base64url(&outcome.value))
}

pub(in super::super) fn verified(endpoint: &Endpoint, verified: Verified) -> OperationResult<bool> {
    OperationResult::new(verified.algorithm, kid(endpoint, &verified.version), verified.value)
}

pub(in super::super) fn revealed(endpoint: &Endpoint, revealed: PlaintextResult) -> OperationResult<String> {
    OperationResult::new(revealed.algorithm, kid(endpoint, &revealed.version), base64url(&revealed.value))
}

pub(in super::super) fn encrypted(endpoint: &Endpoint, encrypted: Encrypted) -> OperationResult<String> {
    let given = |bytes: &[u8]| (!bytes.is_empty()).then(|| base64url(bytes));
    OperationResult {
        aad: given(&encrypted.value.additional),
        iv: given(&encrypted.value.iv),
        tag: given(&encrypted.value.tag),
        ..OperationResult::new(
            encrypted.algorithm,
            kid(endpoint, &encrypted.version),
            base64url(&encrypted.value.ciphertext),
        )
    }
}

/// The response with random bytes.
#[derive(Serialize)]
pub(in super::super) struct RandomResponse {
    value: String,
}

pub(in super::super) fn random_bytes(_: &Endpoint, bytes: Vec<u8>) -> RandomResponse {
    RandomResponse { value: base64url(&bytes) }
}
