//! Tests the authorization decision: grants of a principal and its groups, by action and scope.

use std::collections::HashMap;
use std::sync::Arc;

use strongroom::identity::{Caller, Decision, authorize, explain};
use strongroom::model::Error;
use strongroom::model::error::DeniedAction;
use strongroom::model::local_rbac::{
    DataAction, Grant, LocalScope, Permission, RoleAssignment, RoleDefinition,
};
use strongroom::model::name::PrincipalId;
use uuid::Uuid;

const ADA: PrincipalId = PrincipalId(Uuid::from_u128(1));
const TEAM: PrincipalId = PrincipalId(Uuid::from_u128(2));

fn grant(
    id: u128,
    principal: PrincipalId,
    scope: &str,
    actions: &[DataAction],
    excluded: &[DataAction],
) -> Grant {
    let names = |actions: &[DataAction]| actions.iter().map(|action| action.as_str().to_owned()).collect();
    let role = RoleDefinition {
        id: Uuid::from_u128(100 + id),
        role_name: "role".into(),
        description: String::new(),
        built_in: false,
        permissions: vec![Permission {
            data_actions: names(actions),
            not_data_actions: names(excluded),
            ..Permission::default()
        }],
        assignable_scopes: Vec::new(),
    };
    let assignment = RoleAssignment {
        id: Uuid::from_u128(id),
        role_definition: role.id,
        principal,
        scope: scope.parse().unwrap(),
    };
    Grant::new(Arc::new(assignment), Arc::new(role))
}

/// The role reduced to reading keys.
fn least_privileged(role: &RoleDefinition) -> RoleDefinition {
    let data_actions = vec![DataAction::KeyRead.as_str().to_owned()];
    let permissions = vec![Permission { data_actions, ..Permission::default() }];
    RoleDefinition { permissions, ..role.clone() }
}

#[test]
fn authorizes_by_grants_of_principal_and_groups() {
    let table: HashMap<PrincipalId, Arc<[Grant]>> = HashMap::from([
        (ADA, Arc::from([grant(1, ADA, "/keys/a", &[DataAction::KeySign], &[])])),
        (
            TEAM,
            Arc::from([
                grant(
                    2,
                    TEAM,
                    "/keys",
                    &[DataAction::KeyRead, DataAction::KeyWrite],
                    &[DataAction::KeyWrite],
                ),
                grant(3, TEAM, "/", &[DataAction::RandomBytes], &[]),
            ]),
        ),
    ]);
    let grants = |principal| table.get(&principal).cloned().unwrap_or_default();
    let scope = |text: &str| text.parse::<LocalScope>().unwrap();
    let decide =
        |groups: &[PrincipalId], action, at: &str| match explain(ADA, groups, grants, action, &scope(at)) {
            Decision::Allowed(grant) => Ok(grant.assignment.id.as_u128()),
            Decision::Missing(action) => Err(action),
        };
    assert_eq!(decide(&[], DataAction::KeySign, "/keys/a"), Ok(1));
    assert_eq!(decide(&[], DataAction::KeySign, "/keys/b"), Err(DataAction::KeySign));
    assert_eq!(decide(&[], DataAction::KeySign, "/keys"), Err(DataAction::KeySign));
    assert_eq!(decide(&[], DataAction::KeyRead, "/keys/a"), Err(DataAction::KeyRead));
    assert_eq!(decide(&[TEAM], DataAction::KeyRead, "/keys/a"), Ok(2));
    assert_eq!(decide(&[TEAM], DataAction::KeyWrite, "/keys/a"), Err(DataAction::KeyWrite));
    assert_eq!(decide(&[TEAM], DataAction::RandomBytes, "/"), Ok(3));

    let caller = Caller {
        principal: ADA,
        groups: vec![TEAM],
        tenant: Uuid::nil(),
        from_simulator_authority: false,
        audiences: Vec::new(),
        application: None,
        user: None,
    };
    let granting = grant(9, TEAM, "/", &[DataAction::KeyRead, DataAction::KeySign], &[]).definition;
    let least = RoleDefinition { built_in: true, role_name: "least".into(), ..least_privileged(&granting) };
    let roles = || {
        vec![
            Arc::new(RoleDefinition { built_in: true, ..granting.as_ref().clone() }),
            Arc::new(RoleDefinition { role_name: "custom".into(), ..granting.as_ref().clone() }),
            Arc::new(least.clone()),
            grant(8, TEAM, "/", &[DataAction::KeySign], &[]).definition,
        ]
    };
    let denied = || DeniedAction::Data(DataAction::KeyRead, LocalScope::Key("a".parse().unwrap()));
    assert_eq!(authorize(&caller, grants, DataAction::KeyRead, &LocalScope::Keys, roles, denied), Ok(()));
    assert_eq!(
        authorize(&caller, grants, DataAction::KeyRead, &LocalScope::Hsm, roles, denied),
        Err(Error::Forbidden {
            principal: ADA,
            denied: denied(),
            roles: vec!["least".to_owned(), "role".to_owned()],
        })
    );
}
