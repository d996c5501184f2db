//! What belongs to an HSM, and to which.

use super::Cx;
use crate::model::name::HsmName;

/// Role definitions, role assignments and settings do not know the HSM they belong to; their names need it.
#[derive(Clone, Debug)]
pub struct Of<T> {
    /// The HSM.
    pub hsm: HsmName,
    /// What belongs to it.
    pub item: T,
}

impl<T> Of<T> {
    /// Says that something belongs to the HSM that an operation was addressed to.
    pub(super) fn new(cx: &Cx, item: T) -> Self {
        Self { hsm: cx.hsm.name.clone(), item }
    }
}
