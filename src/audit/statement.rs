//! What is signed of an audit log: where its chain ends, and where the files that are kept begin.
//!
//! The signature is ES256 (RFC 7518, 3.4) over the lines that [`Statement::text`] gives, so that any program can check
//! it that has the public key.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::sink::Last;
use crate::model::algorithm::SignatureAlgorithm;
use crate::model::key::{Curve, PublicMaterial};
use crate::model::{Error, Result, Timestamp};
use crate::public_key::PublicKey;

/// Where the last signed head is kept, beside the files of the log.
pub(super) const HEAD_FILE: &str = "head.json";

/// Where it is kept what the files of the log begin after, once older ones were deleted.
pub(super) const START_FILE: &str = "start.json";

/// The category of records that hold a statement.
const CATEGORY: &str = "AuditSignature";

/// What a statement says of the record that it names.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Says {
    /// The log had this record, with this link, at its end.
    Head,
    /// The files that held the log up to this record were deleted as configured.
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

/// A statement that is not signed yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statement {
    /// What it says.
    pub says: Says,
    /// Of which record.
    pub last: Last,
    /// When.
    pub time: Timestamp,
    /// The key that signs it.
    pub key: Jwk,
}

/// A signed statement.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Signed {
    /// What it says.
    pub statement: Says,
    /// The number of the record.
    pub seq: u64,
    /// The link of the record.
    pub chain: String,
    /// When it was signed, in RFC 3339.
    pub time: String,
    /// The key's identifier: its thumbprint (RFC 7638) with SHA-256.
    pub kid: String,
    /// The public key.
    pub key: Jwk,
    /// `r || s`, in base64url without padding.
    pub signature: String,
}

impl Jwk {
    /// The public half of a key on P-256.
    ///
    /// # Errors
    /// `Internal` for another key.
    pub fn of(public: &PublicMaterial) -> Result<Self> {
        let PublicMaterial::Ec { crv: Curve::P256, x, y } = public else {
            return Err(Error::internal("the audit log is signed with a key on P-256"));
        };
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        Ok(Self { kty: "EC".to_owned(), crv: "P-256".to_owned(), x: encode(x), y: encode(y) })
    }

    /// Its thumbprint (RFC 7638) with SHA-256.
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
    /// The lines that are signed.
    fn text(says: Says, seq: u64, chain: &str, time: &str, kid: &str) -> String {
        let says = match says {
            Says::Head => "head",
            Says::Start => "start",
        };
        format!(
            "strongroom audit log v1\nstatement {says}\nseq {seq}\nchain {chain}\ntime {time}\nkey {kid}\n"
        )
    }

    fn time(&self) -> String {
        format!("{:.3}", self.time)
    }

    /// The SHA-256 digest that is to be signed.
    pub fn digest(&self) -> Vec<u8> {
        let Last { seq, chain } = &self.last;
        let text = Self::text(self.says, *seq, chain, &self.time(), &self.key.thumbprint());
        Sha256::digest(text).to_vec()
    }

    /// The statement with its signature, which is verified.
    ///
    /// # Errors
    /// `Internal` where the signature is not the key's.
    pub fn signed(self, signature: &[u8]) -> Result<Signed> {
        let signed = Signed {
            statement: self.says,
            seq: self.last.seq,
            chain: self.last.chain.clone(),
            time: self.time(),
            kid: self.key.thumbprint(),
            key: self.key,
            signature: URL_SAFE_NO_PAD.encode(signature),
        };
        match signed.is_valid() {
            true => Ok(signed),
            false => Err(Error::internal("the signature of the audit log is not that of its recorded key")),
        }
    }
}

impl Signed {
    /// Whether the signature is that of the key that is named, over what is said.
    pub fn is_valid(&self) -> bool {
        let Ok(signature) = URL_SAFE_NO_PAD.decode(&self.signature) else { return false };
        let Some(key) = self.key.parse().filter(|_| self.kid == self.key.thumbprint()) else { return false };
        let text = Statement::text(self.statement, self.seq, &self.chain, &self.time, &self.kid);
        key.verify(SignatureAlgorithm::Es256, &Sha256::digest(text), &signature).unwrap_or(false)
    }

    /// The record that holds the statement, to be added to the chain. `files` are those that are deleted.
    ///
    /// # Errors
    /// `Internal` where it cannot be written as JSON.
    pub fn record(&self, event: &'static str, files: &[String]) -> Result<String> {
        let record = SignatureRecord {
            time: &self.time,
            operation_name: event,
            operation_version: "v1",
            category: CATEGORY,
            result_type: "Success",
            result_signature: "OK",
            files,
            signed: self,
        };
        serde_json::to_string(&record).map_err(Error::internal)
    }

    /// The statement in a record of the chain, if it holds one.
    ///
    /// # Errors
    /// Says that a record of this category holds none.
    pub(super) fn of_record(line: &[u8]) -> std::result::Result<Option<Self>, &'static str> {
        // Only few records have one, and the others need not be read as JSON. A caller's text cannot hold the
        // unescaped quotation marks.
        const MARK: &[u8] = b"\"category\":\"AuditSignature\"";
        if !line.windows(MARK.len()).any(|window| window == MARK) {
            return Ok(None);
        }
        #[derive(Deserialize)]
        struct Holder {
            signed: Signed,
        }
        let holder: Holder = serde_json::from_slice(line)
            .map_err(|_| "the record of a signature holds no signed statement")?;
        Ok(Some(holder.signed))
    }

    /// Reads a statement from a file; `None` if there is no such file.
    ///
    /// # Errors
    /// Those of the file system; `InvalidData` where it is not a statement, or its signature is wrong.
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
        if signed.is_valid() { Ok(Some(signed)) } else { Err(invalid("the signature is wrong")) }
    }

    /// The last signed head that is kept in the directory of a log.
    ///
    /// # Errors
    /// As [`Signed::read`].
    pub fn head_in(dir: &Path) -> io::Result<Option<Self>> {
        Self::read(&dir.join(HEAD_FILE))
    }

    /// Where the kept files of a log begin after.
    ///
    /// # Errors
    /// As [`Signed::read`].
    pub fn start_in(dir: &Path) -> io::Result<Option<Self>> {
        Self::read(&dir.join(START_FILE))
    }

    /// Keeps the statement in the directory of the log, durably, whole or not at all.
    ///
    /// # Errors
    /// Those of the file system.
    pub fn keep_in(&self, dir: &Path) -> io::Result<()> {
        let name = match self.statement {
            Says::Head => HEAD_FILE,
            Says::Start => START_FILE,
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

/// The record of a statement in the chain.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SignatureRecord<'a> {
    time: &'a str,
    operation_name: &'a str,
    operation_version: &'a str,
    category: &'a str,
    result_type: &'a str,
    result_signature: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    files: &'a [String],
    signed: &'a Signed,
}
