//! What answers on a surface.

use std::fmt;

use super::super::intake::Limits;
use super::Names;
use crate::engine::Engine;

/// The engine behind a surface, and what clients may know and take.
pub(in crate::api) struct Surface {
    pub(in crate::api) engine: Engine,
    pub(in crate::api) names: Names,
    pub(in crate::api) limits: Limits,
}

impl fmt::Debug for Surface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surface")
            .field("names", &self.names)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}
