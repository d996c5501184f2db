//! Tests of limits and unique names with concurrent commits: each was valid against the same earlier state, and they are
//! applied one after the other.

use super::*;
use crate::model::arm_rbac::{ControlAssignment, ControlScope};
use crate::model::billing::Budget;
use crate::model::change::ControlChange;
use crate::model::local_rbac::RoleDefinition;
use crate::model::name::PrincipalId;
use crate::model::resource_kind::{Resource, ResourceKind};

/// A limited resource: its name in the error, the limit, and the change that creates the resource with a number.
struct Limited {
    what: &'static str,
    most: u32,
    /// The number of resources that exist before, because the change needs them or the limit counts them.
    existing: u32,
    before: Vec<Change>,
    make: fn(u32) -> Change,
}

fn group(number: u32) -> Change {
    Change::Control(ControlChange::InsertResourceGroup(ResourceGroup {
        subscription: SubscriptionId(Uuid::nil()),
        name: format!("group-{number}").parse().unwrap(),
        location: "here".into(),
        created: Timestamp::UNIX_EPOCH,
        tags: Tags::new(),
    }))
}

fn budget(name: &str, scope: &str) -> Budget {
    Budget {
        name: name.parse().unwrap(),
        scope: scope.parse().unwrap(),
        amount: 1.into(),
        created: Timestamp::UNIX_EPOCH,
        reached: None,
    }
}

fn subscription() -> String {
    format!("/subscriptions/{}", Uuid::nil())
}

fn key_version(name: &str, number: u32) -> Change {
    let id = VersionId::from_bytes(u128::from(number).to_be_bytes());
    Change::InsertVersion(KeyVersion { version: id, ..version(name, 0) }, VersionOrigin::Created)
}

fn definition(number: u32) -> Arc<RoleDefinition> {
    Arc::new(RoleDefinition {
        id: Uuid::from_u128(number.into()),
        role_name: number.to_string(),
        description: String::new(),
        built_in: false,
        permissions: Vec::new(),
        assignable_scopes: Vec::new(),
    })
}

fn put_definition(number: u32) -> Change {
    Change::PutRoleDefinition("local".parse().unwrap(), definition(number))
}

fn assign(number: u32, scope: &str) -> Change {
    let assignment = RoleAssignment {
        id: Uuid::from_u128(number.into()),
        role_definition: Uuid::from_u128(1),
        principal: PrincipalId(Uuid::from_u128(number.into())),
        scope: scope.parse().unwrap(),
    };
    Change::InsertRoleAssignment("local".parse().unwrap(), Arc::new(assignment))
}

fn assign_control(number: u32) -> Change {
    let assignment = ControlAssignment {
        id: Uuid::from_u128(number.into()),
        role_definition: Uuid::from_u128(1),
        principal: PrincipalId(Uuid::from_u128(number.into())),
        scope: subscription().parse().unwrap(),
    };
    Change::Control(ControlChange::InsertAssignment(Arc::new(assignment)))
}

fn limited() -> Vec<Limited> {
    let one = |what, most, existing, before, make| Limited { what, most, existing, before, make };
    vec![
        one("managed HSMs in a subscription and location, deleted ones included", 5, 0, vec![], |number| {
            let id = Uuid::from_u128(number.into());
            // Locations are compared without case and spaces.
            let location = if number % 2 == 0 { "Here" } else { " here" }.into();
            Change::InsertHsm(ManagedHsm { id, location, ..hsm(&format!("hsm-{number}")) }, Vec::new())
        }),
        one("vaults in a subscription, deleted ones included", 500, 0, vec![], |number| {
            Change::InsertVault(super::vaults::vault(&format!("vault-{number}"), Uuid::nil()))
        }),
        one("keys in an HSM", 5000, 0, vec![local()], |number| key_version(&format!("key-{number}"), number)),
        one("versions of a key", 100, 0, vec![local()], |number| key_version("a", number)),
        one("custom role definitions", 50, 0, vec![local()], put_definition),
        one("role assignments at this scope", 50, 0, vec![local(), put_definition(1)], |number| {
            assign(number, "/")
        }),
        one("role assignments at this scope", 50, 0, vec![local(), put_definition(1)], |number| {
            assign(number, "/keys")
        }),
        one("role assignments at one key", 10, 0, vec![local(), put_definition(1)], |number| {
            assign(number, if number % 2 == 0 { "/keys/a" } else { "/keys/A" })
        }),
        one("role assignments in a subscription", 4000, 0, vec![], assign_control),
        one("resource groups in a subscription", 980, 1, vec![], group),
        one("budgets in a subscription", 100, 0, vec![], |number| {
            let budget = budget(&format!("budget-{number}"), &subscription());
            Change::Control(ControlChange::InsertBudget(budget))
        }),
    ]
}

/// Applies commits of one change each to one group. Returns the result of each.
fn race(memory: &Memory, commits: &[Change]) -> Vec<Result<()>> {
    let mut group = ChangeSet::default();
    let mut results = Vec::new();
    for change in commits {
        let mut transaction = Transaction::new(memory, &group);
        let result = transaction.apply(change);
        if result.is_ok() {
            let changes = transaction.into_changes();
            group.absorb(changes);
        }
        results.push(result);
    }
    results
}

