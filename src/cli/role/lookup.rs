//! Roles, found by the names people use.

use uuid::Uuid;

use crate::api::grpc::pb;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::session::Session;

/// What built-in roles begin with, and people leave out.
const PREFIX: &str = "managed hsm ";

/// All role definitions of the HSM.
pub(super) async fn definitions(session: &Session) -> Outcome<Vec<pb::RoleDefinition>> {
    let request = pb::ListRoleDefinitionsRequest { parent: session.parent()? };
    Ok(session.access().list_role_definitions(request).await?.into_inner().role_definitions)
}

/// The resource name of a role that is named by it, by its GUID, or by the name people read.
pub(super) async fn definition_name(session: &Session, wanted: &str) -> Outcome<String> {
    match resource_name(session, "roleDefinitions", wanted)? {
        Some(name) => Ok(name),
        None => find(&definitions(session).await?, wanted).map(|role| role.name.clone()),
    }
}

/// The resource name of what is named by it or by its GUID.
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

/// The last part of a resource name.
pub(in crate::cli) fn id(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// The one role with this name, in any of the ways people write it.
pub(in crate::cli) fn find<'a>(
    definitions: &'a [pb::RoleDefinition],
    wanted: &str,
) -> Outcome<&'a pb::RoleDefinition> {
    let named = |fold: fn(&str) -> String| -> Vec<_> {
        definitions.iter().filter(|role| fold(&role.role_name) == fold(wanted)).collect()
    };
    // On the control plane, Contributor is one role and Managed HSM contributor another.
    let found = Some(named(spelled)).filter(|found| !found.is_empty()).unwrap_or_else(|| named(folded));
    match found[..] {
        [role] => Ok(role),
        [] => {
            let mut names: Vec<_> = definitions.iter().map(|role| role.role_name.as_str()).collect();
            names.sort_unstable();
            Err(Failure::problem(format!("there is no role {wanted:?}"))
                .hint(format!("there is {}", names.join(", "))))
        }
        _ => {
            let ids: Vec<_> = found.iter().map(|role| id(&role.name)).collect();
            Err(Failure::problem(format!("{} roles are named {wanted:?}", ids.len()))
                .hint(format!("name one by its id: {}", ids.join(", "))))
        }
    }
}

/// A name as it is compared: `Crypto User`, `crypto user` and `crypto-user` are the same.
fn spelled(name: &str) -> String {
    name.trim().to_lowercase().replace('-', " ")
}

/// A name without what built-in roles begin with: `Managed HSM Crypto User` and `crypto-user` are the same.
fn folded(name: &str) -> String {
    let name = spelled(name);
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
    fn roles_are_found_by_the_names_people_use() {
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
    fn a_whole_name_wins_over_one_that_ends_so() {
        let roles = [role("1", "Managed HSM contributor"), role("2", "Contributor")];
        for (wanted, meant) in [("contributor", "2"), ("managed-hsm-contributor", "1")] {
            assert_eq!(id(&find(&roles, wanted).unwrap().name), meant, "{wanted}");
        }
    }

    #[test]
    fn an_ambiguous_name_is_refused_with_the_ids() {
        let roles = [role("1", "Signer"), role("2", "signer")];
        let failure = format!("{:?}", find(&roles, "signer").unwrap_err());
        assert!(failure.contains("1, 2"), "{failure}");
    }
}
