//! The sessions that the application has opened, with their tokens, so that a rule can concern one token, and take its sessions.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use cryptoki_sys::{CK_SESSION_HANDLE, CK_SLOT_ID};

use crate::real_module;
use crate::rule::{Loss, TokenFilter};

/// The token of a session or slot.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) slot: CK_SLOT_ID,
    label: String,
    serial: String,
    /// Whether the session was closed although the application did not ask for it.
    closed: bool,
}

/// What a call concerns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    Module,
    Slot(CK_SLOT_ID),
    Session(CK_SESSION_HANDLE),
}

static SESSIONS: RwLock<Option<HashMap<CK_SESSION_HANDLE, Token>>> = RwLock::new(None);

impl Token {
    /// The token in a slot. The application has made sure that no other call changes the list of slots.
    pub(crate) fn in_slot(slot: CK_SLOT_ID) -> Option<Self> {
        let (label, serial) = real_module::token_names(slot)?;
        Some(Self { slot, label, serial, closed: false })
    }

    /// Whether a rule concerns it.
    pub(crate) fn is_of(&self, filter: &TokenFilter) -> bool {
        filter.matches(&self.label, &self.serial)
    }
}

impl Subject {
    /// The token that a call concerns.
    pub(crate) fn token(self) -> Option<Token> {
        match self {
            Self::Module => None,
            Self::Slot(slot) => Token::in_slot(slot),
            Self::Session(session) => {
                let sessions = SESSIONS.read().unwrap_or_else(PoisonError::into_inner);
                sessions.as_ref()?.get(&session).cloned()
            }
        }
    }
}

/// Adds a session that was opened.
pub(crate) fn opened(session: CK_SESSION_HANDLE, slot: CK_SLOT_ID) {
    // A token that does not describe itself is known by its slot only.
    let token = Token::in_slot(slot).unwrap_or_else(|| Token {
        slot,
        label: String::new(),
        serial: String::new(),
        closed: false,
    });
    change(|sessions| {
        sessions.insert(session, token);
    });
}

/// Removes a session that was closed.
pub(crate) fn closed(session: CK_SESSION_HANDLE) {
    change(|sessions| {
        sessions.remove(&session);
    });
}

/// Removes the sessions with a token, or all of them.
pub(crate) fn closed_all(slot: Option<CK_SLOT_ID>) {
    change(|sessions| sessions.retain(|_, token| slot.is_some_and(|slot| token.slot != slot)));
}

/// Has the tokens that a filter selects lose their sessions or their login. No other call is in progress.
pub(crate) fn lose(loss: Loss, filter: &TokenFilter) {
    let mut tokens: HashMap<CK_SLOT_ID, CK_SESSION_HANDLE> = HashMap::new();
    change(|sessions| {
        let open = sessions.iter_mut().filter(|(_, token)| !token.closed && token.is_of(filter));
        tokens.extend(open.map(|(session, token)| {
            // A closed session cannot log out for its token later.
            token.closed |= loss == Loss::Sessions;
            (token.slot, *session)
        }));
    });
    for (slot, session) in tokens {
        match loss {
            Loss::Sessions => real_module::close_all_sessions(slot),
            Loss::Login => real_module::log_out(session),
        }
    }
}

/// Closes the sessions with a token that was removed, once. No other call is in progress.
pub(crate) fn removed(slot: CK_SLOT_ID) {
    let mut any = false;
    change(|sessions| {
        for token in sessions.values_mut().filter(|token| token.slot == slot && !token.closed) {
            (token.closed, any) = (true, true);
        }
    });
    if any {
        real_module::close_all_sessions(slot);
    }
}

fn change(change: impl FnOnce(&mut HashMap<CK_SESSION_HANDLE, Token>)) {
    let mut sessions = SESSIONS.write().unwrap_or_else(PoisonError::into_inner);
    change(sessions.get_or_insert_default());
}
