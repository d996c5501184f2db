//! Maps the domain's errors to Azure's error codes and messages. The HTTP status is that of the error.

mod vault_refusal;

use crate::model::Error;
use crate::model::error::DeniedAction;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::storage_failure::Outcome;

/// Returns the code and the message of an error; URLs in it begin with `base`. There is no wildcard arm: a new error must
/// be assigned a code here.
pub(in crate::api) fn code_and_message(error: &Error, base: &str) -> (&'static str, String) {
    let as_is = || sentence(&error.to_string());
    match error {
        // assumption: reported by users, not recorded.
        Error::Throttled { .. } => (
            "Throttled",
            "Request was not processed because too many requests were received. Reason: VaultRequestTypeLimitReached"
                .to_owned(),
        ),
        Error::TokenBusy | Error::ComputationBusy { .. } => ("Throttled", as_is()),
        Error::BuiltInRole { .. } => (
            "BadParameter",
            "Cannot re-use the name/GUID matching that of a built-in role. Please use a unique role ID."
                .to_owned(),
        ),
        Error::BackupJobRunning { .. }
        | Error::Conflict { .. }
        | Error::HsmAlreadyActivated { .. }
        | Error::RestoreRunning { .. } => ("Conflict", as_is()),
        Error::BackupStorage { .. } => ("BadRequest", as_is()),
        Error::CertificateMergeForbidden { .. } | Error::CertificatePending => ("Forbidden", as_is() + "."),
        // Recorded of `delete`.
        Error::ManagedByCertificate { kind, operation } => (
            "Forbidden",
            format!(
                "Operation \"{operation}\" is not allowed on this {kind}, since it is associated with a certificate. Perform the operation on the corresponding certificate. For more information refer to https://docs.microsoft.com/en-us/azure/key-vault/certificates/about-certificates#composition-of-a-certificate"
            ),
        ),
        Error::Deleted { resource, .. } => match resource.kind {
            // assumption: the message is that of Key Vault's vaults.
            ResourceKind::Key => (
                "Conflict",
                format!(
                    "Key {} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the key can only be recovered or purged.",
                    resource.id()
                ),
            ),
            ResourceKind::Certificate => (
                "Conflict",
                format!(
                    "Certificate {} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the certificate can only be recovered or purged.",
                    resource.id()
                ),
            ),
            ResourceKind::Secret => (
                "Conflict",
                format!(
                    "Secret {} is currently in a deleted but recoverable state, and its name cannot be reused; in this state, the secret can only be recovered or purged.",
                    resource.id()
                ),
            ),
            _ => ("Conflict", as_is()),
        },
        // assumption: the code and the second message are quoted in users' reports; they are not recorded.
        Error::Exists { resource, deleted } => match (resource.kind, deleted) {
            (ResourceKind::ManagedHsm, false) => ("ConflictError", as_is()),
            (ResourceKind::ManagedHsm, true) => (
                "ConflictError",
                "A KV MHSM with the same name already exists in deleted state. You need to either recover or purge existing KV MHSM."
                    .to_owned(),
            ),
            (ResourceKind::Vault, false) => (
                "VaultAlreadyExists",
                format!(
                    "The vault name '{}' is already in use. Vault names are globaly unique so it is possible that the name is already taken. If you are sure that the vault name was not taken then it is possible that a vault with the same name was recently deleted but not purged after being placed in a recoverable state. If the vault is in a recoverable state then the vault will need to be purged before reusing the name. For more information about VaultAlreadyExists, soft delete and purging a vault follow this link https://go.microsoft.com/fwlink/?linkid=2147740",
                    resource.id()
                ),
            ),
            (ResourceKind::Vault, true) => (
                "ConflictError",
                "A vault with the same name already exists in deleted state. You need to either recover or purge existing key vault. Follow this link https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete."
                    .to_owned(),
            ),
            // Recorded of restores, which name the version.
            (ResourceKind::Secret, _) if resource.name.contains("/versions/") => ("Conflict", restore_conflict(resource, "secret", base)),
            (ResourceKind::Certificate, _) if resource.name.contains("/versions/") => {
                ("Conflict", restore_conflict(resource, "certificate", base))
            }
            (ResourceKind::RoleAssignment, _) => {
                ("RoleAssignmentExists", "The role assignment already exists.".to_owned())
            }
            _ => ("Conflict", as_is()),
        },
        Error::DecryptionFailed | Error::LimitExceeded { .. } | Error::RotationPolicyMissing { .. } => {
            ("BadParameter", as_is())
        }
        Error::NotFound(resource) => match resource.kind {
            ResourceKind::BackupJob => ("NotFound", as_is()),
            ResourceKind::Budget
            | ResourceKind::DeletedManagedHsm
            | ResourceKind::DeletedVault
            | ResourceKind::ManagedHsm => ("ResourceNotFound", as_is()),
            ResourceKind::Vault if resource.id_in("resourceGroups").is_empty() => ("ResourceNotFound", as_is()),
            ResourceKind::Vault => (
                "ResourceNotFound",
                format!(
                    "The Resource 'Microsoft.KeyVault/vaults/{}' under resource group '{}' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix",
                    resource.id(),
                    resource.id_in("resourceGroups")
                ),
            ),
            ResourceKind::DeletedKey => {
                ("KeyNotFound", format!("Key not found: {base}/deletedkeys/{}", resource.id()))
            }
            ResourceKind::Key => ("KeyNotFound", format!("Key not found: {base}/keys/{}", resource.id_in("keys"))),
            ResourceKind::DeletedSecret => {
                ("SecretNotFound", format!("Deleted Secret not found: {}", resource.id()))
            }
            ResourceKind::Secret => ("SecretNotFound", object_not_found(resource)),
            ResourceKind::DeletedCertificate => {
                ("CertificateNotFound", format!("Deleted Certificate not found: {}", resource.id()))
            }
            ResourceKind::Certificate => ("CertificateNotFound", object_not_found(resource)),
            ResourceKind::CertificateContacts => ("ContactsNotFound", "Contacts not found".to_owned()),
            ResourceKind::CertificateIssuer => ("CertificateIssuerNotFound", "Issuer not found".to_owned()),
            ResourceKind::PendingCertificate => (
                "PendingCertificateNotFound",
                format!("Pending certificate not found: {}", resource.id_in("certificates")),
            ),
            ResourceKind::ResourceGroup => ("ResourceGroupNotFound", as_is()),
            ResourceKind::RoleAssignment => ("RoleAssignmentNotFound", as_is()),
            ResourceKind::RoleDefinition => ("RoleDefinitionNotFound", as_is()),
            ResourceKind::Setting => (
                "InvalidSetting",
                "Invalid setting name. Please check the spelling of the setting name to update.".to_owned(),
            ),
            ResourceKind::Subscription => ("SubscriptionNotFound", as_is()),
        },
        Error::Forbidden { denied: denied @ DeniedAction::Data(..), .. } => {
            ("AccessDenied", format!("Not authorized to access {} on {}", denied.action(), denied.scope()))
        }
        Error::Forbidden { principal, denied: DeniedAction::Vault(denial), .. } => {
            ("Forbidden", vault_refusal::message(*principal, denial))
        }
        // assumption: the client is named by its object id, since a refusal does not know its application.
        Error::Forbidden { principal, denied: denied @ DeniedAction::Control(..), .. } => (
            "AuthorizationFailed",
            format!(
                "The client '{principal}' with object id '{principal}' does not have authorization to perform action '{}' over scope '{}' or the scope is invalid. If access was recently granted, please refresh your credentials.",
                denied.action(),
                denied.scope()
            ),
        ),
        Error::Forbidden { denied: DeniedAction::Everywhere(_) | DeniedAction::SetClock, .. } => {
            ("AuthorizationFailed", as_is())
        }
        Error::HsmNotActivated { .. } | Error::SecurityDomainMissing { .. } => ("Forbidden", as_is()),
        Error::Internal(_) => (
            "InternalServerError",
            "Internal error; the server's log says more under this activity id.".to_owned(),
        ),
        // Errors without a field have recorded messages.
        Error::Invalid { field, why } if field.azure_member().is_empty() => ("BadParameter", why.clone()),
        Error::Invalid { field, why } => ("BadParameter", format!("{}: {why}", field.azure_member())),
        // assumption: the next errors are refused as by Key Vault's vaults.
        Error::KeyDisabled { operation } => {
            ("Forbidden", format!("Operation {operation} is not allowed on a disabled key."))
        }
        Error::SecretDisabled { operation } => {
            ("Forbidden", format!("Operation {operation} is not allowed on a disabled secret."))
        }
        // Azure has no such rule; the code is that of a key whose `key_ops` do not allow the call.
        Error::KeyExpired { .. }
        | Error::KeyNotWrappable { .. }
        | Error::KeyNotYetValid { .. }
        | Error::ModeFamilyMismatch { .. } => ("Forbidden", as_is()),
        Error::MalformedBackup { .. } => {
            ("MalformedBackupBlob", as_is())
        }
        Error::OperationNotPermitted { operation } => {
            ("Forbidden", format!("Operation {operation} is not permitted on this key."))
        }
        Error::KeyMaterialMissing { .. } | Error::TokenFailed { .. } => ("InternalServerError", as_is()),
        Error::NoContent => ("Nocontentprovided", as_is()),
        // assumption: the service's response is not recorded.
        Error::PurgeProtected { .. } => ("Forbidden", as_is()),
        Error::RequestTooLarge { .. } => ("RequestEntityTooLarge", as_is()),
        Error::RequestTooSlow { .. } => ("RequestTimeout", as_is()),
        Error::ResourceGroupNotEmpty { .. } => ("Conflict", as_is()),
        Error::ResumeTokenExpired { .. } => ("Gone", as_is()),
        // assumption: the id of the role is that of the data plane.
        Error::RoleAssignmentMatches { existing, role_definition, principal, scope } => (
            "MatchingRoleAssignmentExists",
            format!(
                "Role assignment '{existing}' already adds role 'Microsoft.KeyVault/providers/Microsoft.Authorization/roleDefinitions/{role_definition}' to principal '{principal}' in scope '{scope}'."
            ),
        ),
        Error::RoleDefinitionAssigned { .. } => ("RoleDefinitionHasAssignments", as_is() + "."),
        Error::RoleNameTaken { .. } => ("RoleDefinitionWithSameNameExists", as_is() + "."),
        // assumption: the service's response for an unknown path is not recorded.
        Error::RouteNotFound => ("NotFound", as_is()),
        Error::MethodNotAllowed { .. } => ("MethodNotAllowed", as_is()),
        Error::ClockNotTrusted { .. }
        | Error::DeadlineExceeded
        | Error::Overloaded
        | Error::Stopping
        | Error::TokenPoolExhausted { .. }
        | Error::TokenTimeout { .. }
        | Error::TokenUnavailable { .. } => ("ServiceUnavailable", as_is()),
        Error::StorageFailed(failure) => match failure.outcome {
            Outcome::NotDone => ("ServiceUnavailable", as_is()),
            Outcome::Unknown => ("InternalServerError", as_is()),
        },
        Error::SoftDeleteDisabled { .. } => ("NotSupported", as_is() + "."),
        Error::Unauthenticated { .. } => ("Unauthorized", as_is()),
        Error::Unsupported { .. } => ("NotSupported", as_is()),
    }
}

