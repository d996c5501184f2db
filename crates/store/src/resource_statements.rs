//! The SQL of the control plane's state: writes each change, and loads all when the store is opened.

use std::sync::Arc;

use super::columns::{json, parsed, to_json};
use super::database::{Database, Row, query};
use super::failure::Done;
use super::resources::Resources;
use crate::model::arm_rbac::ControlAssignment;
use crate::model::change::ControlChange;
use crate::model::local_rbac::RoleDefinition;
use crate::model::resource::{ResourceGroup, ResourceGroupName, Subscription, SubscriptionId};
use crate::model::{Error, Result};

/// Writes one change, whose preconditions have been checked. `after` is the state after it.
pub(super) async fn change(db: &mut Database, change: &ControlChange, after: &Resources) -> Done {
    match change {
        ControlChange::PutSubscription(subscription) => put_subscription(db, subscription).await,
        ControlChange::InsertResourceGroup(group) | ControlChange::PutResourceGroup(group) => {
            put_resource_group(db, group).await
        }
        ControlChange::DeleteResourceGroup(subscription, name) => {
            delete_resource_group(db, *subscription, name).await?;
            delete_stale_assignments(db, after).await
        }
        ControlChange::PutDefinition(definition) => put_definition(db, definition).await,
        ControlChange::DeleteDefinition(id) => {
            let sql = "-- delete_control_role_definition
                DELETE FROM control_role_definitions WHERE id = $1";
            query(sql).bind(id.to_string()).execute(db).await?;
            Ok(())
        }
        ControlChange::InsertAssignment(assignment) => insert_assignment(db, assignment).await,
        ControlChange::InsertBudget(budget) | ControlChange::ReplaceBudget(budget) => {
            let sql = "-- put_budget
                INSERT INTO budgets (subscription, folded, resource) VALUES ($1, $2, $3)
                ON CONFLICT (subscription, folded) DO UPDATE SET resource = excluded.resource";
            let query =
                query(sql).bind(budget.subscription().to_string()).bind(budget.name.to_case_insensitive());
            query.bind(to_json(budget)?).execute(db).await?;
            Ok(())
        }
        ControlChange::DeleteBudget(subscription, name) => {
            let sql = "-- delete_budget
                DELETE FROM budgets WHERE subscription = $1 AND folded = $2";
            query(sql).bind(subscription.to_string()).bind(name.to_case_insensitive()).execute(db).await?;
            Ok(())
        }
        ControlChange::DeleteAssignment(id) => delete_assignment(db, *id).await,
    }
}

async fn put_subscription(db: &mut Database, subscription: &Subscription) -> Done {
    let sql = "-- put_subscription
        INSERT INTO subscriptions (id, resource) VALUES ($1, $2)
        ON CONFLICT (id) DO UPDATE SET resource = excluded.resource";
    let query = query(sql).bind(subscription.id.to_string()).bind(to_json(subscription)?);
    query.execute(db).await?;
    Ok(())
}

async fn put_resource_group(db: &mut Database, group: &ResourceGroup) -> Done {
    let sql = "-- put_resource_group
        INSERT INTO resource_groups (subscription, folded, resource) VALUES ($1, $2, $3)
        ON CONFLICT (subscription, folded) DO UPDATE SET resource = excluded.resource";
    let query = query(sql).bind(group.subscription.to_string()).bind(group.name.to_case_insensitive());
    query.bind(to_json(group)?).execute(db).await?;
    Ok(())
}

async fn delete_resource_group(
    db: &mut Database,
    subscription: SubscriptionId,
    name: &ResourceGroupName,
) -> Done {
    let sql = "-- delete_resource_group
        DELETE FROM resource_groups WHERE subscription = $1 AND folded = $2";
    query(sql).bind(subscription.to_string()).bind(name.to_case_insensitive()).execute(db).await?;
    Ok(())
}

