//! The types of keys that vaults have: created, imported, and used with every algorithm.

use strongroom::api::grpc::pb;
use tonic::Code;

use super::{VAULT, assert_signs, create, create_request, import, key, live_names, start};
use crate::calls::{decrypt, decrypt_request, encrypt, invalid_field, refusal, sign, unwrap, verify, wrap};
use crate::hsms::Container;
use crate::roles::support::assert_grpc_error;
use crate::software::ec_key::EcKey;
use crate::software::rsa_key::{self, RsaKey};
use crate::software::symmetric;
use crate::software::{CURVES, RSA_ENCRYPTIONS, RSA_SIGNATURES, digest, verifies};
use crate::{calls, vaults};

const OF_RSA: [&str; 6] = ["encrypt", "decrypt", "sign", "verify", "wrapKey", "unwrapKey"];

#[tokio::test]
async fn created_and_imported_keys_have_the_protection_that_was_asked_for() {
    let (mut server, mut dev) = start().await;
    let mut made = Vec::new();
    for kty in ["RSA", "RSA-HSM", "EC", "EC-HSM"] {
        let name = format!("made-{kty}");
        let bundle = create(&mut dev, VAULT, &name, kty).await.unwrap();
        let operations = if kty.starts_with("RSA") { &OF_RSA[..] } else { &["sign", "verify"] };
        assert_eq!(bundle.kty, kty);
        assert_eq!(bundle.key_ops, operations, "{kty}");
        assert_eq!((bundle.recovery_level.as_str(), bundle.recoverable_days), ("Recoverable+Purgeable", 90));
        made.push((name, bundle));
    }
    for kty in ["RSA", "RSA-HSM"] {
        let name = format!("imported-{kty}");
        let material = RsaKey::of_2048_bits().material();
        let bundle = import(&mut dev, VAULT, &name, kty, material.clone()).await.unwrap();
        assert_eq!((&bundle.kty, &bundle.key.as_ref().unwrap().n), (&kty.to_owned(), &material.n));
        made.push((name, bundle));
    }
    for kty in ["EC", "EC-HSM"] {
        let name = format!("imported-{kty}");
        let material = EcKey::new("P-256", 7).material();
        let bundle = import(&mut dev, VAULT, &name, kty, material.clone()).await.unwrap();
        assert_eq!((&bundle.kty, &bundle.key.as_ref().unwrap().x), (&kty.to_owned(), &material.x));
        made.push((name, bundle));
    }
    for restarted in [false, true] {
        if restarted {
            server.restart();
            dev = super::client(&server, "dev").await;
        }
        for (name, bundle) in &made {
            assert_eq!(&super::get(&mut dev, &key(name)).await.unwrap(), bundle);
            assert_signs(&mut dev, &key(name), bundle).await;
        }
    }
}

#[tokio::test]
async fn standard_vault_refuses_keys_protected_by_hardware() {
    let (server, mut dev) = start().await;
    let container = Container::of(&server);
    let tenant = server.connection().tenant_id;
    let policy = vaults::policy(&tenant, &server.principal("dev").object_id, &["all"]);
    let request = container.vault_request_with("plain", |vault| {
        vault.rbac_authorization = Some(false);
        vault.access_policies = vec![policy];
    });
    let vault = vaults::create(&mut dev, request).await.unwrap();
    assert_eq!(vault.sku.as_deref(), Some("standard"));
    let rsa = RsaKey::of_2048_bits().material();
    let ec = EcKey::new("P-384", 5).material();
    for kty in ["RSA-HSM", "EC-HSM"] {
        assert_eq!(invalid_field(create(&mut dev, "vaults/plain", "k", kty).await), "kty", "{kty}");
    }
    assert_eq!(invalid_field(import(&mut dev, "vaults/plain", "k", "RSA-HSM", rsa.clone()).await), "key.kty");
    assert_eq!(invalid_field(import(&mut dev, "vaults/plain", "k", "EC-HSM", ec.clone()).await), "key.kty");
    assert!(live_names(&mut dev, "vaults/plain").await.is_empty());
    for (name, kty) in [("rsa", "RSA"), ("ec", "EC")] {
        assert_eq!(create(&mut dev, "vaults/plain", name, kty).await.unwrap().kty, kty);
    }
    assert_eq!(import(&mut dev, "vaults/plain", "ec", "EC", ec.clone()).await.unwrap().kty, "EC");
    // The SKU can change.
    let premium =
        pb::Vault { name: container.vault("plain"), sku: Some("premium".to_owned()), ..Default::default() };
    let update_mask = Some(prost_types::FieldMask { paths: vec!["sku".to_owned()] });
    dev.vaults.update_vault(pb::UpdateVaultRequest { vault: Some(premium), update_mask }).await.unwrap();
    assert_eq!(create(&mut dev, "vaults/plain", "rsa", "RSA-HSM").await.unwrap().kty, "RSA-HSM");
}

#[tokio::test]
async fn symmetric_and_exportable_keys_are_unavailable() {
    let (_server, mut dev) = start().await;
    for kty in ["oct", "oct-HSM"] {
        let refused = create(&mut dev, VAULT, "k", kty).await;
        assert_grpc_error(refused, Code::Unimplemented, "NOT_AVAILABLE");
        let refused = import(&mut dev, VAULT, "k", kty, symmetric::material(256)).await;
        assert_grpc_error(refused, Code::Unimplemented, "NOT_AVAILABLE");
    }
    let exportable = pb::KeyAttributes { exportable: Some(true), ..Default::default() };
    let request =
        pb::CreateKeyRequest { attributes: Some(exportable), ..create_request(VAULT, "k", "RSA-HSM") };
    assert_eq!(refusal(dev.keys.create_key(request).await).0, Code::Unimplemented);
    // A vault generates no random bytes.
    let random = pb::GenerateRandomBytesRequest { parent: VAULT.to_owned(), count: 8 };
    assert_ne!(refusal(dev.crypto.generate_random_bytes(random).await).0, Code::Internal);
    assert!(live_names(&mut dev, VAULT).await.is_empty());
}

