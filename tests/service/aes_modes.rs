//! Tests one AES key in several modes of operation: `azure` allows attacks across modes, `separated` prevents them.

use std::sync::Arc;

use aes::cipher::consts::U12;
use aes_gcm::KeyInit as _;
use aes_gcm::aead::{Aead as _, Payload};
use serde_json::json;
use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use crate::calls::{decrypt, decrypt_request, encrypt, key, unwrap, wrap};
use crate::rest::client::{Rest, base64url};
use crate::roles::support::{assign, definition_request, guid};
use crate::rotation;
use crate::software::symmetric;
use crate::support::{Client, Server, error_metadata, oct, reason};

const SEPARATED: &[(&str, &str)] = &[("STRONGROOM_CRYPTO__AES_MODES", "separated")];
const NO_IV: (&[u8], &[u8]) = (&[], &[]);
const ZERO: [u8; 16] = [0; 16];

/// Encrypts one block with the raw block cipher: CBC with an IV of zeros.
async fn encrypt_block(caller: &mut Client, key: &str, block: [u8; 16]) -> Result<[u8; 16], Status> {
    let sealed = encrypt(caller, key, "A256CBC", &block, (&ZERO, &[])).await?;
    Ok(sealed.ciphertext.try_into().unwrap())
}

/// Decrypts one block with the raw block cipher: CBC with an IV of zeros.
async fn decrypt_block(caller: &mut Client, key: &str, block: [u8; 16]) -> Result<[u8; 16], Status> {
    let request = pb::DecryptRequest {
        name: key.to_owned(),
        algorithm: "A256CBC".to_owned(),
        ciphertext: block.to_vec(),
        iv: ZERO.to_vec(),
        ..Default::default()
    };
    Ok(decrypt(caller, &request).await?.plaintext.try_into().unwrap())
}

fn xor(left: &[u8], right: &[u8]) -> Vec<u8> {
    left.iter().zip(right).map(|(left, right)| left ^ right).collect()
}

/// Multiplies in the finite field of GCM (NIST SP 800-38D, section 6.3).
fn multiply(x: u128, y: u128) -> u128 {
    let (mut product, mut shifted) = (0, y);
    for bit in (0..128).rev() {
        if x >> bit & 1 == 1 {
            product ^= shifted;
        }
        shifted = if shifted & 1 == 1 { (shifted >> 1) ^ (0xe1 << 120) } else { shifted >> 1 };
    }
    product
}

/// Computes a GCM tag without additional data from the hash key and the encrypted first counter block.
fn tag(hash_key: [u8; 16], mask: [u8; 16], ciphertext: &[u8]) -> Vec<u8> {
    let hash_key = u128::from_be_bytes(hash_key);
    let mut sum = 0;
    for block in ciphertext.chunks(16) {
        let mut padded = ZERO;
        padded[..block.len()].copy_from_slice(block);
        sum = multiply(sum ^ u128::from_be_bytes(padded), hash_key);
    }
    sum = multiply(sum ^ (ciphertext.len() as u128 * 8), hash_key);
    xor(&sum.to_be_bytes(), &mask)
}

fn counter_block(iv: &[u8], counter: u32) -> [u8; 16] {
    [iv, &counter.to_be_bytes()].concat().try_into().unwrap()
}

/// Assigns `nobody` a role with one data action, and returns its client.
async fn client_with_only(server: &Server, dev: &mut Client, role: &str, action: &str) -> Client {
    dev.access.put_role_definition(definition_request(role, &[action], &[])).await.unwrap();
    assign(dev, role, &server.principal("nobody").object_id, "/keys").await;
    server.client("nobody").await
}

async fn get_key(client: &mut Client, name: &str) -> pb::KeyBundle {
    client.keys.get_key(pb::GetKeyRequest { name: name.to_owned() }).await.unwrap().into_inner()
}

#[track_caller]
fn mismatch<T: std::fmt::Debug>(answer: Result<T, Status>, bound: &str, requested: &str) {
    let status = answer.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status).as_str()),
        (Code::FailedPrecondition, "AES_MODE_FAMILY_MISMATCH")
    );
    assert_eq!(
        (error_metadata(&status, "bound").as_str(), error_metadata(&status, "asked").as_str()),
        (bound, requested),
        "{status:?}"
    );
}

