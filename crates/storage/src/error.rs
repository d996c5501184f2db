//! The errors of this package.

/// Why a location cannot be used. No text contains a credential.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// The URI, the folder or the credential is malformed, or the location is not permitted.
    #[error("{0}")]
    Invalid(String),
    /// The container, the folder or the object does not exist.
    #[error("the storage has no {0}")]
    NotFound(String),
    /// The storage refuses the credential.
    #[error("the storage refuses access to {0}")]
    NotPermitted(String),
    /// The storage failed or does not answer.
    #[error("the storage failed: {0}")]
    Failed(String),
}

impl StorageError {
    /// Classifies an error of the library, about this object. Its text may contain the URL with the signature, so it is
    /// not used.
    pub(crate) fn of(error: &object_store::Error, what: &str) -> Self {
        use object_store::Error as Cause;
        match error {
            Cause::NotFound { .. } => Self::NotFound(what.to_owned()),
            Cause::PermissionDenied { .. } | Cause::Unauthenticated { .. } => {
                Self::NotPermitted(what.to_owned())
            }
            Cause::InvalidPath { .. } => Self::Invalid(format!("{what} is not a path")),
            _ => Self::Failed(format!("{what} cannot be accessed")),
        }
    }
}
