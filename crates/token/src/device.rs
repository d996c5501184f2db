//! The state of one open token that its worker threads share: login, locks and object handles.
//! Each thread has a session of its own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use cryptoki::error::RvError;
use cryptoki::object::ObjectHandle;
use cryptoki::session::{Session, SessionState};
use cryptoki::slot::Slot;
use secrecy::SecretString;

use super::Settings;
use super::capabilities::{Capabilities, Feature};
use super::error::{Attempt, Failure};
use super::handles::{Handles, KeyObjects, Part};
use super::loaded_module::LoadedModule;
use super::login::Login;
use super::object_cache::SessionObjectCache;
use super::scan::{self, UnrecognizedObjects};
use super::sentinel::Sentinel;
use super::statistics::{self, SessionCount};
use super::template::Restrictions;
use super::token_info::TokenInfo;
use crate::model::Error;
use crate::model::name::VersionId;
use crate::model::wrapped_key::BackupPolicy;

/// A search of the token's objects.
#[derive(Clone, Copy)]
pub(super) struct Search {
    /// The number of renewed logins at its beginning.
    renewals: u64,
}

fn not_logged_in() -> Failure {
    Failure::ReturnCode(RvError::UserNotLoggedIn, cryptoki::context::Function::GetSessionInfo)
}

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
    login: Login,
    pub(super) sentinel: Sentinel,
    /// The number of sessions of callers of the module.
    executor_sessions: Arc<AtomicU64>,
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
            login: Login::new(pin),
            sentinel: Sentinel::default(),
            executor_sessions: Arc::default(),
            changes: RwLock::new(()),
        }
    }

    /// Takes ownership of the session that holds the login, and lists the token's objects.
    pub(super) fn set_login(&self, session: Session) -> Attempt<()> {
        self.ensure_sentinel(&session)?;
        self.scan(&session)?;
        self.login.hold(session, &self.loaded);
        Ok(())
    }

    /// Opens a session. It is logged in: PKCS#11 shares the login among all sessions of a process.
    pub(super) fn session(&self) -> Attempt<Session> {
        self.loaded.session(self.slot)
    }

    /// As [`session`](Self::session), for a caller of the module; the session is counted until the second value is dropped.
    pub(super) fn counted_session(&self) -> Attempt<(Session, SessionCount)> {
        Ok((self.session()?, SessionCount::of(&self.executor_sessions)))
    }

    /// The number of sessions that this process has with the token: those of callers, that of the login, and that of the copies.
    fn open_sessions(&self) -> u64 {
        let others = u64::from(self.login.is_open()) + u64::from(self.object_cache.has_session());
        self.executor_sessions.load(Ordering::Relaxed) + others
    }

    /// The generation of the current login.
    pub(super) fn generation(&self) -> u64 {
        self.login.generation()
    }

    /// Logs in again, unless another thread has done so since generation `seen`.
    pub(super) fn log_in_again(&self, seen: u64) -> Attempt<()> {
        self.login.renew(
            seen,
            &self.loaded,
            || self.session(),
            |session| {
                tracing::warn!(event = "token.login_renewed", token = %self.info.serial, "logged in to the token again");
                statistics::record_login(&self.info.serial);
                // The handles and session copies of the old login are invalid.
                self.handles.clear();
                self.object_cache.clear();
                self.sentinel.forget();
                self.verify_sentinel(session)?;
                self.scan(session).map(drop)
            },
        )
    }

    /// Leaves it to the service when to log in again.
    pub(super) fn command_logins(&self) {
        self.login.set_commanded();
    }

    /// Whether the service decides when to log in again.
    pub(super) fn logins_are_commanded(&self) -> bool {
        self.login.is_commanded()
    }

    /// Logs in again with this PIN, as the service has commanded.
    pub(super) fn log_in(&self, pin: SecretString) -> Attempt<()> {
        self.login.replace_pin(pin);
        self.log_in_again(self.generation())
    }

    /// Uses this PIN for the next login, if one is given.
    pub(super) fn replace_pin(&self, pin: Option<SecretString>) {
        if let Some(pin) = pin {
            self.login.replace_pin(pin);
        }
    }

    /// Ends the login. All worker threads have ended.
    pub(super) fn close(&self) {
        self.handles.clear();
        self.object_cache.clear();
        self.login.end();
    }

    /// Whether the login is still open.
    pub(super) fn is_open(&self) -> bool {
        self.login.is_open()
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
        let search = self.begin_search(session)?;
        let _searching = self.read_lock();
        self.verify_in_search(session, search)?;
        match scan::find(session, id)?.objects {
            Some(objects) => {
                self.object_cache.remove(id);
                Ok(self.handles.insert(id, objects))
            }
            None => {
                self.end_search(session, search)?;
                self.object_cache.remove(id);
                self.handles.remove(id);
                Err(Error::KeyMaterialMissing { version: id }.into())
            }
        }
    }

    /// What the templates of new keys restrict.
    pub(super) fn restrictions(&self, backup: BackupPolicy) -> Restrictions {
        Restrictions {
            mechanisms: self.capabilities.restrict_mechanisms(),
            wrappable: backup == BackupPolicy::Wrappable,
        }
    }

    /// Checks that the session is logged in: without a login, some tokens appear empty.
    pub(super) fn check_login(&self, session: &Session) -> Attempt<()> {
        match session.get_session_info()?.session_state() {
            SessionState::RwUser | SessionState::RoUser => Ok(()),
            _ => Err(not_logged_in()),
        }
    }

    /// Checks the login before a search. What the search does not find is absent only if [`Self::end_search`] succeeds after it:
    /// a login that is lost meanwhile makes keys invisible.
    pub(super) fn begin_search(&self, session: &Session) -> Attempt<Search> {
        let renewals = self.login.renewals();
        self.check_login(session)?;
        Ok(Search { renewals })
    }

    /// Checks that the token shows its objects. The caller holds the read or write lock.
    ///
    /// # Errors
    /// `CKR_USER_NOT_LOGGED_IN` if the reason is a lost login, which can be renewed.
    pub(super) fn verify_in_search(&self, session: &Session, search: Search) -> Attempt<()> {
        self.sentinel.verify(session).or_else(|failure| {
            self.end_search(session, search)?;
            Err(failure)
        })
    }

    /// Checks that the session was logged in during the whole search.
    pub(super) fn end_search(&self, session: &Session, search: Search) -> Attempt<()> {
        self.check_login(session)?;
        if self.login.renewals() == search.renewals { Ok(()) } else { Err(not_logged_in()) }
    }

    /// Checks that the token shows its objects. Takes no lock while the sentinel's handle is valid.
    pub(super) fn verify_sentinel(&self, session: &Session) -> Attempt<()> {
        if self.sentinel.is_visible(session) {
            return Ok(());
        }
        let _searching = self.read_lock();
        self.sentinel.verify(session)
    }

    /// Checks that the token responds, is the one that was opened, and shows its objects. Returns the number of sessions that this
    /// process has with the token.
    pub(super) fn check_health(&self, session: &Session) -> Attempt<u64> {
        self.check_login(session)?;
        let present = self.loaded.token_info(self.slot)?;
        if present.serial != self.info.serial {
            return Err(Error::TokenUnavailable {
                why: format!("its slot contains another token: serial {}", present.serial),
            }
            .into());
        }
        self.verify_sentinel(session)?;
        Ok(self.open_sessions())
    }

    /// Finds the sentinel, or creates it when the token is opened for the first time.
    fn ensure_sentinel(&self, session: &Session) -> Attempt<()> {
        match self.sentinel.verify(session) {
            Err(Failure::Final(Error::TokenUnavailable { .. })) if !self.settings.expect_sentinel => {
                let _changing = self.write_lock();
                self.sentinel.create(session)
            }
            result => result,
        }
    }

    /// Lists the whole token and replaces the handle cache. Returns the counts of unrecognized objects.
    pub(super) fn scan(&self, session: &Session) -> Attempt<UnrecognizedObjects> {
        let _searching = self.read_lock();
        let (known, unrecognized) = scan::list(session, self.sentinel.handle())?;
        tracing::debug!(token = %self.info.serial, keys = known.len(), "listed the objects of the token");
        self.handles.replace(known);
        Ok(unrecognized)
    }
}
