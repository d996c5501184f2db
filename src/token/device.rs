//! One token: its login, its lock, and what is known of its objects. Shared by the threads that work
//! for it, each with a session of its own.

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
use super::copies::Copies;
use super::error::{Attempt, Failure};
use super::handles::{Handles, Objects, Part};
use super::module::{Loaded, TokenInfo, User};
use super::template::{self, SENTINEL_LABEL};
use crate::model::name::VersionId;
use crate::model::{Error, Result};

/// Objects asked for at once when the whole token is listed.
const SCAN_BATCH: NonZeroUsize = NonZeroUsize::new(512).unwrap();

/// A token that is logged in to.
pub(super) struct Device {
    pub(super) loaded: Arc<Loaded>,
    pub(super) info: TokenInfo,
    pub(super) capabilities: Capabilities,
    pub(super) settings: Settings,
    pub(super) handles: Handles,
    // Dropped before the login: it has a session.
    pub(super) copies: Copies,
    slot: Slot,
    pin: SecretString,
    keeper: Mutex<Option<Keeper>>,
    /// Grows with every login; tells a thread whether another has logged in since it looked.
    generation: AtomicU64,
    /// Set by a refused PIN. Tokens lock after a few; nothing tries again by itself.
    refused: AtomicBool,
    sentinel: Mutex<Option<ObjectHandle>>,
    /// Whoever makes or destroys token objects writes, whoever searches reads, and using a key asks
    /// nobody. Without this SoftHSM spoils one new key in some hundreds.
    changes: RwLock<()>,
}

