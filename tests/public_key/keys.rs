//! Keys that other implementations made, and signatures by them.

use rsa::pkcs1::der::Decode as _;
use rsa::sha2::{Digest as _, Sha256, Sha384, Sha512};
use rsa::{BigUint, Pkcs1v15Sign, Pss, RsaPrivateKey};
use strongroom::model::Error;
use strongroom::model::algorithm::SignatureAlgorithm as Algorithm;
use strongroom::model::import::ImportMaterial;
use strongroom::model::key::{Curve, PublicMaterial};

/// An RSA key that OpenSSL made.
#[derive(Clone)]
pub(crate) struct Rsa {
    pub(crate) name: &'static str,
    pub(crate) n: Vec<u8>,
    pub(crate) e: Vec<u8>,
    pub(crate) d: Vec<u8>,
    pub(crate) p: Vec<u8>,
    pub(crate) q: Vec<u8>,
    pub(crate) dp: Vec<u8>,
    pub(crate) dq: Vec<u8>,
    pub(crate) qi: Vec<u8>,
}

macro_rules! rsa_keys {
    ($($function:ident = $file:literal,)+) => {
        $(pub(crate) fn $function() -> Rsa { Rsa::read($file, include_str!(concat!("../vectors/", $file))) })+
        pub(crate) fn all_rsa() -> Vec<Rsa> { vec![$($function()),+] }
    };
}

rsa_keys!(
    rsa_2048 = "rsa-2048.hex",
    rsa_3072 = "rsa-3072.hex",
    rsa_4096 = "rsa-4096.hex",
    rsa_2048_e3 = "rsa-2048-e3.hex",
    rsa_2048_e17 = "rsa-2048-e17.hex",
    rsa_2048_e4294967295 = "rsa-2048-e4294967295.hex",
);

impl Rsa {
    fn read(name: &'static str, hex: &str) -> Self {
        let der = bytes(&hex.split_whitespace().collect::<String>());
        let key = rsa::pkcs1::RsaPrivateKey::from_der(&der).unwrap();
        Self {
            name,
            n: key.modulus.as_bytes().to_vec(),
            e: key.public_exponent.as_bytes().to_vec(),
            d: key.private_exponent.as_bytes().to_vec(),
            p: key.prime1.as_bytes().to_vec(),
            q: key.prime2.as_bytes().to_vec(),
            dp: key.exponent1.as_bytes().to_vec(),
            dq: key.exponent2.as_bytes().to_vec(),
            qi: key.coefficient.as_bytes().to_vec(),
        }
    }

    pub(crate) fn public(&self) -> PublicMaterial {
        PublicMaterial::Rsa { n: self.n.clone(), e: self.e.clone() }
    }

    pub(crate) fn import(&self) -> ImportMaterial {
        let Self { n, e, d, p, q, dp, dq, qi, .. } = self.clone();
        ImportMaterial::Rsa { n, e, d, p, q, dp, dq, qi }
    }

    pub(crate) fn private(&self) -> RsaPrivateKey {
        let number = |bytes: &[u8]| BigUint::from_bytes_be(bytes);
        let primes = vec![number(&self.p), number(&self.q)];
        RsaPrivateKey::from_components(number(&self.n), number(&self.e), number(&self.d), primes).unwrap()
    }

    pub(crate) fn sign(&self, algorithm: Algorithm, digest: &[u8]) -> Vec<u8> {
        let mut random = rand::thread_rng();
        let key = self.private();
        match algorithm {
            Algorithm::Rs256 => key.sign(Pkcs1v15Sign::new::<Sha256>(), digest),
            Algorithm::Rs384 => key.sign(Pkcs1v15Sign::new::<Sha384>(), digest),
            Algorithm::Rs512 => key.sign(Pkcs1v15Sign::new::<Sha512>(), digest),
            Algorithm::Ps256 => key.sign_with_rng(&mut random, Pss::new::<Sha256>(), digest),
            Algorithm::Ps384 => key.sign_with_rng(&mut random, Pss::new::<Sha384>(), digest),
            Algorithm::Ps512 => key.sign_with_rng(&mut random, Pss::new::<Sha512>(), digest),
            Algorithm::RsNull => key.sign(Pkcs1v15Sign::new_unprefixed(), digest),
            _ => panic!("{algorithm} is not for RSA"),
        }
        .unwrap()
    }
}

pub(crate) const RSA_ALGORITHMS: [Algorithm; 7] = [
    Algorithm::Rs256,
    Algorithm::Rs384,
    Algorithm::Rs512,
    Algorithm::Ps256,
    Algorithm::Ps384,
    Algorithm::Ps512,
    Algorithm::RsNull,
];

