//! The built-in role definitions, as the service returns them.

use serde::Deserialize;
use uuid::Uuid;

use crate::model::rbac::{Permission, RoleDefinition};
use crate::model::{Error, Result};

/// Recorded from a real Managed HSM; see the file.
const RECORDED: &str = include_str!("../../hsm-config/roles.json");

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

/// The built-in roles, in the service's order.
///
/// # Errors
/// `Internal` where the file compiled into the program is damaged.
pub fn built_in() -> Result<Vec<RoleDefinition>> {
    let recorded: Recorded = serde_json::from_str(RECORDED).map_err(Error::internal)?;
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
    use crate::model::rbac::Action;

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
