//! The security domain file: encrypted data, and a share of the master secret for each certificate.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::content_encryption::ContentKey;
use crate::download_request::{CERTIFICATES, DownloadRequest, QUORUM};
use crate::encrypted_data::{Datum, EncDataJson, EncryptedData};
use crate::error::{Document, Error};
use crate::json::{parse, print};
use crate::jwe::Jwe;
use crate::master_secret::MasterSecret;
use crate::private_key::WrappingKey;
use crate::share::{self, Share};
use crate::thumbprint::Thumbprint;

/// The version of the format.
const VERSION: u32 = 2;
/// The name of the secret sharing.
const ALGORITHM: &str = "shamir_share";

/// A security domain file whose contents are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityDomain {
    data: EncryptedData,
    shares: BTreeMap<Thumbprint, Jwe>,
    /// The thumbprints in the order of the file.
    order: Vec<Thumbprint>,
    quorum: usize,
}

#[derive(Deserialize, Serialize)]
struct FileJson {
    #[serde(rename = "EncData")]
    enc_data: EncDataJson,
    #[serde(rename = "SharedKeys")]
    shared_keys: SharedKeysJson,
    version: u32,
}

#[derive(Deserialize, Serialize)]
struct SharedKeysJson {
    enc_shares: Vec<ShareJson>,
    key_algorithm: String,
    required: usize,
}

#[derive(Deserialize, Serialize)]
struct ShareJson {
    enc_key: String,
    x5t_256: String,
}

impl SecurityDomain {
    /// Encrypts data with a master secret, and divides the secret into one share for each certificate.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the tags are not permitted, and [`Error::Library`].
    pub fn seal(master: &MasterSecret, data: &[Datum], request: &DownloadRequest) -> Result<Self, Error> {
        let certificates = request.certificates();
        let count = u8::try_from(certificates.len()).map_err(|_| Error::Library)?;
        let data = EncryptedData::encrypt(Document::SecurityDomain, master, data)?;
        let encrypted = share::split(master, request.quorum(), count)?;
        let encrypted = certificates.iter().zip(&encrypted).map(|(certificate, share)| {
            Ok((certificate.thumbprint(), Jwe::encrypt_wrapped(certificate, share.as_bytes())?))
        });
        let shares = encrypted.collect::<Result<_, Error>>()?;
        let order = certificates.iter().map(|certificate| certificate.thumbprint()).collect();
        Ok(Self { data, shares, order, quorum: request.quorum() })
    }

