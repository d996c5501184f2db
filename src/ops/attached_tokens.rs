//! Maps containers to the tokens that hold their keys.

use std::collections::{HashMap, HashSet};
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

    /// Whether the container has its token attached. Another instance of the service may have replaced the container by one of the same
    /// name, which has another token.
    pub fn has(&self, container: &Container) -> bool {
        self.of(&container.id()).is_ok_and(|token| token.info().serial == container.token_serial())
    }

    /// Detaches the tokens of containers that another instance of the service has purged.
    pub fn detach_purged(&self, store: &Store) {
        let known: HashSet<String> =
            store.containers().iter().map(|container| container.id().to_case_insensitive()).collect();
        // A container that is being created has an intent, and none in the store.
        let intents = store.intents();
        let has_intent = |id: &String| intents.iter().any(|open| open.container.to_case_insensitive() == *id);
        let mut tokens = self.0.write().unwrap_or_else(PoisonError::into_inner);
        tokens.retain(|id, _| known.contains(id) || has_intent(id));
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
            !self.has(container) && !is_wiped(&id)
        });
        missing
    }

    /// Returns the tokens of all containers.
    pub fn all(&self) -> Vec<Token> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