#[tokio::test]
async fn azure_mode_permits_cross_mode_forgery_and_unwrapping() {
    let server = Server::start();
    let mut dev = server.client("dev").await;
    dev.create(oct("data", 256)).await.unwrap();
    let (data, secret) = (key("data"), *b"a secret of two blocks and a bit");
    let sealed = encrypt(&mut dev, &data, "A256GCM", &secret, NO_IV).await.unwrap();
    let mut writer = client_with_only(&server, &mut dev, &guid(1), "keys/encrypt/action").await;
    let error = decrypt(&mut writer, &decrypt_request(sealed.clone())).await.unwrap_err();
    assert_eq!(reason(&error), "ACTION_NOT_GRANTED");
    assert_eq!(
        reason(&wrap(&mut writer, &data, "A256KW", &[7; 16]).await.unwrap_err()),
        "ACTION_NOT_GRANTED"
    );

    // With `encrypt` alone, GCM ciphertexts can be decrypted and their tags forged.
    let mut stream = Vec::new();
    for counter in 2..4 {
        stream.extend(encrypt_block(&mut writer, &data, counter_block(&sealed.iv, counter)).await.unwrap());
    }
    assert_eq!(xor(&sealed.ciphertext, &stream), secret);
    let forged_text = *b"text that the caller has chosen.";
    let forged = xor(&forged_text, &stream);
    let hash_key = encrypt_block(&mut writer, &data, ZERO).await.unwrap();
    let mask = encrypt_block(&mut writer, &data, counter_block(&sealed.iv, 1)).await.unwrap();
    let forged = pb::DecryptRequest {
        authentication_tag: tag(hash_key, mask, &forged),
        ciphertext: forged,
        ..decrypt_request(sealed)
    };
    assert_eq!(decrypt(&mut dev, &forged).await.unwrap().plaintext, forged_text);

    // With `encrypt` alone, a key can be wrapped (RFC 3394, section 2.2.1).
    let value = [0x42; 16];
    let (mut a, mut r) = ([0xa6; 8], [value[..8].to_vec(), value[8..].to_vec()]);
    for step in 1..=12_u64 {
        let half = &mut r[usize::from(step % 2 == 0)];
        let block = [&a[..], half].concat().try_into().unwrap();
        let block = encrypt_block(&mut writer, &data, block).await.unwrap();
        a = xor(&block[..8], &step.to_be_bytes()).try_into().unwrap();
        *half = block[8..].to_vec();
    }
    let wrapped = [&a[..], &r[0], &r[1]].concat();
    assert_eq!(unwrap(&mut dev, &data, "A256KW", &wrapped).await.unwrap().key, value);

    // With `decrypt` alone, the key can be unwrapped (section 2.2.2).
    dev.access
        .put_role_definition(definition_request(&guid(1), &["keys/decrypt/action"], &[]))
        .await
        .unwrap();
    let mut reader = writer;
    assert_eq!(
        reason(&unwrap(&mut reader, &data, "A256KW", &wrapped).await.unwrap_err()),
        "ACTION_NOT_GRANTED"
    );
    let mut a: [u8; 8] = wrapped[..8].try_into().unwrap();
    let mut r = [wrapped[8..16].to_vec(), wrapped[16..].to_vec()];
    for step in (1..=12_u64).rev() {
        let half = &mut r[usize::from(step % 2 == 0)];
        let block = [&xor(&a, &step.to_be_bytes())[..], half].concat().try_into().unwrap();
        let block = decrypt_block(&mut reader, &data, block).await.unwrap();
        a = block[..8].try_into().unwrap();
        *half = block[8..].to_vec();
    }
    assert_eq!((a, r.concat()), ([0xa6; 8], value.to_vec()));
    assert_eq!(get_key(&mut dev, &data).await.aes_mode_family, "");
}

