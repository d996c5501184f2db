//! Compares the schemas of both engines, and the list of tables with them.

use std::collections::BTreeMap;

use super::*;
use crate::database::{Database, query};
use crate::test_database::TestDatabase;
use crate::{Location, schema};

/// The columns of a table by their names: type, whether NULL is allowed, and the position in the primary key.
type Columns = BTreeMap<String, (String, bool, Option<i64>)>;

/// The tables of a migrated database.
async fn tables(database: &TestDatabase) -> BTreeMap<String, Columns> {
    let location = database.location();
    if let Location::File(path) = &location {
        std::fs::File::create(path).unwrap();
    }
    let mut db = location.connect_alone().await.unwrap();
    schema::migrate(&location, &mut db).await.unwrap();
    let tables = columns(&mut db, &location).await;
    db.close().await.unwrap();
    tables
}

async fn columns(db: &mut Database, location: &Location) -> BTreeMap<String, Columns> {
    let sql = match location {
        Location::File(_) => {
            "SELECT t.name AS table_name, c.name AS column_name, c.type AS type,
                c.\"notnull\" = 0 AND c.pk = 0 AS nullable, NULLIF(c.pk, 0) AS place
            FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"
        }
        Location::Postgres(_) => {
            "SELECT c.table_name::text, c.column_name::text, upper(c.data_type::text) AS type,
                (c.is_nullable = 'YES')::int::bigint AS nullable, k.ordinal_position::bigint AS place
            FROM information_schema.columns c LEFT JOIN information_schema.table_constraints t
                ON t.table_name = c.table_name AND t.constraint_type = 'PRIMARY KEY'
            LEFT JOIN information_schema.key_column_usage k
                ON k.constraint_name = t.constraint_name AND k.column_name = c.column_name
            WHERE c.table_schema = 'public'"
        }
    };
    let mut tables = BTreeMap::<String, Columns>::new();
    for row in query(sql).fetch_all(db).await.unwrap() {
        let name: String = row.get("table_name").unwrap();
        if name == "_sqlx_migrations" || name.starts_with("sqlite_") {
            continue;
        }
        let kind = match row.get::<&str>("type").unwrap() {
            "INTEGER" => "BIGINT",
            "BYTEA" => "BLOB",
            other => other,
        };
        let column = (kind.to_owned(), row.get::<i64>("nullable").unwrap() != 0, row.get("place").unwrap());
        tables.entry(name).or_default().insert(row.get("column_name").unwrap(), column);
    }
    tables
}

#[tokio::test]
async fn engines_have_the_same_tables() {
    let mut all = Vec::new();
    for database in TestDatabase::of_each_engine().await {
        all.push(tables(&database).await);
    }
    assert!(all.iter().all(|tables| tables == &all[0]), "{all:#?}");
    let listed = TABLES.iter().map(|table| {
        let columns = table.columns.iter().map(|(name, kind)| {
            let kind = match kind {
                Kind::Text => "TEXT",
                Kind::Integer => "BIGINT",
                Kind::Bytes => "BLOB",
            };
            let place = table.key.iter().position(|key| key == name);
            ((*name).to_owned(), (kind.to_owned(), place.map(|place| place as i64 + 1)))
        });
        (table.name.to_owned(), columns.collect::<BTreeMap<_, _>>())
    });
    let listed: BTreeMap<_, _> = listed.collect();
    let found = all.swap_remove(0).into_iter().map(|(name, columns)| {
        let columns = columns.into_iter().map(|(name, (kind, _, place))| (name, (kind, place)));
        (name, columns.collect::<BTreeMap<_, _>>())
    });
    assert_eq!(found.collect::<BTreeMap<_, _>>(), listed);
}
