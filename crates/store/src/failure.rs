//! The failure of a write: whether it concerns one commit or its whole group.

use super::database::SqlError;
use crate::model::{Error, Field};

/// A failure to apply a commit.
#[derive(Debug)]
pub(super) enum Failure {
    /// The commit is rejected; the rest of the group continues.
    Refused(Error),
    /// The database failed, and the group with it.
    Database(SqlError),
}

impl From<SqlError> for Failure {
    /// A violated unique or foreign key constraint rejects only its commit. The preconditions exclude both,
    /// except for duplicates of a version's identifier in another key.
    fn from(error: SqlError) -> Self {
        match error.as_database_error() {
            Some(cause) if cause.is_unique_violation() || cause.is_foreign_key_violation() => {
                Self::Refused(Error::Conflict { what: "what the request names".into() })
            }
            // PostgreSQL has no text with the character NUL.
            Some(cause) if cause.code().as_deref() == Some("22021") => {
                let why = "the character NUL is not supported by the database";
                Self::Refused(Error::invalid(Field::Unnamed, why))
            }
            _ => Self::Database(error),
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// The result of writing.
pub(super) type Done = Result<(), Failure>;
