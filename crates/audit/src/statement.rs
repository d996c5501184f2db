//! Signed statements about an audit log: where its chain ends, and where the retained files begin.
//!
//! The signature is ES256 (RFC 7518, section 3.4) over the lines of [`Statement::text`], so that any program with the
//! public key can verify it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::sink::LastRecord;
use crate::model::algorithm::SignatureAlgorithm;
use crate::model::key::{Curve, PublicMaterial};
use crate::model::{Error, Result, Timestamp};
use strongroom_public_key::PublicKey;

/// The file with the last signed head, in the directory of the log.
pub(super) const HEAD_FILE: &str = "head.json";

/// The file with the signed record after which the log files begin, once older files were deleted.
pub(super) const START_FILE: &str = "start.json";

/// The category of records that contain a statement.
const CATEGORY: &str = "AuditSignature";

/// The kind of a statement.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatementKind {
    /// The record was the last of the log, with this chain hash.
    Head,
    /// The files with the log up to this record were deleted by retention.
    Start,
}

/// A public key in JSON Web Key form (RFC 7517); P-256.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: String,
}

/// An unsigned statement.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// Its kind.
    pub kind: StatementKind,
    /// The record that it is about.
    pub last: LastRecord,
    /// When it is signed.
    pub time: Timestamp,
    /// The public key of its signature.
    pub key: Jwk,
}

/// A signed statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SignedStatement {
    /// Its kind.
    pub statement: StatementKind,
    /// The sequence number of the record.
    pub seq: u64,
    /// The chain hash of the record.
    pub chain: String,
    /// When it was signed, in RFC 3339 format.
    pub time: String,
    /// The key ID: the SHA-256 thumbprint of the key (RFC 7638).
    pub kid: String,
    /// The public key.
    pub key: Jwk,
    /// `r || s`, in base64url without padding.
    pub signature: String,
}

impl Jwk {
    /// Converts a P-256 public key.
    ///
    /// # Errors
    /// `Internal` for any other key.
    pub fn of(public: &PublicMaterial) -> Result<Self> {
        let PublicMaterial::Ec { crv: Curve::P256, x, y } = public else {
            return Err(Error::internal("the key that signs the audit log must be a P-256 key"));
        };
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Ok(Self { kty: "EC".to_owned(), crv: "P-256".to_owned(), x: encode(x), y: encode(y) })
    }

    /// The SHA-256 thumbprint (RFC 7638).
    pub fn thumbprint(&self) -> String {
        let Self { kty, crv, x, y } = self;
        let members = format!(r#"{{"crv":"{crv}","kty":"{kty}","x":"{x}","y":"{y}"}}"#);
        URL_SAFE_NO_PAD.encode(Sha256::digest(members))
    }

    fn parse(&self) -> Option<PublicKey> {
        let coordinate = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
        let (x, y) = (coordinate(&self.x)?, coordinate(&self.y)?);
        let named = self.kty == "EC" && self.crv == "P-256";
        named.then(|| PublicKey::parse(&PublicMaterial::Ec { crv: Curve::P256, x, y }).ok()).flatten()
    }
}

impl Statement {
    /// The signed lines.
    fn text(kind: StatementKind, seq: u64, chain: &str, time: &str, kid: &str) -> String {
        let kind = match kind {
            StatementKind::Head => "head",
            StatementKind::Start => "start",
        };
        format!(
            "strongroom audit log v1\nstatement {kind}\nseq {seq}\nchain {chain}\ntime {time}\nkey {kid}\n"
        )
    }

    fn time(&self) -> String {
        format!("{:.3}", self.time)
    }

    /// The SHA-256 digest to sign.
    pub fn digest(&self) -> Vec<u8> {
        let LastRecord { seq, chain } = &self.last;
        let text = Self::text(self.kind, *seq, chain, &self.time(), &self.key.thumbprint());
        Sha256::digest(text).to_vec()
    }

