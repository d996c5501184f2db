//! The SQL that loads the database into memory when the store is opened.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use uuid::Uuid;

use super::audit_keys;
use super::certificates;
use super::change_set::ChangeSet;
use super::columns::{column, damaged, instant, json, parsed};
use super::database::{Database, Row, query};
use super::hsms;
use super::instance::InstanceName;
use super::keys::{self, KeysOfContainer};
use super::location::Location;
use super::memory::Memory;
use super::objects::Staged;
use super::resource_statements;
use super::roles::Roles;
use super::rotation;
use super::secrets;
use super::usage::{self, Counter, Usage, UsedVersion};
use super::vaults;
use crate::model::billing::DaySet;
use crate::model::certificate::Certificate;
use crate::model::change::{Intent, IntentVerb};
use crate::model::container::{Container, ContainerId};
use crate::model::hsm::ManagedHsm;
use crate::model::local_rbac::{RoleAssignment, RoleDefinition};
use crate::model::name::{PrincipalId, VersionId};
use crate::model::time::ClockSetting;
use crate::model::vault::Vault;
use crate::model::{Error, Result};

/// Loads the database into memory, with the intents of this instance. `db` is connected to this location.
///
/// # Errors
/// `Internal` if a row is malformed: a damaged store is not opened.
pub(super) async fn load(
    db: &mut Database,
    location: &Location,
    memory: &Memory,
    instance: &InstanceName,
) -> Result<()> {
    let hsms = hsms::load(db).await?;
    let vaults = vaults::load(db).await?;
    let certificates = certificates::load(db, &vaults).await?;
    let mut keys = containers_of_keys(&hsms, &vaults, &certificates);
    rotation::load_policies(db, &mut keys).await?;
    let keys = keys::load(location, keys).await?;
    let roles = roles(db, memory, &hsms).await?;
    let opened = intents(db, instance).await?;
    let clock = clock(db).await?;
    let audit_keys = audit_keys::load(db).await?;
    let secrets = secrets::load(db, &vaults, &certificates).await?;
    let certificate_settings = certificates::load_settings(db).await?;
    let hsms = hsms.into_values().map(Container::ManagedHsm);
    let containers = hsms.chain(vaults.into_iter().map(Container::Vault));
    let containers =
        containers.map(|container| (container.id().to_case_insensitive(), Some(container))).collect();
    let resources = Some(Arc::new(resource_statements::load(db, memory.built_in_control()).await?));
    memory.apply(ChangeSet {
        containers,
        secrets,
        certificates,
        certificate_settings,
        roles,
        opened,
        clock,
        audit_keys,
        resources,
        ..ChangeSet::default()
    });
    for (folded, loaded) in keys {
        memory.set_loaded_keys(&folded, loaded.keys);
    }
    memory.replace_lifetimes(hsms::load_lifetimes(db).await?);
    let usage = usage(db).await?;
    memory.usage().add(usage);
    Ok(())
}

async fn clock(db: &mut Database) -> Result<Option<ClockSetting>> {
    let sql = "-- load_clock
        SELECT offset_micros, frozen FROM clock";
    let row = query(sql).fetch_optional(db).await.map_err(Error::internal)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(ClockSetting { offset: column(&row, "offset_micros")?, frozen: instant(&row, "frozen")? }))
}

/// The containers without their keys, by their stored identifier in lower case.
fn containers_of_keys(
    hsms: &BTreeMap<String, Arc<ManagedHsm>>,
    vaults: &[Arc<Vault>],
    certificates: &Staged<Certificate>,
) -> keys::Containers {
    let hsms = hsms.values().map(|hsm| ContainerId::from(&hsm.name));
    let ids = hsms.chain(vaults.iter().map(|vault| ContainerId::from(&vault.name)));
    let mut containers: keys::Containers =
        ids.map(|id| (id.to_case_insensitive(), KeysOfContainer::new(id))).collect();
    for (vault, name) in certificates.keys() {
        if let Some(container) = containers.get_mut(vault) {
            container.certificates.insert(name.clone());
        }
    }
    containers
}

