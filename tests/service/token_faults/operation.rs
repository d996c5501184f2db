//! The operations of the fault matrix, over gRPC and REST.

use serde_json::{Value, json};
use strongroom::api::grpc::pb;
use tonic::Status;

use super::rig::Rig;
use crate::arm::client::{Arm, hsm, hsm_body};
use crate::batches::Batch;
use crate::calls;
use crate::hsms::Container;
use crate::rest::client::{Rest, RestResponse, base64url};
use crate::software::ec_key::EcKey;
use crate::support::{Client, ec, oct, reason};

/// An operation, with the functions of the module that do its work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Operation {
    CreateKey,
    CreateOctKey,
    ImportKey,
    Sign,
    BatchSign,
    Decrypt,
    WrapKey,
    UnwrapKey,
    Random,
    GetKey,
    PurgeKey,
    CreateHsm,
}

impl Operation {
    pub(super) const ALL: [Self; 12] = [
        Self::CreateKey,
        Self::CreateOctKey,
        Self::ImportKey,
        Self::Sign,
        Self::BatchSign,
        Self::Decrypt,
        Self::WrapKey,
        Self::UnwrapKey,
        Self::Random,
        Self::GetKey,
        Self::PurgeKey,
        Self::CreateHsm,
    ];

    /// The function that does the work, and the first call of it to strike.
    pub(super) const fn function(self) -> (&'static str, u32) {
        match self {
            Self::CreateKey => ("C_GenerateKeyPair", 1),
            // The second of two objects.
            Self::CreateOctKey => ("C_DeriveKey", 2),
            Self::ImportKey => ("C_CreateObject", 1),
            Self::Sign => ("C_Sign", 1),
            Self::BatchSign => ("C_Sign", 2),
            Self::Decrypt => ("C_Decrypt", 1),
            Self::WrapKey => ("C_EncryptUpdate", 3),
            Self::UnwrapKey => ("C_DecryptUpdate", 3),
            Self::Random => ("C_GenerateRandom", 1),
            Self::GetKey => ("*", 1),
            Self::PurgeKey => ("C_DestroyObject", 1),
            Self::CreateHsm => ("C_InitToken", 1),
        }
    }

    /// The function that begins the work: a token may complete work that has begun after the login is lost.
    pub(super) const fn begin(self) -> (&'static str, u32) {
        match self {
            Self::Sign => ("C_SignInit", 1),
            Self::BatchSign => ("C_SignInit", 2),
            Self::WrapKey => ("C_EncryptInit", 1),
            Self::Decrypt | Self::UnwrapKey => ("C_DecryptInit", 1),
            _ => self.function(),
        }
    }

    /// The filter of rules: the token of the HSM, which a new HSM does not have yet.
    pub(super) const fn filter(self) -> &'static str {
        match self {
            Self::CreateHsm => "",
            _ => "label = \"local\"\n",
        }
    }

    /// The number of objects that a success adds to the token.
    pub(super) const fn adds(self) -> isize {
        match self {
            Self::CreateKey | Self::ImportKey => 1,
            Self::CreateOctKey => 2,
            Self::PurgeKey => -1,
            _ => 0,
        }
    }
}

/// An error as the caller sees it: code and reason, or status and code.
pub(super) type Seen = Result<(), String>;

/// A surface of the service.
pub(super) enum Surface {
    Grpc { dev: Box<Client>, contributor: Box<Client>, container: Container },
    Rest { dev: Rest, contributor: Arm },
}

/// What operations use: a ciphertext and a wrapped key.
pub(super) struct Inputs {
    decrypt: pb::DecryptRequest,
    wrapped: Vec<u8>,
}

/// The principal that is the administrator of new HSMs over REST.
const DEV: &str = "5f5f0fe6-58db-5998-91a5-15b9b035d751";

impl Surface {
    pub(super) async fn grpc(rig: &Rig) -> Self {
        Self::Grpc {
            dev: Box::new(rig.server.client("dev").await),
            contributor: Box::new(rig.server.client("contributor").await),
            container: Container::of(&rig.server),
        }
    }

    pub(super) async fn rest(rig: &Rig) -> Self {
        Self::Rest {
            dev: Rest::authenticated(&rig.server, "dev").await,
            contributor: Arm::authenticated(&rig.server, "contributor").await,
        }
    }

