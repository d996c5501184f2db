//! The plane of the contents of vaults as resources.

use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audience::Audience;
use crate::ops::vaults::VaultPath;
use crate::ops::{Cx, Plane};

/// The contents of vaults through the control plane: keys and secrets as resources. Roles of the control plane grant its actions,
/// and its operations run in the vault.
#[derive(Clone, Copy, Debug)]
pub struct VaultContentsPlane;

impl Plane for VaultContentsPlane {
    type Action = ControlAction;
    type Scope = ControlScope;
    type Container = VaultPath;
    type Cx = Cx;
    const AUDIENCES: &'static [Audience] = &[Audience::Management];
}
