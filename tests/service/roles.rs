//! Tests of local RBAC: every built-in role with every operation, scopes, custom roles and groups.

pub(crate) mod ask;
mod custom;
mod groups;
mod matrix;
mod over_rest;
mod recorded;
mod scopes;
mod stage;
mod untold;
