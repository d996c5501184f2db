//! Which token holds the keys of which HSM.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::model::name::HsmName;
use crate::model::{Error, Result};
use crate::token::Token;

/// The tokens of the HSMs that are there, live and deleted. A cheap handle.
#[derive(Clone, Default)]
pub struct Tokens(Arc<RwLock<HashMap<String, Token>>>);

impl Tokens {
    /// Says which token holds the keys of an HSM.
    pub fn attach(&self, hsm: &HsmName, token: Token) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(hsm.folded(), token);
    }

    /// Forgets it.
    pub fn detach(&self, hsm: &HsmName) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&hsm.folded());
    }

    /// The token of an HSM.
    ///
    /// # Errors
    /// `TokenUnavailable` where there is none.
    pub fn of(&self, hsm: &HsmName) -> Result<Token> {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let token = tokens.get(&hsm.folded()).cloned();
        token.ok_or_else(|| Error::TokenUnavailable { why: format!("no token is attached to HSM {hsm}") })
    }

    /// All of them.
    pub fn all(&self) -> Vec<Token> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
