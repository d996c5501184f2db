//! Tests that keys of every type are wrapped in one token and unwrapped in another.

use strongroom::model::algorithm::{AesMode, SignatureAlgorithm as Alg};
use strongroom::model::import::ImportMaterial;
use strongroom::model::key::{Curve, KeyType, PublicMaterial};
use strongroom::model::wrapped_key::{BackupPolicy, WrappedKey};
use strongroom::model::{Error, Field};
use strongroom::token::{Feature, Support, Token};
use zeroize::Zeroizing;

use crate::fixture::{Bench, WRAPPABLE, digest, ec, id, oct, rsa, spec, verifies};

const MESSAGE: &[u8] = b"backed up";
const WRAPPING_KEY: u128 = 100;
const WRAPPING_KEY_BYTES: [u8; 32] = [0x42; 32];

async fn with_wrapping_key(bench: &Bench, number: u128, bytes: [u8; 32]) -> Token {
    let token = bench.open();
    token.import_wrapping_key(id(number), Zeroizing::new(bytes.to_vec())).await.unwrap();
    token
}

/// Wraps the key, destroys it, and unwraps it again.
async fn restore(token: &Token, number: u128, public: &PublicMaterial) -> WrappedKey {
    let wrapped = token.wrap_key(id(WRAPPING_KEY), id(number), public.key_type()).await.unwrap();
    token.destroy(&[id(number)]).await.unwrap();
    let again =
        token.unwrap_key(id(WRAPPING_KEY), id(number), public.clone(), wrapped.clone(), WRAPPABLE).await;
    again.unwrap();
    wrapped
}

#[tokio::test]
async fn restored_key_pairs_sign_as_before() {
    let bench = Bench::new();
    let token = with_wrapping_key(&bench, WRAPPING_KEY, WRAPPING_KEY_BYTES).await;
    let cases = [
        (rsa(2048), Alg::Ps256),
        (rsa(3072), Alg::Rs384),
        (ec(Curve::P256), Alg::Es256),
        (ec(Curve::P256K), Alg::Es256K),
        (ec(Curve::P384), Alg::Es384),
        (ec(Curve::P521), Alg::Es512),
    ];
    for (number, (key_type, algorithm)) in (1..).zip(cases) {
        let public = token.generate(id(number), &spec(key_type), WRAPPABLE).await.unwrap();
        restore(&token, number, &public).await;
        let digest = digest(algorithm.hash(), MESSAGE);
        let signature = token.sign(id(number), key_type, algorithm, digest).await.unwrap();
        assert!(verifies(&public, algorithm, MESSAGE, &signature), "{algorithm}");
    }
}

#[tokio::test]
async fn restored_aes_keys_decrypt_and_compute_macs_as_before() {
    let bench = Bench::new();
    let token = with_wrapping_key(&bench, WRAPPING_KEY, WRAPPING_KEY_BYTES).await;
    for (number, bits) in [(1, 128), (2, 192), (3, 256)] {
        let public = token.generate(id(number), &spec(oct(bits)), WRAPPABLE).await.unwrap();
        let plaintext = Zeroizing::new(MESSAGE.to_vec());
        let sealed = token.encrypt(id(number), AesMode::Gcm, None, Vec::new(), plaintext).await.unwrap();
        // SoftHSM computes no MACs with generated keys of 192 bits.
        let digest = digest(Alg::Hs512.hash(), MESSAGE);
        let mac = token.sign(id(number), oct(bits), Alg::Hs512, digest.clone()).await;
        assert_eq!(mac.is_ok(), bits != 192);
        // The second restored key is restored from a backup of the first.
        for _ in 0..2 {
            restore(&token, number, &public).await;
        }
        let cipher = strongroom::model::algorithm::Cipher::Aes(AesMode::Gcm, bits);
        let (ciphertext, iv, tag) = (sealed.ciphertext, sealed.iv, sealed.tag);
        let opened = token.decrypt(id(number), cipher, ciphertext, iv, tag, Vec::new()).await.unwrap();
        assert_eq!(opened.as_slice(), MESSAGE, "{bits}");
        assert_eq!(token.sign(id(number), oct(bits), Alg::Hs512, digest).await, mac, "{bits}");
    }
}

