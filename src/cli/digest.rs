//! The digest to sign or verify: given as an argument, or computed from a file of any size.

use std::io::Read;

use clap::Args;
use sha2::Digest;

use super::failure::{Failure, Outcome};
use super::input::{self, Source};
use crate::model::algorithm::{Hash, SignatureAlgorithm};

/// The source of the digest.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct DigestInput {
    /// File to hash with the hash function of the algorithm, or - for standard input
    #[arg(long, value_name = "FILE")]
    file: Option<Source>,
    /// Digest as base64url, or @FILE or - to read it raw or as base64url
    #[arg(long, value_name = "BASE64URL|@FILE|-", value_parser = DigestArg::parse, allow_hyphen_values = true)]
    digest: Option<DigestArg>,
}

/// The value of `--digest`.
#[derive(Clone, Debug)]
enum DigestArg {
    Bytes(Vec<u8>),
    Source(Source),
}

impl DigestArg {
    fn parse(text: &str) -> Result<Self, &'static str> {
        match text.strip_prefix('@') {
            Some("") => Err("expected a file name after @"),
            Some(path) => Ok(Self::Source(Source::File(path.into()))),
            None if text == "-" => Ok(Self::Source(Source::Stdin)),
            None => input::decode(text).map(|bytes| Self::Bytes(bytes.to_vec())),
        }
    }
}

impl DigestInput {
    /// Reads the digest. Errors if its length is not that of the algorithm.
    pub(crate) fn read(&self, algorithm: SignatureAlgorithm) -> Outcome<Vec<u8>> {
        let digest = match (&self.file, &self.digest) {
            (Some(source), _) => match algorithm.hash() {
                Some(hash) => return hash_of(source, hash),
                None => {
                    return Err(Failure::Usage(format!(
                        "{algorithm} signs its input without hashing: use --digest @FILE"
                    )));
                }
            },
            (None, Some(DigestArg::Bytes(bytes))) => bytes.clone(),
            (None, Some(DigestArg::Source(source))) => raw_or_text(source.read()?.to_vec(), algorithm),
            (None, None) => return Err(Failure::Usage("one of --file and --digest is required".into())),
        };
        match algorithm.hash() {
            Some(hash) if digest.len() != hash.digest_len() => Err(Failure::problem(format!(
                "{algorithm} signs a digest of {} bytes, {} were given",
                hash.digest_len(),
                digest.len()
            ))
            .hint("--file hashes a file; --digest takes a digest")),
            _ => Ok(digest),
        }
    }
}

/// Decodes a digest from a file: raw if it has the length of the algorithm's hash, otherwise base64url. The input
/// of RSNULL can be any bytes, so it is always raw.
fn raw_or_text(bytes: Vec<u8>, algorithm: SignatureAlgorithm) -> Vec<u8> {
    match algorithm.hash() {
        Some(hash) if hash.digest_len() != bytes.len() => std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| input::decode(text).ok())
            .map_or(bytes, |digest| digest.to_vec()),
        _ => bytes,
    }
}

fn hash_of(source: &Source, hash: Hash) -> Outcome<Vec<u8>> {
    match hash {
        Hash::Sha1 => stream::<sha1::Sha1>(source),
        Hash::Sha256 => stream::<sha2::Sha256>(source),
        Hash::Sha384 => stream::<sha2::Sha384>(source),
        Hash::Sha512 => stream::<sha2::Sha512>(source),
    }
}

fn stream<D: Digest>(source: &Source) -> Outcome<Vec<u8>> {
    let mut reader = source.open()?;
    let mut hasher = D::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finalize().to_vec()),
            Ok(length) => hasher.update(buffer.get(..length).unwrap_or_default()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::file(source, &error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    // `printf abc | sha256sum`, RFC 6234.
    const ABC: &str = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn digest(text: &str) -> DigestInput {
        DigestInput { file: None, digest: Some(DigestArg::parse(text).unwrap()) }
    }

    #[test]
    fn hashes_files_with_the_hash_of_the_algorithm() {
        let abc = file(b"abc");
        let input = DigestInput { file: Some(Source::File(abc.path().into())), digest: None };
        assert_eq!(input::encode(&input.read(SignatureAlgorithm::Es256).unwrap()), ABC);
        assert_eq!(input.read(SignatureAlgorithm::Ps384).unwrap().len(), 48);
        assert_eq!(input.read(SignatureAlgorithm::Es512).unwrap().len(), 64);
        assert!(matches!(input.read(SignatureAlgorithm::RsNull), Err(Failure::Usage(_))));
    }

    #[test]
    fn hashes_files_larger_than_the_buffer() {
        let large = file(&vec![7; 200_001]);
        let input = DigestInput { file: Some(Source::File(large.path().into())), digest: None };
        let whole = sha2::Sha256::digest(vec![7; 200_001]);
        assert_eq!(input.read(SignatureAlgorithm::Es256).unwrap(), whole.to_vec());
    }

    #[test]
    fn reads_digests_from_arguments_and_files() {
        let raw = input::decode(ABC).unwrap();
        let es256 = SignatureAlgorithm::Es256;
        assert_eq!(digest(ABC).read(es256).unwrap(), *raw.0);
        for content in [raw.0.as_slice(), format!("{ABC}\n").as_bytes()] {
            let file = file(content);
            assert_eq!(digest(&format!("@{}", file.path().display())).read(es256).unwrap(), *raw.0);
        }
    }

    #[test]
    fn rejects_digests_of_the_wrong_length() {
        assert!(digest(ABC).read(SignatureAlgorithm::Es384).is_err());
        assert!(digest("AQID").read(SignatureAlgorithm::RsNull).is_ok());
        assert!(DigestArg::parse("@").is_err());
        assert!(DigestArg::parse("not base64!").is_err());
    }
}