impl Device {
    /// A token that was logged in to just now.
    pub(super) fn new(
        loaded: Arc<Loaded>,
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
            copies: Copies::new(copies),
            slot,
            pin,
            keeper: Mutex::new(None),
            generation: AtomicU64::new(1),
            refused: AtomicBool::new(false),
            sentinel: Mutex::new(None),
            changes: RwLock::new(()),
        }
    }

    /// Takes over the session that holds the login, and learns what the token holds.
    pub(super) fn take_up(&self, keeper: Session) -> Attempt<()> {
        self.place_sentinel(&keeper)?;
        self.scan(&keeper)?;
        *lock(&self.keeper) = Some(Keeper { _session: keeper, _user: User::of(&self.loaded) });
        Ok(())
    }

    /// Opens a session for a thread of its own. It is logged in: the login is the process's.
    pub(super) fn session(&self) -> Attempt<Session> {
        self.loaded.session(self.slot)
    }

    /// The number of the present login.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Logs in again, unless that happened since `seen`.
    pub(super) fn log_in_again(&self, seen: u64) -> Attempt<()> {
        let mut keeper = lock(&self.keeper);
        if self.generation() != seen {
            return Ok(());
        }
        if self.refused.load(Ordering::Relaxed) {
            return Err(Error::TokenUnavailable { why: "the PIN was refused before".to_owned() }.into());
        }
        // Opened before the old one is closed, so that the login cannot end in between.
        let session = self.session()?;
        if let Err(failure) = log_in(&session, &self.pin) {
            if matches!(failure, Failure::Refused(RvError::PinIncorrect | RvError::PinLocked, _)) {
                self.refused.store(true, Ordering::Relaxed);
            }
            return Err(failure);
        }
        tracing::warn!(token = %self.info.serial, "logged in to the token again");
        // The handles of the old login are dead, and so are the copies.
        self.handles.clear();
        self.copies.clear();
        *lock(&self.sentinel) = None;
        self.check_whole(&session)?;
        self.scan(&session)?;
        *keeper = Some(Keeper { _session: session, _user: User::of(&self.loaded) });
        self.generation.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Ends the login. No thread works for the token any more.
    pub(super) fn close(&self) {
        self.handles.clear();
        self.copies.clear();
        *lock(&self.keeper) = None;
    }

    /// Whether the token is still logged in to.
    pub(super) fn is_open(&self) -> bool {
        lock(&self.keeper).is_some()
    }

    /// The lock for searching.
    pub(super) fn searching(&self) -> RwLockReadGuard<'_, ()> {
        self.changes.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock for making and destroying.
    pub(super) fn changing(&self) -> RwLockWriteGuard<'_, ()> {
        self.changes.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// The objects of a key; the token is asked only where it is not known.
    pub(super) fn objects(&self, session: &Session, id: VersionId) -> Attempt<Arc<Objects>> {
        self.handles.get(id).map_or_else(|| self.find_again(session, id), Ok)
    }

    /// The handle to use a key with: its copy's, or its own.
    pub(super) fn handle(&self, session: &Session, id: VersionId, part: Part) -> Attempt<ObjectHandle> {
        let objects = self.objects(session, id)?;
        let handle = objects.part(part).ok_or(Error::Unsupported {
            what: "this key has no object for message authentication in the token".to_owned(),
        })?;
        let uses = handle.use_at(self.handles.tick());
        if let Some(copy) = handle.copy() {
            return Ok(copy);
        }
        // Not worth waiting for: a key may be in the making for seconds.
        if self.copies.wanted(uses)
            && let Ok(_searching) = self.changes.try_read()
        {
            self.copies.make(id, part, &objects, &self.handles, || self.session());
        }
        Ok(handle.copy().unwrap_or(handle.original))
    }

    /// Looks a key up in the token, and believes its absence only when the sentinel is there.
    pub(super) fn find_again(&self, session: &Session, id: VersionId) -> Attempt<Arc<Objects>> {
        self.check_login(session)?;
        let _searching = self.searching();
        self.check_sentinel(session)?;
        match self.find(session, id)?.objects {
            Some(objects) => {
                self.copies.drop_of(id);
                Ok(self.handles.insert(id, objects))
            }
            None => {
                self.copies.drop_of(id);
                self.handles.remove(id);
                Err(Error::KeyMaterialMissing { version: id }.into())
            }
        }
    }

    /// Whether the session is logged in: some tokens show an empty token to those who are not.
    pub(super) fn check_login(&self, session: &Session) -> Attempt<()> {
        match session.get_session_info()?.session_state() {
            SessionState::RwUser | SessionState::RoUser => Ok(()),
            _ => Err(Failure::Refused(RvError::UserNotLoggedIn, cryptoki::context::Function::GetSessionInfo)),
        }
    }

    /// Whether the token shows what it holds. Waits for nobody while the sentinel's handle is good.
    pub(super) fn check_whole(&self, session: &Session) -> Attempt<()> {
        if self.sees_sentinel(session) {
            return Ok(());
        }
        let _searching = self.searching();
        self.check_sentinel(session)
    }

    fn sees_sentinel(&self, session: &Session) -> bool {
        let known = *lock(&self.sentinel);
        known.is_some_and(|handle| is_sentinel(session, handle))
    }

    /// Whether the token shows what it holds; the caller holds the lock.
    ///
    /// # Errors
    /// `TokenUnavailable` where the sentinel cannot be read.
    pub(super) fn check_sentinel(&self, session: &Session) -> Attempt<()> {
        if self.sees_sentinel(session) {
            return Ok(());
        }
        let found = session.find_objects(&template::find_sentinel())?.into_iter().next();
        *lock(&self.sentinel) = found;
        match found {
            Some(handle) if is_sentinel(session, handle) => Ok(()),
            _ => Err(Error::TokenUnavailable {
                why: "it does not show the object that proves it whole; nothing is known about its keys"
                    .to_owned(),
            }
            .into()),
        }
    }

    /// Whether the token answers, is the one that was opened, and is whole.
    pub(super) fn check_health(&self, session: &Session) -> Attempt<()> {
        self.check_login(session)?;
        let present = self.loaded.token_info(self.slot)?;
        if present.serial != self.info.serial {
            return Err(Error::TokenUnavailable {
                why: format!("another token is in its place: serial {}", present.serial),
            }
            .into());
        }
        self.check_whole(session)
    }

    /// Finds the sentinel, or makes it when the token is opened for the first time.
    fn place_sentinel(&self, session: &Session) -> Attempt<()> {
        match self.check_sentinel(session) {
            Err(Failure::Final(Error::TokenUnavailable { .. })) if !self.settings.expect_sentinel => {
                let _changing = self.changing();
                *lock(&self.sentinel) = Some(session.create_object(&template::sentinel())?);
                Ok(())
            }
            result => result,
        }
    }

    /// Lists the whole token and replaces what is known. Returns what could not be understood.
    pub(super) fn scan(&self, session: &Session) -> Attempt<Strays> {
        let _searching = self.searching();
        let handles = session
            .iter_objects_with_cache_size(&[Attribute::Token(true)], SCAN_BATCH)?
            .collect::<Result<Vec<_>, _>>()?;
        let mut keys: HashMap<VersionId, Found> = HashMap::new();
        let mut strays = Strays::default();
        let sentinel = *lock(&self.sentinel);
        for handle in handles.into_iter().filter(|handle| Some(*handle) != sentinel) {
            match describe(session, handle)? {
                Described::Key(id, part) => keys.entry(id).or_default().add(handle, part),
                Described::Nothing => strays.ghosts += 1,
                Described::Foreign => strays.foreign += 1,
                Described::Gone => {}
            }
        }
        let mut known = HashMap::with_capacity(keys.len());
        for (id, found) in keys {
            match found.objects() {
                Some(objects) => {
                    known.insert(id, objects);
                }
                None => strays.foreign += 1,
            }
        }
        tracing::debug!(token = %self.info.serial, keys = known.len(), "the token was listed");
        self.handles.replace(known);
        Ok(strays)
    }

    /// Searches for one key. The caller holds the lock.
    pub(super) fn find(&self, session: &Session, id: VersionId) -> Attempt<FoundKey> {
        let mut found = Found::default();
        let mut all = Vec::new();
        for handle in session.find_objects(&template::find_key(id))? {
            all.push(handle);
            if let Described::Key(_, part) = describe(session, handle)? {
                found.add(handle, part);
            }
        }
        Ok(FoundKey { objects: found.objects(), all })
    }
}

