//! Keys, signatures and OpenSSL for tests.

use std::path::{Path, PathBuf};
use std::process::Command;

use aws_lc_rs::digest::{Digest, SHA256, SHA384, SHA512};
use aws_lc_rs::rsa::KeyPair as RsaKeyPair;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P256K1_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
    ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256,
};
use strongroom_certificate::{Bundle, Certificate, NewCertificate, PrivateKey, Unsigned};
use strongroom_model::certificate::x509_properties::X509Members;
use strongroom_model::certificate::{Validity, X509Properties};
use strongroom_model::import::ImportMaterial;
use strongroom_model::key::Curve;

/// Options of `openssl genpkey` for each type of key.
pub(crate) const KEY_TYPES: [(&str, &[&str]); 5] = [
    ("RSA", &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"]),
    ("P-256", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]),
    ("P-256K", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"]),
    ("P-384", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]),
    ("P-521", &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"]),
];

/// A directory in which OpenSSL runs.
pub(crate) struct OpenSsl {
    directory: tempfile::TempDir,
}

impl OpenSsl {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    pub(crate) fn write(&self, file: &str, contents: impl AsRef<[u8]>) {
        std::fs::write(self.path(file), contents).unwrap();
    }

    pub(crate) fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).unwrap()
    }

    pub(crate) fn read_text(&self, file: &str) -> String {
        String::from_utf8(self.read(file)).unwrap()
    }

    /// Runs a command; returns its output if it succeeds.
    pub(crate) fn run(&self, arguments: &[&str]) -> Result<String, String> {
        run(self.directory.path(), arguments)
    }

    /// Makes a private key in PEM (PKCS#8).
    pub(crate) fn key(&self, file: &str, options: &[&str]) -> PrivateKey {
        let arguments = [&["genpkey", "-out", file], options].concat();
        self.run(&arguments).unwrap();
        let der = format!("{file}.der");
        self.run(&["pkcs8", "-topk8", "-nocrypt", "-in", file, "-outform", "DER", "-out", &der]).unwrap();
        PrivateKey::from_pkcs8(&self.read(&der)).unwrap()
    }
}

fn run(directory: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new("openssl").args(arguments).current_dir(directory).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text).into_owned();
    if output.status.success() { Ok(text) } else { Err(text) }
}

/// Signs a digest as the token does: ECDSA signatures are `r || s`.
pub(crate) fn sign(key: &PrivateKey, digest: &[u8]) -> Vec<u8> {
    let pkcs8 = key.to_pkcs8().unwrap();
    let (algorithm, hash) = match key.material() {
        ImportMaterial::Rsa { .. } => {
            let key = RsaKeyPair::from_pkcs8(&pkcs8).unwrap();
            let mut signature = vec![0; key.public_modulus_len()];
            let digest = Digest::import_less_safe(digest, &SHA256).unwrap();
            key.sign_digest(&RSA_PKCS1_SHA256, &digest, &mut signature).unwrap();
            return signature;
        }
        ImportMaterial::Ec { crv: Curve::P256, .. } => (&ECDSA_P256_SHA256_FIXED_SIGNING, &SHA256),
        ImportMaterial::Ec { crv: Curve::P256K, .. } => (&ECDSA_P256K1_SHA256_FIXED_SIGNING, &SHA256),
        ImportMaterial::Ec { crv: Curve::P384, .. } => (&ECDSA_P384_SHA384_FIXED_SIGNING, &SHA384),
        ImportMaterial::Ec { crv: Curve::P521, .. } => (&ECDSA_P521_SHA512_FIXED_SIGNING, &SHA512),
        ImportMaterial::Oct { .. } => unreachable!(),
    };
    let key = EcdsaKeyPair::from_private_key_der(algorithm, &pkcs8).unwrap();
    let digest = Digest::import_less_safe(digest, hash).unwrap();
    key.sign_digest(&digest).unwrap().as_ref().to_vec()
}

/// Signs a certificate or request.
pub(crate) fn assemble(unsigned: &Unsigned, key: &PrivateKey) -> Vec<u8> {
    unsigned.assemble(&sign(key, &unsigned.digest())).unwrap()
}

/// The properties of a certificate with this subject.
pub(crate) fn properties(subject: &str) -> X509Properties {
    let subject = Some(subject.to_owned());
    X509Properties::parse(X509Members { subject, ..X509Members::default() }).unwrap()
}

/// Today, with a margin for tests that compare with the clock of another implementation.
pub(crate) fn validity() -> Validity {
    Validity { not_before: "2024-01-01".parse().unwrap(), not_after: "2049-12-31".parse().unwrap() }
}

/// Issues a certificate: self-signed, or signed with the key of an issuer.
pub(crate) fn issue(
    x509: &X509Properties,
    key: &PrivateKey,
    issuer: Option<(&Certificate, &PrivateKey)>,
) -> Certificate {
    let contents = NewCertificate {
        subject: &x509.subject().unwrap(),
        x509,
        public_key: &key.public_key(),
        serial: [0x81; 16],
        validity: validity(),
    };
    let der = match issuer {
        None => assemble(&contents.self_signed().unwrap(), key),
        Some((issuer, issuer_key)) => assemble(&contents.issued_by(issuer).unwrap(), issuer_key),
    };
    Certificate::from_der(&der).unwrap()
}

/// A key with its certificate, and the certificates of an intermediate and a root authority.
pub(crate) struct Chain {
    pub(crate) key: PrivateKey,
    pub(crate) leaf: Certificate,
    pub(crate) intermediate: Certificate,
    pub(crate) root: Certificate,
}

impl Chain {
    pub(crate) fn new(openssl: &OpenSsl, options: &[&str]) -> Self {
        let authority = KEY_TYPES[1].1;
        let [root_key, intermediate_key, key] =
            [("root.key", authority), ("intermediate.key", authority), ("leaf.key", options)]
                .map(|(file, options)| openssl.key(file, options));
        let ca = |subject: &str| X509Properties {
            ca: true,
            ekus: Vec::new(),
            key_usage: vec!["keyCertSign".parse().unwrap(), "cRLSign".parse().unwrap()],
            ..properties(subject)
        };
        let root = issue(&ca("CN=Root"), &root_key, None);
        let intermediate = issue(&ca("CN=Intermediate"), &intermediate_key, Some((&root, &root_key)));
        let mut x509 = properties("CN=www.example.com");
        x509.sans.dns_names.push("www.example.com".to_owned());
        let leaf = issue(&x509, &key, Some((&intermediate, &intermediate_key)));
        Self { key, leaf, intermediate, root }
    }

    pub(crate) fn bundle(&self) -> Bundle {
        let certificates = [&self.leaf, &self.intermediate, &self.root].map(Clone::clone);
        Bundle::new(Some(self.key.clone()), certificates.to_vec()).unwrap()
    }
}

/// The thumbprints of certificates.
pub(crate) fn thumbprints(certificates: &[Certificate]) -> Vec<[u8; 20]> {
    certificates.iter().map(|certificate| *certificate.thumbprint()).collect()
}