pub(crate) fn ecdsa(curve: Curve) -> Algorithm {
    match curve {
        Curve::P256 => Algorithm::Es256,
        Curve::P256K => Algorithm::Es256K,
        Curve::P384 => Algorithm::Es384,
        Curve::P521 => Algorithm::Es512,
    }
}

/// The order of the curve's group (SEC 2, FIPS 186-5), as wide as the field.
pub(crate) fn order(curve: Curve) -> Vec<u8> {
    bytes(match curve {
        Curve::P256 => "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        Curve::P256K => "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
        Curve::P384 => concat!(
            "ffffffffffffffffffffffffffffffffffffffffffffffff",
            "c7634d81f4372ddf581a0db248b0a77aecec196accc52973"
        ),
        Curve::P521 => concat!(
            "01fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffa",
            "51868783bf2f966b7fcc0148f709a5d03bb5c9b8899c47aebb6fb71e91386409"
        ),
    })
}

/// An elliptic-curve key that RustCrypto made from a scalar.
#[derive(Clone)]
pub(crate) struct Ec {
    pub(crate) curve: Curve,
    pub(crate) x: Vec<u8>,
    pub(crate) y: Vec<u8>,
    pub(crate) d: Vec<u8>,
}

macro_rules! with_curve {
    ($curve:expr, $implementation:ident => $body:expr) => {
        match $curve {
            Curve::P256 => {
                use p256 as $implementation;
                $body
            }
            Curve::P256K => {
                use k256 as $implementation;
                $body
            }
            Curve::P384 => {
                use p384 as $implementation;
                $body
            }
            Curve::P521 => {
                use p521 as $implementation;
                $body
            }
        }
    };
}

impl Ec {
    /// The key of a scalar made from a seed, or of a small one.
    pub(crate) fn new(curve: Curve, seed: u8) -> Self {
        let mut d = vec![seed; curve.field_len()];
        // Below the order of every curve.
        d[0] = 0;
        d[1] = 1;
        Self::from_scalar(curve, d)
    }

    pub(crate) fn from_scalar(curve: Curve, d: Vec<u8>) -> Self {
        let point = with_curve!(curve, implementation => {
            use implementation::elliptic_curve::sec1::ToSec1Point as _;
            let secret = implementation::SecretKey::from_slice(&d).unwrap();
            secret.public_key().to_sec1_point(false).as_bytes().to_vec()
        });
        let (x, y) = point[1..].split_at(curve.field_len());
        Self { curve, x: x.to_vec(), y: y.to_vec(), d }
    }

    pub(crate) fn public(&self) -> PublicMaterial {
        PublicMaterial::Ec { crv: self.curve, x: self.x.clone(), y: self.y.clone() }
    }

    pub(crate) fn import(&self) -> ImportMaterial {
        ImportMaterial::Ec { crv: self.curve, x: self.x.clone(), y: self.y.clone(), d: self.d.clone() }
    }

    /// `r || s` over a digest.
    pub(crate) fn sign(&self, digest: &[u8]) -> Vec<u8> {
        with_curve!(self.curve, implementation => {
            use implementation::ecdsa::{Signature, SigningKey, signature::hazmat::PrehashSigner};
            let signature: Signature = SigningKey::from_slice(&self.d).unwrap().sign_prehash(digest).unwrap();
            signature.to_bytes().to_vec()
        })
    }
}

/// A digest for the algorithm; for RSNULL some bytes.
pub(crate) fn digest(algorithm: Algorithm, message: &str) -> Vec<u8> {
    match algorithm.hash().map(|hash| hash.digest_len()) {
        Some(64) => Sha512::digest(message).to_vec(),
        Some(48) => Sha384::digest(message).to_vec(),
        _ => Sha256::digest(message).to_vec(),
    }
}

/// `a - b`, as wide as `a`.
pub(crate) fn difference(a: &[u8], b: &[u8]) -> Vec<u8> {
    widen(&(BigUint::from_bytes_be(a) - BigUint::from_bytes_be(b)), a.len())
}

/// A number in so many bytes.
pub(crate) fn widen(number: &BigUint, width: usize) -> Vec<u8> {
    let minimal = number.to_bytes_be();
    let mut wide = vec![0; width - minimal.len()];
    wide.extend(minimal);
    wide
}

pub(crate) fn flip(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

/// The field that an error names.
pub(crate) fn field<T: std::fmt::Debug>(result: strongroom::model::Result<T>) -> &'static str {
    match result {
        Err(Error::Invalid { field, .. }) => field,
        other => panic!("{other:?} is not Invalid"),
    }
}
