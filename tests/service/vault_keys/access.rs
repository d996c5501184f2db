//! Who may do what with keys of vaults: access tokens, access policies, and roles of Azure RBAC.

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use super::{VAULT, backup, client, create, delete, get, import, key, purge, recover, restore, start};
use crate::calls::{decrypt, encrypt, sign, unwrap, verify, wrap};
use crate::control::support::{assign, vault};
use crate::hsms::Container;
use crate::roles::support::assert_grpc_error;
use crate::software::ec_key::EcKey;
use crate::support::{Client, ec};
use crate::{calls, vaults};

/// Key Vault Administrator.
pub(super) const ADMINISTRATOR: &str = "00482a5a-887f-4fb3-b363-3b7fe8e74483";
/// Key Vault Reader.
const READER: &str = "21090545-7ca7-4776-b22c-e363652d74d2";
/// Key Vault Crypto Officer.
const CRYPTO_OFFICER: &str = "14b46e9e-c2b7-41b4-b07b-48a6ebf60603";
/// Key Vault Crypto User.
const CRYPTO_USER: &str = "12338af0-0e69-4776-bea7-57ae8d297424";
/// Key Vault Crypto Service Encryption User.
const ENCRYPTION_USER: &str = "e147488a-f6f5-4113-8e2d-b22465e65bf6";
/// Key Vault Secrets Officer.
const SECRETS_OFFICER: &str = "b86a8fe4-44ce-4948-aee5-eccb2c155cd7";

/// The permissions for keys. Each is that of one of the calls of [`call`].
const PERMISSIONS: [&str; 19] = [
    "get",
    "list",
    "create",
    "import",
    "update",
    "delete",
    "recover",
    "purge",
    "backup",
    "restore",
    "rotate",
    "getrotationpolicy",
    "setrotationpolicy",
    "sign",
    "verify",
    "encrypt",
    "decrypt",
    "wrapKey",
    "unwrapKey",
];

/// Makes the call that requires a permission, with the RSA key `k` of the vault or with a name that is of no key.
async fn call(client: &mut Client, vault: &str, permission: &str) -> Result<(), Status> {
    let name = format!("{vault}/keys/k");
    let policy = format!("{name}/rotationPolicy");
    match permission {
        "get" => get(client, &name).await.map(drop),
        "list" => {
            let request = pb::ListKeysRequest { parent: vault.to_owned(), ..Default::default() };
            client.keys.list_keys(request).await.map(drop)
        }
        "create" => create(client, vault, "new", "EC").await.map(drop),
        "import" => import(client, vault, "new", "EC", EcKey::new("P-256", 2).material()).await.map(drop),
        "update" => {
            let request = pb::UpdateKeyVersionRequest {
                name,
                update_mask: Some(prost_types::FieldMask { paths: vec!["tags".to_owned()] }),
                ..Default::default()
            };
            client.keys.update_key_version(request).await.map(drop)
        }
        "delete" => delete(client, vault, "absent").await.map(drop),
        "recover" => recover(client, vault, "absent").await.map(drop),
        "purge" => purge(client, vault, "absent").await,
        "backup" => backup(client, vault, "k").await.map(drop),
        "restore" => restore(client, vault, b"none").await.map(drop),
        "rotate" => client.keys.rotate_key(pb::RotateKeyRequest { name }).await.map(drop),
        "getrotationpolicy" => {
            let request = pb::GetKeyRotationPolicyRequest { name: policy };
            client.keys.get_key_rotation_policy(request).await.map(drop)
        }
        "setrotationpolicy" => {
            let expiry_time = "P90D".to_owned();
            let request =
                pb::UpdateKeyRotationPolicyRequest { name: policy, expiry_time, ..Default::default() };
            client.keys.update_key_rotation_policy(request).await.map(drop)
        }
        "sign" => sign(client, &name, "RS256", &[7; 32]).await.map(drop),
        "verify" => verify(client, &name, "RS256", &[7; 32], &[7; 256]).await.map(drop),
        "encrypt" => encrypt(client, &name, "RSA-OAEP", b"x", (b"", b"")).await.map(drop),
        "decrypt" => {
            let algorithm = "RSA-OAEP".to_owned();
            let request =
                pb::DecryptRequest { name, algorithm, ciphertext: vec![7; 256], ..Default::default() };
            decrypt(client, &request).await.map(drop)
        }
        "wrapKey" => wrap(client, &name, "RSA-OAEP", &[7; 16]).await.map(drop),
        "unwrapKey" => unwrap(client, &name, "RSA-OAEP", &[7; 256]).await.map(drop),
        other => panic!("{other}"),
    }
}

/// Returns the permissions whose calls are not refused.
async fn permitted(client: &mut Client, vault: &str) -> Vec<&'static str> {
    let mut found = Vec::new();
    for permission in PERMISSIONS {
        match call(client, vault, permission).await {
            Err(status) if status.code() == Code::PermissionDenied => {}
            Err(status) if matches!(status.code(), Code::NotFound | Code::InvalidArgument) => {
                found.push(permission);
            }
            answer => {
                answer.unwrap();
                found.push(permission);
            }
        }
    }
    found
}

