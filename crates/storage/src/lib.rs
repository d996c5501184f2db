//! Where full backups are stored: a directory, or a container of Azure Blob Storage.
//!
//! A [`Location`] is a folder of one of them. An object in it is written as a stream and appears when it is complete: an
//! interrupted upload leaves nothing that can be read.

mod address;
mod error;
mod location;
mod managed_identity;
mod new_directories;

pub use address::{Address, Credential, Policy};
pub use error::StorageError;
pub use location::{ByteStream, Location, Upload};
pub use managed_identity::ManagedIdentity;