    /// Parses a file.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], [`Error::Json`] and [`Error::Invalid`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |problem| Error::invalid(Document::SecurityDomain, problem);
        let FileJson { enc_data, shared_keys, version } = parse(Document::SecurityDomain, text)?;
        let SharedKeysJson { enc_shares, key_algorithm, required: quorum } = shared_keys;
        if version != VERSION {
            return Err(invalid("its version is not 2"));
        }
        if key_algorithm != ALGORITHM {
            return Err(invalid("its key algorithm is not shamir_share"));
        }
        if !CERTIFICATES.contains(&enc_shares.len()) {
            return Err(invalid("it does not have 3 to 10 shares"));
        }
        if !QUORUM.contains(&quorum) || quorum > enc_shares.len() {
            return Err(invalid("its quorum is not between 2 and the number of shares"));
        }
        let data = EncryptedData::from_json(Document::SecurityDomain, enc_data)?;
        let (mut shares, mut order) = (BTreeMap::new(), Vec::new());
        for ShareJson { enc_key, x5t_256 } in enc_shares {
            let thumbprint =
                Thumbprint::parse(&x5t_256).ok_or_else(|| invalid("a thumbprint is not SHA-256"))?;
            let jwe = Jwe::parse_wrapped(&enc_key).map_err(invalid)?;
            if shares.insert(thumbprint, jwe).is_some() {
                return Err(invalid("two shares have the same certificate"));
            }
            order.push(thumbprint);
        }
        Ok(Self { data, shares, order, quorum })
    }

    /// The text of the file.
    ///
    /// # Errors
    ///
    /// [`Error::Library`] if it cannot be written.
    pub fn to_text(&self) -> Result<String, Error> {
        let share = |(thumbprint, jwe): (&Thumbprint, &Jwe)| ShareJson {
            enc_key: jwe.to_text(),
            x5t_256: thumbprint.to_string(),
        };
        let in_order = self.order.iter().filter_map(|thumbprint| self.shares.get_key_value(thumbprint));
        print(&FileJson {
            enc_data: self.data.to_json(),
            shared_keys: SharedKeysJson {
                enc_shares: in_order.map(share).collect(),
                key_algorithm: ALGORITHM.to_owned(),
                required: self.quorum,
            },
            version: VERSION,
        })
    }

    /// The version of the format.
    pub const fn version(&self) -> u32 {
        VERSION
    }

    /// How many private keys restore the security domain.
    pub const fn quorum(&self) -> usize {
        self.quorum
    }

    /// The certificates that have a share, in the order of the file.
    pub fn thumbprints(&self) -> &[Thumbprint] {
        &self.order
    }

    /// The tags of the data.
    pub fn tags(&self) -> impl Iterator<Item = &str> {
        self.data.tags()
    }

    /// Recovers the master secret with a quorum of private keys, and checks it by decrypting the data. More keys than
    /// the quorum are not used, as in azure-cli, but each must have a share.
    ///
    /// # Errors
    ///
    /// - [`Error::TooFewShares`]: there are fewer keys than the quorum.
    /// - [`Error::ForeignCertificate`], [`Error::RepeatedCertificate`]: a key cannot contribute.
    /// - [`Error::ShareNotDecrypted`], [`Error::InvalidShare`]: the share of a certificate was modified or replaced.
    /// - [`Error::InconsistentShares`], [`Error::DataNotDecrypted`]: shares are of different security domains, or the
    ///   data was modified.
    pub fn recover(&self, keys: &[WrappingKey]) -> Result<MasterSecret, Error> {
        self.open(keys).map(|(master, _)| master)
    }

    /// Recovers the master secret as [`Self::recover`] does, and decrypts the data.
    ///
    /// # Errors
    ///
    /// As [`Self::recover`].
    pub fn open(&self, keys: &[WrappingKey]) -> Result<(MasterSecret, Vec<Datum>), Error> {
        let mut seen = BTreeSet::new();
        for thumbprint in keys.iter().map(|key| key.certificate().thumbprint()) {
            if !self.shares.contains_key(&thumbprint) {
                return Err(Error::ForeignCertificate(thumbprint));
            }
            if !seen.insert(thumbprint) {
                return Err(Error::RepeatedCertificate(thumbprint));
            }
        }
        let quorum = keys
            .get(..self.quorum)
            .ok_or(Error::TooFewShares { required: self.quorum, given: keys.len() })?;
        let mut shares: Vec<Share> = Vec::new();
        for key in quorum {
            let share = self.share(key)?;
            if shares.iter().any(|other| other.number() == share.number()) {
                return Err(Error::InvalidShare(key.certificate().thumbprint()));
            }
            shares.push(share);
        }
        let master = share::combine(&shares).ok_or(Error::InconsistentShares)?;
        let data = self.data.decrypt(&master)?;
        Ok((master, data))
    }

    fn share(&self, key: &WrappingKey) -> Result<Share, Error> {
        let thumbprint = key.certificate().thumbprint();
        let jwe = self.shares.get(&thumbprint).ok_or(Error::ForeignCertificate(thumbprint))?;
        let content_key = key.key().unwrap_key(jwe.encrypted_key());
        let content_key = content_key.and_then(|key| ContentKey::from_slice(&key));
        let plaintext = content_key.and_then(|key| jwe.decrypt(&key).ok());
        let plaintext = plaintext.ok_or(Error::ShareNotDecrypted(thumbprint))?;
        Share::parse(&plaintext).ok_or(Error::InvalidShare(thumbprint))
    }
}
