//! The operations: the values of their lines, their requests and their results.

use tonic_types::pb::Status;
use zeroize::Zeroizing;

use super::lines::{Column, Line};
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::session::Session;

/// An operation on the lines of a file.
pub(super) trait BatchOperation {
    /// The values of a line, in their order.
    const COLUMNS: &'static [Column];
    /// The item of a request.
    type Item;

    /// Returns the item for a line.
    fn item(algorithm: String, line: Line) -> Self::Item;

    /// Sends one batch.
    async fn call(session: &Session, name: String, items: Vec<Self::Item>) -> Outcome<Reply>;
}

/// The reply to a batch.
pub(super) struct Reply {
    /// The name of the key version.
    pub(super) name: String,
    /// The result of each item.
    pub(super) results: Vec<ItemResult>,
}

/// The result of an item: its values by their names, or why it failed.
pub(super) type ItemResult = Result<Vec<(&'static str, Value)>, Status>;

/// A value of a result.
pub(super) enum Value {
    Bytes(Zeroizing<Vec<u8>>),
    Valid(bool),
}

fn bytes(name: &'static str, bytes: Vec<u8>) -> (&'static str, Value) {
    (name, Value::Bytes(Zeroizing::new(bytes)))
}

/// The error of an item without an outcome, which no server returns.
fn missing() -> Status {
    Status { code: 0, message: "the server returned no result".to_owned(), details: Vec::new() }
}

/// Signs digests.
pub(super) struct Sign;

impl BatchOperation for Sign {
    const COLUMNS: &'static [Column] = &[Column::Digest];
    type Item = pb::SignItem;

    fn item(algorithm: String, mut line: Line) -> pb::SignItem {
        pb::SignItem { algorithm, digest: line.bytes(Column::Digest) }
    }

    async fn call(session: &Session, name: String, items: Vec<pb::SignItem>) -> Outcome<Reply> {
        use pb::sign_result::Outcome::{Error, Signature};
        let reply = session.crypto().batch_sign(pb::BatchSignRequest { name, items }).await?.into_inner();
        let results = reply.results.into_iter().map(|result| match result.outcome {
            Some(Signature(signature)) => Ok(vec![bytes("signature", signature)]),
            Some(Error(status)) => Err(status),
            None => Err(missing()),
        });
        Ok(Reply { name: reply.name, results: results.collect() })
    }
}

/// Verifies signatures.
pub(super) struct Verify;

impl BatchOperation for Verify {
    const COLUMNS: &'static [Column] = &[Column::Digest, Column::Signature];
    type Item = pb::VerifyItem;

    fn item(algorithm: String, mut line: Line) -> pb::VerifyItem {
        let (digest, signature) = (line.bytes(Column::Digest), line.bytes(Column::Signature));
        pb::VerifyItem { algorithm, digest, signature }
    }

    async fn call(session: &Session, name: String, items: Vec<pb::VerifyItem>) -> Outcome<Reply> {
        use pb::verify_result::Outcome::{Error, Valid};
        let reply = session.crypto().batch_verify(pb::BatchVerifyRequest { name, items }).await?.into_inner();
        let results = reply.results.into_iter().map(|result| match result.outcome {
            Some(Valid(valid)) => Ok(vec![("valid", Value::Valid(valid))]),
            Some(Error(status)) => Err(status),
            None => Err(missing()),
        });
        Ok(Reply { name: reply.name, results: results.collect() })
    }
}

/// Encrypts plaintexts.
pub(super) struct Encrypt;

impl BatchOperation for Encrypt {
    const COLUMNS: &'static [Column] = &[Column::Plaintext, Column::Iv];
    type Item = (pb::EncryptItem, Vec<u8>);

    fn item(algorithm: String, mut line: Line) -> Self::Item {
        let additional_authenticated_data = line.bytes(Column::AdditionalAuthenticatedData);
        let shown = additional_authenticated_data.clone();
        let (plaintext, iv) = (line.bytes(Column::Plaintext), line.bytes(Column::Iv));
        (pb::EncryptItem { algorithm, plaintext, iv, additional_authenticated_data }, shown)
    }

    async fn call(session: &Session, name: String, items: Vec<Self::Item>) -> Outcome<Reply> {
        use pb::encrypt_result::Outcome::{Encrypted, Error};
        let (items, additional): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        let request = pb::BatchEncryptRequest { name, items };
        let reply = session.crypto().batch_encrypt(request).await?.into_inner();
        let results = reply.results.into_iter().zip(additional);
        let results = results.map(|(result, additional)| match result.outcome {
            Some(Encrypted(encrypted)) => {
                let values = [
                    bytes("ciphertext", encrypted.ciphertext),
                    bytes("iv", encrypted.iv),
                    bytes("authentication_tag", encrypted.authentication_tag),
                    // What a later decryption needs.
                    bytes("additional_authenticated_data", additional),
                ];
                let is_shown = |value: &Value| !matches!(value, Value::Bytes(bytes) if bytes.is_empty());
                let values =
                    values.into_iter().filter(|(name, value)| *name == "ciphertext" || is_shown(value));
                Ok(values.collect())
            }
            Some(Error(status)) => Err(status),
            None => Err(missing()),
        });
        Ok(Reply { name: reply.name, results: results.collect() })
    }
}

/// Decrypts ciphertexts.
pub(super) struct Decrypt;

impl BatchOperation for Decrypt {
    const COLUMNS: &'static [Column] =
        &[Column::Ciphertext, Column::Iv, Column::AuthenticationTag, Column::AdditionalAuthenticatedData];
    type Item = pb::DecryptItem;

    fn item(algorithm: String, mut line: Line) -> pb::DecryptItem {
        pb::DecryptItem {
            algorithm,
            ciphertext: line.bytes(Column::Ciphertext),
            iv: line.bytes(Column::Iv),
            authentication_tag: line.bytes(Column::AuthenticationTag),
            additional_authenticated_data: line.bytes(Column::AdditionalAuthenticatedData),
        }
    }

    async fn call(session: &Session, name: String, items: Vec<pb::DecryptItem>) -> Outcome<Reply> {
        use pb::decrypt_result::Outcome::{Error, Plaintext};
        let request = pb::BatchDecryptRequest { name, items };
        let reply = session.crypto().batch_decrypt(request).await?.into_inner();
        let results = reply.results.into_iter().map(|result| match result.outcome {
            Some(Plaintext(plaintext)) => Ok(vec![bytes("plaintext", plaintext)]),
            Some(Error(status)) => Err(status),
            None => Err(missing()),
        });
        Ok(Reply { name: reply.name, results: results.collect() })
    }
}

/// Wraps keys.
pub(super) struct WrapKey;

impl BatchOperation for WrapKey {
    const COLUMNS: &'static [Column] = &[Column::Key];
    type Item = pb::WrapKeyItem;

    fn item(algorithm: String, mut line: Line) -> pb::WrapKeyItem {
        pb::WrapKeyItem { algorithm, key: line.bytes(Column::Key) }
    }

    async fn call(session: &Session, name: String, items: Vec<pb::WrapKeyItem>) -> Outcome<Reply> {
        use pb::wrap_key_result::Outcome::{Error, WrappedKey};
        let request = pb::BatchWrapKeyRequest { name, items };
        let reply = session.crypto().batch_wrap_key(request).await?.into_inner();
        let results = reply.results.into_iter().map(|result| match result.outcome {
            Some(WrappedKey(wrapped)) => Ok(vec![bytes("wrapped_key", wrapped)]),
            Some(Error(status)) => Err(status),
            None => Err(missing()),
        });
        Ok(Reply { name: reply.name, results: results.collect() })
    }
}

/// Unwraps keys.
pub(super) struct UnwrapKey;

impl BatchOperation for UnwrapKey {
    const COLUMNS: &'static [Column] = &[Column::WrappedKey];
    type Item = pb::UnwrapKeyItem;

    fn item(algorithm: String, mut line: Line) -> pb::UnwrapKeyItem {
        pb::UnwrapKeyItem { algorithm, wrapped_key: line.bytes(Column::WrappedKey) }
    }

    async fn call(session: &Session, name: String, items: Vec<pb::UnwrapKeyItem>) -> Outcome<Reply> {
        use pb::unwrap_key_result::Outcome::{Error, Key};
        let request = pb::BatchUnwrapKeyRequest { name, items };
        let reply = session.crypto().batch_unwrap_key(request).await?.into_inner();
        let results = reply.results.into_iter().map(|result| match result.outcome {
            Some(Key(key)) => Ok(vec![bytes("key", key)]),
            Some(Error(status)) => Err(status),
            None => Err(missing()),
        });
        Ok(Reply { name: reply.name, results: results.collect() })
    }
}