/// Software unwraps the value with the bytes of the wrapping key (RFC 5649), and finds the key that was imported.
#[tokio::test]
async fn wrapped_value_is_that_of_rfc_5649() {
    use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded as _};
    let bench = Bench::new();
    let token = with_wrapping_key(&bench, WRAPPING_KEY, WRAPPING_KEY_BYTES).await;
    let k: Vec<u8> = (1..=32).collect();
    token.import(id(1), ImportMaterial::Oct { k: k.clone() }, WRAPPABLE).await.unwrap();
    let wrapped = token.wrap_key(id(WRAPPING_KEY), id(1), oct(256)).await.unwrap();
    let wrapper = AesKek::new(&AES_256, &WRAPPING_KEY_BYTES).unwrap();
    let mut output = vec![0; wrapped.main.len()];
    assert_eq!(wrapper.unwrap_with_padding(&wrapped.main, &mut output).unwrap(), k);
}

#[tokio::test]
async fn keys_of_callers_and_domain_keys_do_not_wrap_each_other() {
    let bench = Bench::new();
    let token = with_wrapping_key(&bench, WRAPPING_KEY, WRAPPING_KEY_BYTES).await;
    token.generate_sealing_key(id(101)).await.unwrap();
    token.generate(id(1), &spec(oct(256)), WRAPPABLE).await.unwrap();
    token.generate(id(2), &spec(oct(256)), WRAPPABLE).await.unwrap();
    // A key of a caller has no CKA_WRAP.
    assert!(token.wrap_key(id(1), id(2), oct(256)).await.is_err());
    assert!(token.wrap_key(id(101), id(2), oct(256)).await.is_err());
    for domain_key in [WRAPPING_KEY, 101] {
        let result = token.wrap_key(id(WRAPPING_KEY), id(domain_key), oct(256)).await;
        assert_eq!(result, Err(Error::KeyNotWrappable { version: id(domain_key) }));
    }
    // The wrapping key neither encrypts nor decrypts: it would return what it wrapped in the clear.
    let plaintext = Zeroizing::new(MESSAGE.to_vec());
    assert!(token.encrypt(id(WRAPPING_KEY), AesMode::Gcm, None, Vec::new(), plaintext).await.is_err());
    assert!(token.wrap(id(WRAPPING_KEY), Zeroizing::new(vec![7; 32])).await.is_err());
}

#[tokio::test]
async fn key_created_with_policy_never_is_not_wrapped() {
    let bench = Bench::new();
    let token = with_wrapping_key(&bench, WRAPPING_KEY, WRAPPING_KEY_BYTES).await;
    let cases = [rsa(2048), ec(Curve::P256), oct(128), oct(256)];
    for (number, key_type) in (1..).zip(cases) {
        token.generate(id(number), &spec(key_type), BackupPolicy::Never).await.unwrap();
        let result = token.wrap_key(id(WRAPPING_KEY), id(number), key_type).await;
        assert_eq!(result, Err(Error::KeyNotWrappable { version: id(number) }), "{key_type}");
    }
    token.generate(id(9), &spec(oct(256)), WRAPPABLE).await.unwrap();
    let wrappable = token.wrappable(vec![id(1), id(9), id(77)]).await.unwrap();
    assert_eq!(wrappable, [false, true, false]);
}

