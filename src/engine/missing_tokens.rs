//! Attaches the tokens of containers that were unavailable when the service was started.

use std::collections::BTreeMap;

use super::{Engine, TokenHealth};
use crate::model::container::ContainerId;
use crate::token::Selector;

impl Engine {
    /// Opens the token of a container that another instance of the service has created, at its first use.
    pub(super) async fn attach_token_of(&self, container: Option<&ContainerId>) {
        let found = container.and_then(|id| self.0.store.container(id));
        if found.is_some_and(|found| !self.0.tokens.has(&found)) {
            // Errors are those of the call, which uses the token next.
            drop(self.attach_missing_tokens().await);
        }
    }

    /// Opens the tokens of containers that have none, and attaches those that are available now. Returns the others, each once. A
    /// PIN that a token has rejected is not tried again.
    pub(super) async fn attach_missing_tokens(&self) -> Vec<TokenHealth> {
        if self.0.store.is_shared() {
            self.0.tokens.detach_purged(&self.0.store);
        }
        let mut unavailable = BTreeMap::new();
        for container in self.0.tokens.missing(&self.0.store) {
            let serial = container.token_serial();
            if unavailable.contains_key(serial) {
                continue;
            }
            match self.0.supply.open(&Selector::Serial(serial.to_owned()), true).await {
                Ok(token) => {
                    // The container may have been purged meanwhile.
                    let mut missing = self.0.tokens.missing(&self.0.store).into_iter();
                    if missing.any(|missing| missing.unique_id() == container.unique_id()) {
                        self.0.tokens.attach(&container.id(), token);
                    }
                }
                Err(error) => {
                    unavailable.insert(serial.to_owned(), error);
                }
            }
        }
        let health = |(serial, error)| TokenHealth { serial, sessions: Err(error) };
        unavailable.into_iter().map(health).collect()
    }
}
