//! Panics, caught where a call runs: a fault of the program fails its call and nothing else.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt as _;

use crate::model::{Error, Result};

/// Runs a part of a call to its end or to its panic, which becomes an internal error.
///
/// State that is shared between calls survives a panic: the store changes memory in whole steps and ignores poisoned locks;
/// the threads of a token catch their own panics.
///
/// # Errors
/// That of the work; `Internal` for a panic, with its text.
pub async fn caught<T>(what: &'static str, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(internal(what, &*panic)))
}

/// As [`caught`], for what does not wait.
pub(super) fn caught_now<T>(what: &'static str, work: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| internal(what, &*panic))
}

/// The error that a panic becomes. Its text is for the log.
fn internal(what: &'static str, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::internal(format_args!("{what} panicked: {}", text.unwrap_or("without a text")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_an_internal_error_with_its_text() {
        let text = |error: Error| error.to_string();
        let late = caught::<()>("Sign", async {
            tokio::task::yield_now().await;
            panic!("seconds {}", 7)
        });
        assert_eq!(text(late.await.unwrap_err()), "internal error: Sign panicked: seconds 7");
        let now = caught_now::<()>("Sign", || panic!("at once"));
        assert_eq!(text(now.unwrap_err()), "internal error: Sign panicked: at once");
        let other = caught_now::<()>("Sign", || std::panic::panic_any(7));
        assert_eq!(text(other.unwrap_err()), "internal error: Sign panicked: without a text");
        assert_eq!(caught("Sign", async { Ok(7) }).await, Ok(7));
    }
}
