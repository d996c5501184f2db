//! Internal errors: a text for the log, with the error that caused it.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;

/// A bug or unexpected condition in the service. Shared, so that the error of a call can be cloned; two are equal if their
/// texts are.
#[derive(Clone, Debug)]
pub struct Internal {
    context: Option<String>,
    cause: Arc<dyn StdError + Send + Sync>,
}

impl Internal {
    /// An internal error with the text of `cause`: an error, or a text.
    pub(super) fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self { context: None, cause: cause.into().into() }
    }

    /// An internal error with the text `context`, caused by `cause`.
    pub(super) fn with_context(
        context: impl Into<String>,
        cause: impl Into<Box<dyn StdError + Send + Sync>>,
    ) -> Self {
        Self { context: Some(context.into()), cause: cause.into().into() }
    }
}

impl fmt::Display for Internal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.context {
            Some(context) => write!(f, "internal error: {context}"),
            None => write!(f, "internal error: {}", self.cause),
        }
    }
}

impl StdError for Internal {
    /// Without a context the text is that of the cause, whose own cause is then the next.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self.context {
            Some(_) => Some(&*self.cause),
            None => self.cause.source(),
        }
    }
}

impl PartialEq for Internal {
    fn eq(&self, other: &Self) -> bool {
        self.to_string() == other.to_string()
    }
}

impl Eq for Internal {}

/// An error followed by its causes.
pub struct WithCauses<'a>(pub &'a dyn StdError);

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut previous = self.0.to_string();
        f.write_str(&previous)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            let text = cause.to_string();
            // The errors of some crates contain the text of their cause.
            if !previous.contains(&text) {
                write!(f, ": {text}")?;
            }
            previous = text;
            next = cause.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error that repeats the text of its cause.
    #[derive(Debug, thiserror::Error)]
    #[error("cannot read: {0}")]
    struct Repeating(#[source] std::io::Error);

    fn refused() -> std::io::Error {
        std::io::Error::other("the disk refused")
    }

    #[test]
    fn log_text_names_every_cause_once() {
        let text = |error: &Internal| WithCauses(error).to_string();
        assert_eq!(text(&Internal::new("a text")), "internal error: a text");
        assert_eq!(text(&Internal::new(refused())), "internal error: the disk refused");
        let within = Internal::with_context("writing x", refused());
        assert_eq!(text(&within), "internal error: writing x: the disk refused");
        assert_eq!(within.to_string(), "internal error: writing x");
        assert!(within.source().is_some());
        let repeating = Internal::with_context("starting", Repeating(refused()));
        assert_eq!(text(&repeating), "internal error: starting: cannot read: the disk refused");
        let deep = Internal::with_context("opening", within);
        assert_eq!(text(&deep), "internal error: opening: internal error: writing x: the disk refused");
    }
}
