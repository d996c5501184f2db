//! Self-signed client certificates for applications, created at the first start.

use std::path::Path;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use zeroize::Zeroizing;

use crate::identity::system_clock;
use crate::model::{Error, Result};
use crate::server::files;

use super::super::certificates;
use super::ClientCertificate;

/// The validity of a certificate, in days.
const DAYS: u64 = 3652;
/// A certificate is replaced this many days before it expires.
const RENEWAL_DAYS: i64 = 30;

/// Reads or creates a certificate in `file`: PEM with its RSA-2048 private key, mode 0600.
///
/// # Errors
/// [`Error::Internal`] if the file cannot be read or written, or is damaged: it is never replaced silently.
pub fn ensure(file: &Path, name: &str) -> Result<ClientCertificate> {
    if let Some(pem) = files::read(file)? {
        let stored = ClientCertificate::from_pem(&pem).map_err(|error| {
            Error::internal(format!("{}: {error}; remove it to create a new one", file.display()))
        })?;
        if stored.is_valid_for(RENEWAL_DAYS) {
            return Ok(stored);
        }
    }
    let pem = create(name)?;
    files::write(file, pem.as_bytes(), files::PRIVATE)?;
    ClientCertificate::from_pem(pem.as_bytes())
}

/// Creates key and certificate, PEM. The key comes first, as in files of `az ad sp create-for-rbac --create-cert`.
fn create(name: &str) -> Result<Zeroizing<String>> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(Error::internal)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    certificates::set_validity(&mut params, system_clock::unix_seconds(), DAYS);
    let certificate = params.self_signed(&key).map_err(Error::internal)?.pem();
    let key = Zeroizing::new(key.serialize_pem());
    Ok(Zeroizing::new(format!("{}{certificate}", key.as_str())))
}