#[tokio::test]
async fn keys_of_vaults_and_of_managed_hsms_require_their_own_access_tokens() {
    let (server, mut of_vaults) = start().await;
    let mut of_hsms = server.client("dev").await;
    create(&mut of_vaults, VAULT, "k", "EC").await.unwrap();
    of_hsms.create(ec("k", "P-256")).await.unwrap();
    for (client, name) in [(&mut of_hsms, key("k")), (&mut of_vaults, calls::key("k"))] {
        let parent = name.strip_suffix("/keys/k").unwrap();
        for status in [
            get(client, &name).await.unwrap_err(),
            sign(client, &name, "ES256", &[7; 32]).await.unwrap_err(),
            create(client, parent, "k", "EC").await.unwrap_err(),
            backup(client, parent, "k").await.unwrap_err(),
            restore(client, parent, b"none").await.unwrap_err(),
            delete(client, parent, "k").await.unwrap_err(),
            purge(client, parent, "k").await.unwrap_err(),
        ] {
            assert_eq!(status.code(), Code::Unauthenticated, "{name}: {status:?}");
        }
    }
    // One name in two containers is that of two keys.
    let (one, other) =
        (get(&mut of_vaults, &key("k")).await.unwrap(), get(&mut of_hsms, &calls::key("k")).await);
    assert_ne!(one.key, other.unwrap().key);
}

#[tokio::test]
async fn each_call_requires_one_permission_of_an_access_policy() {
    let (server, mut dev) = start().await;
    let tenant = server.connection().tenant_id;
    let nobody_id = server.principal("nobody").object_id;
    let policy = vaults::policy(&tenant, &server.principal("dev").object_id, &["all"]);
    let container = Container::of(&server);
    let request = container.vault_request_with("sample", |vault| {
        vault.rbac_authorization = Some(false);
        vault.access_policies = vec![policy];
    });
    vaults::create(&mut dev, request).await.unwrap();
    create(&mut dev, "vaults/sample", "k", "RSA").await.unwrap();
    // All but purge.
    let all: Vec<_> = PERMISSIONS.into_iter().filter(|permission| *permission != "purge").collect();
    assert_eq!(permitted(&mut dev, "vaults/sample").await, all);
    let mut nobody = client(&server, "nobody").await;
    for permission in PERMISSIONS {
        let refused = call(&mut nobody, "vaults/sample", permission).await;
        assert_grpc_error(refused, Code::PermissionDenied, "PERMISSION_NOT_GRANTED");
    }
    for permission in PERMISSIONS {
        let change = pb::UpdateVaultAccessPoliciesRequest {
            name: container.vault("sample"),
            change: "replace".to_owned(),
            access_policies: vec![vaults::policy(&tenant, &nobody_id, &[permission])],
        };
        dev.vaults.update_vault_access_policies(change).await.unwrap();
        assert_eq!(permitted(&mut nobody, "vaults/sample").await, [permission]);
    }
}

#[tokio::test]
async fn roles_of_azure_rbac_permit_their_actions() {
    let (server, mut dev) = start().await;
    create(&mut dev, VAULT, "k", "RSA").await.unwrap();
    assert_eq!(permitted(&mut dev, VAULT).await, PERMISSIONS);
    // Whoever may read an asymmetric key may use its public half.
    let public = ["verify", "encrypt", "wrapKey"];
    let reading = [&["get", "list"][..], &public].concat();
    let crypto_user = [&["get", "list", "update", "backup"][..], &PERMISSIONS[13..]].concat();
    for (principal, role, wanted) in [
        ("reader", READER, [&["get", "list", "getrotationpolicy"][..], &public].concat()),
        ("crypto-officer", CRYPTO_OFFICER, PERMISSIONS.to_vec()),
        ("crypto-user", CRYPTO_USER, crypto_user),
        ("contributor", ENCRYPTION_USER, [&reading[..], &["unwrapKey"]].concat()),
        ("nobody", SECRETS_OFFICER, vec![]),
    ] {
        let mut user = client(&server, principal).await;
        assert!(permitted(&mut user, VAULT).await.is_empty(), "{principal}");
        let id = server.principal(principal).object_id;
        assign(&mut dev, role, &id, &vault("demo")).await;
        assert_eq!(permitted(&mut user, VAULT).await, wanted, "{principal}");
    }
    // A role at one key.
    let mut owner = client(&server, "owner").await;
    assert!(permitted(&mut owner, VAULT).await.is_empty());
    let id = server.principal("owner").object_id;
    assign(&mut dev, CRYPTO_USER, &id, &format!("{}/keys/k", vault("demo"))).await;
    create(&mut dev, VAULT, "other", "RSA").await.unwrap();
    sign(&mut owner, &key("k"), "RS256", &[7; 32]).await.unwrap();
    let refused = sign(&mut owner, &key("other"), "RS256", &[7; 32]).await;
    assert_eq!(calls::refusal(refused).0, Code::PermissionDenied);
    assert!(call(&mut owner, VAULT, "list").await.is_err());
}
