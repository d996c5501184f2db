//! Tests the authorization decision in a vault: role assignments of Azure RBAC, or access policies.

use std::sync::Arc;

use strongroom::identity::{
    Audience, Caller, VaultDecision, VaultPrincipal, authorize_in_vault, explain_in_vault,
};
use strongroom::model::error::{DeniedAction, VaultRefusal};
use strongroom::model::local_rbac::{Permission, RoleDefinition};
use strongroom::model::name::PrincipalId;
use strongroom::model::role::Assignment;
use strongroom::model::vault::{AccessPolicy, Permissions, Vault};
use strongroom::model::vault_rbac::{VaultAction, VaultGrant};
use strongroom::model::{Error, Timestamp};
use uuid::Uuid;

const ADA: PrincipalId = PrincipalId(Uuid::from_u128(1));
const TEAM: PrincipalId = PrincipalId(Uuid::from_u128(2));
const APPLICATION: Uuid = Uuid::from_u128(3);
const GROUP: &str = "/subscriptions/e091ccde-12fe-56c1-a9da-c98193d4bdb5/resourceGroups/dev";

fn vault(rbac_authorization: bool, access_policies: &[AccessPolicy]) -> Vault {
    Vault {
        id: Uuid::from_u128(9),
        name: "contoso".parse().unwrap(),
        tenant: Uuid::nil(),
        subscription: "e091ccde-12fe-56c1-a9da-c98193d4bdb5".parse().unwrap(),
        resource_group: "Dev".parse().unwrap(),
        location: "eastus".to_owned(),
        sku: "standard".parse().unwrap(),
        retention: 90.try_into().unwrap(),
        soft_delete: true,
        purge_protection: false,
        rbac_authorization,
        access_policies: access_policies.iter().cloned().collect(),
        network: Default::default(),
        virtual_network_rules: Vec::new(),
        enabled_for: Default::default(),
        token_serial: String::new(),
        created: Timestamp::UNIX_EPOCH,
        updated: Timestamp::UNIX_EPOCH,
        deletion: None,
        tags: Default::default(),
    }
}

/// Returns a role with these data actions.
fn role(name: &str, data_actions: &[&str], not_data_actions: &[&str]) -> RoleDefinition {
    let full =
        |tails: &[&str]| tails.iter().map(|tail| format!("Microsoft.KeyVault/vaults/{tail}")).collect();
    RoleDefinition {
        id: Uuid::from_u128(100),
        role_name: name.to_owned(),
        description: String::new(),
        built_in: true,
        permissions: vec![Permission {
            // Actions of the control plane grant nothing in a vault.
            actions: vec!["*".to_owned()],
            data_actions: full(data_actions),
            not_data_actions: full(not_data_actions),
            ..Permission::default()
        }],
        assignable_scopes: Vec::new(),
    }
}

fn grant(principal: PrincipalId, scope: &str, role: &RoleDefinition) -> VaultGrant {
    let assignment = Assignment {
        id: Uuid::from_u128(7),
        role_definition: role.id,
        principal,
        scope: format!("{GROUP}{scope}").parse().unwrap(),
    };
    VaultGrant::new(Arc::new(assignment), Arc::new(role.clone()))
}

/// Decides for Ada, a member of the team.
fn allowed(vault: &Vault, grants: &[VaultGrant], action: VaultAction, object: &str) -> bool {
    let by = |principal| grants.iter().filter(|one| one.assignment.principal == principal).cloned().collect();
    let caller = VaultPrincipal { principal: ADA, groups: &[TEAM], application: None };
    let decision = explain_in_vault(vault, caller, by, action, &object.parse().unwrap());
    !matches!(decision, VaultDecision::Refused(_))
}

#[test]
fn role_applies_at_its_scope_and_below() {
    let (vault, secrets) = (vault(true, &[]), role("secrets", &["secrets/*"], &["secrets/purge/action"]));
    // The scope of the assignment, and whether it allows reading `/secrets/a`, `/secrets/b` and listing all.
    for (scope, expected) in [
        ("", [true, true, true]),
        ("/providers/Microsoft.KeyVault/vaults/CONTOSO", [true, true, true]),
        ("/providers/Microsoft.KeyVault/vaults/contoso/secrets/A", [true, false, false]),
        ("/providers/Microsoft.KeyVault/vaults/contoso/keys/a", [false, false, false]),
        ("/providers/Microsoft.KeyVault/vaults/contoso2", [false, false, false]),
        ("/providers/Microsoft.KeyVault/managedHSMs/contoso", [false, false, false]),
    ] {
        for principal in [ADA, TEAM] {
            let grants = [grant(principal, scope, &secrets)];
            let may = |action, object| allowed(&vault, &grants, action, object);
            let found = [
                may(VaultAction::SecretGet, "secrets/a"),
                may(VaultAction::SecretGet, "secrets/b"),
                may(VaultAction::SecretList, "/"),
            ];
            assert_eq!(found, expected, "{scope}");
            assert!(!may(VaultAction::SecretPurge, "secrets/a") && !may(VaultAction::KeyRead, "keys/a"));
        }
        assert!(!allowed(
            &vault,
            &[grant(PrincipalId(APPLICATION), scope, &secrets)],
            VaultAction::SecretGet,
            "secrets/a"
        ));
    }
}

