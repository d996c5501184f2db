//! Runs long computations on blocking threads, with a limit on their number.

use std::time::Duration;

use tokio::sync::Semaphore;

use crate::model::billing::Period;
use crate::model::{Error, Field, Result, Timestamp};
use crate::store::Store;

/// Permits for concurrent computations. Each occupies a CPU core.
static PERMITS: Semaphore = Semaphore::const_new(2);
/// How long a computation waits for a permit.
const PERMIT_TIMEOUT: Duration =
    if cfg!(test) { Duration::from_millis(100) } else { Duration::from_secs(10) };
/// The longest period for which costs are computed, in calendar months: a hundred years.
const MAX_MONTHS: usize = 1200;

/// Runs a computation on a blocking thread. `what` names it in errors.
///
/// # Errors
/// Those of `work`; `ComputationBusy` if no permit becomes available in time, `Internal` if `work` panics.
pub(super) async fn compute<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let permit = tokio::time::timeout(PERMIT_TIMEOUT, PERMITS.acquire()).await;
    let permit = permit.map_err(|_| Error::ComputationBusy { what })?.map_err(Error::internal)?;
    let computed = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    computed.await.unwrap_or_else(|error| Err(Error::internal_caused_by(format!("computing {what}"), error)))
}

/// Checks the length of a period. Only the part between the creation of the first container and `now` counts, since there are
/// no costs outside it.
///
/// # Errors
/// `Invalid` if that part is longer than [`MAX_MONTHS`].
pub(super) fn check_length(period: Period, store: &Store, now: Timestamp) -> Result<()> {
    let first = store
        .lifetimes()
        .iter()
        .map(crate::model::lifetime::ContainerLifetime::created_at)
        .min()
        .unwrap_or(now);
    let relevant = Period { from: period.from.max(first), to: period.to.min(now) };
    if relevant.months().take(MAX_MONTHS + 1).count() > MAX_MONTHS {
        let why =
            format!("costs are computed for at most {MAX_MONTHS} months at once: ask for a shorter period");
        return Err(Error::invalid(Field::From, why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn limits_concurrency_and_panics_release_their_permit() {
        for _ in 0..5 {
            let panicked: Result<()> = compute("sums", || panic!("no sum")).await;
            assert!(matches!(panicked, Err(Error::Internal(_))));
        }
        let (free, taken) = std::sync::mpsc::channel::<()>();
        let taken = std::sync::Arc::new(std::sync::Mutex::new(taken));
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let taken = std::sync::Arc::clone(&taken);
                tokio::spawn(compute("sums", move || taken.lock().unwrap().recv().map_err(Error::internal)))
            })
            .collect();
        while PERMITS.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(compute("sums", || Ok(1)).await, Err(Error::ComputationBusy { what: "sums" }));
        free.send(()).unwrap();
        free.send(()).unwrap();
        for computed in waiting {
            computed.await.unwrap().unwrap();
        }
        assert_eq!(compute("sums", || Ok(1)).await, Ok(1));
    }
}