#[tokio::test]
async fn rsa_operations_agree_with_another_implementation() {
    let (_server, mut dev) = start().await;
    let reference = RsaKey::of_2048_bits();
    for kty in ["RSA", "RSA-HSM"] {
        let made = import(&mut dev, VAULT, kty, kty, reference.material()).await.unwrap();
        let (name, public) = (key(kty), made.key.clone().unwrap());
        for algorithm in RSA_SIGNATURES {
            let digest = digest(algorithm, b"100.00 EUR");
            let signed = sign(&mut dev, &name, algorithm, &digest).await.unwrap();
            assert_eq!(signed.name, made.name);
            assert!(verifies(&public, algorithm, &digest, &signed.signature), "{algorithm}");
            let signature = reference.sign(algorithm, &digest);
            assert!(verify(&mut dev, &name, algorithm, &digest, &signature).await.unwrap().valid);
            let other = crate::software::flip(&signature, 9);
            assert!(!verify(&mut dev, &name, algorithm, &digest, &other).await.unwrap().valid);
        }
        for algorithm in RSA_ENCRYPTIONS {
            let sealed = encrypt(&mut dev, &name, algorithm, b"plain", (b"", b"")).await.unwrap();
            assert_eq!(reference.decrypt(algorithm, &sealed.ciphertext), b"plain", "{algorithm}");
            let ciphertext = rsa_key::encrypt(&public, algorithm, b"plain");
            let request = decrypt_request(pb::EncryptResponse { ciphertext: ciphertext.clone(), ..sealed });
            assert_eq!(decrypt(&mut dev, &request).await.unwrap().plaintext, b"plain");
            let wrapped = wrap(&mut dev, &name, algorithm, &[9; 32]).await.unwrap();
            assert_eq!(reference.decrypt(algorithm, &wrapped.wrapped_key), [9; 32], "{algorithm}");
            assert_eq!(unwrap(&mut dev, &name, algorithm, &ciphertext).await.unwrap().key, b"plain");
            let damaged = crate::software::flip(&ciphertext, 11);
            if algorithm != "RSA1_5" {
                calls::assert_decryption_failed(
                    unwrap(&mut dev, &name, algorithm, &damaged).await,
                    algorithm,
                );
            }
        }
    }
}

#[tokio::test]
async fn ec_operations_agree_with_another_implementation() {
    let (_server, mut dev) = start().await;
    for (curve, algorithm, _) in CURVES {
        let reference = EcKey::new(curve, 3);
        for kty in ["EC", "EC-HSM"] {
            let name = format!("{kty}-{curve}");
            let digest = digest(algorithm, curve.as_bytes());
            let imported = import(&mut dev, VAULT, &name, kty, reference.material()).await.unwrap();
            let signature = reference.sign(&digest);
            let verified = verify(&mut dev, &key(&name), algorithm, &digest, &signature).await.unwrap();
            assert!(verified.valid && verified.name == imported.name, "{name}");
            // A later version has another key.
            let crv = Some(curve.to_owned());
            let request = pb::CreateKeyRequest { crv, ..create_request(VAULT, &name, kty) };
            let made = dev.keys.create_key(request).await.unwrap().into_inner();
            for bundle in [&imported, &made] {
                let signed = sign(&mut dev, &bundle.name, algorithm, &digest).await.unwrap();
                assert_eq!(signed.name, bundle.name);
                assert!(verifies(bundle.key.as_ref().unwrap(), algorithm, &digest, &signed.signature));
            }
            let current = verify(&mut dev, &key(&name), algorithm, &digest, &signature).await.unwrap();
            assert!(!current.valid && current.name == made.name, "{name}");
        }
    }
}

#[tokio::test]
async fn state_and_operations_of_a_key_are_enforced() {
    let (_server, mut dev) = start().await;
    create(&mut dev, VAULT, "k", "EC").await.unwrap();
    for (state, reason) in calls::UNUSABLE {
        calls::set_state(&mut dev, &key("k"), state).await;
        let refused = refusal(sign(&mut dev, &key("k"), "ES256", &[7; 32]).await);
        assert_eq!(refused, calls::precondition(reason), "{state:?}");
    }
    calls::set_state(&mut dev, &key("k"), calls::State::Usable).await;
    calls::set_key_ops(&mut dev, &key("k"), &["verify"]).await;
    let refused = sign(&mut dev, &key("k"), "ES256", &[7; 32]).await;
    assert_eq!(refusal(refused).0, Code::FailedPrecondition);
    calls::set_key_ops(&mut dev, &key("k"), &["sign"]).await;
    sign(&mut dev, &key("k"), "ES256", &[7; 32]).await.unwrap();
    // Of the wrong type, or of the wrong length.
    for (algorithm, length) in [("RS256", 32), ("ES384", 48), ("ES256", 31)] {
        let refused = sign(&mut dev, &key("k"), algorithm, &vec![7; length]).await;
        assert_eq!(refusal(refused).0, Code::InvalidArgument, "{algorithm}");
    }
}
