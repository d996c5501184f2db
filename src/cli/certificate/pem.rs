//! Certificates and requests in files: PEM (RFC 7468) or DER.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::cli::failure::{Failure, Outcome};

/// The format of a written file.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum FileFormat {
    /// Text
    Pem,
    /// Binary
    Der,
}

impl FileFormat {
    /// Encodes a document.
    pub(super) fn encode(self, label: &str, der: &[u8]) -> Vec<u8> {
        match self {
            Self::Pem => encode(label, der).into_bytes(),
            Self::Der => der.to_vec(),
        }
    }
}

fn encode(label: &str, der: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        text.push_str(&STANDARD.encode(line));
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

/// Reads certificates: all of a PEM file, or one in DER. Other blocks of PEM are ignored.
pub(super) fn certificates(bytes: &[u8]) -> Outcome<Vec<Vec<u8>>> {
    /// The first byte of a DER `SEQUENCE`.
    const SEQUENCE: u8 = 0x30;
    if bytes.first() == Some(&SEQUENCE) {
        return Ok(vec![bytes.to_vec()]);
    }
    let found: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(bytes).map(|read| read.map(|der| der.to_vec())).collect();
    match found {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(Failure::problem("no certificate in PEM or DER found")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes() {
        let (first, second) = (vec![0x30; 100], vec![0x30; 48]);
        let text = [encode("CERTIFICATE", &first), encode("CERTIFICATE", &second)].concat();
        assert!(text.lines().all(|line| line.len() <= 64), "{text}");
        assert_eq!(certificates(text.as_bytes()).unwrap(), [first.clone(), second]);
        assert_eq!(certificates(&first).unwrap(), std::slice::from_ref(&first));
        assert_eq!(FileFormat::Der.encode("CERTIFICATE", &first), first);
    }

    #[test]
    fn rejects_files_without_certificates() {
        let request = encode("CERTIFICATE REQUEST", &[0x30; 10]);
        for wrong in ["", "x", &request, "-----BEGIN CERTIFICATE-----\nMA"] {
            assert!(certificates(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