/// Returns the code and the message of an error as the data plane of a vault words them.
pub(in crate::api) fn vault_code_and_message(error: &Error, base: &str) -> (&'static str, String) {
    match error {
        Error::NotFound(resource) if resource.kind == ResourceKind::Key => {
            ("KeyNotFound", object_not_found(resource))
        }
        Error::NotFound(resource) if resource.kind == ResourceKind::DeletedKey => {
            ("KeyNotFound", format!("Deleted Key not found: {}", resource.id()))
        }
        // assumption: the message is not recorded. Only certificates meet keys and secrets of their name.
        Error::Exists { resource, .. }
            if matches!(resource.kind, ResourceKind::Key | ResourceKind::Secret)
                && !resource.name.contains("/versions/") =>
        {
            let (kind, name) = (resource.kind, resource.id());
            (
                "Conflict",
                format!(
                    "A {kind} with the name {name} exists in this key vault, so that no certificate can have this name."
                ),
            )
        }
        // Recorded of secrets.
        Error::Exists { resource, .. }
            if resource.kind == ResourceKind::Key && resource.name.contains("/versions/") =>
        {
            ("Conflict", restore_conflict(resource, "key", base))
        }
        Error::Internal(_) => (
            "InternalServerError",
            "Internal error; the server's log says more under this request id.".to_owned(),
        ),
        _ => code_and_message(error, base),
    }
}

