//! The simulator's certificate authority and server certificate.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, SerialNumber,
};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use crate::config::ConfigError;
use crate::identity::system_clock;
use crate::ids::Ids;
use crate::model::{Error, Result};
use crate::server::files;

use super::{SetupError, name_constraints};

const DAY: u64 = 24 * 60 * 60;
const AUTHORITY_DAYS: u64 = 3652;
/// The validity of server certificates, in days: some clients reject more than 398, others more than 825.
const SERVER_DAYS: u64 = 397;
/// A server certificate is replaced this many days before it expires.
const RENEWAL_DAYS: u64 = 30;

/// The paths at which distributions store the trusted certificate authorities.
const SYSTEM_BUNDLES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The certificates and the private key of the TLS listener, and the files for its clients.
pub struct DevCertificates {
    /// The path of the certificate authority's certificate, PEM, which clients must trust.
    pub ca_pem_path: PathBuf,
    /// The path of a bundle with the system's certificate authorities and this one, for clients whose setting replaces
    /// the system's.
    pub ca_bundle_path: PathBuf,
    /// The server's certificate chain.
    pub chain: Vec<CertificateDer<'static>>,
    /// The private key of the server's certificate.
    pub key: PrivateKeyDer<'static>,
}

/// Opens or creates the certificate authority in `directory`, and a server certificate for `names` (DNS names,
/// optionally with `*` as the first label, and IP addresses).
///
/// The authority is created once, because clients trust it. Its name constraints permit the names that the server has
/// at that time, their subdomains, and loopback addresses, so that a stolen key cannot impersonate other servers. The
/// server certificate is replaced if its names change, shortly before it expires, or if it is damaged. Private keys
/// have mode 0600.
///
/// # Errors
/// [`SetupError::Setting`] for a name that cannot be in a certificate; [`SetupError::Failed`] if files cannot be read or
/// written, or if the authority is damaged, has expired or may not issue certificates for a name: it is never replaced
/// silently.
pub fn ensure(directory: &Path, names: &[String]) -> Result<DevCertificates, SetupError> {
    if names.is_empty() {
        return Err(ConfigError::new("names: a server certificate needs at least one name").into());
    }
    server_params(names)?;
    let private = directory.join("tls");
    files::make_private_directory(&private)?;
    let ca_pem_path = directory.join("ca.pem");
    let ca_key_path = private.join("ca-key.pem");
    let server_path = private.join("server.pem");
    let server_key_path = private.join("server-key.pem");
    let now = system_clock::unix_seconds();

    let authority_pem = match files::read_text(&ca_pem_path)? {
        Some(pem) => pem.to_string(),
        None => make_authority(&ca_pem_path, &ca_key_path, names, now)?,
    };
    let authority = CertificateDer::from_pem_slice(authority_pem.as_bytes())
        .map_err(|_| damaged(&ca_pem_path, "it is not a certificate"))?;
    match X509Certificate::from_der(&authority) {
        Err(_) => return Err(damaged(&ca_pem_path, "it is not a certificate").into()),
        Ok((_, certificate)) if certificate.validity().not_after.timestamp() < as_i64(now) => {
            return Err(damaged(&ca_pem_path, "it has expired").into());
        }
        Ok((_, certificate)) => {
            if let Some(name) = names.iter().find(|name| !name_constraints::permits(&certificate, name)) {
                let why = format!("it may not issue certificates for {name}");
                return Err(damaged(&ca_pem_path, &why).into());
            }
        }
    }

    let stored = stored_server(&server_path, &server_key_path)?;
    let (chain, key) = match stored.filter(|stored| is_usable(stored, &authority, names, now)) {
        Some(stored) => stored,
        None => {
            make_server(&server_path, &server_key_path, &authority_pem, &ca_key_path, names, now)?;
            stored_server(&server_path, &server_key_path)?
                .filter(|made| is_usable(made, &authority, names, now))
                .ok_or_else(|| damaged(&ca_pem_path, "it does not match the key in tls/ca-key.pem"))?
        }
    };
    let ca_bundle_path = write_bundle(directory, &authority_pem)?;
    Ok(DevCertificates { ca_pem_path, ca_bundle_path, chain, key })
}

/// Removes those of `optional` from the names of the server for which an existing authority in `directory` may not issue
/// certificates, and logs them. An authority that an older version created does not permit names that newer versions add,
/// and the data directory must still open.
///
/// # Errors
/// If the authority cannot be read.
pub fn without_unpermitted(directory: &Path, names: Vec<String>, optional: &[String]) -> Result<Vec<String>> {
    let path = directory.join("ca.pem");
    let Some(pem) = files::read_text(&path)? else { return Ok(names) };
    // `ensure` reports damage.
    let Ok(authority) = CertificateDer::from_pem_slice(pem.as_bytes()) else { return Ok(names) };
    let Ok((_, certificate)) = X509Certificate::from_der(&authority) else { return Ok(names) };
    let is_unpermitted =
        |name: &String| optional.contains(name) && !name_constraints::permits(&certificate, name);
    let (omitted, kept): (Vec<_>, Vec<_>) = names.into_iter().partition(is_unpermitted);
    if !omitted.is_empty() {
        tracing::warn!(
            names = omitted.join(" "),
            "the certificate authority of an older version may not issue certificates for these names, so clients cannot \
             use them; to create a new authority, which clients must then trust, stop the simulator and remove {}",
            path.display()
        );
    }
    Ok(kept)
}

fn damaged(path: &Path, why: &str) -> Error {
    Error::internal(format!(
        "{}: {why}. Restore it, or remove it to create a new authority, which clients must then trust",
        path.display()
    ))
}

