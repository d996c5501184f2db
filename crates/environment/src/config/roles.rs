//! The built-in role definitions of data plane and control plane, as Azure returns them.

use serde::Deserialize;
use uuid::Uuid;

use crate::model::local_rbac::{Permission, RoleDefinition};
use crate::model::{Error, Result};

/// Recorded from a real Managed HSM; see the file.
const RECORDED: &str = include_str!("../../../../hsm-config/roles.json");
/// The built-in roles of Azure that apply to managed HSMs; see the file.
const CONTROL_PLANE: &str = include_str!("../../../../hsm-config/control-plane-roles.json");

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

/// Returns the built-in local RBAC roles of a managed HSM, in the order of the service.
///
/// # Errors
/// [`Error::Internal`] if the embedded file is invalid.
pub fn built_in() -> Result<Vec<RoleDefinition>> {
    definitions(RECORDED)
}

/// Returns the built-in ARM RBAC roles of the control plane.
///
/// # Errors
/// [`Error::Internal`] if the embedded file is invalid.
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
        assignable_scopes: Vec::new(),
    };
    Ok(recorded.value.into_iter().map(definition).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::arm_rbac::ControlAction;
    use crate::model::delegation::delegable_roles;
    use crate::model::local_rbac::DataAction;

    #[test]
    fn control_plane_roles_apply_not_actions() {
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
            assert!(
                !DataAction::ALL.iter().any(|action| role.grants(*action)),
                "{} grants data actions",
                role.role_name
            );
        }
        for role in built_in().unwrap() {
            let grants_control = ControlAction::ALL.iter().any(|action| role.grants(*action));
            assert!(!grants_control, "{} grants control actions", role.role_name);
        }
    }

    #[test]
    fn conditions_name_the_delegable_roles() {
        let file: serde_json::Value = serde_json::from_str(CONTROL_PLANE).unwrap();
        let mut conditional = 0;
        for role in file["value"].as_array().unwrap() {
            let id: Uuid = role["name"].as_str().unwrap().parse().unwrap();
            let condition = role["properties"]["permissions"][0]["condition"].as_str();
            let named = condition.map(|condition| {
                let lists = condition.split("GuidEquals{").skip(1);
                let lists = lists.map(|list| list.split('}').next().unwrap().split(','));
                let ids = lists.map(|ids| ids.map(|id| id.trim().parse().unwrap()).collect::<Vec<Uuid>>());
                let [written, deleted] = ids.collect::<Vec<_>>().try_into().unwrap();
                assert_eq!(written, deleted);
                conditional += 1;
                written
            });
            assert_eq!(named.as_deref(), delegable_roles(id), "{id}");
        }
        assert_eq!(conditional, 1);
    }

    #[test]
    fn recorded_data_actions_are_known() {
        let roles = built_in().unwrap();
        assert_eq!(roles.len(), 10);
        for role in &roles {
            for action in role.permissions.iter().flat_map(|block| &block.data_actions) {
                let known: DataAction = action.parse().unwrap();
                assert_eq!(known.as_str(), action, "{}", role.role_name);
                assert!(role.grants(known));
            }
        }
    }
}
