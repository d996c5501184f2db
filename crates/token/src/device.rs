//! The state of one open token that its worker threads share: login, locks and object handles.
//! Each thread has a session of its own.

use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use cryptoki::error::{Error as WrapperError, RvError};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::Slot;
use secrecy::SecretString;

use super::Settings;
use super::capabilities::{Capabilities, Feature};
use super::error::{Attempt, Failure};
use super::handles::{Handles, KeyObjects, Part};
use super::module::{LoadedModule, ModuleUse, TokenInfo};
use super::object_cache::SessionObjectCache;
use super::template::{self, SENTINEL_LABEL};
use crate::model::name::VersionId;
use crate::model::{Error, Result};

/// The number of objects fetched per `C_FindObjects` call when the whole token is listed.
const SCAN_BATCH: NonZeroUsize = NonZeroUsize::new(512).unwrap();

/// An open token with a user login.
pub(super) struct Device {
    pub(super) loaded: Arc<LoadedModule>,
    pub(super) info: TokenInfo,
    pub(super) capabilities: Capabilities,
    pub(super) settings: Settings,
    pub(super) handles: Handles,
    // Dropped before the login, because it owns a session.
    pub(super) object_cache: SessionObjectCache,
    slot: Slot,
    pin: SecretString,
    login: Mutex<Option<LoginSession>>,
    /// Incremented at each login, so that a thread detects a login by another thread.
    generation: AtomicU64,
    /// Set when the PIN is rejected. Tokens lock after a few wrong PINs, so login is not retried.
    pin_rejected: AtomicBool,
    sentinel: Mutex<Option<ObjectHandle>>,
    /// Creation and destruction of token objects take the write lock, searches the read lock; uses of a
    /// key take none. Without it, SoftHSM corrupts a few new keys in a thousand.
    changes: RwLock<()>,
}

impl Device {
    /// A device for a token with a fresh login.
    pub(super) fn new(
        loaded: Arc<LoadedModule>,
        (slot, info): (Slot, TokenInfo),
        pin: SecretString,
        capabilities: Capabilities,
        settings: Settings,
    ) -> Self {
        let copies = if capabilities.has(Feature::SessionCopies) { loaded.profile.session_copies } else { 0 };
        Self {
            loaded,
            info,
            capabilities,
            settings,
            handles: Handles::default(),
            object_cache: SessionObjectCache::new(copies),
            slot,
            pin,
            login: Mutex::new(None),
            generation: AtomicU64::new(1),
            pin_rejected: AtomicBool::new(false),
            sentinel: Mutex::new(None),
            changes: RwLock::new(()),
        }
    }

    /// Takes ownership of the session that holds the login, and lists the token's objects.
    pub(super) fn set_login(&self, session: Session) -> Attempt<()> {
        self.ensure_sentinel(&session)?;
        self.scan(&session)?;
        *lock(&self.login) = Some(LoginSession { _session: session, _user: ModuleUse::of(&self.loaded) });
        Ok(())
    }

    /// Opens a session. It is logged in: PKCS#11 shares the login among all sessions of a process.
    pub(super) fn session(&self) -> Attempt<Session> {
        self.loaded.session(self.slot)
    }

