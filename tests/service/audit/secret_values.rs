//! Calls that carry the value of a secret, for the test that no secret leaks.

use prost::Message as _;
use strongroom::api::grpc::pb;

use crate::raw;
use crate::secrets::{create_vault, delete, enable_request, get, purge, recover, secret, set, set_request};
use crate::support::{Client, Server};

/// The value of a secret.
pub(super) const VALUE: &str = "value-of-a-secret-5b1d07-of-a-caller";

/// Stores, reads, updates, backs up and deletes a secret, and makes calls with its value that fail.
pub(super) async fn use_secrets(server: &Server, dev: &mut Client) {
    create_vault(server, dev, |_| {}).await;
    for name in ["kept", "purged", "deleted"] {
        set(dev, name, VALUE).await.unwrap();
        assert_eq!(get(dev, &secret(name)).await.unwrap().value.as_deref(), Some(VALUE));
    }
    let request = pb::BackupSecretRequest { name: secret("purged") };
    let backup = dev.secrets.backup_secret(request).await.unwrap().into_inner().backup;
    for name in ["purged", "deleted"] {
        delete(dev, name).await.unwrap();
    }
    purge(dev, "purged").await.unwrap();
    let request = pb::RestoreSecretRequest { parent: "vaults/sample".to_owned(), backup: backup.clone() };
    dev.secrets.restore_secret(request.clone()).await.unwrap();
    recover(dev, "deleted").await.unwrap();
    dev.secrets.update_secret_version(enable_request(&secret("kept"), false)).await.unwrap();

    // Failing calls: a disabled secret, an existing name, invalid arguments, no permission, no vault, no message.
    get(dev, &secret("kept")).await.unwrap_err();
    dev.secrets.restore_secret(request).await.unwrap_err();
    let valid = || set_request("kept", VALUE);
    let attributes = Some(pb::SecretAttributes {
        enabled: None,
        not_before: Some(prost_types::Timestamp { seconds: 2, nanos: 0 }),
        expires: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
    });
    for request in [
        pb::SetSecretRequest { secret_id: "a_b".to_owned(), ..valid() },
        pb::SetSecretRequest { parent: "vaults/nothing".to_owned(), ..valid() },
        pb::SetSecretRequest { value: Some(VALUE.repeat(1_000)), ..valid() },
        pb::SetSecretRequest { content_type: "x".repeat(256), ..valid() },
        pb::SetSecretRequest { attributes, ..valid() },
    ] {
        let status = dev.secrets.set_secret(request).await.unwrap_err();
        assert!(!format!("{status:?}").contains(VALUE), "{status:?}");
    }
    set(&mut server.client("nobody").await, "kept", VALUE).await.unwrap_err();
    let channel = server.channel().await;
    let authorization = format!("Bearer {}", server.access_tokens("dev").await.vault);
    let broken = [valid().encode_to_vec(), vec![0xff]].concat();
    let path = "/strongroom.v1.SecretService/SetSecret";
    for headers in [&[("authorization", authorization.as_str())][..], &[]] {
        raw::send(&channel, path, headers, raw::frame(&broken)).await;
    }
}
