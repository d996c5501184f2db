//! What is written together, and how durably.

use std::sync::Arc;

use uuid::Uuid;

use crate::clock::Clock;
use crate::model::Timestamp;
use crate::model::change::{Change, Intent};
use crate::model::entry::Meter;
use crate::model::event::KEPT;
use crate::model::key::KeyVersion;
use crate::model::name::HsmName;
use crate::model::rbac::RoleDefinition;

/// What one call leaves behind; written whole or not at all.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// Writes, made in this order.
    pub changes: Vec<Change>,
    /// What is about to be done in a token.
    pub open: Option<Intent>,
    /// Intents that are concluded by this. One that is not open is ignored.
    pub close: Vec<Uuid>,
    /// The audit record and the meter reading. `None` for the first step of a call with two.
    pub record: Option<Record>,
    /// Which rules the changes are held to.
    pub rules: Rules,
}

/// Which rules the changes of a commit are held to. What is unique is unique under either.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Rules {
    /// All of them, as they are for callers.
    #[default]
    All,
    /// Those for what the operator has configured: it may exceed the service's limits on numbers, and give a role
    /// at a scope before that is made.
    Configured,
}

impl Commit {
    /// Whether it changes nothing but the ledger.
    pub(super) fn is_record_only(&self) -> bool {
        self.changes.is_empty() && self.open.is_none() && self.close.is_empty()
    }
}

/// The audit record of a call, and what the call counts as.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// When the call arrived.
    pub at: Timestamp,
    /// The HSM asked, if the request named one.
    pub hsm: Option<HsmName>,
    /// What the audit log calls the operation.
    pub event: &'static str,
    /// What the call counts as.
    pub meter: Meter,
    /// The key version that was used, if one was.
    pub version: Option<Arc<KeyVersion>>,
    /// The audit record: one JSON object with at least one member and without line breaks. Its number
    /// and its link of the chain are added as `seq` and `chain`.
    pub body: String,
}

/// When a commit that only records is done. Changes and intents are always durable first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// When the record is durable: nothing is answered that a crash could forget.
    #[default]
    Request,
    /// When the record is queued: a crash can lose the last few milliseconds of records. If the
    /// database fails, calls wait as with `Request` until it recovers.
    Relaxed,
}

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct Options {
    /// The roles that can be assigned on the control plane.
    pub control_plane_roles: Vec<RoleDefinition>,
    /// The clock that commits may set.
    pub clock: Clock,
    /// When a commit that only records is done.
    pub durability: Durability,
    /// The number of the last record that the export has already; 0 if it has none.
    pub exported: u64,
    /// The link of that record, to be compared with the database; not compared if absent.
    pub exported_chain: Option<String>,
    /// Whether the store is opened where that is not the record that was written; [`Store::chain_break`] tells then.
    ///
    /// [`Store::chain_break`]: super::Store::chain_break
    pub accept_break: bool,
    /// How many lifecycle events are kept.
    pub events_kept: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            control_plane_roles: Vec::new(),
            clock: Clock::default(),
            durability: Durability::default(),
            exported: 0,
            exported_chain: None,
            accept_break: false,
            events_kept: KEPT,
        }
    }
}
