//! Private keys with their certificates: the value of an import, and the value of a companion secret.

use zeroize::Zeroizing;

use crate::certificate::Certificate;
use crate::chain::leaf_first;
use crate::model;
use crate::model::certificate::ContentType;
use crate::private_key::PrivateKey;
use crate::{Error, MAX_CERTIFICATES, Result, pem, pkcs12};

/// The format of a bundle: that of the companion secret.
pub type Format = ContentType;

/// Certificates with or without the private key of one of them.
#[derive(Clone, Debug)]
pub struct Bundle {
    private_key: Option<PrivateKey>,
    certificates: Vec<Certificate>,
    leaf: usize,
}

impl Bundle {
    /// Combines certificates, the leaf first, with the private key of the leaf. Without the key, the bundle is that of a certificate
    /// that is not exportable.
    ///
    /// # Errors
    /// [`Error::NoMatchingCertificate`] if the first certificate has another key, or there is none.
    pub fn new(private_key: Option<PrivateKey>, certificates: Vec<Certificate>) -> Result<Self> {
        Self::in_order(private_key, certificates, 0)
    }

    /// As [`Self::new`], with the leaf at the position `leaf`.
    ///
    /// # Errors
    /// [`Error::NoMatchingCertificate`] if the certificate at this position has another key, or there is none.
    pub fn in_order(
        private_key: Option<PrivateKey>,
        certificates: Vec<Certificate>,
        leaf: usize,
    ) -> Result<Self> {
        let certificate = certificates.get(leaf).ok_or(Error::NoMatchingCertificate)?;
        if private_key.as_ref().is_some_and(|key| certificate.public_key() != Ok(&key.public_key())) {
            return Err(Error::NoMatchingCertificate);
        }
        Ok(Self { private_key, certificates, leaf })
    }

    /// Reads the value of an import: PEM, PEM in base64, or PKCS#12 in base64, told apart by their contents. The password is that of
    /// PKCS#12, or of an encrypted private key in PEM; a password that is not needed is ignored.
    ///
    /// `keep_order` keeps the order of the certificates; otherwise the leaf is first and followed by its issuers.
    ///
    /// Decrypting takes up to seconds, so it must not run on an async thread.
    ///
    /// # Errors
    /// [`Error`]; [`Error::NoPrivateKey`] for certificates alone.
    pub fn read(value: &str, password: &str, keep_order: bool) -> Result<(Self, Format)> {
        let (key, certificates, format) = read_parts(value.trim(), password)?;
        let public = key.public_key();
        let leaf = certificates.iter().position(|certificate| certificate.public_key() == Ok(&public));
        let leaf = leaf.ok_or(Error::NoMatchingCertificate)?;
        let (certificates, leaf) =
            if keep_order { (certificates, leaf) } else { (leaf_first(certificates, leaf), 0) };
        Ok((Self { private_key: Some(key), certificates, leaf }, format))
    }

    /// Returns the certificates without the private key, for the secret of a certificate that is not exportable.
    pub fn without_private_key(self) -> Self {
        Self { private_key: None, ..self }
    }

    /// Returns the private key.
    pub const fn private_key(&self) -> Option<&PrivateKey> {
        self.private_key.as_ref()
    }

    /// Returns the certificates.
    pub fn certificates(&self) -> &[Certificate] {
        &self.certificates
    }

    /// Returns the certificate of the private key, the first one if there is no private key.
    pub fn leaf(&self) -> &Certificate {
        // The position is that of a certificate by construction.
        &self.certificates[self.leaf]
    }

    /// Returns the value of the companion secret: PEM, or PKCS#12 without password in base64.
    ///
    /// # Errors
    /// [`Error::Encoding`].
    pub fn to_secret(&self, format: Format, random: &[u8; 32]) -> Result<Zeroizing<String>> {
        match format {
            ContentType::Pem => self.to_pem(),
            ContentType::Pkcs12 => {
                let file = self.to_pkcs12(random)?;
                use base64::Engine as _;
                let mut text =
                    Zeroizing::new(String::with_capacity(file.len().div_ceil(3).saturating_mul(4)));
                base64::engine::general_purpose::STANDARD.encode_string(&*file, &mut text);
                Ok(text)
            }
        }
    }