/// Returns the inner code of an error, which only the data planes of vaults send.
///
/// Source: `innererror` in recordings and reports of vaults; the others have none, or it is not recorded.
pub(in crate::api) fn inner_code(error: &Error) -> Option<&'static str> {
    match error {
        Error::Deleted { resource, .. }
            if matches!(
                resource.kind,
                ResourceKind::Certificate | ResourceKind::Key | ResourceKind::Secret
            ) =>
        {
            Some("ObjectIsDeletedButRecoverable")
        }
        Error::Forbidden { denied: DeniedAction::Vault(denial), .. } => Some(denial.refusal.inner_code()),
        Error::KeyDisabled { .. } => Some("KeyDisabled"),
        Error::SecretDisabled { .. } => Some("SecretDisabled"),
        Error::ManagedByCertificate { kind: ResourceKind::Secret, .. } => Some("SecretManagedByKeyVault"),
        Error::ManagedByCertificate { .. } => Some("KeyManagedByKeyVault"),
        // assumption: reported by users, not recorded.
        Error::OperationNotPermitted { .. } => Some("KeyOperationForbidden"),
        _ => None,
    }
}

/// Returns the recorded message about an object of a vault that does not exist, which names the version if the request did.
fn object_not_found(resource: &Resource) -> String {
    // vaults/{vault}/secrets/{secret}/versions/{version}
    let name: Vec<&str> = resource.name.split('/').skip(3).step_by(2).collect();
    let (kind, name) = (resource.kind, name.join("/"));
    format!(
        "A {kind} with (name/id) {name} was not found in this key vault. If you recently deleted this {kind} you may be able to recover it using the correct recovery command. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125182"
    )
}

/// Returns the recorded message about a restore to a name in use. The name of the resource has the restored version.
fn restore_conflict(resource: &Resource, noun: &str, base: &str) -> String {
    let path: Vec<&str> = resource.name.split('/').skip(3).step_by(2).collect();
    let path = path.join("/");
    format!(
        "There was a conflict restoring the {noun} '{base}/{noun}s/{path}'. This can happen if either: a second {noun} with the same name was created after the first {noun} was deleted; thus trying to restore a {noun} whose name is already in use. To fix this, rename the second {noun} to something else so that the restore works. The second probable cause of this exception is when multiple operations are performed in parallel against the {noun}. To avoid this error, perform operations against a {noun} in a sequential manner."
    )
}

/// Capitalizes the first letter.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests;
