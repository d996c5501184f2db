//! The control plane: every role with every operation, scopes, and what the planes do not share.

pub(crate) mod ask;
mod matrix;
mod scopes;
