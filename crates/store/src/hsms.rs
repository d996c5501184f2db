//! The SQL of managed HSMs, and of the lifetimes of all containers; the lifetimes in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::columns::{column, damaged, dated, json, parsed, to_json};
use super::database::{Database, query};
use super::failure::Failure;
use crate::model::container::Container;
use crate::model::hsm::ManagedHsm;
use crate::model::lifetime::{ContainerLifetime, Phase};
use crate::model::{Error, Result, Timestamp};

type Done = Result<(), Failure>;

/// The start of a phase in the lifetime of a container.
#[derive(Clone)]
pub(super) struct PhaseBegun {
    pub(super) container: Container,
    pub(super) at: Timestamp,
    pub(super) phase: Phase,
}

/// The lifetimes of all containers, purged ones included, by ID.
#[derive(Default)]
pub(super) struct Lifetimes(BTreeMap<Uuid, ContainerLifetime>);

impl Lifetimes {
    /// Adds a phase. The first phase of a container creates its lifetime.
    pub(super) fn add(&mut self, begun: &PhaseBegun) {
        let PhaseBegun { container, at, phase } = begun;
        let lifetime = self.0.entry(container.unique_id()).or_insert_with(|| ContainerLifetime {
            id: container.unique_id(),
            container: container.id(),
            subscription: container.subscription(),
            resource_group: container.resource_group().to_string(),
            location: container.location().to_owned(),
            sku: container.sku().to_owned(),
            phases: Vec::new(),
        });
        lifetime.phases.push((*at, *phase));
    }

    /// All lifetimes, in order of creation.
    pub(super) fn all(&self) -> Vec<ContainerLifetime> {
        let mut all: Vec<_> = self.0.values().cloned().collect();
        all.sort_by_key(|lifetime| (lifetime.phases.first().map(|(at, _)| *at), lifetime.id));
        all
    }
}

/// Writes a new HSM.
pub(super) async fn insert(db: &mut Database, hsm: &ManagedHsm) -> Done {
    let sql = "-- insert_hsm
        INSERT INTO hsms (folded, resource) VALUES ($1, $2)";
    query(sql).bind(hsm.name.to_case_insensitive()).bind(to_json(hsm)?).execute(db).await?;
    Ok(())
}

/// Writes the new state of an HSM.
pub(super) async fn update(db: &mut Database, hsm: &ManagedHsm) -> Done {
    let sql = "-- update_hsm
        UPDATE hsms SET resource = $2 WHERE folded = $1";
    query(sql).bind(hsm.name.to_case_insensitive()).bind(to_json(hsm)?).execute(db).await?;
    Ok(())
}

/// Deletes an HSM with all its keys, roles and intents.
pub(super) async fn delete(db: &mut Database, folded: &str) -> Done {
    delete_contents(db, folded).await?;
    let statements = [
        "-- delete_hsm_intents
        DELETE FROM intents WHERE lower(hsm) = $1",
        "-- delete_hsm
        DELETE FROM hsms WHERE folded = $1",
    ];
    for sql in statements {
        query(sql).bind(folded).execute(&mut *db).await?;
    }
    Ok(())
}

/// Deletes the keys of a container, whose stored identifier in lower case is `folded`.
pub(super) async fn delete_keys(db: &mut Database, folded: &str) -> Done {
    let statements = [
        "-- delete_all_rotation_policies
        DELETE FROM rotation_policies WHERE hsm = $1",
        "-- delete_all_key_versions
        DELETE FROM key_versions WHERE hsm = $1",
        "-- delete_all_keys
        DELETE FROM keys WHERE hsm = $1",
    ];
    for sql in statements {
        query(sql).bind(folded).execute(&mut *db).await?;
    }
    Ok(())
}

/// Deletes the keys and roles of an HSM.
pub(super) async fn delete_contents(db: &mut Database, folded: &str) -> Done {
    delete_keys(db, folded).await?;
    let statements = [
        "-- delete_hsm_role_assignments
        DELETE FROM role_assignments WHERE hsm = $1",
        "-- delete_hsm_role_definitions
        DELETE FROM role_definitions WHERE hsm = $1",
    ];
    for sql in statements {
        query(sql).bind(folded).execute(&mut *db).await?;
    }
    Ok(())
}

/// Writes the start of a phase.
pub(super) async fn insert_phase(db: &mut Database, begun: &PhaseBegun) -> Done {
    let PhaseBegun { container, at, phase } = begun;
    let sql = "-- insert_hsm_life
        INSERT INTO hsm_lives (id, name, subscription, resource_group, location, sku)
        VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    query(sql)
        .bind(container.unique_id().to_string())
        .bind(container.id().as_stored())
        .bind(container.subscription().to_string())
        .bind(container.resource_group().to_string())
        .bind(container.location())
        .bind(container.sku())
        .execute(&mut *db)
        .await?;
    let sql = "-- insert_hsm_phase
        INSERT INTO hsm_phases (hsm_id, position, at, phase)
        VALUES ($1, (SELECT COUNT(*) FROM hsm_phases WHERE hsm_id = $1), $2, $3)";
    let name = match phase {
        Phase::Running => "running",
        Phase::Deleted => "deleted",
        Phase::Purged => "purged",
    };
    let id = container.unique_id().to_string();
    query(sql).bind(id).bind(at.as_microsecond()).bind(name).execute(db).await?;
    Ok(())
}

/// Reads all HSMs, by their lower-case names.
pub(super) async fn load(db: &mut Database) -> Result<BTreeMap<String, Arc<ManagedHsm>>> {
    let sql = "-- load_hsms
        SELECT folded, resource FROM hsms";
    let rows = query(sql).fetch_all(db).await.map_err(Error::internal)?;
    rows.iter().map(|row| Ok((column(row, "folded")?, Arc::new(json(row, "resource")?)))).collect()
}

/// Reads the lifetimes of all containers, purged ones included.
pub(super) async fn load_lifetimes(db: &mut Database) -> Result<Lifetimes> {
    let sql = "-- load_hsm_lives
        SELECT id, name, subscription, resource_group, location, sku FROM hsm_lives";
    let mut lifetimes = BTreeMap::new();
    for row in query(sql).fetch_all(&mut *db).await.map_err(Error::internal)? {
        let lifetime = ContainerLifetime {
            id: parsed(&row, "id")?,
            container: parsed(&row, "name")?,
            subscription: parsed(&row, "subscription")?,
            resource_group: column(&row, "resource_group")?,
            location: column(&row, "location")?,
            sku: column(&row, "sku")?,
            phases: Vec::new(),
        };
        lifetimes.insert(lifetime.id, lifetime);
    }
    let sql = "-- load_hsm_phases
        SELECT hsm_id, at, phase FROM hsm_phases ORDER BY hsm_id, position";
    for row in query(sql).fetch_all(db).await.map_err(Error::internal)? {
        let id: Uuid = parsed(&row, "hsm_id")?;
        let phase = match column::<&str>(&row, "phase")? {
            "running" => Phase::Running,
            "deleted" => Phase::Deleted,
            "purged" => Phase::Purged,
            other => return Err(damaged(format!("unknown phase of a container {other}"))),
        };
        let at = dated(&row, "at")?;
        lifetimes.get_mut(&id).ok_or_else(|| damaged("a phase has no container"))?.phases.push((at, phase));
    }
    Ok(Lifetimes(lifetimes))
}
