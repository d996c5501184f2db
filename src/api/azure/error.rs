//! The domain's errors in Azure's words: a code and a message. The status is the error's own.

use crate::model::Error;
use crate::model::error::Denied;

/// The code and the message of an error; URLs in it begin with `base`. No wildcard: a new error must be given a code
/// here.
pub(in crate::api) fn told(error: &Error, base: &str) -> (&'static str, String) {
    let as_it_is = || sentence(&error.to_string());
    match error {
        Error::Busy | Error::ComputationBusy { .. } => ("Throttled", as_it_is()),
        Error::BuiltInRole { .. } => (
            "BadParameter",
            "Cannot re-use the name/GUID matching that of a built-in role. Please use a unique role ID."
                .to_owned(),
        ),
        Error::Conflict { .. } | Error::HsmDeleted { .. } => ("Conflict", as_it_is()),
        // assumption: the code and the second text are those that users quote; they are not recorded.
        Error::HsmExists { deleted: false, .. } => ("ConflictError", as_it_is()),
        Error::HsmExists { deleted: true, .. } => (
            "ConflictError",
            "A KV MHSM with the same name already exists in deleted state. You need to either recover or purge existing KV MHSM."
                .to_owned(),
        ),
        Error::DecryptionFailed | Error::LimitExceeded { .. } | Error::RotationPolicyMissing { .. } => {
            ("BadParameter", as_it_is())
        }
        Error::BudgetNotFound { .. } | Error::DeletedHsmNotFound { .. } | Error::HsmNotFound { .. } => {
            ("ResourceNotFound", as_it_is())
        }
        Error::DeletedKeyNotFound { name, .. } => {
            ("KeyNotFound", format!("Key not found: {base}/deletedkeys/{name}"))
        }
        Error::Forbidden { denied: denied @ Denied::Data(..), .. } => {
            ("AccessDenied", format!("Not authorized to access {} on {}", denied.action(), denied.scope()))
        }
        Error::Forbidden { denied: Denied::Control(..) | Denied::Everywhere(_) | Denied::TurnClock, .. } => {
            ("AuthorizationFailed", as_it_is())
        }
        Error::HsmNotActivated { .. } => ("Forbidden", as_it_is()),
        Error::Internal(_) => (
            "InternalServerError",
            "Internal error; the server's log says more under this activity id.".to_owned(),
        ),
        // What has no field is said in words that were recorded.
        Error::Invalid { field: "", why } => ("BadParameter", why.clone()),
        Error::Invalid { field, why } => ("BadParameter", format!("{}: {why}", member(field))),
        // assumption: the four that follow are refused as Key Vault's vaults do it.
        Error::KeyDeleted { name } => (
            "Conflict",
            format!(
                "Key {name} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged."
            ),
        ),
        Error::KeyDisabled { operation } => {
            ("Forbidden", format!("Operation {operation} is not allowed on a disabled key."))
        }
        // Azure has no such rule; the code is that of a key whose `key_ops` do not allow the call.
        Error::KeyExpired { .. } | Error::KeyNotYetValid { .. } | Error::ModeFamilyMismatch { .. } => {
            ("Forbidden", as_it_is())
        }
        Error::OperationNotPermitted { operation } => {
            ("Forbidden", format!("Operation {operation} is not permitted on this key."))
        }
        Error::KeyMaterialMissing { .. } | Error::TokenFailed { .. } => ("InternalServerError", as_it_is()),
        Error::KeyNotFound { key } => ("KeyNotFound", format!("Key not found: {base}/keys/{}", key.name)),
        Error::NoContent => ("Nocontentprovided", as_it_is()),
        // assumption: the service's refusal is not recorded.
        Error::PurgeProtected { .. } => ("Forbidden", as_it_is()),
        Error::RequestTooLarge { .. } => ("RequestEntityTooLarge", as_it_is()),
        Error::RequestTooSlow { .. } => ("RequestTimeout", as_it_is()),
        Error::BudgetExists { .. }
        | Error::ResourceGroupExists { .. }
        | Error::ResourceGroupNotEmpty { .. } => ("Conflict", as_it_is()),
        Error::ResourceGroupNotFound { .. } => ("ResourceGroupNotFound", as_it_is()),
        Error::ResumeTokenExpired { .. } => ("Gone", as_it_is()),
        Error::RoleAssignmentExists => {
            ("RoleAssignmentExists", "The role assignment already exists.".to_owned())
        }
        // assumption: the role's id is the one that the data plane shows.
        Error::RoleAssignmentMatches { existing, role_definition, principal, scope } => (
            "MatchingRoleAssignmentExists",
            format!(
                "Role assignment '{existing}' already adds role 'Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{role_definition}' to principal '{principal}' in scope '{scope}'."
            ),
        ),
        Error::RoleAssignmentNotFound => ("RoleAssignmentNotFound", as_it_is()),
        Error::RoleDefinitionNotFound => ("RoleDefinitionNotFound", as_it_is()),
        // assumption: the service's words for a path that it does not have are not recorded.
        Error::RouteNotFound => ("NotFound", as_it_is()),
        Error::SettingNotFound => (
            "InvalidSetting",
            "Invalid setting name. Please check the spelling of the setting name to update.".to_owned(),
        ),
        Error::SubscriptionNotFound { .. } => ("SubscriptionNotFound", as_it_is()),
        Error::ClockNotTrusted { .. }
        | Error::Overloaded
        | Error::Stopping
        | Error::TokenPoolExhausted { .. }
        | Error::TokenTimeout { .. }
        | Error::TokenUnavailable { .. } => ("ServiceUnavailable", as_it_is()),
        Error::Unauthenticated { .. } => ("Unauthorized", as_it_is()),
        Error::Unsupported { .. } => ("NotSupported", as_it_is()),
    }
}

/// A text that begins with a capital.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// What a field of an operation is called on this surface.
fn member(field: &str) -> &str {
    match field {
        "additional_authenticated_data" => "aad",
        "administrators" => "properties.initialAdminObjectIds",
        "algorithm" => "alg",
        "attributes.expires" => "attributes.exp",
        "attributes.not_before" => "attributes.nbf",
        "authentication_tag" => "tag",
        "ciphertext" | "plaintext" | "signature" | "wrapped_key" => "value",
        "expiry_time" => "attributes.expiryTime",
        "lifetime_actions" => "lifetimeActions",
        "lifetime_actions.action" => "lifetimeActions.action.type",
        "lifetime_actions.time_after_create" => "lifetimeActions.trigger.timeAfterCreate",
        "lifetime_actions.time_before_expiry" => "lifetimeActions.trigger.timeBeforeExpiry",
        "network.bypass" => "properties.networkAcls.bypass",
        "network.default_action" => "properties.networkAcls.defaultAction",
        "network.ip_rules" => "properties.networkAcls.ipRules",
        "network.public_network_access" => "properties.publicNetworkAccess",
        "page_size" => "maxresults",
        "page_token" => "$skiptoken",
        "principal_id" => "properties.principalId",
        "purge_protection" => "properties.enablePurgeProtection",
        "retention_days" => "properties.softDeleteRetentionInDays",
        "role_definition.permissions" => "properties.permissions",
        "role_definition.role_name" => "properties.roleName",
        "sku" => "sku.name",
        "tenant_id" => "properties.tenantId",
        other => other,
    }
}

#[cfg(test)]
mod tests;
