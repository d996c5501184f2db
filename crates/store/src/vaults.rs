//! The SQL of vaults.

use std::sync::Arc;

use super::columns::{json, to_json};
use super::database::{Database, query};
use super::failure::Failure;
use crate::model::vault::Vault;
use crate::model::{Error, Result};

type Done = Result<(), Failure>;

/// Writes a new vault.
pub(super) async fn insert(db: &mut Database, vault: &Vault) -> Done {
    let sql = "-- insert_vault
        INSERT INTO vaults (folded, resource) VALUES ($1, $2)";
    query(sql).bind(vault.name.to_case_insensitive()).bind(to_json(vault)?).execute(db).await?;
    Ok(())
}

/// Writes the new state of a vault.
pub(super) async fn update(db: &mut Database, vault: &Vault) -> Done {
    let sql = "-- update_vault
        UPDATE vaults SET resource = $2 WHERE folded = $1";
    query(sql).bind(vault.name.to_case_insensitive()).bind(to_json(vault)?).execute(db).await?;
    Ok(())
}

/// Deletes a vault with its intents. `stored` is its identifier in intents, in lower case.
pub(super) async fn delete(db: &mut Database, folded: &str, stored: &str) -> Done {
    let sql = "-- delete_vault_intents
        DELETE FROM intents WHERE lower(hsm) = $1";
    query(sql).bind(stored).execute(&mut *db).await?;
    let sql = "-- delete_vault
        DELETE FROM vaults WHERE folded = $1";
    query(sql).bind(folded).execute(db).await?;
    Ok(())
}

/// Reads all vaults.
pub(super) async fn load(db: &mut Database) -> Result<Vec<Arc<Vault>>> {
    let sql = "-- load_vaults
        SELECT resource FROM vaults";
    let rows = query(sql).fetch_all(db).await.map_err(Error::internal)?;
    rows.iter().map(|row| Ok(Arc::new(json(row, "resource")?))).collect()
}
