//! Renews the tokens on SIGUSR1: reads the PIN again, and has worker processes replaced.

use tokio::signal::unix::Signal;

use crate::config::PinSource;
use crate::engine::Engine;

/// Renews the tokens each time the signal arrives. The PIN is read again if the configuration has a source for it.
pub(super) async fn renew_on(mut renewal: Signal, engine: Engine, source: PinSource) {
    while renewal.recv().await.is_some() {
        let pin = if source == PinSource::default() {
            None
        } else {
            let source = source.clone();
            match tokio::task::spawn_blocking(move || source.read()).await {
                Ok(Ok(pin)) => Some(pin),
                Ok(Err(error)) => {
                    // The earlier PIN may have been rejected, and must not be tried again.
                    tracing::error!(%error, "the PIN of the tokens cannot be read; they are not renewed");
                    continue;
                }
                Err(_) => continue,
            }
        };
        tracing::info!("SIGUSR1: renewing the tokens");
        engine.renew_tokens(pin).await;
    }
}
