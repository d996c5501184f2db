//! Maps HSMs to the tokens that hold their keys.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use crate::model::name::HsmName;
use crate::model::{Error, Result};
use crate::token::Token;

/// A handle to the map from HSMs, live and deleted, to tokens. Cheap to clone.
#[derive(Clone, Default)]
pub struct AttachedTokens(Arc<RwLock<HashMap<String, Token>>>);

impl AttachedTokens {
    /// Attaches a token to an HSM.
    pub fn attach(&self, hsm: &HsmName, token: Token) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(hsm.to_case_insensitive(), token);
    }

    /// Removes the token of an HSM from the map.
    pub fn detach(&self, hsm: &HsmName) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&hsm.to_case_insensitive());
    }

    /// Returns the token of an HSM.
    ///
    /// # Errors
    /// `TokenUnavailable` if none is attached.
    pub fn of(&self, hsm: &HsmName) -> Result<Token> {
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let token = tokens.get(&hsm.to_case_insensitive()).cloned();
        token.ok_or_else(|| Error::TokenUnavailable { why: format!("no token is attached to HSM {hsm}") })
    }

    /// Returns the tokens of all HSMs.
    pub fn all(&self) -> Vec<Token> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}