#[tokio::test]
async fn separated_mode_binds_version_on_first_use_permanently() {
    let mut server = Server::start_with(&[], SEPARATED);
    let mut dev = server.client("dev").await;
    let (data, blocks, wraps) = (key("data"), key("blocks"), key("wraps"));
    for id in ["data", "blocks", "wraps"] {
        dev.create(oct(id, 256)).await.unwrap();
        assert_eq!(get_key(&mut dev, &key(id)).await.aes_mode_family, "");
    }
    let sealed = encrypt(&mut dev, &data, "A256GCM", b"secret", NO_IV).await.unwrap();
    let chained = encrypt(&mut dev, &blocks, "A256CBCPAD", b"secret", (&ZERO, &[])).await.unwrap();
    let wrapped = wrap(&mut dev, &wraps, "A256KW", &[7; 16]).await.unwrap();
    // A failed use does not bind the version.
    dev.create(oct("later", 256)).await.unwrap();
    let foreign = pb::DecryptRequest { name: key("later"), ..decrypt_request(sealed.clone()) };
    assert_eq!(reason(&decrypt(&mut dev, &foreign).await.unwrap_err()), "DECRYPTION_FAILED");
    assert_eq!(get_key(&mut dev, &key("later")).await.aes_mode_family, "");

    for restarted in [false, true] {
        if restarted {
            server.restart();
            dev = server.client("dev").await;
        }
        mismatch(encrypt_block(&mut dev, &data, ZERO).await, "gcm", "cbc");
        mismatch(decrypt_block(&mut dev, &data, ZERO).await, "gcm", "cbc");
        mismatch(wrap(&mut dev, &data, "A256KW", &[7; 16]).await, "gcm", "keyWrap");
        mismatch(unwrap(&mut dev, &data, "A256KW", &wrapped.wrapped_key).await, "gcm", "keyWrap");
        mismatch(encrypt(&mut dev, &blocks, "A256GCM", b"secret", NO_IV).await, "cbc", "gcm");
        mismatch(decrypt_block(&mut dev, &wraps, ZERO).await, "keyWrap", "cbc");
        assert_eq!(decrypt(&mut dev, &decrypt_request(sealed.clone())).await.unwrap().plaintext, b"secret");
        assert_eq!(decrypt(&mut dev, &decrypt_request(chained.clone())).await.unwrap().plaintext, b"secret");
        assert_eq!(encrypt_block(&mut dev, &blocks, ZERO).await.unwrap().len(), 16);
        let wrapped = &wrapped.wrapped_key;
        assert_eq!(unwrap(&mut dev, &wraps, "A256KW", wrapped).await.unwrap().key, [7; 16]);
        for (name, family) in [(&data, "gcm"), (&blocks, "cbc"), (&wraps, "keyWrap")] {
            assert_eq!(get_key(&mut dev, name).await.aes_mode_family, family);
        }
        // Other changes of the version do not affect the binding.
        let request = pb::UpdateKeyVersionRequest {
            name: data.clone(),
            tags: [("aes-mode-family".to_owned(), "cbc".to_owned())].into(),
            update_mask: Some(prost_types::FieldMask { paths: vec!["tags".to_owned()] }),
            ..Default::default()
        };
        let updated = dev.keys.update_key_version(request).await.unwrap().into_inner();
        assert_eq!(updated.aes_mode_family, "gcm");
    }

    // A new version can be bound to another family.
    dev.create(oct("data", 256)).await.unwrap();
    encrypt_block(&mut dev, &data, ZERO).await.unwrap();
    assert_eq!(decrypt(&mut dev, &decrypt_request(sealed)).await.unwrap().plaintext, b"secret");

    // The error over REST; RSA keys have no families.
    let rest = Rest::authenticated(&server, "dev").await;
    let body = json!({"alg": "A256GCM", "value": base64url(b"secret")});
    let message = rest.post("/keys/blocks/encrypt", body).await.error(403, "Forbidden");
    assert!(message.contains("bound to the AES mode family cbc"), "{message}");
    rest.create("rsa", json!({"kty": "RSA-HSM"})).await;
    for path in ["/keys/rsa/encrypt", "/keys/rsa/wrapkey"] {
        rest.post(path, json!({"alg": "RSA-OAEP", "value": base64url(&[7; 16])})).await.json(200);
    }
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn separated_mode_binds_version_at_creation_by_key_ops_or_tag() {
    let server = Server::start_with(&[], SEPARATED);
    let mut dev = server.client("dev").await;
    let operations = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let tagged = |family: &str| [("aes-mode-family".to_owned(), family.to_owned())].into();
    let wraps = pb::CreateKeyRequest { key_ops: operations(&["wrapKey", "unwrapKey"]), ..oct("wraps", 256) };
    assert_eq!(dev.create(wraps).await.unwrap().aes_mode_family, "keyWrap");
    let made = dev.create(pb::CreateKeyRequest { tags: tagged("cbc"), ..oct("blocks", 256) }).await.unwrap();
    assert_eq!(made.aes_mode_family, "cbc");
    mismatch(encrypt(&mut dev, &key("blocks"), "A256GCM", b"secret", NO_IV).await, "cbc", "gcm");
    encrypt_block(&mut dev, &key("blocks"), ZERO).await.unwrap();
    let request = pb::ImportKeyRequest {
        parent: "hsms/local".to_owned(),
        key_id: "imported".to_owned(),
        key: Some(symmetric::material(256)),
        tags: tagged("gcm"),
        ..Default::default()
    };
    assert_eq!(dev.keys.import_key(request).await.unwrap().into_inner().aes_mode_family, "gcm");

    for (names, family) in [(&[][..], "GCM"), (&["wrapKey"], "gcm"), (&["encrypt"], "keyWrap")] {
        let request = pb::CreateKeyRequest {
            key_ops: operations(names),
            tags: tagged(family),
            ..oct("impossible", 256)
        };
        let error = dev.create(request).await.unwrap_err();
        assert_eq!(
            (reason(&error).as_str(), error_metadata(&error, "field").as_str()),
            ("BAD_PARAMETER", "tags")
        );
    }

    // Rotation keeps the family of the previous version.
    dev.create(oct("used", 256)).await.unwrap();
    wrap(&mut dev, &key("used"), "A256KW", &[7; 16]).await.unwrap();
    for (id, family) in [("blocks", "cbc"), ("used", "keyWrap")] {
        rotation::set(&mut dev, id, "", rotation::after("P30D")).await.unwrap();
        assert_eq!(rotation::rotate(&mut dev, id).await.unwrap().aes_mode_family, family);
    }
}

#[tokio::test]
async fn concurrent_first_uses_bind_exactly_one_family() {
    let server = Server::start_with(&[], SEPARATED);
    let dev = server.client("dev").await;
    for round in 0..8 {
        let (id, name) = (format!("race-{round}"), key(&format!("race-{round}")));
        dev.clone().create(oct(&id, 256)).await.unwrap();
        let start = Arc::new(tokio::sync::Barrier::new(9));
        let uses = (0..9).map(|caller| {
            let (mut dev, name, start) = (dev.clone(), name.clone(), Arc::clone(&start));
            tokio::spawn(async move {
                start.wait().await;
                match caller % 3 {
                    0 => ("gcm", encrypt(&mut dev, &name, "A256GCM", b"secret", NO_IV).await.map(drop)),
                    1 => ("cbc", encrypt_block(&mut dev, &name, ZERO).await.map(drop)),
                    _ => ("keyWrap", wrap(&mut dev, &name, "A256KW", &[7; 16]).await.map(drop)),
                }
            })
        });
        let mut answered = Vec::new();
        for task in uses.collect::<Vec<_>>() {
            match task.await.unwrap() {
                (family, Ok(())) => answered.push(family),
                (_, Err(status)) => assert_eq!(reason(&status), "AES_MODE_FAMILY_MISMATCH"),
            }
        }
        answered.dedup();
        assert_eq!(answered, [get_key(&mut dev.clone(), &name).await.aes_mode_family], "round {round}");
    }
}

#[tokio::test]
async fn seed_overrides_aes_modes_of_one_hsm() {
    let directory = tempfile::tempdir().unwrap();
    let seed = directory.path().join("seed.toml");
    let text = std::fs::read_to_string("hsm-config/dev.toml").unwrap();
    assert_eq!(text.matches("name = \"local\"\n").count(), 1);
    std::fs::write(
        &seed,
        text.replace("name = \"local\"\n", "name = \"local\"\naes_modes = \"separated\"\n"),
    )
    .unwrap();
    let seed = seed.to_str().unwrap().to_owned();
    let server = Server::start_in(directory, &[], &[("STRONGROOM_SIMULATOR__SEED_FILE", &seed)]);
    let mut dev = server.client("dev").await;
    dev.create(oct("data", 256)).await.unwrap();
    let sealed = encrypt(&mut dev, &key("data"), "A256GCM", b"secret", NO_IV).await.unwrap();
    mismatch(encrypt_block(&mut dev, &key("data"), ZERO).await, "gcm", "cbc");
    assert_eq!(decrypt(&mut dev, &decrypt_request(sealed)).await.unwrap().plaintext, b"secret");
}

/// Checks the helper that forges tags against another implementation of GCM.
#[test]
fn forged_tags_match_aes_gcm() {
    let (key, iv, text) = ([9; 32], [3; 12], b"twenty bytes of text");
    let cipher = aes_gcm::AesGcm::<aes::Aes256, U12>::new(&key.into());
    let sealed = cipher.encrypt(&iv.into(), Payload { msg: text, aad: b"" }).unwrap();
    // CBC of one block under an IV of zeros is the block cipher.
    let block = |block: [u8; 16]| -> [u8; 16] {
        use aes::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
        let mut blocks = [block.into()];
        cbc::Encryptor::<aes::Aes256>::new(&key.into(), &ZERO.into()).encrypt_blocks(&mut blocks);
        blocks[0].into()
    };
    let (ciphertext, expected) = sealed.split_at(text.len());
    assert_eq!(tag(block(ZERO), block(counter_block(&iv, 1)), ciphertext), expected);
}
