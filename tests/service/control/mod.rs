//! Tests of ARM RBAC (control plane): every role with every operation, scopes, and the separation of the planes.

pub(crate) mod custom_roles;
mod delegation;
mod matrix;
mod scopes;
pub(crate) mod support;
