//! Maps the domain's errors to Azure's error codes and messages. The HTTP status is that of the error.

use crate::model::Error;
use crate::model::error::Denied;

/// Returns the code and the message of an error; URLs in it begin with `base`. There is no wildcard arm: a new error must
/// be assigned a code here.
pub(in crate::api) fn told(error: &Error, base: &str) -> (&'static str, String) {
    let as_is = || sentence(&error.to_string());
    match error {
        Error::Busy | Error::ComputationBusy { .. } => ("Throttled", as_is()),
        Error::BuiltInRole { .. } => (
            "BadParameter",
            "Cannot re-use the name/GUID matching that of a built-in role. Please use a unique role ID."
                .to_owned(),
        ),
        Error::Conflict { .. } | Error::HsmDeleted { .. } => ("Conflict", as_is()),
        // assumption: the code and the second message are quoted in users' reports; they are not recorded.
        Error::HsmExists { deleted: false, .. } => ("ConflictError", as_is()),
        Error::HsmExists { deleted: true, .. } => (
            "ConflictError",
            "A KV MHSM with the same name already exists in deleted state. You need to either recover or purge existing KV MHSM."
                .to_owned(),
        ),
        Error::DecryptionFailed | Error::LimitExceeded { .. } | Error::RotationPolicyMissing { .. } => {
            ("BadParameter", as_is())
        }
        Error::BudgetNotFound { .. } | Error::DeletedHsmNotFound { .. } | Error::HsmNotFound { .. } => {
            ("ResourceNotFound", as_is())
        }
        Error::DeletedKeyNotFound { name, .. } => {
            ("KeyNotFound", format!("Key not found: {base}/deletedkeys/{name}"))
        }
        Error::Forbidden { denied: denied @ Denied::Data(..), .. } => {
            ("AccessDenied", format!("Not authorized to access {} on {}", denied.action(), denied.scope()))
        }
        Error::Forbidden { denied: Denied::Control(..) | Denied::Everywhere(_) | Denied::TurnClock, .. } => {
            ("AuthorizationFailed", as_is())
        }
        Error::HsmNotActivated { .. } => ("Forbidden", as_is()),
        Error::Internal(_) => (
            "InternalServerError",
            "Internal error; the server's log says more under this activity id.".to_owned(),
        ),
        // Errors without a field have recorded messages.
        Error::Invalid { field: "", why } => ("BadParameter", why.clone()),
        Error::Invalid { field, why } => ("BadParameter", format!("{}: {why}", member(field))),
        // assumption: the next errors are refused as by Key Vault's vaults.
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
            ("Forbidden", as_is())
        }
        Error::OperationNotPermitted { operation } => {
            ("Forbidden", format!("Operation {operation} is not permitted on this key."))
        }
        Error::KeyMaterialMissing { .. } | Error::TokenFailed { .. } => ("InternalServerError", as_is()),
        Error::KeyNotFound { key } => ("KeyNotFound", format!("Key not found: {base}/keys/{}", key.name)),
        Error::NoContent => ("Nocontentprovided", as_is()),
        // assumption: the service's response is not recorded.
        Error::PurgeProtected { .. } => ("Forbidden", as_is()),
        Error::RequestTooLarge { .. } => ("RequestEntityTooLarge", as_is()),
        Error::RequestTooSlow { .. } => ("RequestTimeout", as_is()),
        Error::BudgetExists { .. }
        | Error::ResourceGroupExists { .. }
        | Error::ResourceGroupNotEmpty { .. } => ("Conflict", as_is()),
        Error::ResourceGroupNotFound { .. } => ("ResourceGroupNotFound", as_is()),
        Error::ResumeTokenExpired { .. } => ("Gone", as_is()),
        Error::RoleAssignmentExists => {
            ("RoleAssignmentExists", "The role assignment already exists.".to_owned())
        }
        // assumption: the id of the role is that of the data plane.
        Error::RoleAssignmentMatches { existing, role_definition, principal, scope } => (
            "MatchingRoleAssignmentExists",
            format!(
                "Role assignment '{existing}' already adds role 'Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{role_definition}' to principal '{principal}' in scope '{scope}'."
            ),
        ),
        Error::RoleAssignmentNotFound => ("RoleAssignmentNotFound", as_is()),
        Error::RoleDefinitionNotFound => ("RoleDefinitionNotFound", as_is()),
        // assumption: the service's response for an unknown path is not recorded.
        Error::RouteNotFound => ("NotFound", as_is()),
        Error::SettingNotFound => (
            "InvalidSetting",
            "Invalid setting name. Please check the spelling of the setting name to update.".to_owned(),
        ),
        Error::SubscriptionNotFound { .. } => ("SubscriptionNotFound", as_is()),
        Error::ClockNotTrusted { .. }
        | Error::Overloaded
        | Error::Stopping
        | Error::TokenPoolExhausted { .. }
        | Error::TokenTimeout { .. }
        | Error::TokenUnavailable { .. } => ("ServiceUnavailable", as_is()),
        Error::Unauthenticated { .. } => ("Unauthorized", as_is()),
        Error::Unsupported { .. } => ("NotSupported", as_is()),
    }
}

/// Capitalizes the first letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Returns the name of an operation's field on the Azure surfaces.
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
