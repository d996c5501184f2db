//! Tests of ARM RBAC (control plane): every role with every operation, scopes, and the separation of the planes.

mod matrix;
mod scopes;
pub(crate) mod support;
