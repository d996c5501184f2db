//! Renews the tokens on SIGUSR1: reads the PIN again, and has worker processes replaced.

use std::time::Duration;

use tokio::signal::unix::Signal;

use crate::config::SecretSource;
use crate::engine::Engine;

/// How often the completion of open intents is tried after a renewal; the periodic sweep goes on with what fails.
const ATTEMPTS: u32 = 5;

/// The time before each of them.
const INTERVAL: Duration = Duration::from_millis(500);

/// Renews the tokens each time the signal arrives. The PIN is read again if the configuration has a source for it.
pub(super) async fn renew_on(mut renewal: Signal, engine: Engine, source: SecretSource) {
    while renewal.recv().await.is_some() {
        let pin = if source.is_empty() {
            None
        } else {
            let source = source.clone();
            match tokio::task::spawn_blocking(move || source.read("token.pin")).await {
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
        complete(&engine).await;
    }
}

/// Completes or undoes what was left when the tokens were unavailable, as soon as they are used again.
async fn complete(engine: &Engine) {
    for _ in 0..ATTEMPTS {
        #[expect(clippy::disallowed_methods, reason = "worker processes start in real time")]
        tokio::time::sleep(INTERVAL).await;
        if engine.sweep().await.failed == 0 {
            return;
        }
    }
}
