//! Converts the messages of `crypto.proto`.

use zeroize::Zeroizing;

use super::super::{error, pb};
use super::{container, key_id};
use crate::model::Error;
use crate::model::key::KeyVersion;
use crate::ops::crypto::{
    BatchDecrypt, BatchEncrypt, BatchReply, BatchSign, BatchUnwrapKey, BatchVerify, BatchWrapKey, Ciphertext,
    CryptoResult, Decrypt, DecryptInput, Encrypt, EncryptInput, Encrypted, GenerateRandomBytes,
    PlaintextResult, Sign, SignInput, UnwrapInput, UnwrapKey, Verified, Verify, VerifyInput, WrapInput,
    WrapKey,
};

/// Converts the request of an operation on one input: its fields besides the name are those of an item of a batch.
macro_rules! single {
    ($($request:ident => $operation:ident { $item:ident { $($field:ident),+ } },)+) => {
        $(impl TryFrom<pb::$request> for $operation {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self, Error> {
                let pb::$request { name, $($field),+ } = request;
                // First, so that secrets are zeroized if the name is invalid.
                let input = pb::$item { $($field),+ }.try_into();
                Ok(Self { key: key_id(&name)?, input: input? })
            }
        })+
    };
}

single! {
    SignRequest => Sign { SignItem { algorithm, digest } },
    VerifyRequest => Verify { VerifyItem { algorithm, digest, signature } },
    EncryptRequest => Encrypt { EncryptItem { algorithm, plaintext, iv, additional_authenticated_data } },
    DecryptRequest => Decrypt {
        DecryptItem { algorithm, ciphertext, iv, authentication_tag, additional_authenticated_data }
    },
    WrapKeyRequest => WrapKey { WrapKeyItem { algorithm, key } },
    UnwrapKeyRequest => UnwrapKey { UnwrapKeyItem { algorithm, wrapped_key } },
}

/// Converts the request of a batch.
macro_rules! batches {
    ($($request:ident => $operation:ident,)+) => {
        $(impl TryFrom<pb::$request> for $operation {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self, Error> {
                // First, so that secrets are zeroized if the name is invalid.
                let items = request.items.into_iter().map(TryInto::try_into).collect();
                Self::new(key_id(&request.name)?, items)
            }
        })+
    };
}

batches! {
    BatchSignRequest => BatchSign,
    BatchVerifyRequest => BatchVerify,
    BatchEncryptRequest => BatchEncrypt,
    BatchDecryptRequest => BatchDecrypt,
    BatchWrapKeyRequest => BatchWrapKey,
    BatchUnwrapKeyRequest => BatchUnwrapKey,
}

impl TryFrom<pb::SignItem> for SignInput {
    type Error = Error;

    fn try_from(item: pb::SignItem) -> Result<Self, Error> {
        Ok(Self { algorithm: item.algorithm.parse()?, digest: item.digest })
    }
}

impl TryFrom<pb::VerifyItem> for VerifyInput {
    type Error = Error;

    fn try_from(item: pb::VerifyItem) -> Result<Self, Error> {
        Ok(Self { algorithm: item.algorithm.parse()?, digest: item.digest, signature: item.signature })
    }
}

impl TryFrom<pb::EncryptItem> for EncryptInput {
    type Error = Error;

    fn try_from(item: pb::EncryptItem) -> Result<Self, Error> {
        let plaintext = Zeroizing::new(item.plaintext);
        let (algorithm, additional) = (item.algorithm.parse()?, item.additional_authenticated_data);
        Ok(Self { algorithm, plaintext, iv: item.iv, additional })
    }
}

impl TryFrom<pb::DecryptItem> for DecryptInput {
    type Error = Error;

    fn try_from(item: pb::DecryptItem) -> Result<Self, Error> {
        Ok(Self {
            algorithm: item.algorithm.parse()?,
            ciphertext: item.ciphertext,
            iv: item.iv,
            tag: item.authentication_tag,
            additional: item.additional_authenticated_data,
        })
    }
}

impl TryFrom<pb::WrapKeyItem> for WrapInput {
    type Error = Error;

    fn try_from(item: pb::WrapKeyItem) -> Result<Self, Error> {
        let value = Zeroizing::new(item.key);
        Ok(Self { algorithm: item.algorithm.parse()?, value })
    }
}

impl TryFrom<pb::UnwrapKeyItem> for UnwrapInput {
    type Error = Error;

    fn try_from(item: pb::UnwrapKeyItem) -> Result<Self, Error> {
        Ok(Self { algorithm: item.algorithm.parse()?, value: item.wrapped_key })
    }
}

impl TryFrom<pb::GenerateRandomBytesRequest> for GenerateRandomBytes {
    type Error = Error;

    fn try_from(request: pb::GenerateRandomBytesRequest) -> Result<Self, Error> {
        Ok(Self { container: container(&request.parent)?, count: request.count })
    }
}

/// Returns the resource name of the key version that was used.
fn used(version: &KeyVersion) -> String {
    format!("{}/keys/{}/versions/{}", version.container, version.name, version.version)
}

impl From<CryptoResult> for pb::SignResponse {
    fn from(outcome: CryptoResult) -> Self {
        let algorithm = outcome.algorithm.to_owned();
        Self { name: used(&outcome.version), algorithm, signature: outcome.value }
    }
}

