//! Tests of the preconditions of each change.

use std::collections::BTreeMap;

use super::*;
use crate::model::Timestamp;
use crate::model::backup_job::{BackupJob, BackupJobKind, JobResult};
use crate::model::container::ContainerId;
use crate::model::deletion::{Deletable, Transition};
use crate::model::hsm::Activation;
use crate::model::key::{Attributes, KeyOperations, PublicMaterial, Tags};
use crate::model::local_rbac::{LocalScope, RoleAssignment, RoleDefinition};
use crate::model::resource::{ResourceGroup, Subscription, SubscriptionId};
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::retention::{Deletion, RetentionDays};
use crate::model::setting::{Setting, SettingName, Settings};

mod limits;
pub(crate) mod vaults;

fn hsm(name: &str) -> ManagedHsm {
    ManagedHsm {
        id: uuid::Uuid::from_u128(7),
        name: name.parse().unwrap(),
        tenant: Uuid::nil(),
        subscription: SubscriptionId(Uuid::nil()),
        resource_group: "g".parse().unwrap(),
        location: "here".into(),
        sku: "Standard_B1".into(),
        retention: RetentionDays::DEFAULT,
        purge_protection: false,
        activation: Activation::Active,
        initial_administrators: Vec::new(),
        token_serial: "1".into(),
        created: Timestamp::UNIX_EPOCH,
        deletion: None,
        tags: std::collections::BTreeMap::new(),
        network: Default::default(),
        settings: Default::default(),
        security_domain: None,
        transfer_key: None,
        backup_jobs: Vec::new(),
    }
}

fn version(name: &str, id: u8) -> KeyVersion {
    KeyVersion {
        container: "local".parse().unwrap(),
        name: name.parse().unwrap(),
        version: VersionId::from_bytes([id; 16]),
        material: PublicMaterial::Oct { key_size: 256 },
        protection: Default::default(),
        operations: KeyOperations::default(),
        attributes: Attributes {
            enabled: true,
            not_before: None,
            expires: None,
            created: Timestamp::UNIX_EPOCH,
            updated: Timestamp::UNIX_EPOCH,
            exportable: false,
        },
        tags: BTreeMap::new(),
        notices: Notices::default(),
        mode_family: None,
    }
}

fn key(name: &str) -> (ContainerId, KeyName) {
    ("local".parse().unwrap(), name.parse().unwrap())
}

fn delete(name: &str) -> Change {
    let (hsm, name) = key(name);
    let at = Timestamp::UNIX_EPOCH;
    let deletion = Deletion { deleted_at: at, scheduled_purge_at: at };
    Change::Transition(Deletable::Key(hsm, name), Transition::SoftDelete(deletion))
}

fn recover(name: &str) -> Change {
    let (hsm, name) = key(name);
    Change::Transition(Deletable::Key(hsm, name), Transition::Recover(Timestamp::UNIX_EPOCH))
}

fn purge(name: &str) -> Change {
    let (hsm, name) = key(name);
    Change::Transition(Deletable::Key(hsm, name), Transition::Purge(Timestamp::UNIX_EPOCH))
}

/// A subscription with the resource group of all HSMs.
fn containers() -> Arc<Resources> {
    let id = SubscriptionId(Uuid::nil());
    let subscription = Subscription { id, name: "s".into(), tenant: Uuid::nil(), protected: false };
    let created = Timestamp::UNIX_EPOCH;
    let name = "g".parse().unwrap();
    let group = ResourceGroup { subscription: id, name, location: "here".into(), created, tags: Tags::new() };
    let role = RoleDefinition {
        id: Uuid::from_u128(1),
        role_name: "role".into(),
        description: String::new(),
        built_in: true,
        permissions: Vec::new(),
        assignable_scopes: Vec::new(),
    };
    Arc::new(Resources::joined(
        Arc::new([Arc::new(role)]),
        vec![subscription],
        vec![group],
        (Vec::new(), Vec::new()),
        Vec::new(),
    ))
}

/// Applies each list of changes as one commit of one group. Returns the result of the last commit, and the
/// memory after the group.
fn after(commits: &[&[Change]]) -> (Result<()>, Memory) {
    let memory = Memory::new(Vec::new(), Vec::new(), crate::clock::Clock::System);
    let mut group = ChangeSet { resources: Some(containers()), ..ChangeSet::default() };
    let mut last = Ok(());
    for changes in commits {
        let mut transaction = Transaction::new(&memory, &group);
        last = changes.iter().try_for_each(|change| transaction.apply(change));
        if last.is_ok() {
            let changes = transaction.into_changes();
            group.absorb(changes);
        }
    }
    memory.apply(group);
    (last, memory)
}

