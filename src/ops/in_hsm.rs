//! A value together with the HSM it belongs to.

use super::Cx;
use crate::model::Result;
use crate::model::name::HsmName;

/// A role definition, role assignment or setting with the name of its HSM, which resource names contain.
#[derive(Clone, Debug)]
pub struct InHsm<T> {
    /// The HSM.
    pub hsm: HsmName,
    /// The value.
    pub item: T,
}

impl<T> InHsm<T> {
    /// Pairs a value with the HSM that the operation was addressed to.
    ///
    /// # Errors
    /// As [`Cx::managed_hsm`].
    pub(super) fn new(cx: &Cx, item: T) -> Result<Self> {
        Ok(Self { hsm: cx.managed_hsm()?.name.clone(), item })
    }
}
