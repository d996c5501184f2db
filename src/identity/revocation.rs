//! Certificate revocation lists: read from files, and read again when those change.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use rustls::pki_types::CertificateRevocationListDer;
use rustls::pki_types::pem::PemObject as _;
use x509_parser::prelude::{FromDer as _, X509Certificate};
use x509_parser::revocation_list::CertificateRevocationList;

use crate::model::{Error, Result};

/// Files are not looked at more often.
const INTERVAL: Duration = Duration::from_secs(1);

/// Lists of revoked client certificates, and the files they come from. A cheap handle; clones share what was read.
#[derive(Clone, Debug, Default)]
pub struct Revocation(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    files: Vec<PathBuf>,
    current: RwLock<Arc<Lists>>,
    /// When the files were looked at last.
    looked: Mutex<Instant>,
}

/// The lists as they were read at one time.
#[derive(Debug)]
pub struct Lists {
    /// How often the files were read before: whoever remembers a verdict on a certificate remembers this with it.
    pub generation: u64,
    /// Each list, as DER; not verified.
    pub der: Vec<CertificateRevocationListDer<'static>>,
    known: Vec<Known>,
    stamps: Vec<Option<Stamp>>,
}

/// By what a changed file is known: when it was written, and its length.
type Stamp = (SystemTime, u64);

/// What is read of a list.
#[derive(Debug)]
struct Known {
    /// The authority's name, DER.
    issuer: Vec<u8>,
    /// The last second for which it says anything; without one, it does not end.
    until: u64,
    /// The serial numbers of revoked certificates.
    serials: HashSet<Vec<u8>>,
}

impl Revocation {
    /// Reads the files, each PEM or DER. Without any, nothing is revoked.
    ///
    /// # Errors
    /// [`Error::Invalid`], naming the file that cannot be read or holds no list.
    pub fn open(files: &[PathBuf]) -> Result<Self> {
        if files.is_empty() {
            return Ok(Self::default());
        }
        let lists =
            Lists::read(files, 0).map_err(|why| Error::invalid("identity.revocation.crl_files", why))?;
        Ok(Self(Some(Arc::new(Inner {
            files: files.to_vec(),
            current: RwLock::new(Arc::new(lists)),
            looked: Mutex::new(Instant::now()),
        }))))
    }

    /// The lists, as the files have them now; `None` where no files are configured. Files that cannot be read are told
    /// in the log, and what was read last goes on to count until its own end.
    pub fn current(&self) -> Option<Arc<Lists>> {
        let inner = self.0.as_ref()?;
        let current = || inner.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut looked = inner.looked.lock().unwrap_or_else(PoisonError::into_inner);
        let known = current();
        if looked.elapsed() < INTERVAL {
            return Some(known);
        }
        *looked = Instant::now();
        if stamps(&inner.files) == known.stamps {
            return Some(known);
        }
        match Lists::read(&inner.files, known.generation + 1) {
            Ok(lists) => {
                tracing::info!(lists = lists.der.len(), "the certificate revocation lists were read again");
                let lists = Arc::new(lists);
                *inner.current.write().unwrap_or_else(PoisonError::into_inner) = lists.clone();
                Some(lists)
            }
            Err(why) => {
                tracing::warn!(
                    why,
                    "the certificate revocation lists could not be read again; keeping the last"
                );
                Some(known)
            }
        }
    }
}

impl Lists {
    fn read(files: &[PathBuf], generation: u64) -> Result<Self, String> {
        // Taken before the files are read: what is written meanwhile is read at the next look.
        let stamps = stamps(files);
        let mut der = Vec::new();
        for file in files {
            der.extend(read(file).map_err(|why| format!("{}: {why}", file.display()))?);
        }
        let known = der.iter().map(|list| Known::of(list)).collect::<Result<_, _>>()?;
        Ok(Self { generation, der, known, stamps })
    }

    /// Whether a certificate that TLS verified still stands, and the last second for which the lists say so.
    ///
    /// # Errors
    /// Why it does not.
    pub(super) fn check(&self, certificate: &X509Certificate<'_>, now: u64) -> Result<u64, &'static str> {
        let issuer = certificate.issuer().as_raw();
        let of_issuer = || self.known.iter().filter(|known| known.issuer == issuer);
        let Some(until) = of_issuer().map(|known| known.until).max() else {
            return Err("there is no revocation list of the client certificate's issuer");
        };
        if of_issuer().any(|known| known.serials.contains(certificate.raw_serial())) {
            return Err("the client certificate is revoked");
        }
        if until < now {
            return Err("the revocation list of the client certificate's issuer is out of date");
        }
        Ok(until)
    }
}

impl Known {
    fn of(list: &[u8]) -> Result<Self, String> {
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
    if lists.is_empty() { Err("it holds no certificate revocation list".to_owned()) } else { Ok(lists) }
}