impl From<CryptoResult> for pb::WrapKeyResponse {
    fn from(outcome: CryptoResult) -> Self {
        let algorithm = outcome.algorithm.to_owned();
        Self { name: used(&outcome.version), algorithm, wrapped_key: outcome.value }
    }
}

impl From<Verified> for pb::VerifyResponse {
    fn from(verified: Verified) -> Self {
        let algorithm = verified.algorithm.to_owned();
        Self { name: used(&verified.version), algorithm, valid: verified.value }
    }
}

impl From<Encrypted> for pb::EncryptResponse {
    fn from(encrypted: Encrypted) -> Self {
        let Ciphertext { ciphertext, iv, tag, additional } = encrypted.value;
        Self {
            name: used(&encrypted.version),
            algorithm: encrypted.algorithm.to_owned(),
            ciphertext,
            iv,
            authentication_tag: tag,
            additional_authenticated_data: additional,
        }
    }
}

impl From<PlaintextResult> for pb::DecryptResponse {
    fn from(revealed: PlaintextResult) -> Self {
        let algorithm = revealed.algorithm.to_owned();
        Self { name: used(&revealed.version), algorithm, plaintext: take(revealed.value) }
    }
}

impl From<PlaintextResult> for pb::UnwrapKeyResponse {
    fn from(revealed: PlaintextResult) -> Self {
        let algorithm = revealed.algorithm.to_owned();
        Self { name: used(&revealed.version), algorithm, key: take(revealed.value) }
    }
}

/// Returns the outcomes of the items of a batch: the value of an item that has succeeded, or the status of its error.
fn outcomes<T, O>(
    results: Vec<Result<T, Error>>,
    value: impl Fn(T) -> O,
    failure: impl Fn(tonic_types::pb::Status) -> O,
) -> impl Iterator<Item = Option<O>> {
    results.into_iter().map(move |result| match result {
        Ok(output) => Some(value(output)),
        Err(error) => Some(failure(error::message(&error))),
    })
}

/// Takes a secret out of its guard, to be encoded.
fn take(mut secret: Zeroizing<Vec<u8>>) -> Vec<u8> {
    std::mem::take(&mut *secret)
}

impl From<Ciphertext> for pb::EncryptedItem {
    fn from(Ciphertext { ciphertext, iv, tag, .. }: Ciphertext) -> Self {
        Self { ciphertext, iv, authentication_tag: tag }
    }
}

impl From<BatchReply<Vec<u8>>> for pb::BatchSignResponse {
    fn from(reply: BatchReply<Vec<u8>>) -> Self {
        use pb::sign_result::Outcome;
        let results = outcomes(reply.results, Outcome::Signature, Outcome::Error);
        let results = results.map(|outcome| pb::SignResult { outcome }).collect();
        Self { name: used(&reply.version), results }
    }
}

impl From<BatchReply<bool>> for pb::BatchVerifyResponse {
    fn from(reply: BatchReply<bool>) -> Self {
        use pb::verify_result::Outcome;
        let results = outcomes(reply.results, Outcome::Valid, Outcome::Error);
        let results = results.map(|outcome| pb::VerifyResult { outcome }).collect();
        Self { name: used(&reply.version), results }
    }
}

impl From<BatchReply<Ciphertext>> for pb::BatchEncryptResponse {
    fn from(reply: BatchReply<Ciphertext>) -> Self {
        use pb::encrypt_result::Outcome;
        let results = outcomes(reply.results, |value| Outcome::Encrypted(value.into()), Outcome::Error);
        let results = results.map(|outcome| pb::EncryptResult { outcome }).collect();
        Self { name: used(&reply.version), results }
    }
}

impl From<BatchReply<Zeroizing<Vec<u8>>>> for pb::BatchDecryptResponse {
    fn from(reply: BatchReply<Zeroizing<Vec<u8>>>) -> Self {
        use pb::decrypt_result::Outcome;
        let results = outcomes(reply.results, |value| Outcome::Plaintext(take(value)), Outcome::Error);
        let results = results.map(|outcome| pb::DecryptResult { outcome }).collect();
        Self { name: used(&reply.version), results }
    }
}

impl From<BatchReply<Vec<u8>>> for pb::BatchWrapKeyResponse {
    fn from(reply: BatchReply<Vec<u8>>) -> Self {
        use pb::wrap_key_result::Outcome;
        let results = outcomes(reply.results, Outcome::WrappedKey, Outcome::Error);
        let results = results.map(|outcome| pb::WrapKeyResult { outcome }).collect();
        Self { name: used(&reply.version), results }
    }
}

impl From<BatchReply<Zeroizing<Vec<u8>>>> for pb::BatchUnwrapKeyResponse {
    fn from(reply: BatchReply<Zeroizing<Vec<u8>>>) -> Self {
        use pb::unwrap_key_result::Outcome;
        let results = outcomes(reply.results, |value| Outcome::Key(take(value)), Outcome::Error);
        let results = results.map(|outcome| pb::UnwrapKeyResult { outcome }).collect();
        Self { name: used(&reply.version), results }
    }
}

impl From<Vec<u8>> for pb::GenerateRandomBytesResponse {
    fn from(value: Vec<u8>) -> Self {
        Self { value }
    }
}
