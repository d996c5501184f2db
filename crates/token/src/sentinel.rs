//! The sentinel: an object whose visibility shows that the token shows its objects.
//!
//! Without a login, and after some failures, a token appears empty. The absence of a key counts only while the sentinel
//! is visible.

use std::sync::{Mutex, MutexGuard, PoisonError};

use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;

use super::error::Attempt;
use super::template::{self, SENTINEL_LABEL};
use crate::model::Error;

/// The sentinel of an open token, with its handle if that is known.
#[derive(Default)]
pub(super) struct Sentinel(Mutex<Option<ObjectHandle>>);

impl Sentinel {
    /// The handle, if it is known.
    pub(super) fn handle(&self) -> Option<ObjectHandle> {
        *self.lock()
    }

    /// Forgets the handle, which is invalid after the login has ended.
    pub(super) fn forget(&self) {
        *self.lock() = None;
    }

    /// Whether the object of the known handle is visible. Does not search.
    pub(super) fn is_visible(&self, session: &Session) -> bool {
        self.handle().is_some_and(|handle| is_sentinel(session, handle))
    }

    /// Checks that the token shows its objects. The caller holds the read or write lock.
    ///
    /// # Errors
    /// `TokenUnavailable` if the sentinel cannot be read.
    pub(super) fn verify(&self, session: &Session) -> Attempt<()> {
        if self.is_visible(session) {
            return Ok(());
        }
        let found = session.find_objects(&template::find_sentinel())?.into_iter().next();
        *self.lock() = found;
        match found {
            Some(handle) if is_sentinel(session, handle) => Ok(()),
            _ => Err(Error::TokenUnavailable {
                why: "its sentinel object is not visible; the state of its keys is unknown".to_owned(),
            }
            .into()),
        }
    }

    /// Creates the sentinel. The caller holds the write lock.
    pub(super) fn create(&self, session: &Session) -> Attempt<()> {
        *self.lock() = Some(session.create_object(&template::sentinel())?);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Option<ObjectHandle>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_sentinel(session: &Session, handle: ObjectHandle) -> bool {
    matches!(
        session.get_attributes(handle, &[AttributeType::Label]).as_deref(),
        Ok([Attribute::Label(label)]) if label == SENTINEL_LABEL
    )
}
