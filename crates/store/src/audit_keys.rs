//! The SQL of the keys that sign the audit log.

use super::columns::{column, damaged, parsed};
use super::database::{Database, SqlError, query};
use crate::model::Result;
use crate::model::audit_key::AuditKey;

/// Writes a key, before it is generated (without its public key) and afterwards.
pub(super) async fn put(db: &mut Database, key: &AuditKey) -> std::result::Result<(), SqlError> {
    let sql = "-- put_audit_key
        INSERT INTO audit_keys (version, position, token_serial, public_key)
        VALUES ($1, (SELECT COALESCE(MAX(position), 0) + 1 FROM audit_keys), $2, $3)
        ON CONFLICT (version) DO UPDATE SET token_serial = excluded.token_serial, public_key = excluded.public_key";
    let public = key.public.as_ref().map(serde_json::to_string).transpose();
    let public = public.map_err(|error| SqlError::Encode(Box::new(error)))?;
    let query = query(sql).bind(key.version.to_string()).bind(&key.token_serial).bind(public);
    query.execute(db).await?;
    Ok(())
}

/// Reads all keys, in order of creation.
pub(super) async fn load(db: &mut Database) -> Result<Vec<AuditKey>> {
    let sql = "-- load_audit_keys
        SELECT version, token_serial, public_key FROM audit_keys ORDER BY position";
    let mut keys = Vec::new();
    for row in query(sql).fetch_all(db).await.map_err(damaged)? {
        let public: Option<String> = column(&row, "public_key")?;
        keys.push(AuditKey {
            version: parsed(&row, "version")?,
            token_serial: column(&row, "token_serial")?,
            public: public.map(|public| serde_json::from_str(&public)).transpose().map_err(damaged)?,
        });
    }
    Ok(keys)
}
