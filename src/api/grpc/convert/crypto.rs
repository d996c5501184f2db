//! Converts the messages of `crypto.proto`.

use zeroize::Zeroizing;

use super::super::pb;
use super::{container, key_id};
use crate::model::Error;
use crate::model::key::KeyVersion;
use crate::ops::crypto::{
    CryptoResult, Decrypt, Encrypt, Encrypted, GenerateRandomBytes, PlaintextResult, Sign, UnwrapKey,
    Verified, Verify, WrapKey,
};

impl TryFrom<pb::SignRequest> for Sign {
    type Error = Error;

    fn try_from(request: pb::SignRequest) -> Result<Self, Error> {
        let (key, algorithm) = (key_id(&request.name)?, request.algorithm.parse()?);
        Ok(Self { key, algorithm, digest: request.digest })
    }
}

impl TryFrom<pb::VerifyRequest> for Verify {
    type Error = Error;

    fn try_from(request: pb::VerifyRequest) -> Result<Self, Error> {
        let (key, algorithm) = (key_id(&request.name)?, request.algorithm.parse()?);
        Ok(Self { key, algorithm, digest: request.digest, signature: request.signature })
    }
}

impl TryFrom<pb::EncryptRequest> for Encrypt {
    type Error = Error;

    fn try_from(request: pb::EncryptRequest) -> Result<Self, Error> {
        let plaintext = Zeroizing::new(request.plaintext);
        let (key, algorithm) = (key_id(&request.name)?, request.algorithm.parse()?);
        Ok(Self {
            key,
            algorithm,
            plaintext,
            iv: request.iv,
            additional: request.additional_authenticated_data,
        })
    }
}

impl TryFrom<pb::DecryptRequest> for Decrypt {
    type Error = Error;

    fn try_from(request: pb::DecryptRequest) -> Result<Self, Error> {
        Ok(Self {
            key: key_id(&request.name)?,
            algorithm: request.algorithm.parse()?,
            ciphertext: request.ciphertext,
            iv: request.iv,
            tag: request.authentication_tag,
            additional: request.additional_authenticated_data,
        })
    }
}

impl TryFrom<pb::WrapKeyRequest> for WrapKey {
    type Error = Error;

    fn try_from(request: pb::WrapKeyRequest) -> Result<Self, Error> {
        let value = Zeroizing::new(request.key);
        let (key, algorithm) = (key_id(&request.name)?, request.algorithm.parse()?);
        Ok(Self { key, algorithm, value })
    }
}

impl TryFrom<pb::UnwrapKeyRequest> for UnwrapKey {
    type Error = Error;

    fn try_from(request: pb::UnwrapKeyRequest) -> Result<Self, Error> {
        let (key, algorithm) = (key_id(&request.name)?, request.algorithm.parse()?);
        Ok(Self { key, algorithm, value: request.wrapped_key })
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
        Self { name: used(&verified.version), algorithm, valid: verified.valid }
    }
}

impl From<Encrypted> for pb::EncryptResponse {
    fn from(encrypted: Encrypted) -> Self {
        Self {
            name: used(&encrypted.version),
            algorithm: encrypted.algorithm.to_owned(),
            ciphertext: encrypted.ciphertext,
            iv: encrypted.iv,
            authentication_tag: encrypted.tag,
            additional_authenticated_data: encrypted.additional,
        }
    }
}

impl From<PlaintextResult> for pb::DecryptResponse {
    fn from(mut revealed: PlaintextResult) -> Self {
        let algorithm = revealed.algorithm.to_owned();
        Self { name: used(&revealed.version), algorithm, plaintext: std::mem::take(&mut *revealed.value) }
    }
}

impl From<PlaintextResult> for pb::UnwrapKeyResponse {
    fn from(mut revealed: PlaintextResult) -> Self {
        let algorithm = revealed.algorithm.to_owned();
        Self { name: used(&revealed.version), algorithm, key: std::mem::take(&mut *revealed.value) }
    }
}

impl From<Vec<u8>> for pb::GenerateRandomBytesResponse {
    fn from(value: Vec<u8>) -> Self {
        Self { value }
    }
}
