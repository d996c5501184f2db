//! Tests encryption, decryption and key wrapping against other implementations, and the errors of invalid input.

use strongroom::model::algorithm::{AesMode, Cipher, Hash, RsaPadding};
use strongroom::model::import::ImportMaterial;
use strongroom::model::{Error, Field};
use strongroom::token::{Feature, Support, Token};
use zeroize::Zeroizing;

use crate::fixture::{Bench, WRAPPABLE, id, oct, rsa, software_public, spec};

const KEY: [u8; 32] = *b"\x60\x3d\xeb\x10\x15\xca\x71\xbe\x2b\x73\xae\xf0\x85\x7d\x77\x81\
    \x1f\x35\x2c\x07\x3b\x61\x08\xd7\x2d\x98\x10\xa3\x09\x14\xdf\xf4";

async fn open_with_imported_keys(bench: &Bench) -> Token {
    let token = bench.open();
    for (number, length) in [(16, 16), (24, 24), (32, 32)] {
        let material = ImportMaterial::Oct { k: KEY[..length].to_vec() };
        token.import(id(number), material, WRAPPABLE).await.unwrap();
    }
    token
}

fn secret(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(bytes.to_vec())
}

#[tokio::test]
async fn gcm_matches_rustcrypto_and_rejects_modified_input() {
    use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
    let bench = Bench::new();
    let token = open_with_imported_keys(&bench).await;
    let gcm = |bits| Cipher::Aes(AesMode::Gcm, bits);
    let long = vec![0x5a; 256 * 1024];
    for (plaintext, aad) in
        [(&b"attack at dawn"[..], &b"header"[..]), (b"", b""), (b"", b"header"), (&long, b"")]
    {
        let sealed =
            token.encrypt(id(32), AesMode::Gcm, None, aad.to_vec(), secret(plaintext)).await.unwrap();
        assert_eq!((sealed.iv.len(), sealed.tag.len()), (12, 16));
        let joined = [&sealed.ciphertext[..], &sealed.tag].concat();
        let software = aes_gcm::Aes256Gcm::new(&KEY.into());
        let iv = <[u8; 12]>::try_from(&sealed.iv[..]).unwrap();
        let opened = software.decrypt(&iv.into(), Payload { msg: &joined, aad }).unwrap();
        assert_eq!(opened, plaintext);
        let decrypt = |ciphertext: &[u8], iv: &[u8], tag: &[u8], aad: &[u8]| {
            token.decrypt(id(32), gcm(256), ciphertext.to_vec(), iv.to_vec(), tag.to_vec(), aad.to_vec())
        };
        let opened = decrypt(&sealed.ciphertext, &sealed.iv, &sealed.tag, aad).await.unwrap();
        assert_eq!(*opened, plaintext);

        let flip_bits = |bytes: &[u8]| bytes.iter().map(|byte| byte ^ 1).collect::<Vec<_>>();
        let tag = flip_bits(&sealed.tag);
        let iv = flip_bits(&sealed.iv);
        for answer in [
            decrypt(&sealed.ciphertext, &sealed.iv, &tag, aad).await,
            decrypt(&sealed.ciphertext, &iv, &sealed.tag, aad).await,
            decrypt(&sealed.ciphertext, &sealed.iv, &sealed.tag, b"other").await,
            decrypt(b"something else", &sealed.iv, &sealed.tag, aad).await,
        ] {
            assert_eq!(answer, Err(Error::DecryptionFailed));
        }
        // Input that is no valid GCM ciphertext is rejected before it reaches the token.
        assert!(matches!(
            decrypt(&sealed.ciphertext, b"", &sealed.tag, aad).await,
            Err(Error::Invalid { field: Field::Iv, .. })
        ));
    }
    let first = token.encrypt(id(32), AesMode::Gcm, None, vec![], secret(b"x")).await.unwrap();
    let second = token.encrypt(id(32), AesMode::Gcm, None, vec![], secret(b"x")).await.unwrap();
    assert_ne!(first.iv, second.iv);
    let answer = token.encrypt(id(32), AesMode::Gcm, Some(vec![0; 12]), vec![], secret(b"")).await;
    assert!(matches!(answer, Err(Error::Invalid { field: Field::Iv, .. })));
}

