//! Keys whose creation or destruction took effect although its answer was lost: there is neither an orphan nor a duplicate.

use strongroom::api::grpc::pb;

use super::rig::{BOTH, Rig, until};
use crate::calls::{self, refusal, try_import};
use crate::key_backups::{backup, delete, remove, restore};
use crate::software::rsa_key::RsaKey;
use crate::support::{Client, ec, oct, rsa};

/// Has the next call of a function take effect, and its answer replaced by an error.
fn lose_answer(rig: &Rig, function: &str, code: &str) {
    rig.order(&format!(
        "[[fault]]\nfunction = \"{function}\"\nlabel = \"local\"\nreturn = \"{code}\"\nafter = true\n"
    ));
}

/// The number of versions of a key.
async fn versions(client: &mut Client, name: &str) -> usize {
    let request = pb::ListKeyVersionsRequest { parent: calls::key(name), ..Default::default() };
    client.keys.list_key_versions(request).await.map_or(0, |list| list.into_inner().versions.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn created_keys_whose_answer_was_lost_leave_nothing() {
    for isolation in BOTH {
        let rig = Rig::start(isolation);
        let mut dev = rig.server.client("dev").await;
        let before = rig.objects();
        for (number, (function, request, objects)) in [
            ("C_GenerateKeyPair", ec("pair", "P-256"), 1),
            ("C_GenerateKeyPair", rsa("rsa", 2048), 1),
            ("C_DeriveKey", oct("oct", 256), 2),
        ]
        .into_iter()
        .enumerate()
        {
            for code in ["CKR_DEVICE_ERROR", "CKR_FUNCTION_FAILED", "CKR_DEVICE_REMOVED"] {
                lose_answer(&rig, function, code);
                let failed = dev.create(request.clone()).await.unwrap_err();
                assert!(
                    // A slow machine may not generate the key in time.
                    matches!(
                        failed.code(),
                        tonic::Code::Internal | tonic::Code::Unavailable | tonic::Code::DeadlineExceeded
                    ),
                    "{failed}"
                );
                assert_eq!(versions(&mut dev, &request.key_id).await, 0, "{isolation:?} {function} {code}");
                rig.assert_objects(before, &format!("{isolation:?} {function} {code}")).await;
            }
            // An error that is recovered: the first attempt has taken effect, and the second replaces it.
            lose_answer(&rig, function, "CKR_SESSION_HANDLE_INVALID");
            until("created", async || dev.create(request.clone()).await.is_ok()).await;
            assert_eq!(versions(&mut dev, &request.key_id).await, 1, "{number}");
            rig.assert_objects(before + objects, &format!("{isolation:?} {function}")).await;
            remove(&mut dev, &request.key_id).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imported_and_restored_keys_whose_answer_was_lost_leave_nothing() {
    for isolation in BOTH {
        let rig = Rig::start(isolation);
        let mut dev = rig.server.client("dev").await;
        let before = rig.objects();
        lose_answer(&rig, "C_CreateObject", "CKR_DEVICE_ERROR");
        let material = || RsaKey::of_2048_bits().material();
        let failed = refusal(try_import(&mut dev, "imported", material()).await);
        assert_eq!(failed, (tonic::Code::Internal, "TOKEN_FAILED".to_owned()));
        assert_eq!(versions(&mut dev, "imported").await, 0);
        rig.assert_objects(before, "import").await;
        try_import(&mut dev, "imported", material()).await.unwrap();
        assert_eq!(versions(&mut dev, "imported").await, 1);

        let copy = backup(&mut dev, "imported").await.unwrap();
        remove(&mut dev, "imported").await;
        rig.assert_objects(before, "removal").await;
        for code in ["CKR_DEVICE_ERROR", "CKR_DEVICE_MEMORY"] {
            lose_answer(&rig, "C_UnwrapKey", code);
            let failed = refusal(restore(&mut dev, "local", &copy).await);
            assert_eq!(failed, (tonic::Code::Internal, "TOKEN_FAILED".to_owned()), "{isolation:?} {code}");
            assert_eq!(versions(&mut dev, "imported").await, 0);
            rig.assert_objects(before, "restore").await;
        }
        rig.calm();
        restore(&mut dev, "local", &copy).await.unwrap();
        let digest = [7; 32];
        calls::sign(&mut dev, &calls::key("imported"), "RS256", &digest).await.unwrap();
        rig.assert_objects(before + 1, "restored").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn destroyed_keys_whose_answer_was_lost_are_gone_once() {
    for isolation in BOTH {
        let rig = Rig::start(isolation);
        let mut dev = rig.server.client("dev").await;
        let before = rig.objects();
        for code in ["CKR_DEVICE_ERROR", "CKR_SESSION_HANDLE_INVALID", "CKR_DEVICE_REMOVED"] {
            dev.create(oct("old", 256)).await.unwrap();
            dev.create(ec("kept", "P-256")).await.unwrap();
            delete(&mut dev, "old").await;
            lose_answer(&rig, "C_DestroyObject", code);
            let name = "hsms/local/deletedKeys/old".to_owned();
            until("purged", async || {
                match dev.keys.purge_deleted_key(pb::PurgeDeletedKeyRequest { name: name.clone() }).await {
                    Ok(_) => true,
                    Err(status) => status.code() == tonic::Code::NotFound,
                }
            })
            .await;
            rig.assert_objects(before + 1, &format!("{isolation:?} {code}")).await;
            calls::sign(&mut dev, &calls::key("kept"), "ES256", &[7; 32]).await.unwrap();
            // The name is free for another key.
            dev.create(ec("old", "P-256")).await.unwrap();
            remove(&mut dev, "old").await;
            remove(&mut dev, "kept").await;
        }
    }
}
