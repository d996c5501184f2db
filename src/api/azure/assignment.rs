//! The request body of a role assignment, on the data plane and the control plane.

use serde::Deserialize;
use uuid::Uuid;

use super::call::RequestInput;
use crate::model::name::PrincipalId;
use crate::model::{Error, Field, Result};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    properties: Option<Properties>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Properties {
    role_definition_id: Option<String>,
    principal_id: Option<String>,
    condition: Option<String>,
}

/// Returns the role definition and the principal of a request. The role definition is a full id, or its GUID.
///
/// # Errors
/// `Invalid` naming the member; `Unsupported` if there is a condition.
pub(in crate::api) fn role_and_principal<S>(input: &RequestInput<'_, S>) -> Result<(Uuid, PrincipalId)> {
    let Properties { role_definition_id, principal_id, condition } =
        input.body::<Request>()?.properties.unwrap_or_default();
    if condition.is_some() {
        return Err(Error::Unsupported {
            what: "Conditions of role assignments are not available yet".to_owned(),
        });
    }
    let definition = role_definition_id.unwrap_or_default();
    let role = definition.rsplit('/').next().and_then(|guid| Uuid::parse_str(guid).ok());
    let role = role.ok_or_else(|| {
        Error::invalid(Field::PropertiesRoleDefinitionId, "this is not the id of a role definition")
    })?;
    Ok((role, principal_id.unwrap_or_default().parse()?))
}
