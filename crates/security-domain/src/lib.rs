//! The file formats of the security domain of a managed HSM, compatible with `az keyvault security-domain`.
//!
//! The security domain is the data that a new HSM needs to use the backups of another one. It is encrypted with keys
//! derived from a [`MasterSecret`], and the master secret is divided into shares, one for each of 3 to 10 certificates.
//! A quorum of the private keys recovers it.
//!
//! | step | who | input | output |
//! |---|---|---|---|
//! | download | the HSM | [`DownloadRequest`] | [`SecurityDomain`] |
//! | restore | holders of the private keys, offline | [`SecurityDomain`], [`WrappingKey`]s, [`TransferKey`] | [`Upload`] |
//! | upload | the new HSM | [`Upload`], private key of the transfer key | the data |
//!
//! The encodings are those of azure-cli 2.91 (`azure.cli.command_modules.keyvault.security_domain`), which is the
//! reference where no standard specifies them.

mod base64;
mod certificate;
mod content_encryption;
mod direct_encryption;
mod download_request;
mod encrypted_data;
mod error;
mod field;
mod gcm_key_wrapping;
mod json;
mod jwe;
mod master_secret;
mod pem;
mod private_key;
mod security_domain;
mod share;
mod thumbprint;
mod transfer_key;
mod upload;
mod wrapped_content_key;

pub use certificate::Certificate;
pub use content_encryption::ContentKey;
pub use direct_encryption::{decrypt_with, encrypt_with};
pub use download_request::{CERTIFICATES, DownloadRequest, QUORUM};
pub use encrypted_data::Datum;
pub use error::{Document, Error};
pub use gcm_key_wrapping::GcmWrapped;
pub use master_secret::MasterSecret;
pub use private_key::{PrivateKey, WrappingKey};
pub use security_domain::SecurityDomain;
pub use thumbprint::Thumbprint;
pub use transfer_key::TransferKey;
pub use upload::{Opened, Upload};
pub use wrapped_content_key::WrappedContentKey;

/// The largest document that is parsed, in bytes. Azure's documents have less than 20 KiB.
pub const MAX_DOCUMENT_BYTES: usize = 1 << 20;

/// The tags of the data in a security domain of Azure, in the order of its files.
pub const TAGS: [&str; 3] = ["hsm_backup", "base_enclave_backup", "partition_enclave_backup"];
