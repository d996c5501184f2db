//! Certificate revocation lists, read from files and reloaded when these change.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

use crate::config::ConfigError;

/// The minimum time between two checks of the files.
const INTERVAL: Duration = Duration::from_secs(1);

/// A handle to the revocation lists of client certificates. Cheap to clone; clones share the lists.
#[derive(Clone, Debug, Default)]
pub struct Revocation(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    files: Vec<PathBuf>,
    current: RwLock<Arc<RevocationLists>>,
    /// When the files were last checked.
    checked: Mutex<Instant>,
}

/// The result of one reading of the files.
#[derive(Debug)]
pub struct RevocationLists {
    /// The number of earlier readings. Cached decisions about certificates are valid for one generation.
    pub generation: u64,
    /// The lists, DER; their signatures are not verified.
    pub der: Vec<CertificateRevocationListDer<'static>>,
    parsed: Vec<ParsedList>,
    stamps: Vec<Option<Stamp>>,
}

/// Detects changes of a file: modification time and length.
type Stamp = (SystemTime, u64);

/// The relevant fields of a revocation list.
#[derive(Debug)]
struct ParsedList {
    /// The name of the issuer, DER.
    issuer: Vec<u8>,
    /// The last second in which the list is current; `u64::MAX` without `nextUpdate`.
    until: u64,
    /// The serial numbers of the revoked certificates.
    serials: HashSet<Vec<u8>>,
}

impl Revocation {
    /// Reads the files, each PEM or DER. Without files, no certificate is revoked.
    ///
    /// # Errors
    /// [`ConfigError`], naming the file that cannot be read or contains no list.
    pub fn open(files: &[PathBuf]) -> Result<Self, ConfigError> {
        if files.is_empty() {
            return Ok(Self::default());
        }
        let lists = RevocationLists::read(files, 0)
            .map_err(|why| ConfigError::new(format!("identity.revocation.crl_files: {why}")))?;
        Ok(Self(Some(Arc::new(Inner {
            files: files.to_vec(),
            current: RwLock::new(Arc::new(lists)),
            checked: Mutex::new(Instant::now()),
        }))))
    }

    /// Returns the lists of the current files, or `None` if no files are configured. If they cannot be read, logs a
    /// warning and returns the previous lists, which remain valid until their `nextUpdate`.
    pub fn current(&self) -> Option<Arc<RevocationLists>> {
        let inner = self.0.as_ref()?;
        let current = || inner.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut checked = inner.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = current();
        if checked.elapsed() < INTERVAL {
            return Some(known);
        }
        *checked = Instant::now();
        if stamps(&inner.files) == known.stamps {
            return Some(known);
        }
        match RevocationLists::read(&inner.files, known.generation + 1) {
            Ok(lists) => {
                tracing::info!(lists = lists.der.len(), "reloaded the certificate revocation lists");
                let lists = Arc::new(lists);
                *inner.current.write().unwrap_or_else(PoisonError::into_inner) = lists.clone();
                Some(lists)
            }
            Err(why) => {
                tracing::warn!(
                    why,
                    "cannot reload the certificate revocation lists; keeping the current ones"
                );
                Some(known)
            }
        }
    }
}

impl RevocationLists {
    fn read(files: &[PathBuf], generation: u64) -> Result<Self, String> {
        // Taken before the files are read, so that the next check detects concurrent writes.
        let stamps = stamps(files);
        let mut der = Vec::new();
        for file in files {
            der.extend(read(file).map_err(|why| format!("{}: {why}", file.display()))?);
        }
        let parsed = der.iter().map(|list| ParsedList::parse(list)).collect::<Result<_, _>>()?;
        Ok(Self { generation, der, parsed, stamps })
    }

    /// Checks that a certificate is not revoked. Returns the last second in which the lists are current.
    ///
    /// # Errors
    /// If the certificate is revoked, or there is no current list of its issuer.
    pub(super) fn check(&self, certificate: &X509Certificate<'_>, now: u64) -> Result<u64, &'static str> {
        let issuer = certificate.issuer().as_raw();
        let of_issuer = || self.parsed.iter().filter(|list| list.issuer == issuer);
        let Some(until) = of_issuer().map(|list| list.until).max() else {
            return Err("there is no revocation list of the client certificate's issuer");
        };
        if of_issuer().any(|list| list.serials.contains(certificate.raw_serial())) {
            return Err("the client certificate is revoked");
        }
        if until < now {
            return Err("the revocation list of the client certificate's issuer is out of date");
        }
        Ok(until)
    }
}

impl ParsedList {
    fn parse(list: &[u8]) -> Result<Self, String> {
        let (_, list) = CertificateRevocationList::from_der(list)
            .map_err(|error| format!("not a certificate revocation list: {error}"))?;
        let seconds = |at: x509_parser::time::ASN1Time| u64::try_from(at.timestamp()).unwrap_or(0);
        Ok(Self {
            issuer: list.issuer().as_raw().to_vec(),
            until: list.next_update().map_or(u64::MAX, seconds),
            serials: list.iter_revoked_certificates().map(|revoked| revoked.raw_serial().to_vec()).collect(),
        })
    }
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |file: &PathBuf| {
        let metadata = std::fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files.iter().map(stamp).collect()
}

fn read(file: &Path) -> Result<Vec<CertificateRevocationListDer<'static>>, String> {
    let bytes = std::fs::read(file).map_err(|error| error.to_string())?;
    if !bytes.trim_ascii_start().starts_with(b"-----BEGIN") {
        return Ok(vec![CertificateRevocationListDer::from(bytes)]);
    }
    let lists: Vec<_> = CertificateRevocationListDer::pem_slice_iter(&bytes)
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())?;
    if lists.is_empty() { Err("it contains no certificate revocation list".to_owned()) } else { Ok(lists) }
}