#[test]
fn reading_a_key_includes_use_of_its_public_key() {
    let (vault, reader) = (vault(true, &[]), role("reader", &["keys/read"], &[]));
    let grants = [grant(ADA, "", &reader)];
    for action in VaultAction::ALL {
        let public = [VaultAction::KeyEncrypt, VaultAction::KeyVerify, VaultAction::KeyWrap];
        let expected = public.contains(action) || action.as_str().ends_with("/keys/read");
        assert_eq!(allowed(&vault, &grants, *action, "keys/a"), expected, "{action:?}");
    }
}

#[test]
fn vault_has_one_permission_model_at_a_time() {
    let policy = AccessPolicy {
        tenant: Uuid::nil(),
        principal: ADA,
        application: None,
        permissions: Permissions { secrets: Some(vec!["get".to_owned()]), ..Permissions::default() },
    };
    let all = [grant(ADA, "", &role("all", &["*"], &[]))];
    let get = VaultAction::SecretGet;
    assert!(allowed(&vault(true, &[]), &all, get, "secrets/a"));
    assert!(!allowed(&vault(true, std::slice::from_ref(&policy)), &[], get, "secrets/a"));
    assert!(allowed(&vault(false, std::slice::from_ref(&policy)), &[], get, "secrets/a"));
    assert!(!allowed(&vault(false, &[]), &all, get, "secrets/a"));
    // Reading keys includes no use of them: the rule is one of Azure RBAC.
    let keys = Permissions { keys: Some(vec!["get".to_owned()]), ..Permissions::default() };
    let reader = vault(false, &[AccessPolicy { permissions: keys, ..policy }]);
    assert!(allowed(&reader, &[], VaultAction::KeyRead, "keys/a"));
    assert!(!allowed(&reader, &[], VaultAction::KeyEncrypt, "keys/a"));
}

#[test]
fn refusals_name_caller_vault_and_roles_that_grant() {
    let compound = AccessPolicy {
        tenant: Uuid::nil(),
        principal: ADA,
        application: Some(APPLICATION),
        permissions: Permissions { keys: Some(vec!["all".to_owned()]), ..Permissions::default() },
    };
    let mut caller = Caller {
        principal: ADA,
        groups: vec![TEAM],
        tenant: Uuid::from_u128(5),
        from_simulator_authority: false,
        audiences: vec![Audience::Vault],
        application: Some("other".to_owned()),
        user: None,
    };
    let roles = || {
        let custom = RoleDefinition { built_in: false, ..role("custom", &["*"], &[]) };
        let all = [role("all", &["*"], &[]), role("some", &["keys/*"], &[]), role("no", &["secrets/*"], &[])];
        all.into_iter().chain([custom]).map(Arc::new).collect()
    };
    let authorize = |caller: &Caller, vault: &Vault, action| {
        let objects = ("keys/a".parse().unwrap(), "/".parse().unwrap());
        authorize_in_vault(caller, vault, |_| Arc::new([]), action, (&objects.0, &objects.1), roles)
    };
    let by_policies = vault(false, &[compound]);
    for (vault, action, refusal, names) in [
        (&vault(true, &[]), VaultAction::KeySign, VaultRefusal::NoRole, vec!["some", "all"]),
        (&by_policies, VaultAction::KeyPurge, VaultRefusal::NoPermission, Vec::new()),
        (&by_policies, VaultAction::KeySign, VaultRefusal::OtherApplication, Vec::new()),
    ] {
        let Err(Error::Forbidden { principal, denied: DeniedAction::Vault(denial), roles }) =
            authorize(&caller, vault, action)
        else {
            panic!("{action:?} is not refused")
        };
        assert_eq!((principal, roles), (ADA, names.into_iter().map(str::to_owned).collect::<Vec<_>>()));
        assert_eq!((denial.refusal, denial.action), (refusal, action));
        assert_eq!((denial.tenant, denial.groups), (Uuid::from_u128(5), 1));
        assert_eq!(denial.application.as_deref(), Some("other"));
        let scope = format!("{GROUP}/providers/Microsoft.KeyVault/vaults/contoso");
        assert!(denial.scope().to_string().eq_ignore_ascii_case(&scope), "the scope of the request");
    }
    caller.application = Some(APPLICATION.to_string());
    assert_eq!(authorize(&caller, &by_policies, VaultAction::KeySign), Ok(None));
}
