//! Tests of ARM RBAC (control plane): every role with every operation, scopes, and the separation of the planes.

pub(crate) mod ask;
mod matrix;
mod scopes;
