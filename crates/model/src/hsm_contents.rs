//! What a full backup of an HSM contains.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::key::Key;
use super::local_rbac::{RoleAssignment, RoleDefinition};
use super::name::HsmName;
use super::setting::Settings;

/// The contents of an HSM, which a full restore replaces as a whole.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HsmContents {
    /// The HSM.
    pub hsm: HsmName,
    /// All keys, live and deleted.
    pub keys: Vec<Arc<Key>>,
    /// The custom role definitions, in order of creation.
    pub definitions: Vec<Arc<RoleDefinition>>,
    /// The role assignments, in order of creation.
    pub assignments: Vec<Arc<RoleAssignment>>,
    /// The settings.
    pub settings: Settings,
}
