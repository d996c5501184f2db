//! Finds role definitions by name or id.

use uuid::Uuid;

use crate::api::grpc::pb;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::session::Session;

/// The prefix of built-in roles, which may be omitted.
const PREFIX: &str = "managed hsm ";

/// Fetches all role definitions of the managed HSM.
pub(super) async fn definitions(session: &Session) -> Outcome<Vec<pb::RoleDefinition>> {
    let request = pb::ListRoleDefinitionsRequest { parent: session.parent()? };
    Ok(session.access().list_role_definitions(request).await?.into_inner().role_definitions)
}

/// Returns the resource name of a role, given by resource name, GUID or role name.
pub(super) async fn definition_name(session: &Session, wanted: &str) -> Outcome<String> {
    match resource_name(session, "roleDefinitions", wanted)? {
        Some(name) => Ok(name),
        None => find(&definitions(session).await?, wanted).map(|role| role.name.clone()),
    }
}

/// Returns the resource name of a member of `collection`, given by resource name or GUID. `None` for other text.
pub(super) fn resource_name(session: &Session, collection: &str, wanted: &str) -> Outcome<Option<String>> {
    let parts: Vec<&str> = wanted.split('/').collect();
    match parts[..] {
        ["hsms", _, found, _] if found == collection => Ok(Some(wanted.to_owned())),
        [id] if Uuid::parse_str(id).is_ok() => {
            Ok(Some(format!("{}/{collection}/{}", session.parent()?, id.to_ascii_lowercase())))
        }
        _ => Ok(None),
    }
}

/// Returns the last segment of a resource name.
pub(in crate::cli) fn id(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// Returns the role with this name in any accepted spelling. Errors if there is none, or more than one.
pub(in crate::cli) fn find<'a>(
    definitions: &'a [pb::RoleDefinition],
    wanted: &str,
) -> Outcome<&'a pb::RoleDefinition> {
    let matching = |normalize: fn(&str) -> String| -> Vec<_> {
        definitions.iter().filter(|role| normalize(&role.role_name) == normalize(wanted)).collect()
    };
    // On the control plane, Contributor is one role and Managed HSM contributor another.
    let found = Some(matching(normalized))
        .filter(|found| !found.is_empty())
        .unwrap_or_else(|| matching(without_prefix));
    match found[..] {
        [role] => Ok(role),
        [] => {
            let mut names: Vec<_> = definitions.iter().map(|role| role.role_name.as_str()).collect();
            names.sort_unstable();
            Err(Failure::problem(format!("there is no role {wanted:?}"))
                .hint(format!("available roles: {}", names.join(", "))))
        }
        _ => {
            let ids: Vec<_> = found.iter().map(|role| id(&role.name)).collect();
            Err(Failure::problem(format!("{} roles are named {wanted:?}", ids.len()))
                .hint(format!("select one by its id: {}", ids.join(", "))))
        }
    }
}

/// Normalizes a name for comparison: `Crypto User`, `crypto user` and `crypto-user` are equal.
fn normalized(name: &str) -> String {
    name.trim().to_lowercase().replace('-', " ")
}

/// Normalizes a name and removes the prefix of built-in roles: `Managed HSM Crypto User` equals `crypto-user`.
fn without_prefix(name: &str) -> String {
    let name = normalized(name);
    name.strip_prefix(PREFIX).map(str::to_owned).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(id: &str, role_name: &str) -> pb::RoleDefinition {
        pb::RoleDefinition {
            name: format!("hsms/local/roleDefinitions/{id}"),
            role_name: role_name.into(),
            ..Default::default()
        }
    }

    #[test]
    fn finds_roles_in_all_spellings() {
        let roles = [
            role("1", "Managed HSM Crypto User"),
            role("2", "Managed HSM Crypto Officer"),
            role("3", "Signer"),
        ];
        for wanted in ["Managed HSM Crypto User", "crypto user", "Crypto-User", "managed hsm crypto user"] {
            assert_eq!(id(&find(&roles, wanted).unwrap().name), "1", "{wanted}");
        }
        assert_eq!(id(&find(&roles, "signer").unwrap().name), "3");
        assert!(find(&roles, "crypto").is_err());
    }

    #[test]
    fn exact_names_take_precedence_over_unprefixed_ones() {
        let roles = [role("1", "Managed HSM contributor"), role("2", "Contributor")];
        for (wanted, expected) in [("contributor", "2"), ("managed-hsm-contributor", "1")] {
            assert_eq!(id(&find(&roles, wanted).unwrap().name), expected, "{wanted}");
        }
    }

    #[test]
    fn ambiguous_names_are_rejected_with_the_ids() {
        let roles = [role("1", "Signer"), role("2", "signer")];
        let failure = format!("{:?}", find(&roles, "signer").unwrap_err());
        assert!(failure.contains("1, 2"), "{failure}");
    }
}
