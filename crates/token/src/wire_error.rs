//! The errors of the token as messages. An internal error is sent as its text for the log.

use serde::{Deserialize, Serialize};

use crate::error;
use crate::model::name::VersionId;
use crate::model::{Error, Field};
use crate::wire;

/// An error that a worker process answers with.
#[derive(Serialize, Deserialize, Debug)]
pub(crate) enum WireError {
    Busy,
    DecryptionFailed,
    Internal(String),
    Invalid { field: String, why: String },
    KeyMaterialMissing(#[serde(with = "wire::version")] VersionId),
    KeyNotWrappable(#[serde(with = "wire::version")] VersionId),
    MalformedBackup(String),
    Failed { function: String, code: String },
    Unavailable(String),
    Unsupported(String),
}

impl From<Error> for WireError {
    fn from(error: Error) -> Self {
        match error {
            Error::TokenBusy => Self::Busy,
            Error::DecryptionFailed => Self::DecryptionFailed,
            Error::Invalid { field, why } => Self::Invalid { field: field.path().to_owned(), why },
            Error::KeyMaterialMissing { version } => Self::KeyMaterialMissing(version),
            Error::KeyNotWrappable { version } => Self::KeyNotWrappable(version),
            Error::MalformedBackup { why } => Self::MalformedBackup(why),
            Error::TokenFailed { function, code } => Self::Failed { function: function.to_owned(), code },
            Error::TokenUnavailable { why } => Self::Unavailable(why),
            Error::Unsupported { what } => Self::Unsupported(what),
            other => Self::Internal(other.with_causes().to_string()),
        }
    }
}

impl From<WireError> for Error {
    fn from(error: WireError) -> Self {
        match error {
            WireError::Busy => Self::TokenBusy,
            WireError::DecryptionFailed => Self::DecryptionFailed,
            WireError::Internal(text) => Self::internal(text),
            WireError::Invalid { field, why } => {
                Self::Invalid { field: Field::of_path(&field).unwrap_or(Field::Unnamed), why }
            }
            WireError::KeyMaterialMissing(version) => Self::KeyMaterialMissing { version },
            WireError::KeyNotWrappable(version) => Self::KeyNotWrappable { version },
            WireError::MalformedBackup(why) => Self::MalformedBackup { why },
            WireError::Failed { function, code } => {
                Self::TokenFailed { function: error::known_function(&function), code }
            }
            WireError::Unavailable(why) => Self::TokenUnavailable { why },
            WireError::Unsupported(what) => Self::Unsupported { what },
        }
    }
}

/// The results of several calls.
pub(crate) mod results {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::WireError;
    use crate::model;

    pub(crate) fn serialize<S: Serializer, T: Serialize>(
        results: &[model::Result<T>],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_seq(
            results.iter().map(|result| result.as_ref().map_err(|error| WireError::from(error.clone()))),
        )
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
        from: D,
    ) -> Result<Vec<model::Result<T>>, D::Error> {
        let results = Vec::<Result<T, WireError>>::deserialize(from)?;
        Ok(results.into_iter().map(|result| result.map_err(model::Error::from)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_keep_their_meaning() {
        let version = VersionId::from_bytes([7; 16]);
        for error in [
            Error::TokenBusy,
            Error::DecryptionFailed,
            Error::invalid(Field::Iv, "wrong"),
            Error::invalid(Field::AuthenticationTag, "wrong"),
            Error::KeyMaterialMissing { version },
            Error::KeyNotWrappable { version },
            Error::MalformedBackup { why: "wrong".to_owned() },
            Error::TokenFailed { function: "C_Sign", code: "CKR_DEVICE_ERROR".to_owned() },
            Error::TokenUnavailable { why: "gone".to_owned() },
            Error::Unsupported { what: "that".to_owned() },
        ] {
            let bytes = postcard::to_allocvec(&WireError::from(error.clone())).unwrap();
            assert_eq!(Error::from(postcard::from_bytes::<WireError>(&bytes).unwrap()), error);
        }
        let internal = Error::internal_caused_by("writing", std::io::Error::other("full"));
        let text = Error::from(WireError::from(internal)).to_string();
        assert!(text.contains("writing") && text.contains("full"), "{text}");
    }
}
