//! Tests the lifecycle of tokens and objects, including restarts and damaged files.

use std::time::Duration;

use strongroom::model::algorithm::{AesMode, Cipher, SignatureAlgorithm as Alg};
use strongroom::model::key::Curve;
use strongroom::model::{Error, Field};
use strongroom::token::{Profile, Selector, Settings};
use zeroize::Zeroizing;

use crate::fixture::{
    Bench, LoadedModule, WRAPPABLE, digest, ec, id, load, oct, pin, rsa, so_pin, spec, verifies,
};

const MESSAGE: &[u8] = b"to be signed";

#[tokio::test]
async fn destroy_removes_all_objects_and_is_idempotent() {
    let bench = Bench::new();
    let token = bench.open();
    for (number, key_type) in [(1, ec(Curve::P256)), (2, oct(256)), (3, oct(128))] {
        token.generate(id(number), &spec(key_type), WRAPPABLE).await.unwrap();
    }
    // Often enough for session objects to be cached, which must be destroyed with the token objects.
    let sign = |number| token.sign(id(number), ec(Curve::P256), Alg::Es256, vec![1; 32]);
    let mac = |number| token.sign(id(number), oct(256), Alg::Hs256, vec![1; 32]);
    for _ in 0..20 {
        sign(1).await.unwrap();
        mac(2).await.unwrap();
    }
    assert_eq!(token.holds(vec![id(1), id(2), id(3), id(4)]).await.unwrap(), [true, true, true, false]);
    token.destroy(&[id(1), id(2), id(4)]).await.unwrap();
    assert_eq!(token.holds(vec![id(1), id(2), id(3)]).await.unwrap(), [false, false, true]);
    assert_eq!(sign(1).await, Err(Error::KeyMaterialMissing { version: id(1) }));
    assert_eq!(mac(2).await, Err(Error::KeyMaterialMissing { version: id(2) }));
    token.destroy(&[id(1), id(2), id(4)]).await.unwrap();
    token.destroy(&[id(3)]).await.unwrap();

    let bench = bench.restart(token).await;
    let report = bench.module.examine(&Selector::Label("bench".to_owned()), &pin()).unwrap();
    assert_eq!((report.keys, report.foreign, report.without_attributes), (0, 0, 0), "{report}");
}

