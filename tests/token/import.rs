//! Tests the import of keys of every type, and that the token holds the imported values.

use hmac::{KeyInit as _, Mac as _};
use strongroom::model::algorithm::SignatureAlgorithm as Alg;
use strongroom::model::import::ImportMaterial;
use strongroom::model::key::{Curve, PublicMaterial};
use strongroom::model::{Error, Field};

use crate::fixture::{Bench, WRAPPABLE, digest, ec, id, oct, rsa, software_rsa, verifies};

const MESSAGE: &[u8] = b"imported";

#[tokio::test]
async fn imported_rsa_key_signs() {
    use rsa::traits::PublicKeyParts as _;
    let bench = Bench::new();
    let token = bench.open();
    let (key, material) = software_rsa(2048);
    token.import(id(1), material, WRAPPABLE).await.unwrap();
    let public = PublicMaterial::Rsa { n: key.n().to_bytes_be(), e: key.e().to_bytes_be() };
    for algorithm in [Alg::Rs256, Alg::Ps512] {
        let digest = digest(algorithm.hash(), MESSAGE);
        let signature = token.sign(id(1), rsa(2048), algorithm, digest).await.unwrap();
        assert!(verifies(&public, algorithm, MESSAGE, &signature));
    }
}

#[tokio::test]
async fn imported_ec_keys_sign_on_every_curve() {
    let bench = Bench::new();
    let token = bench.open();
    macro_rules! check {
        ($number:literal, $curve:ident, $name:ident, $algorithm:ident) => {{
            // A scalar with a leading zero byte.
            let mut scalar = vec![0x11; Curve::$name.field_len()];
            scalar[0] = 0;
            let key = $curve::ecdsa::SigningKey::from_slice(&scalar).unwrap();
            let point = key.verifying_key().to_sec1_point(false);
            let (x, y) = (point.x().unwrap().to_vec(), point.y().unwrap().to_vec());
            let material = ImportMaterial::Ec { crv: Curve::$name, x: x.clone(), y: y.clone(), d: scalar };
            token.import(id($number), material, WRAPPABLE).await.unwrap();
            let public = PublicMaterial::Ec { crv: Curve::$name, x, y };
            let digest = digest(Alg::$algorithm.hash(), MESSAGE);
            let signature = token.sign(id($number), ec(Curve::$name), Alg::$algorithm, digest).await.unwrap();
            assert!(verifies(&public, Alg::$algorithm, MESSAGE, &signature));
        }};
    }
    check!(1, p256, P256, Es256);
    check!(2, k256, P256K, Es256K);
    check!(3, p384, P384, Es384);
    check!(4, p521, P521, Es512);
}

#[tokio::test]
async fn hmac_companion_of_imported_key_has_same_value() {
    let bench = Bench::new();
    let token = bench.open();
    for (number, length) in [(1, 16), (2, 24), (3, 32)] {
        let k: Vec<u8> = (1..=length).collect();
        token.import(id(number), ImportMaterial::Oct { k: k.clone() }, WRAPPABLE).await.unwrap();
        let bits = u16::from(length) * 8;
        macro_rules! check {
            ($algorithm:ident, $hash:ty) => {{
                let digest = digest(Alg::$algorithm.hash(), MESSAGE);
                let mut software = hmac::Hmac::<$hash>::new_from_slice(&k).unwrap();
                software.update(&digest);
                let mac = token.sign(id(number), oct(bits), Alg::$algorithm, digest).await.unwrap();
                assert_eq!(mac, software.finalize().into_bytes().to_vec(), "{} {bits}", Alg::$algorithm);
            }};
        }
        check!(Hs256, sha2::Sha256);
        check!(Hs384, sha2::Sha384);
        check!(Hs512, sha2::Sha512);
    }
}

#[tokio::test]
async fn rejects_mismatched_key_pair_and_leaves_no_object() {
    let bench = Bench::new();
    let token = bench.open();
    let key = p256::ecdsa::SigningKey::from_slice(&[0x22; 32]).unwrap();
    let point = key.verifying_key().to_sec1_point(false);
    let material = ImportMaterial::Ec {
        crv: Curve::P256,
        x: point.x().unwrap().to_vec(),
        y: point.y().unwrap().to_vec(),
        d: vec![0x33; 32],
    };
    let answer = token.import(id(1), material, WRAPPABLE).await;
    assert!(matches!(answer, Err(Error::Invalid { field: Field::Key, .. })), "{answer:?}");
    assert_eq!(token.holds(vec![id(1)]).await.unwrap(), [false]);
}

#[tokio::test]
async fn rejects_duplicate_cka_id() {
    let bench = Bench::new();
    let token = bench.open();
    let material = || ImportMaterial::Oct { k: vec![1; 32] };
    token.import(id(1), material(), WRAPPABLE).await.unwrap();
    assert!(matches!(token.import(id(1), material(), WRAPPABLE).await, Err(Error::Internal(_))));
    let spec = crate::fixture::spec(ec(Curve::P256));
    assert!(matches!(token.generate(id(1), &spec, WRAPPABLE).await, Err(Error::Internal(_))));
}
