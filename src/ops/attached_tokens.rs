//! Maps containers to the tokens that hold their keys.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::model::change::IntentVerb;
use crate::model::container::{Container, ContainerId};
use crate::model::{Error, Result};
use crate::store::Store;
use crate::token::Token;

/// A handle to the map from containers, live and deleted, to tokens. Cheap to clone.
#[derive(Clone, Default)]
pub struct AttachedTokens(Arc<RwLock<HashMap<String, Token>>>);

impl AttachedTokens {
    /// Attaches a token to a container.
    pub fn attach(&self, container: &ContainerId, token: Token) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(container.to_case_insensitive(), token);
    }

    /// Removes the token of a container from the map.
    pub fn detach(&self, container: &ContainerId) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&container.to_case_insensitive());
    }

    /// Returns the token of a container.
    ///
    /// # Errors
    /// `TokenUnavailable` if none is attached.
    pub fn of(&self, container: &ContainerId) -> Result<Token> {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let token = tokens.get(&container.to_case_insensitive()).cloned();
        token.ok_or_else(|| Error::TokenUnavailable { why: format!("no token is attached to {container}") })
    }

    /// Returns the containers, deleted ones included, that have no token attached. Leaves out those whose token is being wiped by a
    /// purge: the sweeper completes an interrupted one.
    pub fn missing(&self, store: &Store) -> Vec<Container> {
        let intents = store.intents();
        let is_wiped = |id: &ContainerId| {
            intents.iter().any(|intent| {
                intent.verb == IntentVerb::Wipe
                    && intent.container.to_case_insensitive() == id.to_case_insensitive()
            })
        };
        let mut missing = store.containers();
        missing.retain(|container| {
            let id = container.id();
            self.of(&id).is_err() && !is_wiped(&id)
        });
        missing
    }

    /// Returns the tokens of all containers.
    pub fn all(&self) -> Vec<Token> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
