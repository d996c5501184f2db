//! Tests of local RBAC: every built-in role with every operation, scopes, custom roles and groups.

mod built_in_roles;
mod custom;
mod disclosure;
mod fixture;
mod groups;
mod matrix;
mod over_rest;
mod scopes;

pub(crate) use crate::kit::roles as support;
