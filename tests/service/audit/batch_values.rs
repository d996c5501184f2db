//! Sends secrets in batches and on a stream, in requests that succeed and fail.

use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::pipeline_request::Request;

use crate::batches::{Decrypt, Encrypt, UnwrapKey, WrapKey, results};
use crate::software::flip;
use crate::support::Client;

/// Encrypts and decrypts a plaintext, and wraps and unwraps a key, with an AES key of 256 bits.
pub(super) async fn use_batches(dev: &mut Client, name: &str, plaintext: &[u8], key: &[u8]) {
    let (gcm, kw) = ("A256GCM".to_owned(), "A256KW".to_owned());
    let item =
        pb::EncryptItem { algorithm: gcm.clone(), plaintext: plaintext.to_vec(), ..Default::default() };
    let invalid = pb::EncryptItem { iv: vec![1; 12], ..item.clone() };
    let unknown = pb::EncryptItem { algorithm: "A256".to_owned(), ..item.clone() };
    let sealed = results::<Encrypt>(dev, name, vec![item, invalid, unknown]).await;
    let sealed = sealed[0].clone().unwrap();
    let item = pb::DecryptItem {
        algorithm: gcm.clone(),
        ciphertext: sealed.ciphertext.clone(),
        iv: sealed.iv,
        authentication_tag: sealed.authentication_tag,
        ..Default::default()
    };
    let invalid = pb::DecryptItem { ciphertext: flip(&sealed.ciphertext, 1), ..item.clone() };
    assert_eq!(results::<Decrypt>(dev, name, vec![item, invalid]).await[0].as_deref().unwrap(), plaintext);
    let item = pb::WrapKeyItem { algorithm: kw.clone(), key: key.to_vec() };
    let invalid = pb::WrapKeyItem { algorithm: "A128KW".to_owned(), ..item.clone() };
    let wrapped = results::<WrapKey>(dev, name, vec![item, invalid]).await[0].clone().unwrap();
    let item = pb::UnwrapKeyItem { algorithm: kw.clone(), wrapped_key: wrapped };
    assert_eq!(results::<UnwrapKey>(dev, name, vec![item]).await[0].as_deref().unwrap(), key);
    let encrypt = |algorithm: String| {
        let (name, plaintext) = (name.to_owned(), plaintext.to_vec());
        Request::Encrypt(pb::EncryptRequest { name, algorithm, plaintext, ..Default::default() })
    };
    let wrap = |name: &str| {
        let (name, algorithm, key) = (name.to_owned(), kw.clone(), key.to_vec());
        Request::WrapKey(pb::WrapKeyRequest { name, algorithm, key })
    };
    let requests = [encrypt(gcm), encrypt("A256".to_owned()), wrap(name), wrap("hsms/local/keys/none")];
    let requests = requests.map(|request| pb::PipelineRequest { id: 7, request: Some(request) });
    let mut responses = dev.crypto.pipeline(futures_util::stream::iter(requests)).await.unwrap().into_inner();
    for _ in 0..4 {
        responses.message().await.unwrap().unwrap();
    }
    assert_eq!(responses.message().await.unwrap(), None);
}
