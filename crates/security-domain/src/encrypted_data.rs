//! The member `EncData` of a security domain file and of a restore blob: data under keys derived from a master secret.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Document, Error};
use crate::jwe::Jwe;
use crate::master_secret::MasterSecret;

/// The name of the key derivation function.
const KDF: &str = "sp108_kdf";
/// The limits of a document: Azure's have three tags of at most 23 bytes.
const MAX_DATA: usize = 16;
const MAX_TAG_BYTES: usize = 64;

/// Data of a security domain, with the tag that names it. The data is zeroized on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Datum {
    /// The name, such as `hsm_backup`.
    pub tag: String,
    /// The data.
    pub plaintext: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Datum({}, {} bytes)", self.tag, self.plaintext.len())
    }
}

/// `EncData` as JSON.
#[derive(Deserialize, Serialize)]
pub(crate) struct EncDataJson {
    data: Vec<DatumJson>,
    kdf: String,
}

#[derive(Deserialize, Serialize)]
struct DatumJson {
    compact_jwe: String,
    tag: String,
}

/// Encrypted data, each with its tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct EncryptedData(Vec<(String, Jwe)>);

impl EncryptedData {
    /// Validates the member of a document.
    pub(crate) fn from_json(document: Document, json: EncDataJson) -> Result<Self, Error> {
        let invalid = |problem| Error::invalid(document, problem);
        if json.kdf != KDF {
            return Err(invalid("its key derivation function is not sp108_kdf"));
        }
        check_tags(document, json.data.iter().map(|datum| datum.tag.as_str()))?;
        let parse =
            |datum: DatumJson| Ok((datum.tag, Jwe::parse_direct(&datum.compact_jwe).map_err(invalid)?));
        json.data.into_iter().map(parse).collect::<Result<_, _>>().map(Self)
    }

    pub(crate) fn to_json(&self) -> EncDataJson {
        let data = self.0.iter().map(|(tag, jwe)| DatumJson { compact_jwe: jwe.to_text(), tag: tag.clone() });
        EncDataJson { data: data.collect(), kdf: KDF.to_owned() }
    }

    /// Encrypts each datum with the key of its tag.
    pub(crate) fn encrypt(document: Document, master: &MasterSecret, data: &[Datum]) -> Result<Self, Error> {
        check_tags(document, data.iter().map(|datum| datum.tag.as_str()))?;
        let encrypt = |Datum { tag, plaintext }: &Datum| {
            Ok((tag.clone(), Jwe::encrypt_direct(&master.content_key(tag), tag, plaintext)?))
        };
        data.iter().map(encrypt).collect::<Result<_, _>>().map(Self)
    }

    /// Decrypts all data.
    pub(crate) fn decrypt(&self, master: &MasterSecret) -> Result<Vec<Datum>, Error> {
        let decrypt = |(tag, jwe): &(String, Jwe)| {
            let plaintext =
                jwe.decrypt(&master.content_key(tag)).map_err(|_| Error::DataNotDecrypted(tag.clone()))?;
            Ok(Datum { tag: tag.clone(), plaintext })
        };
        self.0.iter().map(decrypt).collect()
    }

    /// The tags.
    pub(crate) fn tags(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(tag, _)| tag.as_str())
    }
}

/// Tags are printed and are the labels of keys: few, short, printable, and each at most once.
fn check_tags<'a>(document: Document, tags: impl ExactSizeIterator<Item = &'a str>) -> Result<(), Error> {
    let count = tags.len();
    let valid = |tag: &&str| {
        (1..=MAX_TAG_BYTES).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_graphic())
    };
    let distinct: BTreeSet<&str> = tags.filter(valid).collect();
    if (1..=MAX_DATA).contains(&count) && distinct.len() == count {
        Ok(())
    } else {
        Err(Error::invalid(document, "its data do not have 1 to 16 different tags of 1 to 64 ASCII letters"))
    }
}