    /// The generation of the current login.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Logs in again, unless another thread has done so since generation `seen`.
    pub(super) fn log_in_again(&self, seen: u64) -> Attempt<()> {
        let mut login = lock(&self.login);
        if self.generation() != seen {
            return Ok(());
        }
        if self.pin_rejected.load(Ordering::Relaxed) {
            return Err(Error::TokenUnavailable { why: "the PIN was rejected before".to_owned() }.into());
        }
        // Opened before the old session is closed, so that the login does not end in between.
        let session = self.session()?;
        if let Err(failure) = log_in(&session, &self.pin) {
            if matches!(failure, Failure::ReturnCode(RvError::PinIncorrect | RvError::PinLocked, _)) {
                self.pin_rejected.store(true, Ordering::Relaxed);
            }
            return Err(failure);
        }
        tracing::warn!(token = %self.info.serial, "logged in to the token again");
        // The handles and session copies of the old login are invalid.
        self.handles.clear();
        self.object_cache.clear();
        *lock(&self.sentinel) = None;
        self.verify_sentinel(&session)?;
        self.scan(&session)?;
        *login = Some(LoginSession { _session: session, _user: ModuleUse::of(&self.loaded) });
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Ends the login. All worker threads have ended.
    pub(super) fn close(&self) {
        self.handles.clear();
        self.object_cache.clear();
        *lock(&self.login) = None;
    }

    /// Whether the login is still open.
    pub(super) fn is_open(&self) -> bool {
        lock(&self.login).is_some()
    }

    /// Takes the read lock, for searches.
    pub(super) fn read_lock(&self) -> RwLockReadGuard<'_, ()> {
        self.changes.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the write lock, for creation and destruction of objects.
    pub(super) fn write_lock(&self) -> RwLockWriteGuard<'_, ()> {
        self.changes.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The objects of a key. Searches the token only if they are not cached.
    pub(super) fn objects(&self, session: &Session, id: VersionId) -> Attempt<Arc<KeyObjects>> {
        self.handles.get(id).map_or_else(|| self.refresh(session, id), Ok)
    }

    /// The handle to use a key with: that of its session copy if there is one, else of the token object.
    pub(super) fn handle(&self, session: &Session, id: VersionId, part: Part) -> Attempt<ObjectHandle> {
        let objects = self.objects(session, id)?;
        let handle = objects
            .part(part)
            .ok_or(Error::Unsupported { what: "this key has no HMAC object in the token".to_owned() })?;
        let uses = handle.use_at(self.handles.tick());
        if let Some(copy) = handle.copy() {
            return Ok(copy);
        }
        // `try_read`: key generation may hold the write lock for seconds.
        if self.object_cache.should_copy(uses)
            && let Ok(_searching) = self.changes.try_read()
        {
            self.object_cache.create_copy(id, part, &objects, &self.handles, || self.session());
        }
        Ok(handle.copy().unwrap_or(handle.original))
    }

    /// Searches the token for a key. Its absence counts only if the sentinel is visible.
    ///
    /// # Errors
    /// `KeyMaterialMissing` if the key is absent; `TokenUnavailable` if the sentinel is not visible.
    pub(super) fn refresh(&self, session: &Session, id: VersionId) -> Attempt<Arc<KeyObjects>> {
        self.check_login(session)?;
        let _searching = self.read_lock();
        self.verify_sentinel_locked(session)?;
        match self.find(session, id)?.objects {
            Some(objects) => {
                self.object_cache.remove(id);
                Ok(self.handles.insert(id, objects))
            }
            None => {
                self.object_cache.remove(id);
                self.handles.remove(id);
                Err(Error::KeyMaterialMissing { version: id }.into())
            }
        }
    }

    /// Checks that the session is logged in: without a login, some tokens appear empty.
    pub(super) fn check_login(&self, session: &Session) -> Attempt<()> {
        match session.get_session_info()?.session_state() {
            SessionState::RwUser | SessionState::RoUser => Ok(()),
            _ => Err(Failure::ReturnCode(
                RvError::UserNotLoggedIn,
                cryptoki::context::Function::GetSessionInfo,
            )),
        }
    }

    /// Checks that the token shows its objects. Takes no lock while the sentinel's handle is valid.
    pub(super) fn verify_sentinel(&self, session: &Session) -> Attempt<()> {
        if self.sees_sentinel(session) {
            return Ok(());
        }
        let _searching = self.read_lock();
        self.verify_sentinel_locked(session)
    }

    fn sees_sentinel(&self, session: &Session) -> bool {
        let known = *lock(&self.sentinel);
        known.is_some_and(|handle| is_sentinel(session, handle))
    }

    /// Checks that the token shows its objects; the caller holds the read or write lock.
    ///
    /// # Errors
    /// `TokenUnavailable` if the sentinel cannot be read.
    pub(super) fn verify_sentinel_locked(&self, session: &Session) -> Attempt<()> {
        if self.sees_sentinel(session) {
            return Ok(());
        }
        let found = session.find_objects(&template::find_sentinel())?.into_iter().next();
        *lock(&self.sentinel) = found;
        match found {
            Some(handle) if is_sentinel(session, handle) => Ok(()),
            _ => Err(Error::TokenUnavailable {
                why: "its sentinel object is not visible; the state of its keys is unknown".to_owned(),
            }
            .into()),
        }
    }

    /// Checks that the token responds, is the one that was opened, and shows its objects.
    pub(super) fn check_health(&self, session: &Session) -> Attempt<()> {
        self.check_login(session)?;
        let present = self.loaded.token_info(self.slot)?;
        if present.serial != self.info.serial {
            return Err(Error::TokenUnavailable {
                why: format!("its slot contains another token: serial {}", present.serial),
            }
            .into());
        }
        self.verify_sentinel(session)
    }

    /// Finds the sentinel, or creates it when the token is opened for the first time.
    fn ensure_sentinel(&self, session: &Session) -> Attempt<()> {
        match self.verify_sentinel_locked(session) {
            Err(Failure::Final(Error::TokenUnavailable { .. })) if !self.settings.expect_sentinel => {
                let _changing = self.write_lock();
                *lock(&self.sentinel) = Some(session.create_object(&template::sentinel())?);
                Ok(())
            }
            result => result,
        }
    }

    /// Lists the whole token and replaces the handle cache. Returns the counts of unrecognized objects.
    pub(super) fn scan(&self, session: &Session) -> Attempt<UnrecognizedObjects> {
        let _searching = self.read_lock();
        let handles = session
            .iter_objects_with_cache_size(&[Attribute::Token(true)], SCAN_BATCH)?
            .collect::<Result<Vec<_>, _>>()?;
        let mut keys: HashMap<VersionId, KeyParts> = HashMap::new();
        let mut unrecognized = UnrecognizedObjects::default();
        let sentinel = *lock(&self.sentinel);
        for handle in handles.into_iter().filter(|handle| Some(*handle) != sentinel) {
            match classify(session, handle)? {
                ObjectKind::Key(id, part) => keys.entry(id).or_default().add(handle, part),
                ObjectKind::NoAttributes => unrecognized.without_attributes += 1,
                ObjectKind::Foreign => unrecognized.foreign += 1,
                ObjectKind::Destroyed => {}
            }
        }
        let mut known = HashMap::with_capacity(keys.len());
        for (id, found) in keys {
            match found.objects() {
                Some(objects) => {
                    known.insert(id, objects);
                }
                None => unrecognized.foreign += 1,
            }
        }
        tracing::debug!(token = %self.info.serial, keys = known.len(), "listed the objects of the token");
        self.handles.replace(known);
        Ok(unrecognized)
    }

    /// Searches for the objects of one key. The caller holds the read or write lock.
    pub(super) fn find(&self, session: &Session, id: VersionId) -> Attempt<FoundKey> {
        let mut found = KeyParts::default();
        let mut all = Vec::new();
        for handle in session.find_objects(&template::find_key(id))? {
            all.push(handle);
            if let ObjectKind::Key(_, part) = classify(session, handle)? {
                found.add(handle, part);
            }
        }
        Ok(FoundKey { objects: found.objects(), all })
    }
}

/// The session that holds the login and is not used otherwise. It stays open as long as the token: a token
/// drops the login, and every private object handle, when its last session closes.
struct LoginSession {
    // Field order matters: the session is closed before the use count is decremented.
    _session: Session,
    _user: ModuleUse,
}

/// The result of a search for one key.
pub(super) struct FoundKey {
    /// The key's objects, if its main object exists.
    pub(super) objects: Option<KeyObjects>,
    /// Every object with the key's identifier, incomplete and left-over ones included.
    pub(super) all: Vec<ObjectHandle>,
}

/// The numbers of objects in the token that are not keys of this service.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct UnrecognizedObjects {
    /// Objects without attributes, left by a process that was killed.
    pub(super) without_attributes: usize,
    /// Objects that another application created, or incomplete keys.
    pub(super) foreign: usize,
}