#[tokio::test]
async fn cbc_matches_rustcrypto() {
    use aes::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
    let bench = Bench::new();
    let token = open_with_imported_keys(&bench).await;
    let iv = [7_u8; 16];
    macro_rules! check {
        ($aes:ty, $length:literal) => {{
            let key = <[u8; $length]>::try_from(&KEY[..$length]).unwrap();
            let software = |plaintext: &[u8]| {
                let mut encryptor = cbc::Encryptor::<$aes>::new(&key.into(), &iv.into());
                let mut blocks: Vec<_> =
                    plaintext.chunks(16).map(|block| <[u8; 16]>::try_from(block).unwrap().into()).collect();
                encryptor.encrypt_blocks(&mut blocks);
                blocks.concat()
            };
            for plaintext in [&b""[..], b"short", &[1; 16], &[2; 100]] {
                // PKCS#7 padding: each byte has the number of padding bytes as its value.
                let missing = 16 - plaintext.len() % 16;
                let padded = [plaintext, &vec![u8::try_from(missing).unwrap(); missing]].concat();
                let expected = software(&padded);
                check_cbc(&token, $length, AesMode::CbcPad, iv, plaintext, &expected).await;
            }
            check_cbc(&token, $length, AesMode::Cbc, iv, &[3; 64], &software(&[3; 64])).await;
        }};
    }
    check!(aes::Aes128, 16);
    check!(aes::Aes192, 24);
    check!(aes::Aes256, 32);

    for wrong in [&b"15 bytes, alas!"[..], b""] {
        let answer = token.encrypt(id(16), AesMode::Cbc, Some(iv.to_vec()), vec![], secret(wrong)).await;
        assert!(matches!(answer, Err(Error::Invalid { field: Field::Plaintext, .. })));
    }
    for wrong in [None, Some(vec![0; 12])] {
        let answer = token.encrypt(id(16), AesMode::Cbc, wrong, vec![], secret(&[0; 16])).await;
        assert!(matches!(answer, Err(Error::Invalid { field: Field::Iv, .. })));
    }
    let padded = Cipher::Aes(AesMode::CbcPad, 128);
    for wrong in [vec![], vec![9; 15], vec![9; 32]] {
        let answer = token.decrypt(id(16), padded, wrong, iv.to_vec(), vec![], vec![]).await;
        assert_eq!(answer, Err(Error::DecryptionFailed));
    }
    token.health().await.unwrap();
}

async fn check_cbc(token: &Token, key: u128, mode: AesMode, iv: [u8; 16], plaintext: &[u8], expected: &[u8]) {
    let sealed = token.encrypt(id(key), mode, Some(iv.to_vec()), vec![], secret(plaintext)).await.unwrap();
    assert_eq!(sealed.ciphertext, expected, "{mode:?} {key}");
    assert!(sealed.tag.is_empty());
    let bits = u16::try_from(key * 8).unwrap();
    let cipher = Cipher::Aes(mode, bits);
    let opened = token.decrypt(id(key), cipher, sealed.ciphertext, sealed.iv, vec![], vec![]).await;
    assert_eq!(*opened.unwrap(), plaintext);
}

#[tokio::test]
async fn key_wrap_matches_rustcrypto_and_rejects_modified_input() {
    use aes_kw::KeyInit as _;
    let bench = Bench::new();
    let token = open_with_imported_keys(&bench).await;
    for length in [16, 24, 32, 64, 2048] {
        let key: Vec<u8> = (0..length).map(|index: usize| index.to_le_bytes()[0]).collect();
        let wrapped = token.wrap(id(32), secret(&key)).await.unwrap();
        let mut expected = vec![0; length + 8];
        aes_kw::AesKw::<aes::Aes256>::new(&KEY.into()).wrap_key(&key, &mut expected).unwrap();
        assert_eq!(wrapped, expected, "{length}");
        assert_eq!(*token.unwrap(id(32), wrapped.clone()).await.unwrap(), key);
        let mut changed = wrapped.clone();
        changed[length / 2] ^= 0x40;
        for wrong in [changed, wrapped[..length].to_vec(), wrapped[1..].to_vec(), vec![]] {
            assert_eq!(token.unwrap(id(32), wrong).await, Err(Error::DecryptionFailed));
        }
        assert_eq!(token.unwrap(id(16), wrapped).await, Err(Error::DecryptionFailed));
    }
    for wrong in [0, 8, 15, 17, 31] {
        let answer = token.wrap(id(32), secret(&vec![1; wrong])).await;
        assert!(matches!(answer, Err(Error::Invalid { field: Field::Key, .. })), "{wrong}");
    }
    // The session remains usable after an error.
    let wrapped = token.wrap(id(16), secret(&[5; 16])).await.unwrap();
    assert_eq!(*token.unwrap(id(16), wrapped).await.unwrap(), [5; 16]);
}