    /// Converts the value of a companion secret from PKCS#12 to PEM, with the certificates in their order. Takes up to seconds, as
    /// [`Self::read`].
    ///
    /// # Errors
    /// [`Error::UnreadablePkcs12`], [`Error::Encoding`].
    pub fn pkcs12_to_pem(value: &str) -> Result<Zeroizing<String>> {
        let bytes = model::base64::decode(value.as_bytes()).ok_or(Error::UnreadablePkcs12)?;
        let contents = pkcs12::read(&bytes, "")?;
        let (private_key, certificates) = (contents.private_key, contents.certificates);
        Self { private_key, certificates, leaf: 0 }.to_pem()
    }

    /// Writes PEM: the private key in PKCS#8, and the certificates.
    ///
    /// # Errors
    /// [`Error::Encoding`].
    pub fn to_pem(&self) -> Result<Zeroizing<String>> {
        let mut text = Zeroizing::new(String::new());
        if let Some(key) = &self.private_key {
            pem::write(&mut text, "PRIVATE KEY", &key.to_pkcs8()?);
        }
        for certificate in &self.certificates {
            pem::write(&mut text, "CERTIFICATE", certificate.der());
        }
        Ok(text)
    }

    /// Writes PKCS#12 with the empty password. `random` is made of 32 random bytes.
    ///
    /// # Errors
    /// [`Error::Encoding`].
    pub fn to_pkcs12(&self, random: &[u8; 32]) -> Result<Zeroizing<Vec<u8>>> {
        pkcs12::write(self.private_key.as_ref(), &self.certificates, self.leaf, random)
    }
}

type Parts = (PrivateKey, Vec<Certificate>, Format);

fn read_parts(value: &str, password: &str) -> Result<Parts> {
    if pem::has_block(value) {
        return read_pem(value, password);
    }
    // Some clients break the lines of base64.
    let mut base64 = Zeroizing::new(Vec::with_capacity(value.len()));
    base64.extend(value.bytes().filter(|byte| !byte.is_ascii_whitespace()));
    let bytes = model::base64::decode(&base64).ok_or(Error::UnknownFormat)?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if pem::has_block(text) => read_pem(text, password),
        _ => {
            let contents = pkcs12::read(&bytes, password)?;
            let key = contents.private_key.ok_or(Error::NoPrivateKey)?;
            Ok((key, contents.certificates, ContentType::Pkcs12))
        }
    }
}

fn read_pem(text: &str, password: &str) -> Result<Parts> {
    let mut key = None;
    let mut certificates = Vec::new();
    // The private key, and parameters of its curve.
    for pem::Block { label, contents } in pem::blocks(text, MAX_CERTIFICATES + 2)? {
        match label {
            "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE" => {
                certificates.push(Certificate::from_der(&contents).map_err(|_| Error::UnreadablePem)?);
            }
            "PRIVATE KEY" => add_key(&mut key, PrivateKey::from_pkcs8(&contents)?)?,
            "RSA PRIVATE KEY" => add_key(&mut key, PrivateKey::from_pkcs1(&contents)?)?,
            "EC PRIVATE KEY" => add_key(&mut key, PrivateKey::from_sec1(&contents)?)?,
            "ENCRYPTED PRIVATE KEY" => {
                let decrypted = pkcs12::decrypt_private_key(&contents, password);
                add_key(&mut key, decrypted.map_err(|_| Error::UnreadablePem)?)?;
            }
            "EC PARAMETERS" => {}
            _ => return Err(Error::UnreadablePem),
        }
    }
    if certificates.is_empty() {
        return Err(Error::UnreadablePem);
    }
    if certificates.len() > MAX_CERTIFICATES {
        return Err(Error::TooManyCertificates);
    }
    Ok((key.ok_or(Error::NoPrivateKey)?, certificates, ContentType::Pem))
}

fn add_key(key: &mut Option<PrivateKey>, found: PrivateKey) -> Result<()> {
    if key.replace(found).is_some() {
        return Err(Error::UnreadablePem);
    }
    Ok(())
}
