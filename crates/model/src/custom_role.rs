//! Custom roles of the control plane: what their definitions may contain, and where they can be assigned.
//!
//! Source: "Azure custom roles" of Azure's documentation (<https://learn.microsoft.com/azure/role-based-access-control/custom-roles>).

use super::arm_rbac::ControlScope;
use super::field::shorten;
use super::role::{HierarchicalScope as _, Permission, RoleDefinition};
use super::{Error, Field, Result};

/// The maximum number of assignable scopes of a role.
// assumption: Azure publishes no limit.
const MAX_SCOPES: usize = 1000;

/// The maximum length of an action or a pattern, in bytes.
// assumption: as in local RBAC.
const MAX_ACTION_BYTES: usize = 256;

/// Returns the scopes at which a custom role can be assigned; none for a built-in role, which can be assigned everywhere.
pub fn assignable_scopes(role: &RoleDefinition) -> Vec<ControlScope> {
    role.assignable_scopes.iter().filter_map(|scope| scope.parse().ok()).collect()
}

/// Whether a role can be assigned at a scope.
pub fn is_assignable_at(role: &RoleDefinition, scope: &ControlScope) -> bool {
    role.built_in || assignable_scopes(role).iter().any(|assignable| assignable.covers(scope))
}

/// Whether a role can be assigned at a scope or below it. Lists of role definitions at the scope include it.
pub fn is_visible_at(role: &RoleDefinition, scope: &ControlScope) -> bool {
    let is_related = |assignable: &ControlScope| assignable.covers(scope) || scope.covers(assignable);
    role.built_in || assignable_scopes(role).iter().any(is_related)
}

/// Checks the assignable scopes of a new definition.
///
/// # Errors
/// `Invalid` naming `role_definition.assignable_scopes`.
pub fn check_assignable_scopes(scopes: &[ControlScope]) -> Result<()> {
    let wrong = |why: String| Err(Error::invalid(Field::RoleDefinitionAssignableScopes, why));
    if scopes.is_empty() {
        return wrong("at least one scope is required".to_owned());
    }
    if scopes.len() > MAX_SCOPES {
        return wrong(format!("there are at most {MAX_SCOPES} scopes"));
    }
    let is_allowed = |scope: &&ControlScope| {
        matches!(scope, ControlScope::Subscription(_) | ControlScope::ResourceGroup(..))
    };
    match scopes.iter().find(|scope| !is_allowed(scope)) {
        Some(scope) => wrong(format!("{scope} is neither a subscription nor a resource group")),
        None => Ok(()),
    }
}

/// Checks the actions of a new definition. They may be those of any resource provider.
///
/// # Errors
/// `Invalid` naming `role_definition.permissions`.
pub fn check_actions(permissions: &[Permission]) -> Result<()> {
    let lists = permissions
        .iter()
        .flat_map(|block| [&block.actions, &block.not_actions, &block.data_actions, &block.not_data_actions]);
    match lists.flatten().find(|pattern| !is_action(pattern)) {
        Some(pattern) => Err(Error::invalid(
            Field::RoleDefinitionPermissions,
            format!(
                "{:?} is not an action, such as Microsoft.KeyVault/vaults/read or */read",
                shorten(pattern)
            ),
        )),
        None => Ok(()),
    }
}

/// Whether a text is an action or a pattern of actions: `*`, or a provider and further parts, each of which may contain `*`.
fn is_action(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'*' | b'-' | b'_' | b':'))
    };
    text.len() <= MAX_ACTION_BYTES && (text == "*" || (text.contains('/') && text.split('/').all(is_part)))
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    const SUBSCRIPTION: &str = "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5";

    fn role(scopes: &[&str]) -> RoleDefinition {
        RoleDefinition {
            id: Uuid::nil(),
            role_name: "reader of tags".to_owned(),
            description: String::new(),
            built_in: false,
            permissions: Vec::new(),
            assignable_scopes: scopes.iter().map(|tail| format!("{SUBSCRIPTION}{tail}")).collect(),
        }
    }

    fn scope(tail: &str) -> ControlScope {
        format!("{SUBSCRIPTION}{tail}").parse().unwrap()
    }

    #[test]
    fn custom_roles_are_assignable_in_their_scopes_only() {
        let of_group = role(&["/resourceGroups/a"]);
        assert!(is_assignable_at(&of_group, &scope("/resourceGroups/A/vaults/abc")));
        assert!(!is_assignable_at(&of_group, &scope("")) && is_visible_at(&of_group, &scope("")));
        assert!(!is_visible_at(&of_group, &scope("/resourceGroups/b")));
        assert!(is_assignable_at(&role(&[""]), &scope("/resourceGroups/b")));
        assert!(!is_assignable_at(&role(&[]), &scope("")) && !is_visible_at(&role(&[]), &scope("")));
        let built_in = RoleDefinition { built_in: true, ..role(&[]) };
        assert!(is_assignable_at(&built_in, &scope("")) && is_visible_at(&built_in, &scope("")));
    }

    #[test]
    fn assignable_scopes_are_subscriptions_and_groups() {
        check_assignable_scopes(&[scope(""), scope("/resourceGroups/a")]).unwrap();
        assert!(check_assignable_scopes(&[]).is_err());
        assert!(check_assignable_scopes(&[scope("/resourceGroups/a/vaults/abc")]).is_err());
        assert!(check_assignable_scopes(&vec![scope(""); MAX_SCOPES + 1]).is_err());
    }

    #[test]
    fn actions_have_a_provider_or_wildcards() {
        for good in
            ["*", "*/read", "Microsoft.KeyVault/vaults/*", "Microsoft.Compute/virtualMachines/start/action"]
        {
            assert!(is_action(good), "{good}");
        }
        for bad in [
            "",
            "read",
            "/",
            "a//b",
            "a/",
            "Microsoft KeyVault/read",
            "a/b?",
            &format!("a/{}", "b".repeat(255)),
        ] {
            assert!(!is_action(bad), "{bad}");
        }
    }
}