    /// Creates what the operation `name` needs.
    pub(super) async fn prepare(&mut self, operation: Operation, name: &str) {
        if operation != Operation::PurgeKey {
            return;
        }
        match self {
            Self::Grpc { dev, .. } => {
                dev.create(ec(name, "P-256")).await.unwrap();
                crate::key_backups::delete(dev, name).await;
            }
            Self::Rest { dev, .. } => {
                dev.create(name, json!({"kty": "EC-HSM"})).await;
                dev.delete(&format!("/keys/{name}")).await.json(200);
            }
        }
    }

    /// Runs an operation, on the new object `name` if it is one.
    pub(super) async fn run(&mut self, operation: Operation, name: &str, inputs: &Inputs) -> Seen {
        match self {
            Self::Grpc { dev, contributor, container } => {
                grpc(dev, (&mut **contributor, container), operation, name, inputs).await
            }
            Self::Rest { dev, contributor } => rest(dev, contributor, operation, name, inputs).await,
        }
    }

    /// The number of versions of a key; `None` if there is no key.
    pub(super) async fn versions(&mut self, name: &str) -> Option<usize> {
        match self {
            Self::Grpc { dev, .. } => {
                let request = pb::ListKeyVersionsRequest { parent: calls::key(name), ..Default::default() };
                match dev.keys.list_key_versions(request).await {
                    Ok(list) => Some(list.into_inner().versions.len()).filter(|count| *count > 0),
                    Err(status) => {
                        assert_eq!(status.code(), tonic::Code::NotFound, "{status}");
                        None
                    }
                }
            }
            Self::Rest { dev, .. } => {
                let list = dev.get(&format!("/keys/{name}/versions")).await.json(200);
                Some(list["value"].as_array().unwrap().len()).filter(|count| *count > 0)
            }
        }
    }
}

/// Creates the keys of the operations that use some.
pub(super) async fn prepare_keys(rig: &Rig) -> Inputs {
    let mut dev = rig.server.client("dev").await;
    dev.create(ec("signer", "P-256")).await.unwrap();
    dev.create(oct("secret", 256)).await.unwrap();
    dev.create(oct("wrapper", 256)).await.unwrap();
    let secret = calls::key("secret");
    let sealed = calls::encrypt(&mut dev, &secret, "A256GCM", b"text", (&[], &[])).await.unwrap();
    let wrapped = calls::wrap(&mut dev, &calls::key("wrapper"), "A256KW", &[5; 32]).await.unwrap();
    Inputs { decrypt: calls::decrypt_request(sealed), wrapped: wrapped.wrapped_key }
}

async fn grpc(
    dev: &mut Client,
    (contributor, container): (&mut Client, &Container),
    operation: Operation,
    name: &str,
    inputs: &Inputs,
) -> Seen {
    let key = calls::key;
    let result: Result<(), Status> = match operation {
        Operation::CreateKey => dev.create(ec(name, "P-256")).await.map(drop),
        Operation::CreateOctKey => dev.create(oct(name, 256)).await.map(drop),
        Operation::ImportKey => {
            calls::try_import(dev, name, EcKey::new("P-256", 5).material()).await.map(drop)
        }
        Operation::Sign => calls::sign(dev, &key("signer"), "ES256", &[7; 32]).await.map(drop),
        Operation::BatchSign => {
            let item = pb::SignItem { algorithm: "ES256".to_owned(), digest: vec![7; 32] };
            let batch = crate::batches::Sign::call(dev, &key("signer"), vec![item; 3]).await;
            return batch.map_or_else(|status| Err(seen(&status)), |(_, results)| items(&results));
        }
        Operation::Decrypt => {
            let opened = calls::decrypt(dev, &inputs.decrypt).await;
            opened.map(|opened| assert_eq!(opened.plaintext, b"text"))
        }
        Operation::WrapKey => {
            let wrapped = calls::wrap(dev, &key("wrapper"), "A256KW", &[5; 32]).await;
            wrapped.map(|wrapped| assert_eq!(wrapped.wrapped_key, inputs.wrapped))
        }
        Operation::UnwrapKey => {
            let unwrapped = calls::unwrap(dev, &key("wrapper"), "A256KW", &inputs.wrapped).await;
            unwrapped.map(|unwrapped| assert_eq!(unwrapped.key, [5; 32]))
        }
        Operation::Random => {
            let request = pb::GenerateRandomBytesRequest { parent: "hsms/local".to_owned(), count: 16 };
            dev.crypto.generate_random_bytes(request).await.map(drop)
        }
        Operation::GetKey => dev.keys.get_key(pb::GetKeyRequest { name: key("signer") }).await.map(drop),
        Operation::PurgeKey => {
            let name = format!("hsms/local/deletedKeys/{name}");
            dev.keys.purge_deleted_key(pb::PurgeDeletedKeyRequest { name }).await.map(drop)
        }
        Operation::CreateHsm => {
            contributor.hsms.create_managed_hsm(container.create_request(name)).await.map(drop)
        }
    };
    result.map_err(|status| seen(&status))
}

