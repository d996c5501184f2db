//! Runs what takes long to compute beside the threads that serve calls, and not too much of it at once.

use std::time::Duration;

use tokio::sync::Semaphore;

use crate::model::billing::Period;
use crate::model::{Error, Result, Timestamp};
use crate::store::Store;

/// Computations that run at once. Each takes a processor while it does.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// How long one waits for its turn.
const PATIENCE: Duration = if cfg!(test) { Duration::from_millis(100) } else { Duration::from_secs(10) };
/// The longest period that costs are computed for, in calendar months: a hundred years.
const MONTHS: usize = 1200;

/// Computes something on a thread of its own.
///
/// # Errors
/// That of the computation; `ComputationBusy` where others take too long, `Internal` where it panics.
pub(super) async fn compute<T: Send + 'static>(
    what: &'static str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let turn = tokio::time::timeout(PATIENCE, AT_ONCE.acquire()).await;
    let turn = turn.map_err(|_| Error::ComputationBusy { what })?.map_err(Error::internal)?;
    let computed = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    computed.await.unwrap_or_else(|error| Err(Error::internal(format_args!("computing {what}: {error}"))))
}

/// Refuses a period in which there were managed HSMs for longer than costs are computed for. Before the first, and after
/// the present, there is nothing to compute.
///
/// # Errors
/// `Invalid`, saying how long it may be.
pub(super) fn check_length(period: Period, store: &Store, now: Timestamp) -> Result<()> {
    let first = store.lifetimes().iter().map(crate::model::lifetime::HsmLifetime::born).min().unwrap_or(now);
    let known = Period { from: period.from.max(first), to: period.to.min(now) };
    if known.months().take(MONTHS + 1).count() > MONTHS {
        let why = format!("costs are computed for at most {MONTHS} months at once: ask for a shorter period");
        return Err(Error::invalid("from", why));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn no_more_than_a_few_compute_at_once_and_a_panic_takes_no_turn_with_it() {
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
        while AT_ONCE.available_permits() > 0 {
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