async fn put_definition(db: &mut Database, definition: &RoleDefinition) -> Done {
    let sql = "-- put_control_role_definition
        INSERT INTO control_role_definitions (id, position, definition)
        VALUES ($1, (SELECT COALESCE(MAX(position), 0) + 1 FROM control_role_definitions), $2)
        ON CONFLICT (id) DO UPDATE SET definition = excluded.definition";
    query(sql).bind(definition.id.to_string()).bind(to_json(definition)?).execute(db).await?;
    Ok(())
}

async fn insert_assignment(db: &mut Database, assignment: &ControlAssignment) -> Done {
    let sql = "-- insert_control_role_assignment
        INSERT INTO control_role_assignments (id, position, role_definition, principal, scope)
        VALUES ($1, (SELECT COALESCE(MAX(position), 0) + 1 FROM control_role_assignments), $2, $3, $4)";
    query(sql)
        .bind(assignment.id.to_string())
        .bind(assignment.role_definition.to_string())
        .bind(assignment.principal.to_string())
        .bind(assignment.scope.to_string())
        .execute(db)
        .await?;
    Ok(())
}

async fn delete_assignment(db: &mut Database, id: uuid::Uuid) -> Done {
    let sql = "-- delete_control_role_assignment
        DELETE FROM control_role_assignments WHERE id = $1";
    query(sql).bind(id.to_string()).execute(db).await?;
    Ok(())
}

/// Deletes the assignments that `after` does not have: whether a scope covers another is decided by the
/// domain model, not in SQL.
pub(super) async fn delete_stale_assignments(db: &mut Database, after: &Resources) -> Done {
    let kept: std::collections::HashSet<_> = after.roles.assignments().iter().map(|one| one.id).collect();
    let sql = "-- list_control_role_assignment_ids
        SELECT id FROM control_role_assignments";
    for row in query(sql).fetch_all(&mut *db).await? {
        let id = parsed(&row, "id")?;
        if !kept.contains(&id) {
            delete_assignment(db, id).await?;
        }
    }
    Ok(())
}

/// Reads the state of the control plane.
///
/// # Errors
/// `Internal` if a row is malformed.
pub(super) async fn load(db: &mut Database, built_in: Arc<[Arc<RoleDefinition>]>) -> Result<Resources> {
    let sql = "-- load_subscriptions
        SELECT resource FROM subscriptions";
    let rows = query(sql).fetch_all(&mut *db).await.map_err(Error::internal)?;
    let subscriptions = rows.iter().map(|row| json(row, "resource")).collect::<Result<_>>()?;
    let sql = "-- load_resource_groups
        SELECT resource FROM resource_groups";
    let rows = query(sql).fetch_all(&mut *db).await.map_err(Error::internal)?;
    let groups = rows.iter().map(|row| json(row, "resource")).collect::<Result<_>>()?;
    let sql = "-- load_control_role_assignments
        SELECT id, role_definition, principal, scope FROM control_role_assignments ORDER BY position";
    let rows = query(sql).fetch_all(&mut *db).await.map_err(Error::internal)?;
    let assignments = rows.iter().map(assignment).collect::<Result<_>>()?;
    let sql = "-- load_control_role_definitions
        SELECT definition FROM control_role_definitions ORDER BY position";
    let rows = query(sql).fetch_all(&mut *db).await.map_err(Error::internal)?;
    let custom = rows.iter().map(|row| Ok(Arc::new(json(row, "definition")?))).collect::<Result<_>>()?;
    let sql = "-- load_budgets
        SELECT resource FROM budgets";
    let rows = query(sql).fetch_all(db).await.map_err(Error::internal)?;
    let budgets = rows.iter().map(|row| json(row, "resource")).collect::<Result<_>>()?;
    Ok(Resources::joined(built_in, subscriptions, groups, (custom, assignments), budgets))
}

fn assignment(row: &Row) -> Result<Arc<ControlAssignment>> {
    Ok(Arc::new(ControlAssignment {
        id: parsed(row, "id")?,
        role_definition: parsed(row, "role_definition")?,
        principal: parsed(row, "principal")?,
        scope: parsed(row, "scope")?,
    }))
}