/// Code and reason of an error.
fn seen(status: &Status) -> String {
    format!("{:?} {}", status.code(), reason(status))
}

/// The result of a batch: that of its first failed item, and the number of failed ones.
fn items(results: &[Result<Vec<u8>, crate::batches::ItemError>]) -> Seen {
    use tonic_types::RpcStatusExt as _;
    let failed: Vec<_> = results.iter().filter_map(|result| result.as_ref().err()).collect();
    match failed.first() {
        None => Ok(()),
        Some(first) => {
            let reason = first.get_details_error_info().map(|info| info.reason).unwrap_or_default();
            let code = tonic::Code::from(first.code);
            Err(format!("{code:?} {reason} in {} of {} items", failed.len(), results.len()))
        }
    }
}

async fn rest(dev: &Rest, contributor: &Arm, operation: Operation, name: &str, inputs: &Inputs) -> Seen {
    let sign = json!({"alg": "ES256", "value": base64url(&[7; 32])});
    let response = match operation {
        Operation::CreateKey => dev.post(&format!("/keys/{name}/create"), json!({"kty": "EC-HSM"})).await,
        Operation::CreateOctKey => {
            dev.post(&format!("/keys/{name}/create"), json!({"kty": "oct-HSM", "key_size": 256})).await
        }
        Operation::ImportKey => {
            let material = EcKey::new("P-256", 5).material();
            let part = |bytes: &[u8]| Value::String(base64url(bytes));
            let key = json!({
                "kty": "EC-HSM", "crv": "P-256", "x": part(&material.x), "y": part(&material.y), "d": part(&material.d)
            });
            dev.put(&format!("/keys/{name}"), json!({"key": key})).await
        }
        // REST has no batches.
        Operation::Sign | Operation::BatchSign => dev.post("/keys/signer/sign", sign).await,
        Operation::Decrypt => {
            let pb::DecryptRequest { ciphertext, iv, authentication_tag, .. } = &inputs.decrypt;
            let body = json!({
                "alg": "A256GCM", "value": base64url(ciphertext), "iv": base64url(iv), "tag": base64url(authentication_tag)
            });
            dev.post("/keys/secret/decrypt", body).await
        }
        Operation::WrapKey => {
            let body = json!({"alg": "A256KW", "value": base64url(&[5; 32])});
            dev.post("/keys/wrapper/wrapkey", body).await
        }
        Operation::UnwrapKey => {
            let body = json!({"alg": "A256KW", "value": base64url(&inputs.wrapped)});
            dev.post("/keys/wrapper/unwrapkey", body).await
        }
        Operation::Random => dev.post("/rng", json!({"count": 16})).await,
        Operation::GetKey => dev.get("/keys/signer").await,
        Operation::PurgeKey => dev.delete(&format!("/deletedkeys/{name}")).await,
        Operation::CreateHsm => return create_hsm(contributor, name).await,
    };
    seen_over_rest(&response)
}

/// Creates an HSM over Azure Resource Manager, as clients do: the result is that of the long-running operation.
async fn create_hsm(contributor: &Arm, name: &str) -> Seen {
    let begun = contributor.send("PUT", &hsm(name), &hsm_body(DEV)).await;
    if begun.status != 202 {
        return seen_over_rest(&begun);
    }
    let ended = contributor.raw(http::Method::GET, begun.header("location"), "").await;
    seen_over_rest(&ended)
}

/// Status and code of an error.
fn seen_over_rest(response: &RestResponse) -> Seen {
    if (200..300).contains(&response.status) {
        return Ok(());
    }
    let body: Value = serde_json::from_str(&response.text).unwrap_or_default();
    Err(format!("{} {}", response.status, body["error"]["code"].as_str().unwrap_or("without a code")))
}
