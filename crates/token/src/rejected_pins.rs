//! The PINs that tokens have rejected: they are not tried again, because tokens lock after a few attempts.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use secrecy::{ExposeSecret as _, SecretString};

use super::token_info::Selector;
use crate::model::{Error, Result};

/// The last PIN that each token has rejected when it was opened.
#[derive(Default)]
pub(super) struct RejectedPins(Mutex<HashMap<String, SecretString>>);

impl RejectedPins {
    /// Errors if the token has rejected this PIN.
    ///
    /// # Errors
    /// `TokenUnavailable`.
    pub(super) fn check(&self, select: &Selector, pin: &SecretString) -> Result<()> {
        match self.lock().get(&select.to_string()) {
            Some(rejected) if rejected.expose_secret() == pin.expose_secret() => {
                Err(Error::TokenUnavailable {
                    why: "the PIN was rejected before, and is not tried again".to_owned(),
                })
            }
            _ => Ok(()),
        }
    }

    /// Remembers that the token has rejected a PIN.
    pub(super) fn add(&self, select: &Selector, pin: &SecretString) {
        self.lock().insert(select.to_string(), pin.clone());
    }

    /// Allows all PINs again, because somebody has corrected what was wrong.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, SecretString>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_pin_is_refused_for_its_token_until_it_is_forgotten() {
        let pins = RejectedPins::default();
        let (north, south) = (Selector::Serial("1".to_owned()), Selector::Serial("2".to_owned()));
        let (wrong, right) = (SecretString::from("1"), SecretString::from("2"));
        pins.add(&north, &wrong);
        assert!(matches!(pins.check(&north, &wrong), Err(Error::TokenUnavailable { .. })));
        pins.check(&north, &right).unwrap();
        pins.check(&south, &wrong).unwrap();
        pins.forget();
        pins.check(&north, &wrong).unwrap();
    }
}