async fn roles(
    db: &mut Database,
    memory: &Memory,
    hsms: &BTreeMap<String, Arc<ManagedHsm>>,
) -> Result<BTreeMap<String, Arc<Roles>>> {
    let mut definitions = BTreeMap::<String, Vec<Arc<RoleDefinition>>>::new();
    let sql = "-- load_role_definitions
        SELECT hsm, definition FROM role_definitions ORDER BY hsm, position";
    for row in query(sql).fetch_all(&mut *db).await.map_err(Error::internal)? {
        definitions.entry(column(&row, "hsm")?).or_default().push(Arc::new(json(&row, "definition")?));
    }
    let mut assignments = BTreeMap::<String, Vec<Arc<RoleAssignment>>>::new();
    let sql = "-- load_role_assignments
        SELECT hsm, id, role_definition, principal, scope FROM role_assignments ORDER BY hsm, position";
    for row in query(sql).fetch_all(db).await.map_err(Error::internal)? {
        let assignment = RoleAssignment {
            id: parsed::<Uuid>(&row, "id")?,
            role_definition: parsed(&row, "role_definition")?,
            principal: parsed::<PrincipalId>(&row, "principal")?,
            scope: parsed(&row, "scope")?,
        };
        assignments.entry(column(&row, "hsm")?).or_default().push(Arc::new(assignment));
    }
    let mut joined = |hsm: &String| {
        let custom = definitions.remove(hsm).unwrap_or_default();
        let assignments = assignments.remove(hsm).unwrap_or_default();
        Arc::new(Roles::new(memory.built_in(), custom, assignments))
    };
    Ok(hsms.keys().map(|hsm| (hsm.clone(), joined(hsm))).collect())
}

/// Reads the open intents of an instance.
pub(super) async fn intents(db: &mut Database, instance: &InstanceName) -> Result<Vec<Intent>> {
    let sql = "-- load_intents
        SELECT id, hsm, verb, objects FROM intents WHERE instance = $1";
    let rows = query(sql).bind(instance.as_str()).fetch_all(db).await.map_err(Error::internal)?;
    let intent = |row: &Row| {
        let verb = match column::<&str>(row, "verb")? {
            "create" => IntentVerb::Create,
            "destroy" => IntentVerb::Destroy,
            "provision" => IntentVerb::Provision,
            "restore" => IntentVerb::Restore,
            "wipe" => IntentVerb::Wipe,
            other => return Err(damaged(format!("unknown intent verb {other}"))),
        };
        Ok(Intent {
            id: parsed(row, "id")?,
            container: parsed(row, "hsm")?,
            verb,
            objects: json(row, "objects")?,
        })
    };
    rows.iter().map(intent).collect()
}

async fn usage(db: &mut Database) -> Result<Usage> {
    let mut usage = Usage::default();
    let sql = "-- load_readings
        SELECT hsm, event, meter, hour, calls FROM readings";
    for row in query(sql).fetch_all(&mut *db).await.map_err(Error::internal)? {
        let container = match column::<&str>(&row, "hsm")? {
            "" => None,
            stored => Some(stored.parse::<ContainerId>().map_err(damaged)?),
        };
        let meter = usage::meter(column(&row, "meter")?).ok_or_else(|| damaged("unknown meter"))?;
        let event = column::<String>(&row, "event")?.into();
        let counter = Counter { container, event, meter, hour: column(&row, "hour")? };
        usage.calls.insert(counter, column::<i64>(&row, "calls")?.unsigned_abs());
    }
    let sql = "-- load_used_versions
        SELECT version, hsm, key_name, key_type FROM used_versions";
    for row in query(sql).fetch_all(&mut *db).await.map_err(Error::internal)? {
        let used = UsedVersion {
            container: parsed(&row, "hsm")?,
            key: parsed(&row, "key_name")?,
            key_type: json(&row, "key_type")?,
            days: DaySet::default(),
        };
        usage.add_version(parsed(&row, "version")?, used);
    }
    let sql = "-- load_version_days
        SELECT version, hsm, day FROM version_days ORDER BY version, hsm, day";
    let mut rows = query(sql).fetch(db);
    while let Some(row) = rows.try_next().await.map_err(Error::internal)? {
        let version = parsed::<VersionId>(&row, "version")?;
        let container: ContainerId = parsed(&row, "hsm")?;
        let used = usage.versions.get_mut(&version);
        let used = used.and_then(|used| used.iter_mut().find(|used| used.container == container));
        let used = used.ok_or_else(|| damaged("a used version is unknown"))?;
        used.days.insert(i32::try_from(column::<i64>(&row, "day")?).map_err(damaged)?);
    }
    Ok(usage)
}