#[tokio::test]
async fn rejects_material_that_is_not_that_of_the_key() {
    let bench = Bench::new();
    let token = with_wrapping_key(&bench, WRAPPING_KEY, WRAPPING_KEY_BYTES).await;
    let other_domain = [0x43; 32];
    token.import_wrapping_key(id(200), Zeroizing::new(other_domain.to_vec())).await.unwrap();
    token.generate(id(50), &spec(oct(256)), WRAPPABLE).await.unwrap();
    let aes = token.wrap_key(id(WRAPPING_KEY), id(50), oct(256)).await.unwrap();
    for (number, key_type) in [(1_u128, ec(Curve::P256)), (3, oct(192)), (5, rsa(2048))] {
        let [public, other] = [number, number + 1].map(|number| {
            let token = token.clone();
            async move { token.generate(id(number), &spec(key_type), WRAPPABLE).await.unwrap() }
        });
        let (public, _) = (public.await, other.await);
        let wrapped = token.wrap_key(id(WRAPPING_KEY), id(number), key_type).await.unwrap();
        let mut swapped = token.wrap_key(id(WRAPPING_KEY), id(number + 1), key_type).await.unwrap();
        // The known answers are those of the first key.
        swapped.secret.clone_from(&wrapped.secret);
        let mut modified = wrapped.clone();
        *modified.main.last_mut().unwrap() ^= 1;
        let mut truncated = wrapped.clone();
        truncated.main.truncate(8);
        // A key pair has no known answers, an AES key has.
        let mut other_answers = wrapped.clone();
        other_answers.secret = match key_type {
            KeyType::Oct { .. } => None,
            _ => aes.secret.clone(),
        };
        token.destroy(&[id(number)]).await.unwrap();
        for (what, material) in [
            ("swapped", swapped),
            ("modified", modified),
            ("truncated", truncated),
            ("answers", other_answers),
        ] {
            let result =
                token.unwrap_key(id(WRAPPING_KEY), id(number), public.clone(), material, WRAPPABLE).await;
            assert!(matches!(result, Err(Error::MalformedBackup { .. })), "{what} {key_type}: {result:?}");
        }
        let foreign = token.unwrap_key(id(200), id(number), public.clone(), wrapped.clone(), WRAPPABLE).await;
        assert!(matches!(foreign, Err(Error::MalformedBackup { .. })), "{key_type}: {foreign:?}");
        assert_eq!(token.holds(vec![id(number)]).await.unwrap(), [false], "{key_type}");
        let restored = token.unwrap_key(id(WRAPPING_KEY), id(number), public, wrapped, WRAPPABLE).await;
        restored.unwrap();
        // Every object in the token is one of these keys; the failed attempts left none.
        assert_eq!(token.holds(vec![id(number), id(number + 1)]).await.unwrap(), [true, true]);
    }
}

#[tokio::test]
async fn unwrapping_does_not_replace_an_existing_key() {
    let bench = Bench::new();
    let token = with_wrapping_key(&bench, WRAPPING_KEY, WRAPPING_KEY_BYTES).await;
    let public = token.generate(id(1), &spec(ec(Curve::P256)), WRAPPABLE).await.unwrap();
    let wrapped = token.wrap_key(id(WRAPPING_KEY), id(1), ec(Curve::P256)).await.unwrap();
    let result = token.unwrap_key(id(WRAPPING_KEY), id(1), public, wrapped, WRAPPABLE).await;
    assert!(matches!(result, Err(Error::Internal(_))), "{result:?}");
}

#[tokio::test]
async fn rejects_wrapping_key_of_wrong_length() {
    let bench = Bench::new();
    let token = bench.open();
    let result = token.import_wrapping_key(id(1), Zeroizing::new(vec![1; 16])).await;
    assert!(matches!(result, Err(Error::Invalid { field: Field::Key, .. })), "{result:?}");
}

#[tokio::test]
async fn softhsm_wraps_and_enforces_what_protects_keys() {
    let bench = Bench::new();
    let token = bench.open();
    for feature in [
        Feature::WrapSecretKeys,
        Feature::WrapRsaKeys,
        Feature::WrapEcKeys,
        Feature::UnextractableEnforced,
        Feature::WrapUsageEnforced,
    ] {
        assert_eq!(token.capabilities().of(feature), Support::Native, "{feature:?}");
    }
}