#[tokio::test]
async fn decrypts_rsa_ciphertexts_made_in_software() {
    let bench = Bench::new();
    let token = bench.open();
    let public = token.generate(id(1), &spec(rsa(2048)), WRAPPABLE).await.unwrap();
    let key = software_public(&public);
    let mut random = rand::thread_rng();
    let open = |padding, ciphertext: Vec<u8>| {
        token.decrypt(id(1), Cipher::Rsa(padding), ciphertext, vec![], vec![], vec![])
    };
    for length in [0, 1, 32, 190] {
        let message = vec![0xa7; length];
        let ciphertext = key.encrypt(&mut random, rsa::Oaep::new::<rsa::sha2::Sha256>(), &message).unwrap();
        assert_eq!(*open(RsaPadding::Oaep(Hash::Sha256), ciphertext).await.unwrap(), message);
        let ciphertext = key.encrypt(&mut random, rsa::Pkcs1v15Encrypt, &message).unwrap();
        assert_eq!(*open(RsaPadding::Pkcs1, ciphertext).await.unwrap(), message);
        let ciphertext = encrypt_oaep_sha1(&public, &message);
        assert_eq!(*open(RsaPadding::Oaep(Hash::Sha1), ciphertext).await.unwrap(), message);
    }
}

#[tokio::test]
async fn invalid_rsa_ciphertexts_return_the_same_error() {
    let bench = Bench::new();
    let token = bench.open();
    let public = token.generate(id(1), &spec(rsa(2048)), WRAPPABLE).await.unwrap();
    let key = software_public(&public);
    let mut random = rand::thread_rng();
    let oaep = key.encrypt(&mut random, rsa::Oaep::new::<rsa::sha2::Sha256>(), b"a key").unwrap();
    let pkcs1 = key.encrypt(&mut random, rsa::Pkcs1v15Encrypt, b"a key").unwrap();
    let mut wrong = vec![
        vec![],
        vec![0; 256],
        vec![0xff; 256],
        oaep[..255].to_vec(),
        [&oaep[..], &[0]].concat(),
        pkcs1.clone(),
        encrypt_oaep_sha1(&public, b"a key"),
    ];
    for bit in (0..2048).step_by(128) {
        let mut changed = oaep.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        wrong.push(changed);
    }
    for ciphertext in wrong {
        let cipher = Cipher::Rsa(RsaPadding::Oaep(Hash::Sha256));
        let answer = token.decrypt(id(1), cipher, ciphertext, vec![], vec![], vec![]).await;
        assert_eq!(answer, Err(Error::DecryptionFailed));
    }
    for padding in [RsaPadding::Pkcs1, RsaPadding::Oaep(Hash::Sha1)] {
        for ciphertext in [oaep.clone(), vec![0; 256], vec![0xff; 256], vec![1; 10]] {
            let answer = token.decrypt(id(1), Cipher::Rsa(padding), ciphertext, vec![], vec![], vec![]).await;
            assert_eq!(answer, Err(Error::DecryptionFailed), "{padding:?}");
        }
    }
}

#[tokio::test]
async fn softhsm_capabilities_match_expectation() {
    let bench = Bench::new();
    let token = bench.open();
    let capabilities = token.capabilities();
    for (feature, support) in [
        (Feature::Aes, Support::Native),
        (Feature::AesGcm, Support::Native),
        (Feature::AesKeyWrap, Support::Assisted),
        (Feature::AllowedMechanisms, Support::Native),
        (Feature::EcP256K, Support::Native),
        (Feature::EcP521, Support::Native),
        (Feature::HmacSha256, Support::Assisted),
        (Feature::HmacSha512, Support::Assisted),
        (Feature::HmacCompanion, Support::Native),
        (Feature::HmacCompanionPadded, Support::Native),
        (Feature::Rsa, Support::Native),
        (Feature::RsaOaep, Support::Native),
        (Feature::RsaOaep256, Support::Assisted),
        (Feature::RsaPkcs1Decrypt, Support::Assisted),
        (Feature::RsaPss, Support::Native),
        (Feature::SessionCopies, Support::Native),
    ] {
        assert_eq!(capabilities.of(feature), support, "{feature:?}");
    }
}

#[tokio::test]
async fn random_returns_requested_number_of_bytes() {
    let bench = Bench::new();
    let token = bench.open();
    for count in [1, 32, 128 * 1024] {
        assert_eq!(token.random(count).await.unwrap().len(), count);
    }
    assert_ne!(token.random(32).await.unwrap(), token.random(32).await.unwrap());
    token.generate(id(1), &spec(oct(256)), WRAPPABLE).await.unwrap();
}

fn encrypt_oaep_sha1(public: &strongroom::model::key::PublicMaterial, message: &[u8]) -> Vec<u8> {
    use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicKeyComponents};
    let strongroom::model::key::PublicMaterial::Rsa { n, e } = public else { panic!("not an RSA key") };
    let key = OaepPublicEncryptingKey::new(PublicKeyComponents { n, e }.try_into().unwrap()).unwrap();
    let mut ciphertext = vec![0; n.len()];
    key.encrypt(&OAEP_SHA1_MGF1SHA1, message, &mut ciphertext, None).unwrap();
    ciphertext
}
