//! Certificates for applications that have none: made at the first start, with the key beside them, as clients read
//! them.

use std::path::Path;

use rcgen::{
    CertificateParams, DistinguishedName, DnType, IsCa, KeyPair, KeyUsagePurpose, PKCS_RSA_SHA256, RsaKeySize,
};
use zeroize::Zeroizing;

use crate::model::{Error, Result};

use super::super::{certificates, files, machine_clock};
use super::ClientCertificate;

const DAYS: u64 = 3652;
/// It is replaced when this little of its life is left.
const RENEWAL_DAYS: i64 = 30;

/// Finds or makes a certificate in `file`: PEM, with its RSA-2048 key, mode 0600.
///
/// # Errors
/// [`Error::Internal`] if the file cannot be read or written, or is damaged: it is never replaced silently.
pub fn ensure(file: &Path, name: &str) -> Result<ClientCertificate> {
    if let Some(pem) = files::read(file)? {
        let kept = ClientCertificate::from_pem(&pem).map_err(|error| {
            Error::internal(format!("{}: {error}; remove it, and a new one is made", file.display()))
        })?;
        if kept.lives_for(RENEWAL_DAYS) {
            return Ok(kept);
        }
    }
    let pem = make(name)?;
    files::write(file, pem.as_bytes(), files::PRIVATE)?;
    ClientCertificate::from_pem(pem.as_bytes())
}

/// Key and certificate. The key comes first, as `az ad sp create-for-rbac --create-cert` writes them.
fn make(name: &str) -> Result<Zeroizing<String>> {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).map_err(Error::internal)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    certificates::set_life(&mut params, machine_clock::unix_seconds(), DAYS);
    let certificate = params.self_signed(&key).map_err(Error::internal)?.pem();
    let key = Zeroizing::new(key.serialize_pem());
    Ok(Zeroizing::new(format!("{}{certificate}", key.as_str())))
}
