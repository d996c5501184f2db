//! A guard of objects that are temporary until a call succeeds.

use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;

/// A guard that destroys its objects when dropped, except those passed to [`Self::keep`], so that a failed
/// call leaves no objects in the token.
pub(super) struct ObjectGuard<'session> {
    session: &'session Session,
    objects: Vec<ObjectHandle>,
}

impl<'session> ObjectGuard<'session> {
    pub(super) const fn new(session: &'session Session) -> Self {
        Self { session, objects: Vec::new() }
    }

    pub(super) fn add(&mut self, object: ObjectHandle) -> ObjectHandle {
        self.objects.push(object);
        object
    }

    pub(super) fn keep(&mut self, object: ObjectHandle) {
        self.objects.retain(|made| *made != object);
    }
}

impl Drop for ObjectGuard<'_> {
    fn drop(&mut self) {
        for object in self.objects.drain(..) {
            if let Err(error) = self.session.destroy_object(object) {
                tracing::warn!(%error, "a temporary object could not be destroyed");
            }
        }
    }
}