/// Logs in. An existing login of this process counts, although it does not verify this PIN.
pub(super) fn log_in(session: &Session, pin: &SecretString) -> Attempt<()> {
    match session.login(UserType::User, Some(pin)) {
        Err(WrapperError::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => Ok(()),
        result => Ok(result?),
    }
}

fn is_sentinel(session: &Session, handle: ObjectHandle) -> bool {
    matches!(
        session.get_attributes(handle, &[AttributeType::Label]).as_deref(),
        Ok([Attribute::Label(label)]) if label == SENTINEL_LABEL
    )
}

/// The classification of an object by its attributes.
enum ObjectKind {
    Key(VersionId, Part),
    Foreign,
    NoAttributes,
    Destroyed,
}

#[derive(Default)]
struct KeyParts {
    main: Option<ObjectHandle>,
    hmac_companion: Option<ObjectHandle>,
}

impl KeyParts {
    fn add(&mut self, handle: ObjectHandle, part: Part) {
        match part {
            Part::Main => self.main = Some(handle),
            Part::HmacCompanion => self.hmac_companion = Some(handle),
        }
    }

    fn objects(self) -> Option<KeyObjects> {
        Some(KeyObjects::new(self.main?, self.hmac_companion))
    }
}

fn classify(session: &Session, handle: ObjectHandle) -> Attempt<ObjectKind> {
    use AttributeType::{Class, Id, KeyType as Type};
    let attributes = match session.get_attributes(handle, &[Class, Type, Id]) {
        Ok(attributes) => attributes,
        Err(WrapperError::Pkcs11(RvError::ObjectHandleInvalid, _)) => return Ok(ObjectKind::Destroyed),
        Err(error @ WrapperError::Pkcs11(..)) => return Err(error.into()),
        // An attribute value that cryptoki does not define: not an object of this service.
        Err(_) => return Ok(ObjectKind::Foreign),
    };
    let (mut class, mut key_type, mut id) = (None, None, None);
    for attribute in attributes {
        match attribute {
            Attribute::Class(value) => class = Some(value),
            Attribute::KeyType(value) => key_type = Some(value),
            Attribute::Id(value) => id = <[u8; 16]>::try_from(value).ok().map(VersionId::from_bytes),
            _ => {}
        }
    }
    Ok(match (class, key_type, id) {
        (None, None, None) => ObjectKind::NoAttributes,
        (Some(ObjectClass::PRIVATE_KEY), _, Some(id)) => ObjectKind::Key(id, Part::Main),
        (Some(ObjectClass::SECRET_KEY), Some(KeyType::AES), Some(id)) => ObjectKind::Key(id, Part::Main),
        (Some(ObjectClass::SECRET_KEY), Some(KeyType::GENERIC_SECRET), Some(id)) => {
            ObjectKind::Key(id, Part::HmacCompanion)
        }
        _ => ObjectKind::Foreign,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