/// A store with these changes applied, without limits.
fn filled(changes: impl Iterator<Item = Change>) -> Memory {
    let memory = Memory::new(Vec::new(), Vec::new(), crate::clock::Clock::System);
    let group = ChangeSet { resources: Some(containers()), ..ChangeSet::default() };
    let mut transaction = Transaction::new(&memory, &group).under(Rules::Configured);
    for change in changes {
        transaction.apply(&change).unwrap();
    }
    let mut all = ChangeSet { resources: Some(containers()), ..ChangeSet::default() };
    let changes = transaction.into_changes();
    all.absorb(changes);
    memory.apply(all);
    memory
}

#[test]
fn concurrent_commits_cannot_exceed_limits() {
    for Limited { what, most, existing, before, make } in limited() {
        let memory =
            filled(before.into_iter().chain((existing..most - 1).map(|number| make(number + 10_000))));
        let results = race(&memory, &(1..=3).map(make).collect::<Vec<_>>());
        let exceeded = Err(Error::LimitExceeded { what, limit: most.try_into().unwrap() });
        assert_eq!(results, [Ok(()), exceeded.clone(), exceeded], "{what}");
    }
}

#[test]
fn key_limit_counts_changes_of_the_same_group() {
    let full = (0..5000).map(|number| key_version(&format!("key-{number}"), number));
    let deleted = [delete("key-7")];
    let memory = filled([local()].into_iter().chain(full).chain(deleted));
    let new = |name| key_version(name, 6000);
    let exceeded = Err(Error::LimitExceeded { what: "keys in an HSM", limit: 5000 });
    let version = key_version("key-8", 7000);
    let results = race(&memory, &[new("a"), version, purge("key-7"), new("a"), new("b")]);
    assert_eq!(results, [exceeded.clone(), Ok(()), Ok(()), Ok(()), exceeded]);
}

#[test]
fn configured_resources_may_exceed_limits() {
    // Custom role definitions cannot be configured.
    for Limited { what, most, existing, before, make } in
        limited().into_iter().filter(|one| one.what != "custom role definitions")
    {
        let more = (existing..=most).map(|number| make(number + 10_000));
        let memory = filled(before.into_iter().chain(more));
        let results = race(&memory, &[make(1)]);
        assert_eq!(results, [Err(Error::LimitExceeded { what, limit: most.try_into().unwrap() })], "{what}");
    }
}

#[test]
fn rejects_duplicate_and_missing_budgets() {
    let hsm_scope =
        format!("{}/resourceGroups/g/providers/Microsoft.KeyVault/managedHSMs/local", subscription());
    let insert = |budget| Change::Control(ControlChange::InsertBudget(budget));
    let memory = filled([local()].into_iter());
    let first = budget("Monthly", &subscription());
    let results = race(&memory, &[insert(first.clone()), insert(budget("MONTHLY", &hsm_scope))]);
    assert_eq!(results[0], Ok(()));
    assert!(matches!(results[1], Err(Error::Exists { .. })), "{results:?}");

    // Replacing a deleted budget neither recreates it nor changes a newer budget of the same name.
    let replace = |budget| Change::Control(ControlChange::ReplaceBudget(budget));
    let delete = Change::Control(ControlChange::DeleteBudget(first.subscription(), first.name.clone()));
    let other = budget("monthly", &hsm_scope);
    let memory = filled([local(), insert(first.clone())].into_iter());
    let results = race(
        &memory,
        &[replace(first.clone()), delete, replace(first.clone()), insert(other), replace(first)],
    );
    let not_found = |result: &Result<()>| matches!(result, Err(Error::NotFound(_)));
    assert!(
        results[0].is_ok()
            && results[1].is_ok()
            && not_found(&results[2])
            && results[3].is_ok()
            && not_found(&results[4]),
        "{results:?}"
    );
}

#[test]
fn rejects_duplicate_resource_groups() {
    let memory = filled(std::iter::empty());
    let results = race(&memory, &[group(1), group(1)]);
    assert_eq!(results[0], Ok(()));
    assert!(matches!(results[1], Err(Error::Exists { .. })), "{results:?}");
}

#[test]
fn rejects_assignments_with_deleted_scope_or_definition() {
    let at = Timestamp::UNIX_EPOCH;
    let scope = format!("{}/resourceGroups/g/providers/Microsoft.KeyVault/managedHSMs/local", subscription());
    let assignment = ControlAssignment {
        id: Uuid::from_u128(1),
        role_definition: Uuid::from_u128(1),
        principal: PrincipalId(Uuid::nil()),
        scope: scope.parse::<ControlScope>().unwrap(),
    };
    let insert = Change::Control(ControlChange::InsertAssignment(Arc::new(assignment)));
    let deletion = Deletion { deleted_at: at, scheduled_purge_at: at };
    let name: HsmName = "local".parse().unwrap();
    let memory = filled([local()].into_iter());
    let delete = Change::Transition(Deletable::ManagedHsm(name.clone()), Transition::SoftDelete(deletion));
    let results = race(&memory, &[delete, insert]);
    assert!(matches!(results[1], Err(Error::NotFound(_))), "{results:?}");

    let memory = filled([local(), put_definition(1)].into_iter());
    let delete = Change::DeleteRoleDefinition(name, Uuid::from_u128(1));
    assert_eq!(
        race(&memory, &[delete, assign(1, "/")])[1],
        Err(Error::NotFound(Resource::unnamed(ResourceKind::RoleDefinition)))
    );
}
