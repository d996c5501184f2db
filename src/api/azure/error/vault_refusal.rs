//! The messages with which vaults refuse callers.
//!
//! Source: messages that users quote in reports.

use crate::model::error::{VaultDenial, VaultRefusal};
use crate::model::name::PrincipalId;
use crate::model::vault_rbac::ObjectScope;

/// Ends the messages of access policies.
const HELP: &str =
    "For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287";

/// Returns the message of a refusal.
pub(super) fn message(principal: PrincipalId, denial: &VaultDenial) -> String {
    let caller = caller(principal, denial);
    let VaultDenial { action, vault, location, .. } = denial;
    match denial.refusal {
        VaultRefusal::NoPermission => format!(
            "The user, group or application '{caller}' does not have {} permission on key vault '{vault};location={location}'. {HELP}",
            denial.permission()
        ),
        VaultRefusal::OtherApplication => {
            format!("The policy requires the caller '{caller}' to use on-behalf-of (OBO) flow. {HELP}")
        }
        // The blank after the reason is in the reported messages, too.
        VaultRefusal::NoRole => format!(
            "Caller is not authorized to perform action on resource.\r\n\
             If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\n\
             Caller: {caller}\r\n\
             Action: '{action}'\r\n\
             Resource: '{}'\r\n\
             Assignment: (not found)\r\n\
             DenyAssignmentId: null\r\n\
             DecisionReason: 'DeniedWithNoValidRBAC' \r\n\
             Vault: {vault};location={location}\r\n",
            resource(denial)
        ),
    }
}

/// Returns the caller as the messages name it.
// assumption: messages of Azure RBAC name the number of groups as those of access policies do; a caller without application, such
// as one with a client certificate, has an empty `appid`.
fn caller(principal: PrincipalId, denial: &VaultDenial) -> String {
    let application = denial.application.as_deref().unwrap_or_default();
    let groups = match denial.groups {
        0 => String::new(),
        number => format!("numgroups={number};"),
    };
    format!("appid={application};oid={principal};{groups}iss=https://sts.windows.net/{}/", denial.tenant)
}

/// Returns the scope of the request. Everything before the object is in lower case.
fn resource(denial: &VaultDenial) -> String {
    let vault = denial.vault_scope.to_string().to_ascii_lowercase();
    match &denial.object {
        ObjectScope::Vault => vault,
        object @ ObjectScope::Object(..) => format!("{vault}{object}"),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::model::Error;
    use crate::model::error::DeniedAction;
    use crate::model::vault_rbac::VaultAction;

    fn denial(refusal: VaultRefusal, object: &str, groups: usize) -> VaultDenial {
        let scope = "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5/resourceGroups/Dev/vaults/Contoso";
        VaultDenial {
            refusal,
            action: VaultAction::SecretGet,
            vault_scope: scope.parse().unwrap(),
            vault: "Contoso".parse().unwrap(),
            location: "eastus2".to_owned(),
            object: object.parse().unwrap(),
            application: Some("a".to_owned()),
            tenant: Uuid::from_u128(1),
            groups,
        }
    }

    fn text(refusal: VaultRefusal, object: &str, groups: usize) -> String {
        message(PrincipalId(Uuid::from_u128(2)), &denial(refusal, object, groups))
    }

    #[test]
    fn role_refusal_names_caller_action_resource_and_vault() {
        assert_eq!(
            text(VaultRefusal::NoRole, "secrets/Name", 0),
            "Caller is not authorized to perform action on resource.\r\nIf role assignments, deny assignments or role definitions were changed recently, please observe propagation time.\r\nCaller: appid=a;oid=00000000-0000-0000-0000-000000000002;iss=https://sts.windows.net/00000000-0000-0000-0000-000000000001/\r\nAction: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'\r\nResource: '/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5/resourcegroups/dev/providers/microsoft.keyvault/vaults/contoso/secrets/Name'\r\nAssignment: (not found)\r\nDenyAssignmentId: null\r\nDecisionReason: 'DeniedWithNoValidRBAC' \r\nVault: Contoso;location=eastus2\r\n"
        );
        assert!(text(VaultRefusal::NoRole, "/", 0).contains("/vaults/contoso'\r\n"));
    }

    #[test]
    fn each_refusal_has_its_own_inner_code() {
        let codes = [VaultRefusal::NoRole, VaultRefusal::NoPermission, VaultRefusal::OtherApplication].map(
            |refusal| {
                let denied = DeniedAction::Vault(Box::new(denial(refusal, "/", 0)));
                let principal = PrincipalId(Uuid::nil());
                let error = Error::Forbidden { principal, denied, roles: Vec::new() };
                assert_eq!(super::super::vault_code_and_message(&error, "").0, "Forbidden");
                super::super::inner_code(&error)
            },
        );
        assert_eq!(codes, [Some("ForbiddenByRbac"), Some("AccessDenied"), Some("ForbiddenByPolicy")]);
    }

    #[test]
    fn policy_refusal_names_caller_permission_and_vault() {
        assert_eq!(
            text(VaultRefusal::NoPermission, "secrets/a", 3),
            "The user, group or application 'appid=a;oid=00000000-0000-0000-0000-000000000002;numgroups=3;iss=https://sts.windows.net/00000000-0000-0000-0000-000000000001/' does not have secrets get permission on key vault 'Contoso;location=eastus2'. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287"
        );
        assert_eq!(
            text(VaultRefusal::OtherApplication, "secrets/a", 0),
            "The policy requires the caller 'appid=a;oid=00000000-0000-0000-0000-000000000002;iss=https://sts.windows.net/00000000-0000-0000-0000-000000000001/' to use on-behalf-of (OBO) flow. For help resolving this issue, please see https://go.microsoft.com/fwlink/?linkid=2125287"
        );
    }
}