#[tokio::test]
async fn keys_are_usable_after_restart() {
    let bench = Bench::new();
    let token = bench.open();
    let rsa_public = token.generate(id(1), &spec(rsa(2048)), WRAPPABLE).await.unwrap();
    let ec_public = token.generate(id(2), &spec(ec(Curve::P384)), WRAPPABLE).await.unwrap();
    token.generate(id(3), &spec(oct(256)), WRAPPABLE).await.unwrap();
    let mac = token.sign(id(3), oct(256), Alg::Hs256, vec![1; 32]).await.unwrap();
    let plaintext = Zeroizing::new(b"kept".to_vec());
    let sealed = token.encrypt(id(3), AesMode::Gcm, None, vec![], plaintext).await.unwrap();

    let bench = bench.restart(token).await;
    let token = bench.open_with(&Settings { expect_sentinel: true, faults: None });
    assert_eq!(token.holds(vec![id(1), id(2), id(3)]).await.unwrap(), [true; 3]);
    assert_eq!(token.rsa_public_key(id(1)).await.as_ref(), Ok(&rsa_public));
    assert!(token.rsa_public_key(id(2)).await.is_err());
    assert_eq!(token.rsa_public_key(id(9)).await, Err(Error::KeyMaterialMissing { version: id(9) }));
    for (number, key_type, algorithm, public) in
        [(1, rsa(2048), Alg::Rs256, rsa_public), (2, ec(Curve::P384), Alg::Es384, ec_public)]
    {
        let digest = digest(algorithm.hash(), MESSAGE);
        let signature = token.sign(id(number), key_type, algorithm, digest).await.unwrap();
        assert!(verifies(&public, algorithm, MESSAGE, &signature));
    }
    assert_eq!(token.sign(id(3), oct(256), Alg::Hs256, vec![1; 32]).await.unwrap(), mac);
    let cipher = Cipher::Aes(AesMode::Gcm, 256);
    let opened = token.decrypt(id(3), cipher, sealed.ciphertext, sealed.iv, sealed.tag, vec![]).await;
    assert_eq!(*opened.unwrap(), b"kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_generate_sign_destroy_leaves_no_object() {
    let bench = Bench::new();
    let token = bench.open();
    let tasks: Vec<_> = (0..8)
        .map(|task: u128| {
            let token = token.clone();
            tokio::spawn(async move {
                for round in 0..25 {
                    let object = id(1 + task * 1000 + round);
                    let key_type = if round % 3 == 0 { oct(256) } else { ec(Curve::P256) };
                    token.generate(object, &spec(key_type), WRAPPABLE).await.unwrap();
                    for _ in 0..12 {
                        let algorithm = if round % 3 == 0 { Alg::Hs256 } else { Alg::Es256 };
                        token.sign(object, key_type, algorithm, vec![7; 32]).await.unwrap();
                    }
                    token.destroy(&[object]).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let bench = bench.restart(token).await;
    let report = bench.module.examine(&Selector::Label("bench".to_owned()), &pin()).unwrap();
    assert_eq!((report.keys, report.foreign, report.without_attributes), (0, 0, 0), "{report}");
}

#[tokio::test]
async fn session_object_cache_evicts_beyond_its_limit() {
    let bench = Bench::with_profile(|profile| profile.session_copies = 2);
    let token = bench.open();
    for number in 0..5 {
        token.generate(id(number), &spec(ec(Curve::P256)), WRAPPABLE).await.unwrap();
    }
    let sign = |number| token.sign(id(number), ec(Curve::P256), Alg::Es256, vec![7; 32]);
    for _ in 0..4 {
        for number in 0..5 {
            for _ in 0..10 {
                sign(number).await.unwrap();
            }
        }
    }
    // Without the files of the token, only the keys that were used last can be used: their copies are in memory.
    let tokens = bench.data_dir.path().join("tokens");
    std::fs::rename(&tokens, bench.data_dir.path().join("elsewhere")).unwrap();
    for (number, is_cached) in [(4, true), (3, true), (2, false)] {
        assert_eq!(sign(number).await.is_ok(), is_cached, "key {number}");
    }
}

#[tokio::test]
async fn truncated_token_object_is_restored() {
    let bench = Bench::new();
    let token = bench.open();
    token.generate(id(1), &spec(ec(Curve::P256)), WRAPPABLE).await.unwrap();
    assert!(token.drain(Duration::from_secs(10)).await);
    let Bench { directory, module, info, data_dir } = bench;
    module.clone().finalize().unwrap();

    let tokens = data_dir.path().join("tokens");
    let record = std::fs::read_dir(&tokens).unwrap().next().unwrap().unwrap().path().join("token.object");
    std::fs::write(&record, b"").unwrap();

    let module = LoadedModule(load(&directory, Profile::named("softhsm").unwrap()));
    let token = module.open(&Selector::Serial(info.serial), &pin(), &Settings::default()).unwrap();
    assert_eq!(token.holds(vec![id(1)]).await.unwrap(), [true]);
}

#[tokio::test]
async fn missing_token_directory_is_token_unavailable() {
    let bench = Bench::with_profile(|profile| profile.session_copies = 0);
    let token = bench.open();
    token.generate(id(1), &spec(ec(Curve::P256)), WRAPPABLE).await.unwrap();
    let tokens = bench.data_dir.path().join("tokens");
    std::fs::rename(&tokens, bench.data_dir.path().join("elsewhere")).unwrap();

    let sign = token.sign(id(1), ec(Curve::P256), Alg::Es256, vec![1; 32]).await;
    assert!(matches!(sign, Err(Error::TokenUnavailable { .. })), "{sign:?}");
    let destroy = token.destroy(&[id(1)]).await;
    assert!(matches!(destroy, Err(Error::TokenUnavailable { .. })), "{destroy:?}");
    let holds = token.holds(vec![id(1)]).await;
    assert!(matches!(holds, Err(Error::TokenUnavailable { .. })), "{holds:?}");
    assert!(token.health().await.is_err());
}

#[tokio::test]
async fn missing_sentinel_is_refused_if_expected() {
    let bench = Bench::new();
    let select = Selector::Serial(bench.info.serial.clone());
    let expecting = Settings { expect_sentinel: true, faults: None };
    let answer = bench.module.open(&select, &pin(), &expecting).map(drop);
    assert!(matches!(answer, Err(Error::TokenUnavailable { .. })), "{answer:?}");
    let report = bench.module.examine(&select, &pin()).unwrap();
    assert!(!report.opened_before);
    bench.open().health().await.unwrap();
}

#[tokio::test]
async fn tokens_are_provisioned_and_selected_by_label_or_serial() {
    let bench = Bench::new();
    let second = bench.module.provision("second", &so_pin(), &pin()).unwrap();
    assert_eq!((second.label.as_str(), second.has_user_pin), ("second", true));
    assert_ne!(second.serial, bench.info.serial);
    let labels: Vec<_> = bench.module.tokens().unwrap().into_iter().map(|token| token.label).collect();
    assert!(labels.contains(&"bench".to_owned()) && labels.contains(&"second".to_owned()), "{labels:?}");
    let again = bench.module.provision("second", &so_pin(), &pin());
    assert!(matches!(again, Err(Error::Invalid { field: Field::Label, .. })));

    let first = bench.open();
    let other =
        bench.module.open(&Selector::Label("second".to_owned()), &pin(), &Settings::default()).unwrap();
    // Two tokens of one module share no objects.
    first.generate(id(1), &spec(oct(256)), WRAPPABLE).await.unwrap();
    assert_eq!(other.holds(vec![id(1)]).await.unwrap(), [false]);
    let missing = bench.module.open(&Selector::Label("third".to_owned()), &pin(), &Settings::default());
    assert!(matches!(missing.map(drop), Err(Error::TokenUnavailable { .. })));
    // A token can be opened only once, but its handle can be cloned.
    let twice = bench.module.open(&Selector::Label("second".to_owned()), &pin(), &Settings::default());
    assert!(twice.is_err());
}

#[tokio::test]
async fn rejects_wrong_pin() {
    let bench = Bench::new();
    let select = Selector::Serial(bench.info.serial.clone());
    let wrong = secrecy::SecretString::from("0000");
    let answer = bench.module.open(&select, &wrong, &Settings::default()).map(drop);
    let Err(Error::TokenUnavailable { why }) = answer else { panic!("{answer:?}") };
    assert!(why.contains("CKR_PIN_INCORRECT") && !why.contains("0000"), "{why}");
    bench.open().health().await.unwrap();
}

#[tokio::test]
async fn incomplete_object_files_do_not_prevent_use() {
    let bench = Bench::new();
    let token = bench.open();
    token.generate(id(1), &spec(ec(Curve::P256)), WRAPPABLE).await.unwrap();
    let bench = bench.restart(token).await;
    let tokens = bench.data_dir.path().join("tokens");
    let directory = std::fs::read_dir(&tokens).unwrap().next().unwrap().unwrap().path();
    // An object file with only its generation counter, an empty one, and an invalid one.
    for (name, bytes) in [("a", &[0, 0, 0, 0, 0, 0, 0, 1][..]), ("b", b""), ("c", b"rubbish, and no object")]
    {
        std::fs::write(directory.join(format!("{name}.object")), bytes).unwrap();
    }
    let select = Selector::Label("bench".to_owned());
    let report = bench.module.examine(&select, &pin()).unwrap();
    assert_eq!((report.keys, report.foreign), (1, 0), "{report}");
    let token = bench.open();
    assert_eq!(token.holds(vec![id(1)]).await.unwrap(), [true]);
    token.sign(id(1), ec(Curve::P256), Alg::Es256, vec![1; 32]).await.unwrap();
    token.generate(id(2), &spec(oct(256)), WRAPPABLE).await.unwrap();
    token.destroy(&[id(1), id(2)]).await.unwrap();
}

/// A process that was killed while it created objects leaves them without lock files.
#[tokio::test]
async fn token_without_lock_files_is_repaired_and_can_be_wiped() {
    let bench = Bench::new();
    let token = bench.open();
    for number in 1..=3 {
        token.generate(id(number), &spec(oct(256)), WRAPPABLE).await.unwrap();
    }
    let tokens = std::fs::read_dir(bench.data_dir.path().join("tokens")).unwrap();
    let files = tokens.flat_map(|token| std::fs::read_dir(token.unwrap().path()).unwrap());
    let mut removed = 0;
    for path in files.map(|file| file.unwrap().path()) {
        if path.extension().is_some_and(|kind| kind == "lock") {
            std::fs::remove_file(path).unwrap();
            removed += 1;
        }
    }
    assert!(removed > 1, "{removed} lock files");
    assert!(token.drain(std::time::Duration::from_secs(10)).await);
    let select = Selector::Serial(bench.info.serial.clone());
    // The directory is repaired before each start of a worker process.
    let bench = if crate::PROCESSES {
        bench
    } else {
        let error = bench.module.wipe(&select, &so_pin(), "free").unwrap_err();
        assert!(
            matches!(error, Error::TokenFailed { function: "C_InitToken", .. }),
            "SoftHSM no longer fails, the workaround can be removed: {error}"
        );
        bench.restart(token).await
    };
    bench.module.wipe(&select, &so_pin(), "free").unwrap();
    let wiped = bench.module.find(&select).unwrap();
    assert_eq!((wiped.label.as_str(), wiped.has_user_pin), ("free", false));
}