fn make_authority(certificate_path: &Path, key_path: &Path, names: &[String], now: u64) -> Result<String> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Error::internal)?;
    let mut params = CertificateParams::default();
    // The label is random because one trust store may hold several, and clients look up issuers by name.
    let label = Ids.guid().simple().to_string();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, format!("Strongroom development CA {}", &label[..8]));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(name_constraints::of(names));
    set_validity(&mut params, now, AUTHORITY_DAYS);
    let pem = params.self_signed(&key).map_err(Error::internal)?.pem();
    // The key is written first, so that an authority that clients may trust always has one.
    write_key(key_path, &key)?;
    files::write(certificate_path, pem.as_bytes(), files::PUBLIC)?;
    Ok(pem)
}

fn server_params(names: &[String]) -> Result<CertificateParams, ConfigError> {
    CertificateParams::new(names.to_vec())
        .map_err(|_| ConfigError::new("names: a name of the server cannot be in a certificate"))
}

fn make_server(
    certificate_path: &Path,
    key_path: &Path,
    authority_pem: &str,
    authority_key_path: &Path,
    names: &[String],
    now: u64,
) -> Result<(), SetupError> {
    let authority_key = files::read_text(authority_key_path)?
        .and_then(|pem| KeyPair::from_pem(&pem).ok())
        .ok_or_else(|| damaged(authority_key_path, "the authority's key is missing or damaged"))?;
    let issuer = rcgen::Issuer::from_ca_cert_pem(authority_pem, authority_key).map_err(Error::internal)?;
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(Error::internal)?;
    let mut params = server_params(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Strongroom");
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    set_validity(&mut params, now, SERVER_DAYS);
    let pem = params.signed_by(&key, &issuer).map_err(Error::internal)?.pem();
    // A crash between the two writes leaves a mismatched pair, which the next start replaces.
    write_key(key_path, &key)?;
    Ok(files::write(certificate_path, pem.as_bytes(), files::PUBLIC)?)
}

/// Sets a validity of `days` that begins one day ago, and a random serial number.
pub(super) fn set_validity(params: &mut CertificateParams, now: u64, days: u64) {
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    // Tolerates clients whose clock is slow.
    params.not_before = epoch + Duration::from_secs(now.saturating_sub(DAY));
    params.not_after = epoch + Duration::from_secs(now.saturating_add(days * DAY));
    let mut serial = *Ids.guid().as_bytes();
    serial[0] &= 0x7f;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
}

fn write_key(path: &Path, key: &KeyPair) -> Result<()> {
    let pem = zeroize::Zeroizing::new(key.serialize_pem());
    files::write(path, pem.as_bytes(), files::PRIVATE)
}

type ServerCertificate = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads the server's certificate and key, if both exist and can be parsed.
fn stored_server(certificate_path: &Path, key_path: &Path) -> Result<Option<ServerCertificate>> {
    let (Some(certificate), Some(key)) = (files::read(certificate_path)?, files::read(key_path)?) else {
        return Ok(None);
    };
    let chain: std::result::Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&certificate).collect();
    Ok(chain.ok().zip(PrivateKeyDer::from_pem_slice(&key).ok()))
}

/// Whether the certificate is for exactly these names and clients will accept it until its renewal. Uses the verifier
/// of rustls, as clients do.
fn is_usable(
    (chain, key): &ServerCertificate,
    authority: &CertificateDer<'_>,
    names: &[String],
    now: u64,
) -> bool {
    let verdict = || -> Option<()> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        // Errors if the key does not match the certificate.
        rustls::sign::CertifiedKey::from_der(chain.clone(), key.clone_key(), &provider).ok()?;
        let leaf = chain.first()?;
        let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
        let alternative = certificate.subject_alternative_name().ok()??;
        let present: Option<BTreeSet<String>> = alternative.value.general_names.iter().map(text_of).collect();
        if present? != names.iter().map(|name| canonical(name)).collect() {
            return None;
        }
        let mut roots = rustls::RootCertStore::empty();
        roots.add(authority.clone().into_owned()).ok()?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build().ok()?;
        let moment = UnixTime::since_unix_epoch(Duration::from_secs(now.saturating_add(RENEWAL_DAYS * DAY)));
        for name in names {
            let server_name = ServerName::try_from(name.replacen('*', "any", 1)).ok()?;
            verifier.verify_server_cert(leaf, &[], &server_name, &[], moment).ok()?;
        }
        Some(())
    };
    verdict().is_some()
}

fn text_of(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => match <[u8; 4]>::try_from(*bytes) {
            Ok(four) => Some(std::net::IpAddr::from(four).to_string()),
            Err(_) => Some(std::net::IpAddr::from(<[u8; 16]>::try_from(*bytes).ok()?).to_string()),
        },
        _ => None,
    }
}

/// Returns the canonical form of an IP address; other names are unchanged.
fn canonical(name: &str) -> String {
    name.parse::<std::net::IpAddr>().map_or_else(|_| name.to_owned(), |address| address.to_string())
}

fn write_bundle(directory: &Path, authority_pem: &str) -> Result<PathBuf> {
    let path = directory.join("ca-bundle.pem");
    let mut bundle = Vec::new();
    for candidate in SYSTEM_BUNDLES {
        if let Some(system) = files::read(Path::new(candidate))? {
            bundle.extend_from_slice(&system);
            if !bundle.ends_with(b"\n") {
                bundle.push(b'\n');
            }
            break;
        }
    }
    bundle.extend_from_slice(authority_pem.as_bytes());
    if files::read(&path)?.is_none_or(|present| *present != bundle) {
        files::write(&path, &bundle, files::PUBLIC)?;
    }
    Ok(path)
}

fn as_i64(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
