//! Short helpers for batches, and for assertions on the results of their items.

use std::time::Duration;

use strongroom::api::grpc::pb;
use tonic::{Code, Response, Status};
use tonic_types::RpcStatusExt as _;

use crate::calls::{State, UNUSABLE, invalid_field, key, precondition, refusal, set_key_ops, set_state};
use crate::support::{Client, Server};

/// The error of an item.
pub(crate) type ItemError = tonic_types::pb::Status;

/// A batch: its request, and what its items and results have in common.
pub(crate) trait Batch {
    type Item: Clone;
    type Output: std::fmt::Debug;

    /// Sends a batch, and returns the name of the version that was used, and the result of each item.
    async fn call(
        client: &mut Client,
        name: &str,
        items: Vec<Self::Item>,
    ) -> Result<(String, Vec<Result<Self::Output, ItemError>>), Status>;
}

/// Implements [`Batch`] for the batches of one operation.
macro_rules! batches {
    ($($batch:ident: $method:ident($request:ident { $item:ident }) -> $outcome:ident::$value:ident($output:ty),)+) => {$(
        pub(crate) struct $batch;

        impl Batch for $batch {
            type Item = pb::$item;
            type Output = $output;

            async fn call(
                client: &mut Client,
                name: &str,
                items: Vec<pb::$item>,
            ) -> Result<(String, Vec<Result<$output, ItemError>>), Status> {
                use pb::$outcome::Outcome;
                let request = pb::$request { name: name.to_owned(), items };
                let reply = client.crypto.$method(request).await.map(Response::into_inner)?;
                let results = reply.results.into_iter().map(|result| match result.outcome.unwrap() {
                    Outcome::$value(value) => Ok(value),
                    Outcome::Error(status) => Err(status),
                });
                Ok((reply.name, results.collect()))
            }
        }
    )+};
}

batches! {
    Sign: batch_sign(BatchSignRequest { SignItem }) -> sign_result::Signature(Vec<u8>),
    Verify: batch_verify(BatchVerifyRequest { VerifyItem }) -> verify_result::Valid(bool),
    Encrypt: batch_encrypt(BatchEncryptRequest { EncryptItem }) -> encrypt_result::Encrypted(pb::EncryptedItem),
    Decrypt: batch_decrypt(BatchDecryptRequest { DecryptItem }) -> decrypt_result::Plaintext(Vec<u8>),
    WrapKey: batch_wrap_key(BatchWrapKeyRequest { WrapKeyItem }) -> wrap_key_result::WrappedKey(Vec<u8>),
    UnwrapKey: batch_unwrap_key(BatchUnwrapKeyRequest { UnwrapKeyItem }) -> unwrap_key_result::Key(Vec<u8>),
}

/// Sends a batch and expects its success.
pub(crate) async fn results<B: Batch>(
    client: &mut Client,
    name: &str,
    items: Vec<B::Item>,
) -> Vec<Result<B::Output, ItemError>> {
    B::call(client, name, items).await.unwrap().1
}

/// Sends a batch and expects the success of all its items.
pub(crate) async fn values<B: Batch>(client: &mut Client, name: &str, items: Vec<B::Item>) -> Vec<B::Output> {
    results::<B>(client, name, items).await.into_iter().map(Result::unwrap).collect()
}

/// Returns the code and the reason of an item's error.
pub(crate) fn item_error<T: std::fmt::Debug>(result: &Result<T, ItemError>) -> (Code, String) {
    let status = result.as_ref().unwrap_err();
    let reason = status.get_details_error_info().unwrap().reason;
    (Code::from(status.code), reason)
}

/// Asserts that an item failed with the error of the single call: code, message and details.
#[track_caller]
pub(crate) fn assert_same_error<T: std::fmt::Debug, U: std::fmt::Debug>(
    item: &Result<T, ItemError>,
    single: Result<U, Status>,
) {
    let (item, single) = (item.as_ref().unwrap_err(), single.unwrap_err());
    assert_eq!((Code::from(item.code), item.message.as_str()), (single.code(), single.message()));
    let single = <ItemError as prost::Message>::decode(single.details()).unwrap();
    let info = |status: &ItemError| {
        let info = status.get_details_error_info().unwrap();
        (info.reason, info.domain, info.metadata)
    };
    assert_eq!(info(item), info(&single));
    let violations = |status: &ItemError| format!("{:?}", status.get_details_bad_request());
    assert_eq!(violations(item), violations(&single));
}

/// Asserts that a batch has 1 to 1000 items, which succeed.
pub(crate) async fn assert_limits<B: Batch>(client: &mut Client, name: &str, item: B::Item) {
    for count in [1, 1000] {
        let items = vec![item.clone(); count];
        assert_eq!(values::<B>(client, name, items).await.len(), count);
    }
    for count in [0, 1001] {
        let answer = B::call(client, name, vec![item.clone(); count]).await;
        assert_eq!(invalid_field(answer), "items", "{count}");
    }
}

/// Asserts that the call fails, and no item has a result, if the key cannot be used: `item` is valid for it. If `expires`
/// is false, the operation is allowed outside the validity period of the key.
pub(crate) async fn assert_requires_usable_key<B: Batch>(
    client: &mut Client,
    name: &str,
    (operation, expires): (&str, bool),
    item: B::Item,
) {
    for (state, reason) in UNUSABLE {
        set_state(client, name, state).await;
        let answer = B::call(client, name, vec![item.clone(); 2]).await;
        match state {
            State::NotYetValid | State::Expired if !expires => assert!(answer.unwrap().1[1].is_ok()),
            _ => assert_eq!(refusal(answer), precondition(reason), "{state:?}"),
        }
    }
    set_state(client, name, State::Usable).await;
    let pairs = [("sign", "verify"), ("encrypt", "decrypt"), ("wrapKey", "unwrapKey")];
    let opposite = pairs.into_iter().find_map(|(one, other)| match operation {
        _ if operation == one => Some(other),
        _ if operation == other => Some(one),
        _ => None,
    });
    set_key_ops(client, name, &[opposite.unwrap()]).await;
    let answer = B::call(client, name, vec![item.clone()]).await;
    assert_eq!(refusal(answer), precondition("KEY_OPERATION_NOT_PERMITTED"));
    set_key_ops(client, name, &[operation]).await;
    assert!(B::call(client, name, vec![item.clone()]).await.unwrap().1[0].is_ok());
    let missing = (Code::NotFound, "KEY_NOT_FOUND".to_owned());
    assert_eq!(refusal(B::call(client, &key("nothing"), vec![item.clone()]).await), missing);
    assert_eq!(invalid_field(B::call(client, "nothing", vec![item]).await), "name");
}

/// Returns the audit entries of batches of an operation, each with its status and its numbers of items.
pub(crate) fn audited(server: &Server, event: &str, least: usize) -> Vec<(u64, Option<u64>, Option<u64>)> {
    let records = server.audit_where(least, |record| record["operationName"] == event);
    let number = |record: &serde_json::Value, name: &str| record["properties"][name].as_u64();
    let counts = |record: &serde_json::Value| {
        let status = record["httpStatusCode"].as_u64().unwrap();
        (status, number(record, "items"), number(record, "failedItems"))
    };
    records.iter().map(counts).collect()
}

/// How long a batch may take that is cancelled.
pub(crate) const BEFORE_CANCELLATION: Duration = Duration::from_millis(300);
