//! Limits and names where several commits saw the same free room: each was allowed when it was asked for, and they
//! are applied one after the other.

use super::*;
use crate::model::billing::Budget;
use crate::model::change::ControlChange;
use crate::model::control_plane::{ControlAssignment, ControlScope};
use crate::model::name::PrincipalId;
use crate::model::rbac::RoleDefinition;

/// What is limited: its name in the refusal, how many there may be, and what makes one of a number.
struct Limited {
    what: &'static str,
    most: u32,
    /// How many are there before, because what is limited needs them or counts them.
    there: u32,
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
    Change::InsertVersion(KeyVersion { version: id, ..version(name, 0) }, Made::Created)
}

fn definition(number: u32) -> Arc<RoleDefinition> {
    Arc::new(RoleDefinition {
        id: Uuid::from_u128(number.into()),
        role_name: number.to_string(),
        description: String::new(),
        built_in: false,
        permissions: Vec::new(),
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
    let one = |what, most, there, before, make| Limited { what, most, there, before, make };
    vec![
        one("managed HSMs in a subscription and location, deleted ones included", 5, 0, vec![], |number| {
            let id = Uuid::from_u128(number.into());
            // Whatever the case and the blanks of the location.
            let location = if number % 2 == 0 { "Here" } else { " here" }.into();
            Change::InsertHsm(ManagedHsm { id, location, ..hsm(&format!("hsm-{number}")) }, Vec::new())
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

/// Applies commits of one change each to one group, all of which saw the store as it was before; gives what each said.
fn race(memory: &Memory, commits: &[Change]) -> Vec<Result<()>> {
    let mut group = Draft::default();
    let mut said = Vec::new();
    for change in commits {
        let mut view = View::new(memory, &group);
        let result = view.plan(change);
        if result.is_ok() {
            let own = view.into_own();
            group.absorb(own);
        }
        said.push(result);
    }
    said
}

/// A store with these changes in it, whatever the limits.
fn filled(changes: impl Iterator<Item = Change>) -> Memory {
    let memory = Memory::new(Vec::new(), Vec::new(), crate::clock::Clock::System);
    let group = Draft { resources: Some(place()), ..Draft::default() };
    let mut view = View::new(&memory, &group).under(Rules::Configured);
    for change in changes {
        view.plan(&change).unwrap();
    }
    let mut all = Draft { resources: Some(place()), ..Draft::default() };
    let own = view.into_own();
    all.absorb(own);
    memory.apply(all);
    memory
}

#[test]
fn of_commits_that_saw_room_for_one_more_only_one_gets_it() {
    for Limited { what, most, there, before, make } in limited() {
        let memory = filled(before.into_iter().chain((there..most - 1).map(|number| make(number + 10_000))));
        let said = race(&memory, &(1..=3).map(make).collect::<Vec<_>>());
        let refused = Err(Error::LimitExceeded { what, limit: most.try_into().unwrap() });
        assert_eq!(said, [Ok(()), refused.clone(), refused], "{what}");
    }
}

#[test]
fn keys_are_counted_with_what_their_own_group_made_and_purged() {
    let full = (0..5000).map(|number| key_version(&format!("key-{number}"), number));
    let gone = [delete("key-7")];
    let memory = filled([local()].into_iter().chain(full).chain(gone));
    let new = |name| key_version(name, 6000);
    let exceeded = Err(Error::LimitExceeded { what: "keys in an HSM", limit: 5000 });
    let version = key_version("key-8", 7000);
    let said = race(&memory, &[new("a"), version, purge("key-7"), new("a"), new("b")]);
    assert_eq!(said, [exceeded.clone(), Ok(()), Ok(()), Ok(()), exceeded]);
}

#[test]
fn what_is_configured_may_exceed_limits() {
    // Nobody configures definitions of roles.
    for Limited { what, most, there, before, make } in
        limited().into_iter().filter(|one| one.what != "custom role definitions")
    {
        let more = (there..=most).map(|number| make(number + 10_000));
        let memory = filled(before.into_iter().chain(more));
        let said = race(&memory, &[make(1)]);
        assert_eq!(said, [Err(Error::LimitExceeded { what, limit: most.try_into().unwrap() })], "{what}");
    }
}

#[test]
fn of_two_budgets_of_one_name_the_first_stays() {
    let hsm_scope =
        format!("{}/resourceGroups/g/providers/Microsoft.KeyVault/managedHSMs/local", subscription());
    let insert = |budget| Change::Control(ControlChange::InsertBudget(budget));
    let memory = filled([local()].into_iter());
    let first = budget("Monthly", &subscription());
    let said = race(&memory, &[insert(first.clone()), insert(budget("MONTHLY", &hsm_scope))]);
    assert_eq!(said[0], Ok(()));
    assert!(matches!(said[1], Err(Error::BudgetExists { .. })), "{said:?}");

    // What is noted of a budget does not bring back one that is gone, nor change another of its name.
    let replace = |budget| Change::Control(ControlChange::ReplaceBudget(budget));
    let delete = Change::Control(ControlChange::DeleteBudget(first.subscription(), first.name.clone()));
    let other = budget("monthly", &hsm_scope);
    let memory = filled([local(), insert(first.clone())].into_iter());
    let said = race(
        &memory,
        &[replace(first.clone()), delete, replace(first.clone()), insert(other), replace(first)],
    );
    let gone = |said: &Result<()>| matches!(said, Err(Error::BudgetNotFound { .. }));
    assert!(
        said[0].is_ok() && said[1].is_ok() && gone(&said[2]) && said[3].is_ok() && gone(&said[4]),
        "{said:?}"
    );
}

#[test]
fn a_group_of_one_name_is_made_once() {
    let memory = filled(std::iter::empty());
    let said = race(&memory, &[group(1), group(1)]);
    assert_eq!(said[0], Ok(()));
    assert!(matches!(said[1], Err(Error::ResourceGroupExists { .. })), "{said:?}");
}

#[test]
fn a_role_is_not_given_where_its_scope_or_its_definition_has_just_gone() {
    let at = Timestamp::UNIX_EPOCH;
    let scope = format!("{}/resourceGroups/g/providers/Microsoft.KeyVault/managedHSMs/local", subscription());
    let given = ControlAssignment {
        id: Uuid::from_u128(1),
        role_definition: Uuid::from_u128(1),
        principal: PrincipalId(Uuid::nil()),
        scope: scope.parse::<ControlScope>().unwrap(),
    };
    let give = Change::Control(ControlChange::InsertAssignment(Arc::new(given)));
    let deletion = Deletion { deleted_at: at, scheduled_purge_at: at };
    let name: HsmName = "local".parse().unwrap();
    let memory = filled([local()].into_iter());
    let said = race(&memory, &[Change::SoftDeleteHsm(name.clone(), deletion), give]);
    assert!(matches!(said[1], Err(Error::HsmNotFound { .. })), "{said:?}");

    let memory = filled([local(), put_definition(1)].into_iter());
    let gone = Change::DeleteRoleDefinition(name, Uuid::from_u128(1));
    assert_eq!(race(&memory, &[gone, assign(1, "/")])[1], Err(Error::RoleDefinitionNotFound));
}
