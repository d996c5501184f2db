//! The errors of this package.

use std::error::Error;

/// The maximum length of the text about a failure, in characters.
const MAX_TEXT: usize = 300;

/// The maximum length of an error code, in characters.
const MAX_CODE: usize = 64;

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
    /// The managed identity of the machine gets no access token.
    #[error("the managed identity endpoint issues no access token: {0}")]
    NoToken(String),
    /// The storage failed or does not answer.
    #[error("the storage failed: {0}")]
    Failed(String),
}

impl StorageError {
    /// Classifies an error of the library, about this object.
    pub(crate) fn of(error: &object_store::Error, what: &str) -> Self {
        use object_store::Error as Cause;
        match error {
            Cause::NotFound { .. } => Self::NotFound(match code(&chain(error)) {
                Some(code) => format!("{what}: HTTP 404 {code}"),
                None => what.to_owned(),
            }),
            Cause::PermissionDenied { .. } => Self::refused(what, "HTTP 403", error),
            Cause::Unauthenticated { .. } => Self::refused(what, "HTTP 401", error),
            Cause::InvalidPath { .. } => Self::Invalid(format!("{what} is not a path")),
            other => Self::Failed(format!("{what} cannot be accessed: {}", without_queries(&chain(other)))),
        }
    }

    /// A failed request for an access token, or why its answer cannot be used.
    pub(crate) fn no_token(cause: Result<&(dyn Error + 'static), &str>) -> Self {
        Self::NoToken(match cause {
            Ok(error) => without_queries(&chain(error)),
            Err(why) => why.to_owned(),
        })
    }

    /// A refusal with its status, and the error code if the answer has one.
    fn refused(what: &str, status: &str, error: &object_store::Error) -> Self {
        Self::NotPermitted(match code(&chain(error)) {
            Some(code) => format!("{what}: {status} {code}"),
            None => format!("{what}: {status}"),
        })
    }
}

/// The error code of Azure Blob Storage in the text of an error, such as `AuthorizationPermissionMismatch`.
/// <https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2>
fn code(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("<Code>")?;
    let (code, _) = rest.split_once("</Code>")?;
    // Other characters are not of a code, but may be of a signature.
    let valid = (1..=MAX_CODE).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    valid.then_some(code)
}

/// The text of an error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let own = error.to_string();
        // Many errors contain the text of their cause.
        if !text.contains(&own) {
            text = text + ": " + &own;
        }
        cause = error.source();
    }
    text
}

/// Removes the queries of URLs, which contain the signature, and shortens the text to its first line.
fn without_queries(text: &str) -> String {
    let mut is_query = false;
    let kept = text.chars().take_while(|character| !character.is_control()).filter(|character| {
        is_query = match character {
            '?' => true,
            ' ' | '"' | '\'' | ')' | '>' => false,
            _ => is_query,
        };
        !is_query
    });
    let kept: String = kept.take(MAX_TEXT).collect();
    if kept.contains("sig=") { "the text of the error contains the signature".to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_names_status_and_error_code() {
        let refusal = |body: &str| {
            let (path, source) = ("c/o".to_owned(), body.to_owned().into());
            StorageError::of(&object_store::Error::PermissionDenied { path, source }, "object").to_string()
        };
        let named = "the storage refuses access to object: HTTP 403 AuthorizationFailure";
        assert_eq!(
            refusal("<?xml?>\n<Error>\n <Code>AuthorizationFailure</Code><Message>sig=x</Message>"),
            named
        );
        for other in ["", "<Code></Code>", "<Code>a%2Bb</Code>", "<Code>unclosed"] {
            assert_eq!(refusal(other), "the storage refuses access to object: HTTP 403", "{other}");
        }
    }

    #[test]
    fn text_does_not_contain_signatures() {
        for (text, kept) in [
            ("PUT http://h/c/o?sv=1&sig=a%2Bb in 1ms: refused", "PUT http://h/c/o in 1ms: refused"),
            ("(\"https://h/c?sig=x\") failed", "(\"https://h/c\") failed"),
            ("403: denied\n<String>sig=x</String>", "403: denied"),
            ("sig=x", "the text of the error contains the signature"),
        ] {
            assert_eq!(without_queries(text), kept);
        }
        assert_eq!(without_queries(&"a".repeat(1000)).len(), MAX_TEXT);
    }
}
