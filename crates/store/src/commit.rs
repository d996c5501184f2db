//! Commits: the unit of atomic writes, and the options of durability.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::instance::InstanceName;
use crate::clock::Clock;
use crate::model::Timestamp;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, Intent};
use crate::model::container::ContainerId;
use crate::model::event::DEFAULT_RETAINED;
use crate::model::key::KeyVersion;
use crate::model::local_rbac::RoleDefinition;

/// The writes of one call, applied atomically.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// The changes, applied in this order.
    pub changes: Vec<Change>,
    /// The intent to open, before the token is modified.
    pub open: Option<Intent>,
    /// The intents to close. An intent that is not open is ignored.
    pub close: Vec<Uuid>,
    /// The audit record and meter reading. `None` for the first step of a call with two.
    pub record: Option<AuditRecord>,
    /// The rules that the changes must satisfy.
    pub rules: Rules,
    /// The state by which the commit was decided. If another instance has changed it since, nothing is written. `None` for a commit that
    /// depends on no such state.
    pub decided_by: Option<DecidedBy>,
}

/// The state by which a commit was decided: the container of its record, and the roles and resources of the control plane.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecidedBy {
    /// [`Store::position`] before the state was read.
    ///
    /// [`Store::position`]: super::Store::position
    pub position: u64,
    /// The lower-case name of the object of the container, if only this one was read.
    pub object: Option<String>,
}

/// What came of a commit that did not fail.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Committed {
    /// It was written.
    Done,
    /// It was not written, because it was decided by a state that another instance has changed. Readers see the new state.
    Outdated,
}

/// The rules that the changes of a commit must satisfy. Uniqueness is always enforced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum Rules {
    /// All rules, as for the requests of callers.
    #[default]
    All,
    /// The rules for the operator's configuration: it may exceed the limits of the service, and assign roles at
    /// scopes that do not exist yet.
    Configured,
}

impl Commit {
    /// Whether the commit only adds an audit record.
    pub(super) fn is_record_only(&self) -> bool {
        self.changes.is_empty() && self.open.is_none() && self.close.is_empty()
    }
}

/// The audit record of a call, with its data for metering.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditRecord {
    /// When the call arrived.
    pub at: Timestamp,
    /// The container that the request names, if any.
    pub container: Option<ContainerId>,
    /// The operation's name in the audit log (`operationName`).
    pub event: &'static str,
    /// The meter of the call.
    pub meter: Meter,
    /// The number of operations that the call counts as: 1, or the number of items of a batch.
    pub count: u64,
    /// The key version that the call used, if any.
    pub version: Option<Arc<KeyVersion>>,
    /// The audit record: one JSON object with at least one member and without line breaks. Its sequence
    /// number and its link are added as `seq` and `chain`.
    pub body: String,
}

/// When a commit that only adds an audit record completes. Changes and intents are always durable first.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Durability {
    /// When the record is durable: a crash loses no record of an answered call.
    #[default]
    Request,
    /// When the record is queued: a crash can lose the last few milliseconds of records. If the log or the database fails,
    /// calls wait as with `Request` until it recovers.
    Relaxed,
}

/// Options for opening a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// The built-in roles that can be assigned on the control plane.
    pub control_plane_roles: Vec<RoleDefinition>,
    /// The clock that commits may set.
    pub clock: Clock,
    /// When a commit that only adds an audit record completes.
    pub durability: Durability,
    /// Whether to open the store even if the end of the log differs from the database; [`Store::chain_break`] then returns
    /// the difference.
    ///
    /// [`Store::chain_break`]: super::Store::chain_break
    pub accept_break: bool,
    /// The number of lifecycle events kept.
    pub events_kept: usize,
    /// The name of this instance among those that share a database of a server. A file has one instance, of the default name.
    pub instance: InstanceName,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            control_plane_roles: Vec::new(),
            clock: Clock::default(),
            durability: Durability::default(),
            accept_break: false,
            events_kept: DEFAULT_RETAINED,
            instance: InstanceName::default(),
        }
    }
}
