//! Tests signatures and MACs, verified by independent implementations.

use strongroom::model::Error;
use strongroom::model::algorithm::SignatureAlgorithm as Alg;
use strongroom::model::key::{Curve, KeySpec, PublicMaterial};

use crate::fixture::{Bench, WRAPPABLE, digest, ec, id, oct, rsa, software_public, spec, verifies};

const MESSAGE: &[u8] = b"pay 100 to Alice";

#[tokio::test]
async fn rsa_signatures_verify_with_aws_lc() {
    let bench = Bench::new();
    let token = bench.open();
    let public = token.generate(id(1), &spec(rsa(2048)), WRAPPABLE).await.unwrap();
    assert_eq!(public.key_type(), rsa(2048));
    for algorithm in [Alg::Rs256, Alg::Rs384, Alg::Rs512, Alg::Ps256, Alg::Ps384, Alg::Ps512] {
        let digest = digest(algorithm.hash(), MESSAGE);
        let signature = token.sign(id(1), rsa(2048), algorithm, digest).await.unwrap();
        assert!(verifies(&public, algorithm, MESSAGE, &signature), "{algorithm}");
        assert!(!verifies(&public, algorithm, b"pay 999 to Mallory", &signature), "{algorithm}");
    }
    // RSNULL pads the input without a DigestInfo.
    let signature = token.sign(id(1), rsa(2048), Alg::RsNull, MESSAGE.to_vec()).await.unwrap();
    let verifier = rsa::Pkcs1v15Sign::new_unprefixed();
    software_public(&public).verify(verifier, MESSAGE, &signature).unwrap();
}

#[tokio::test]
async fn ec_signatures_verify_with_rustcrypto() {
    let bench = Bench::new();
    let token = bench.open();
    for (number, curve, algorithm) in [
        (1, Curve::P256, Alg::Es256),
        (2, Curve::P256K, Alg::Es256K),
        (3, Curve::P384, Alg::Es384),
        (4, Curve::P521, Alg::Es512),
    ] {
        let public = token.generate(id(number), &spec(ec(curve)), WRAPPABLE).await.unwrap();
        assert_eq!(public.key_type(), ec(curve));
        // Often enough for a high `s` to occur, and for the cached session object to be used.
        for _ in 0..12 {
            let digest = digest(algorithm.hash(), MESSAGE);
            let signature = token.sign(id(number), ec(curve), algorithm, digest).await.unwrap();
            assert_eq!(signature.len(), 2 * curve.field_len());
            assert!(verifies(&public, algorithm, MESSAGE, &signature), "{algorithm}");
        }
    }
}

#[tokio::test]
async fn rsa_keys_have_requested_public_exponent() {
    let bench = Bench::new();
    let token = bench.open();
    for (number, public_exponent, bits, expected) in
        [(1, 3, 2048, vec![3]), (2, 17, 3072, vec![17]), (3, 65537, 2048, vec![1, 0, 1])]
    {
        let spec = KeySpec { key_type: rsa(bits), public_exponent };
        let public = token.generate(id(number), &spec, WRAPPABLE).await.unwrap();
        let PublicMaterial::Rsa { e, .. } = &public else { panic!("{public:?}") };
        assert_eq!(*e, expected);
        let digest = digest(Alg::Ps256.hash(), MESSAGE);
        let signature = token.sign(id(number), rsa(bits), Alg::Ps256, digest).await.unwrap();
        assert!(verifies(&public, Alg::Ps256, MESSAGE, &signature), "e = {public_exponent}");
    }
}

#[tokio::test]
async fn generated_oct_key_computes_hmacs() {
    let bench = Bench::new();
    let token = bench.open();
    for (number, bits) in [(1, 256), (2, 128)] {
        token.generate(id(number), &spec(oct(bits)), WRAPPABLE).await.unwrap();
        for algorithm in [Alg::Hs256, Alg::Hs384, Alg::Hs512] {
            let mac = || token.sign(id(number), oct(bits), algorithm, digest(algorithm.hash(), MESSAGE));
            let first = mac().await.unwrap();
            assert_eq!(first.len(), algorithm.hash().unwrap().digest_len());
            assert_eq!(first, mac().await.unwrap());
        }
    }
    // A key of one and a half AES blocks cannot be padded inside the token, and SoftHSM requires a key as long as the
    // hash.
    token.generate(id(3), &spec(oct(192)), WRAPPABLE).await.unwrap();
    let answer = token.sign(id(3), oct(192), Alg::Hs256, digest(Alg::Hs256.hash(), MESSAGE)).await;
    let Err(Error::Unsupported { what }) = answer else { panic!("{answer:?}") };
    assert!(what.contains("HS256") && what.contains("32 bytes"), "{what}");
}

#[tokio::test]
async fn signing_with_missing_key_is_key_material_missing() {
    let bench = Bench::new();
    let token = bench.open();
    let digest = digest(Alg::Es256.hash(), MESSAGE);
    let answer = token.sign(id(9), ec(Curve::P256), Alg::Es256, digest).await;
    assert_eq!(answer, Err(Error::KeyMaterialMissing { version: id(9) }));
}