fn local() -> Change {
    Change::InsertHsm(hsm("local"), Vec::new())
}

fn insert(name: &str, id: u8) -> Change {
    Change::InsertVersion(version(name, id), VersionOrigin::Created)
}

#[test]
fn rejects_duplicate_hsm_and_orphan_resources() {
    let twice = Change::InsertHsm(hsm("LOCAL"), Vec::new());
    assert!(matches!(after(&[&[local()], &[twice]]).0, Err(Error::Exists { .. })));
    for change in [insert("a", 1), delete("a"), recover("a"), purge("a")] {
        assert!(matches!(after(&[&[change]]).0, Err(Error::NotFound(_))));
    }
}

#[test]
fn adds_versions_to_live_keys_only() {
    assert!(matches!(after(&[&[local(), insert("a", 1)], &[insert("A", 1)]]).0, Err(Error::Conflict { .. })));
    assert!(matches!(
        after(&[&[local(), insert("a", 1), delete("a")], &[insert("A", 2)]]).0,
        Err(Error::Deleted { .. })
    ));
    let (result, memory) = after(&[&[local(), insert("Bill", 1)], &[insert("bILL", 2)]]);
    assert_eq!(result, Ok(()));
    let (hsm, name) = key("BILL");
    let key = memory.object::<Key>(&hsm, name.as_str()).unwrap();
    assert_eq!(key.versions.len(), 2);
    assert!(
        key.versions.iter().all(|version| version.name.as_str() == "Bill"),
        "the name keeps its original case"
    );
    assert_eq!(memory.count::<Key>(&hsm), 1);
}

#[test]
fn replaces_versions_in_place() {
    let replace = |name, id| Change::ReplaceVersion(version(name, id));
    let mut other = version("a", 1);
    other.material = PublicMaterial::Oct { key_size: 128 };
    type Case<'a> = (&'a [Change], Change, fn(&Error) -> bool);
    let cases: [Case<'_>; 4] = [
        (&[local()], replace("a", 1), |error| matches!(error, Error::NotFound(_))),
        (&[local(), insert("a", 1), delete("a")], replace("a", 1), |error| {
            matches!(error, Error::NotFound(_))
        }),
        (&[local(), insert("a", 1)], replace("a", 2), |error| matches!(error, Error::Conflict { .. })),
        (&[local(), insert("a", 1)], Change::ReplaceVersion(other), |error| {
            matches!(error, Error::Internal(_))
        }),
    ];
    for (before, change, expected) in cases {
        let (result, _) = after(&[before, &[change]]);
        assert!(result.as_ref().is_err_and(expected), "{result:?}");
    }

    let mut disabled = version("a", 1);
    disabled.attributes.enabled = false;
    let changes = [local(), insert("a", 1), insert("a", 2), Change::ReplaceVersion(disabled)];
    let (hsm, name) = key("a");
    let key = after(&[&changes]).1.object::<Key>(&hsm, name.as_str()).unwrap();
    let enabled: Vec<_> = key.versions.iter().map(|version| version.attributes.enabled).collect();
    assert_eq!(enabled, [false, true]);
}

#[test]
fn rejects_invalid_deletion_state_changes() {
    let rejected: [(&[Change], Change, bool); 6] = [
        (&[local()], delete("a"), true),
        (&[local(), insert("a", 1), delete("a")], delete("a"), true),
        (&[local()], recover("a"), false),
        (&[local(), insert("a", 1)], recover("a"), false),
        (&[local(), insert("a", 1)], purge("a"), false),
        (&[local(), insert("a", 1), delete("a"), purge("a")], recover("a"), false),
    ];
    for (before, change, live) in rejected {
        match after(&[before, &[change]]).0 {
            Err(Error::NotFound(Resource { kind: ResourceKind::Key, .. })) => assert!(live),
            Err(Error::NotFound(Resource { kind: ResourceKind::DeletedKey, .. })) => assert!(!live),
            other => panic!("{other:?}"),
        }
    }
    let (hsm, name) = key("a");
    let changes = [local(), insert("a", 1), delete("A")];
    let deleted = after(&[&changes]).1;
    assert_eq!(deleted.objects::<Key>(&hsm, crate::Listing::Live, None, 9).len(), 0);
    assert_eq!(deleted.objects::<Key>(&hsm, crate::Listing::Deleted, None, 9).len(), 1);
    let recovered = after(&[&changes, &[recover("a")]]).1;
    assert_eq!(recovered.object::<Key>(&hsm, name.as_str()).unwrap().deletion, None);
    assert_eq!(recovered.count::<Key>(&hsm), 1);
    let again = after(&[&changes, &[purge("a"), insert("a", 2)]]).1;
    assert_eq!(again.object::<Key>(&hsm, name.as_str()).unwrap().versions.len(), 1);
}

