//! The built-in role definitions of both planes, as their services return them.

use serde::Deserialize;
use uuid::Uuid;

use crate::model::rbac::{Permission, RoleDefinition};
use crate::model::{Error, Result};

/// Recorded from a real Managed HSM; see the file.
const RECORDED: &str = include_str!("../../hsm-config/roles.json");
/// Azure's own, those that matter to managed HSMs; see the file.
const CONTROL_PLANE: &str = include_str!("../../hsm-config/control-plane-roles.json");

#[derive(Deserialize)]
struct Recorded {
    value: Vec<Definition>,
}

#[derive(Deserialize)]
struct Definition {
    name: Uuid,
    properties: Properties,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties {
    role_name: String,
    description: String,
    permissions: Vec<Permission>,
}

/// The built-in local roles of every managed HSM, in the service's order.
///
/// # Errors
/// `Internal` where the file compiled into the program is damaged.
pub fn built_in() -> Result<Vec<RoleDefinition>> {
    definitions(RECORDED)
}

/// The roles of the control plane.
///
/// # Errors
/// `Internal` where the file compiled into the program is damaged.
pub fn control_plane() -> Result<Vec<RoleDefinition>> {
    definitions(CONTROL_PLANE)
}

fn definitions(text: &str) -> Result<Vec<RoleDefinition>> {
    let recorded: Recorded = serde_json::from_str(text).map_err(Error::internal)?;
    let definition = |definition: Definition| RoleDefinition {
        id: definition.name,
        role_name: definition.properties.role_name,
        description: definition.properties.description,
        built_in: true,
        permissions: definition.properties.permissions,
    };
    Ok(recorded.value.into_iter().map(definition).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::control_plane::ControlAction;
    use crate::model::rbac::Action;

    #[test]
    fn what_the_control_planes_roles_exclude_they_do_not_grant() {
        let roles = control_plane().unwrap();
        let role = |name: &str| roles.iter().find(|role| role.role_name == name).unwrap();
        for action in ControlAction::ALL {
            let assigns = action.as_str().starts_with("Microsoft.Authorization/");
            let reads = action.as_str().ends_with("/read");
            assert!(role("Owner").grants(*action), "{action}");
            assert_eq!(role("Contributor").grants(*action), reads || !assigns, "{action}");
            assert_eq!(role("Reader").grants(*action), reads, "{action}");
            assert_eq!(role("User Access Administrator").grants(*action), reads || assigns, "{action}");
        }
        for role in &roles {
            assert!(!Action::ALL.iter().any(|action| role.grants(*action)), "{} opens keys", role.role_name);
        }
        for role in built_in().unwrap() {
            let opens = ControlAction::ALL.iter().any(|action| role.grants(*action));
            assert!(!opens, "{} manages resources", role.role_name);
        }
    }

    #[test]
    fn every_recorded_data_action_is_known() {
        let roles = built_in().unwrap();
        assert_eq!(roles.len(), 10);
        for role in &roles {
            for action in role.permissions.iter().flat_map(|block| &block.data_actions) {
                let known: Action = action.parse().unwrap();
                assert_eq!(known.as_str(), action, "{}", role.role_name);
                assert!(role.grants(known));
            }
        }
    }
}