    /// Adds the signature, and verifies it.
    ///
    /// # Errors
    /// `Internal` if the signature does not verify with the key.
    pub fn signed(self, signature: &[u8]) -> Result<SignedStatement> {
        let signed = SignedStatement {
            statement: self.kind,
            seq: self.last.seq,
            chain: self.last.chain.clone(),
            time: self.time(),
            kid: self.key.thumbprint(),
            key: self.key,
            signature: URL_SAFE_NO_PAD.encode(signature),
        };
        match signed.is_valid() {
            true => Ok(signed),
            false => {
                Err(Error::internal("the signature of the audit log does not verify with its recorded key"))
            }
        }
    }
}

impl SignedStatement {
    /// Whether the signature verifies with the contained key and `kid` is the key's thumbprint.
    pub(crate) fn is_valid(&self) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(&self.signature) else { return false };
        let Some(key) = self.key.parse().filter(|_| self.kid == self.key.thumbprint()) else { return false };
        let text = Statement::text(self.statement, self.seq, &self.chain, &self.time, &self.kid);
        key.verify(SignatureAlgorithm::Es256, &Sha256::digest(text), &signature).unwrap_or(false)
    }

    /// Renders the audit record with the statement. `instance` is the name of the instance of the service that has signed it, `files`
    /// are the names of deleted files.
    ///
    /// # Errors
    /// `Internal` if it cannot be serialized as JSON.
    pub fn record(&self, event: &'static str, instance: &str, files: &[String]) -> Result<String> {
        let record = SignatureRecord {
            time: &self.time,
            operation_name: event,
            operation_version: "v1",
            category: CATEGORY,
            result_type: "Success",
            result_signature: "OK",
            instance,
            files,
            signed: self,
        };
        serde_json::to_string(&record).map_err(Error::internal)
    }

    /// Extracts the statement of a record of the chain, and the name of the instance that has signed it, which older records do not
    /// have; `None` if the record is of another category.
    ///
    /// # Errors
    /// A message if a record of this category has no statement.
    pub(super) fn of_record(
        line: &[u8],
    ) -> std::result::Result<Option<(Self, Option<String>)>, &'static str> {
        // Few records have one, and parsing the others as JSON is avoided. A string from a caller cannot contain the
        // unescaped quotation marks.
        const MARK: &[u8] = b"\"category\":\"AuditSignature\"";
        if !line.windows(MARK.len()).any(|window| window == MARK) {
            return Ok(None);
        }
        #[derive(Deserialize)]
        struct Record {
            signed: SignedStatement,
            instance: Option<String>,
        }
        let record: Record = serde_json::from_slice(line)
            .map_err(|_| "the record of a signature contains no signed statement")?;
        Ok(Some((record.signed, record.instance)))
    }

    /// Reads a statement from a file; `None` if the file does not exist.
    ///
    /// # Errors
    /// Errors of the file system; `InvalidData` if it is not a statement or its signature is invalid.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let invalid =
            |why: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {why}", path.display()));
        let signed: Self = serde_json::from_slice(&bytes)
            .map_err(|_| invalid("not a signed statement about an audit log"))?;
        if signed.is_valid() { Ok(Some(signed)) } else { Err(invalid("the signature is invalid")) }
    }

    /// Reads the last signed head from the directory of a log.
    ///
    /// # Errors
    /// As [`SignedStatement::read`].
    pub fn read_head(dir: &Path) -> io::Result<Option<Self>> {
        Self::read(&dir.join(HEAD_FILE))
    }

    /// Reads the signed record after which the retained files of a log begin.
    ///
    /// # Errors
    /// As [`SignedStatement::read`].
    pub(crate) fn read_start(dir: &Path) -> io::Result<Option<Self>> {
        Self::read(&dir.join(START_FILE))
    }

    /// Writes the statement to the directory of the log, durably and atomically.
    ///
    /// # Errors
    /// Errors of the file system.
    pub fn write_to(&self, dir: &Path) -> io::Result<()> {
        let name = match self.statement {
            StatementKind::Head => HEAD_FILE,
            StatementKind::Start => START_FILE,
        };
        let (path, part) = (dir.join(name), dir.join(format!("{name}.part")));
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&part, &path)?;
        File::open(dir)?.sync_all()
    }
}

/// The audit record of a statement.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignatureRecord<'a> {
    time: &'a str,
    operation_name: &'a str,
    operation_version: &'a str,
    category: &'a str,
    result_type: &'a str,
    result_signature: &'a str,
    instance: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    files: &'a [String],
    signed: &'a SignedStatement,
}