#[test]
fn policies_and_notices_survive_deletion_of_their_key() {
    let (hsm, name) = key("a");
    let rules = crate::model::rotation::RotationRules::new(Some("P1Y".parse().unwrap()), None);
    let at = Timestamp::UNIX_EPOCH;
    let policy = Arc::new(crate::model::rotation::RotationPolicy {
        rules: rules.unwrap().unwrap(),
        created: at,
        updated: at,
    });
    let put = |policy: Option<&Arc<_>>| Change::PutRotationPolicy(hsm.clone(), name.clone(), policy.cloned());
    let note = |notice| Change::RecordNotice(hsm.clone(), name.clone(), notice);
    for change in [put(Some(&policy)), put(None), note(Notice::NearExpiry)] {
        for before in [&[local()][..], &[local(), insert("a", 1), delete("a")]] {
            let (result, _) = after(&[before, std::slice::from_ref(&change)]);
            assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
        }
    }
    let seen = |more: &[Change]| {
        let made = [local(), insert("a", 1), insert("a", 2), put(Some(&policy)), note(Notice::NotRotated)];
        let (result, memory) = after(&[&made, more]);
        assert_eq!(result, Ok(()));
        let key = memory.object::<Key>(&hsm, name.as_str()).unwrap();
        let notices: Vec<_> = key.versions.iter().map(|version| version.notices).collect();
        (key.rotation.is_some(), notices)
    };
    let (none, given) = (Notices::default(), Notices::default().with(Notice::NotRotated));
    assert_eq!(seen(&[]), (true, vec![none, given]));
    assert_eq!(seen(&[delete("a"), recover("a"), insert("a", 3)]), (true, vec![none, given, none]));
    assert_eq!(seen(&[put(Some(&policy))]), (true, vec![none, none]));
    assert_eq!(seen(&[put(None)]), (false, vec![none, none]));
    assert_eq!(seen(&[delete("a"), purge("a"), insert("a", 4)]), (false, vec![none]));
}

#[test]
fn rejected_commit_has_no_effect_on_its_group() {
    let (hsm, name) = key("a");
    let (result, memory) =
        after(&[&[local()], &[insert("a", 1), recover("nothing")], &[insert("b", 1), insert("b", 2)]]);
    assert_eq!(result, Ok(()));
    assert!(memory.object::<Key>(&hsm, name.as_str()).is_none());
    assert_eq!(memory.count::<Key>(&hsm), 1);
}

#[test]
fn role_assignments_belong_to_their_hsm() {
    let assignment = RoleAssignment {
        id: Uuid::from_u128(1),
        role_definition: Uuid::from_u128(2),
        principal: crate::model::name::PrincipalId(Uuid::nil()),
        scope: LocalScope::Hsm,
    };
    let made = Change::InsertHsm(hsm("local"), vec![assignment.clone()]);
    let name: HsmName = "local".parse().unwrap();
    let insert = Change::InsertRoleAssignment(name.clone(), Arc::new(assignment));
    assert_eq!(
        after(&[std::slice::from_ref(&made), &[insert]]).0,
        Err(Error::Exists { resource: Resource::unnamed(ResourceKind::RoleAssignment), deleted: false })
    );
    let delete = Change::DeleteRoleAssignment(name.clone(), Uuid::from_u128(1));
    let (result, memory) = after(&[&[made], &[delete]]);
    assert_eq!(result, Ok(()));
    assert!(memory.roles(&name).unwrap().assignments().is_empty());
}

#[test]
fn lists_keys_in_case_insensitive_order() {
    let mut changes = vec![local()];
    changes.extend(["b", "C", "a", "D"].iter().zip(1..).map(|(name, id)| insert(name, id)));
    let (_, memory) = after(&[&changes]);
    let (hsm, _) = key("a");
    let page = |after, limit| {
        let keys = memory.objects::<Key>(&hsm, crate::Listing::Live, after, limit);
        keys.iter().map(|key| key.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 3), ["a", "b", "C"]);
    assert_eq!(page(Some("c"), 3), ["D"]);
    assert_eq!(page(Some("B"), 1), ["C"]);
    assert!(page(Some("zz"), 3).is_empty());
}

