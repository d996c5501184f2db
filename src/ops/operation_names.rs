//! What operations that several nouns or planes share differ in: their names, actions and meters.

use crate::model::audit_entry::Meter;

/// The names of an operation, its action and its meter: see [`Operation`](super::Operation).
#[derive(Clone, Copy, Debug)]
pub struct OperationNames<A> {
    /// The name of its gRPC method.
    pub name: &'static str,
    /// Its `operationName` in the audit log.
    pub event: &'static str,
    /// The action that a role must grant.
    pub action: A,
    /// The meter that counts it.
    pub meter: Meter,
}
