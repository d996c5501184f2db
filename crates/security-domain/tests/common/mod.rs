//! Holders of keys, and documents made for them.

#![allow(dead_code, clippy::allow_attributes, reason = "each test binary uses some of these")]

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use strongroom_security_domain::{
    Certificate, Datum, DownloadRequest, MasterSecret, PrivateKey, SecurityDomain, TAGS, WrappingKey,
};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::public_key::PublicKey;
use zeroize::Zeroizing;

/// The holder of a private key.
pub(crate) struct Holder {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Holder {
    /// A holder with a new RSA key of 2048 bits.
    pub(crate) fn new(name: &str) -> Self {
        let key = KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap();
        let certificate = CertificateParams::new([name.to_owned()]).unwrap().self_signed(&key).unwrap();
        Self { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::from_pem(&self.certificate).unwrap()
    }

    pub(crate) fn private_key(&self) -> PrivateKey {
        PrivateKey::from_pem(&self.key, None).unwrap()
    }

    pub(crate) fn wrapping_key(&self) -> WrappingKey {
        WrappingKey::new(self.certificate(), self.private_key()).unwrap()
    }
}

/// Three holders.
pub(crate) fn holders() -> Vec<Holder> {
    ["a", "b", "c"].map(Holder::new).into()
}

/// Data of a security domain, with the tags of Azure.
pub(crate) fn plaintexts() -> Vec<Datum> {
    let lengths = [3000, 16, 0];
    let datum =
        |(tag, len): (&str, usize)| Datum { tag: tag.to_owned(), plaintext: Zeroizing::new(vec![7; len]) };
    TAGS.into_iter().zip(lengths).map(datum).collect()
}

/// A security domain for all holders.
pub(crate) fn domain(holders: &[Holder], quorum: usize) -> (MasterSecret, SecurityDomain) {
    let certificates = holders.iter().map(Holder::certificate).collect();
    let request = DownloadRequest::new(certificates, quorum).unwrap();
    let master = MasterSecret::generate().unwrap();
    let domain = SecurityDomain::seal(&master, &plaintexts(), &request).unwrap();
    (master, domain)
}

/// The body of a download, as azure-cli sends it.
pub(crate) fn download_request(holders: &[Holder], quorum: usize) -> String {
    let jwk = |holder: &Holder| {
        let certificate = holder.certificate();
        let der = certificate.der();
        let (_, parsed) = X509Certificate::from_der(der).unwrap();
        let Ok(PublicKey::RSA(rsa)) = parsed.public_key().parsed() else { panic!("not RSA") };
        serde_json::json!({
            "kty": "RSA",
            "alg": "RSA-OAEP-256",
            "key_ops": ["verify", "encrypt", "wrapKey"],
            "n": URL_SAFE_NO_PAD.encode(rsa.modulus),
            "e": URL_SAFE_NO_PAD.encode(rsa.exponent),
            "x5c": [STANDARD.encode(der)],
            "x5t": URL_SAFE_NO_PAD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, der)),
            "x5t#S256": certificate.thumbprint().to_string(),
        })
    };
    let certificates: Vec<_> = holders.iter().map(jwk).collect();
    serde_json::json!({ "certificates": certificates, "required": quorum }).to_string()
}