#[test]
fn mode_family_of_a_version_cannot_change() {
    let bind = |id, family| {
        let (hsm, name) = key("A");
        Change::BindModes(hsm, name, VersionId::from_bytes([id; 16]), family)
    };
    let made = [local(), insert("a", 1), insert("a", 2)];
    let replaced = KeyVersion { tags: [("t".into(), "v".into())].into(), ..version("a", 1) };
    // The version was read before it was bound, and is written afterwards.
    let late = [Change::ReplaceVersion(replaced)];
    let first = [bind(1, ModeFamily::Gcm)];
    let (result, memory) = after(&[&made, &first, &first, &late]);
    assert_eq!(result, Ok(()));
    let (hsm, name) = key("a");
    let families = |memory: &Memory| {
        let key = memory.object::<Key>(&hsm, name.as_str()).unwrap();
        key.versions.iter().map(|version| version.mode_family).collect::<Vec<_>>()
    };
    assert_eq!(families(&memory), [Some(ModeFamily::Gcm), None]);
    assert_eq!(memory.object::<Key>(&hsm, name.as_str()).unwrap().versions[0].tags.len(), 1);

    let (result, memory) = after(&[&made, &first, &[bind(1, ModeFamily::Cbc)]]);
    let mismatch = Error::ModeFamilyMismatch {
        version: VersionId::from_bytes([1; 16]),
        bound: ModeFamily::Gcm,
        asked: ModeFamily::Cbc,
    };
    assert_eq!(result, Err(mismatch));
    assert_eq!(families(&memory), [Some(ModeFamily::Gcm), None]);

    let deleted = [local(), insert("a", 1), delete("a")];
    for (before, id) in [(&made[..], 3), (&deleted[..], 1), (&deleted[..1], 1)] {
        let (result, _) = after(&[before, &[bind(id, ModeFamily::Gcm)]]);
        assert!(matches!(result, Err(Error::NotFound(_))), "{result:?}");
    }
}

/// A call that was admitted before the restore began may commit while it runs.
#[test]
fn contents_cannot_change_while_a_restore_replaces_them() {
    let name: HsmName = "local".parse().unwrap();
    let job = BackupJob {
        id: Uuid::from_u128(1),
        kind: BackupJobKind::Restore,
        started: Timestamp::UNIX_EPOCH,
        result: None,
        instance: "default".to_owned(),
    };
    let restore = Change::PutBackupJob(name.clone(), job.clone());
    let (container, key_name) = key("a");
    let allowed = Setting { name: SettingName::AllowKeyManagementOperationsThroughArm, value: true };
    let settings = Settings::default().with(allowed);
    let policy = Change::PutRotationPolicy(container.clone(), key_name.clone(), None);
    let bound = Change::BindModes(container, key_name, VersionId::from_bytes([1; 16]), ModeFamily::Gcm);
    let definition = Change::DeleteRoleDefinition(name.clone(), Uuid::nil());
    let setting = Change::ReplaceHsm(ManagedHsm { settings, ..hsm("local") });
    for change in [
        insert("b", 2),
        insert("a", 2),
        Change::ReplaceVersion(version("a", 1)),
        delete("a"),
        purge("gone"),
        policy,
        bound,
        definition,
        setting,
    ] {
        let before = [local(), insert("a", 1), insert("gone", 3), delete("gone")];
        let (result, _) = after(&[&before, std::slice::from_ref(&restore), std::slice::from_ref(&change)]);
        assert_eq!(result, Err(Error::RestoreRunning { hsm: name.clone() }), "{change:?}");
    }
    // The resource can change, and so can the contents once the restore has ended.
    let tagged = Change::ReplaceHsm(ManagedHsm { tags: [("a".into(), "b".into())].into(), ..hsm("local") });
    assert_eq!(after(&[&[local()], std::slice::from_ref(&restore), &[tagged]]).0, Ok(()));
    let result = JobResult { ended: Timestamp::UNIX_EPOCH, failure: None, folder: None, details: None };
    let ended = Change::PutBackupJob(name, BackupJob { result: Some(result), ..job });
    assert_eq!(after(&[&[local()], &[restore], &[ended, insert("a", 1)]]).0, Ok(()));
}
