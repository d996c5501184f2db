//! Catches panics of calls: a bug fails the call that triggers it, and no other.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt as _;

use crate::model::{Error, Result};

/// Runs a part of a call, and returns a panic as an `Internal` error.
///
/// State shared between calls is consistent after a panic: the store applies changes to memory atomically and ignores
/// lock poisoning; token threads catch their own panics.
///
/// # Errors
/// Those of `work`; `Internal` with the panic message.
pub async fn catch_panics<T>(what: &'static str, work: impl Future<Output = Result<T>> + Send) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(internal(what, &*panic)))
}

/// As [`catch_panics`], for synchronous work.
pub(super) fn catch_panics_sync<T>(what: &'static str, work: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| internal(what, &*panic))
}

/// Converts a panic to an error. The message appears only in the log.
fn internal(what: &'static str, panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::internal(format!("{what} panicked: {}", text.unwrap_or("no message")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn panic_becomes_internal_error_with_its_message() {
        let text = |error: Error| error.to_string();
        let late = catch_panics::<()>("Sign", async {
            tokio::task::yield_now().await;
            panic!("seconds {}", 7)
        });
        assert_eq!(text(late.await.unwrap_err()), "internal error: Sign panicked: seconds 7");
        let now = catch_panics_sync::<()>("Sign", || panic!("at once"));
        assert_eq!(text(now.unwrap_err()), "internal error: Sign panicked: at once");
        let other = catch_panics_sync::<()>("Sign", || std::panic::panic_any(7));
        assert_eq!(text(other.unwrap_err()), "internal error: Sign panicked: no message");
        assert_eq!(catch_panics("Sign", async { Ok(7) }).await, Ok(7));
    }
}
