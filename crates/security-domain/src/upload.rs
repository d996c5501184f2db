//! The restore blob: the data of a security domain, encrypted for the transfer key of another HSM.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::content_encryption::ContentKey;
use crate::encrypted_data::{Datum, EncDataJson, EncryptedData};
use crate::error::{Document, Error};
use crate::json::{parse, print};
use crate::jwe::Jwe;
use crate::master_secret::MasterSecret;
use crate::thumbprint::Thumbprint;
use crate::transfer_key::TransferKey;

/// A restore blob whose contents are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    data: EncryptedData,
    wrapped_key: Jwe,
    recipient: Thumbprint,
}

/// What a restore blob contains.
#[derive(Debug)]
pub struct Opened {
    /// The master secret of this blob, which is not that of the security domain file.
    pub master: MasterSecret,
    /// The data of the security domain.
    pub data: Vec<Datum>,
}

#[derive(Deserialize, Serialize)]
struct UploadJson {
    #[serde(rename = "EncData")]
    enc_data: EncDataJson,
    #[serde(rename = "WrappedKey")]
    wrapped_key: WrappedKeyJson,
}

#[derive(Deserialize, Serialize)]
struct WrappedKeyJson {
    enc_key: String,
    x5t_256: String,
}

impl Upload {
    /// Encrypts data with a new master secret, and that secret for a transfer key.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if the tags are not permitted, and [`Error::Library`].
    pub fn seal(data: &[Datum], transfer_key: &TransferKey) -> Result<Self, Error> {
        let master = MasterSecret::generate()?;
        Ok(Self {
            data: EncryptedData::encrypt(Document::Upload, &master, data)?,
            wrapped_key: Jwe::encrypt_wrapped(transfer_key.certificate(), master.as_bytes())?,
            recipient: transfer_key.certificate().thumbprint(),
        })
    }

    /// Parses a restore blob.
    ///
    /// # Errors
    ///
    /// [`Error::TooLarge`], [`Error::Json`] and [`Error::Invalid`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let invalid = |problem| Error::invalid(Document::Upload, problem);
        let UploadJson { enc_data, wrapped_key: WrappedKeyJson { enc_key, x5t_256 } } =
            parse(Document::Upload, text)?;
        Ok(Self {
            data: EncryptedData::from_json(Document::Upload, enc_data)?,
            wrapped_key: Jwe::parse_wrapped(&enc_key).map_err(invalid)?,
            recipient: Thumbprint::parse(&x5t_256).ok_or_else(|| invalid("its thumbprint is not SHA-256"))?,
        })
    }

    /// The text of the restore blob.
    ///
    /// # Errors
    ///
    /// [`Error::Library`] if it cannot be written.
    pub fn to_text(&self) -> Result<String, Error> {
        print(&UploadJson {
            enc_data: self.data.to_json(),
            wrapped_key: WrappedKeyJson {
                enc_key: self.wrapped_key.to_text(),
                x5t_256: self.recipient.to_string(),
            },
        })
    }

    /// The certificate of the transfer key that decrypts the blob.
    pub const fn recipient(&self) -> Thumbprint {
        self.recipient
    }

    /// The key of the wrapped master secret, encrypted for the transfer key.
    pub fn encrypted_key(&self) -> &[u8] {
        self.wrapped_key.encrypted_key()
    }

    /// Decrypts the blob. `unwrap` decrypts with the private key of the transfer key, by RSA-OAEP with SHA-256; the key
    /// may be in a token. Errors of `unwrap` are returned as they are.
    ///
    /// # Errors
    ///
    /// [`Error::WrappedKeyNotDecrypted`] and [`Error::DataNotDecrypted`], and those of `unwrap`.
    pub fn open<E: From<Error>>(
        &self,
        unwrap: impl FnOnce(&[u8]) -> Result<Zeroizing<Vec<u8>>, E>,
    ) -> Result<Opened, E> {
        let content_key = unwrap(self.wrapped_key.encrypted_key())?;
        Ok(self.decrypt(&content_key)?)
    }

    fn decrypt(&self, content_key: &[u8]) -> Result<Opened, Error> {
        let content_key = ContentKey::from_slice(content_key).ok_or(Error::WrappedKeyNotDecrypted)?;
        let master = self.wrapped_key.decrypt(&content_key).map_err(|_| Error::WrappedKeyNotDecrypted)?;
        let master = MasterSecret::from_slice(&master).ok_or(Error::WrappedKeyNotDecrypted)?;
        let data = self.data.decrypt(&master)?;
        Ok(Opened { master, data })
    }
}