/// Holds the login, does nothing else, and is never closed while the token is open: a token forgets
/// the login, and every private handle, with its last session.
struct Keeper {
    // In this order: closed, then counted out.
    _session: Session,
    _user: User,
}

/// What a search for one key found.
pub(super) struct FoundKey {
    /// The key, if its main object is there.
    pub(super) objects: Option<Objects>,
    /// Every object with its identifier, halves and leftovers included.
    pub(super) all: Vec<ObjectHandle>,
}

/// Objects in the token that are no keys of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Strays {
    /// Objects without attributes: traces of a process that was killed.
    pub(super) ghosts: usize,
    /// Objects made by others, or halves of keys.
    pub(super) foreign: usize,
}

/// Logs in. Somebody else's login is one too, though it says nothing about this PIN.
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

/// An object, by its attributes.
enum Described {
    Key(VersionId, Part),
    Foreign,
    Nothing,
    Gone,
}

#[derive(Default)]
struct Found {
    main: Option<ObjectHandle>,
    twin: Option<ObjectHandle>,
}

impl Found {
    fn add(&mut self, handle: ObjectHandle, part: Part) {
        match part {
            Part::Main => self.main = Some(handle),
            Part::Twin => self.twin = Some(handle),
        }
    }

    fn objects(self) -> Option<Objects> {
        Some(Objects::new(self.main?, self.twin))
    }
}

fn describe(session: &Session, handle: ObjectHandle) -> Attempt<Described> {
    use AttributeType::{Class, Id, KeyType as Type};
    let attributes = match session.get_attributes(handle, &[Class, Type, Id]) {
        Ok(attributes) => attributes,
        Err(WrapperError::Pkcs11(RvError::ObjectHandleInvalid, _)) => return Ok(Described::Gone),
        Err(error @ WrapperError::Pkcs11(..)) => return Err(error.into()),
        // A value that the wrapper does not know: not one of ours.
        Err(_) => return Ok(Described::Foreign),
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
        (None, None, None) => Described::Nothing,
        (Some(ObjectClass::PRIVATE_KEY), _, Some(id)) => Described::Key(id, Part::Main),
        (Some(ObjectClass::SECRET_KEY), Some(KeyType::AES), Some(id)) => Described::Key(id, Part::Main),
        (Some(ObjectClass::SECRET_KEY), Some(KeyType::GENERIC_SECRET), Some(id)) => {
            Described::Key(id, Part::Twin)
        }
        _ => Described::Foreign,
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
