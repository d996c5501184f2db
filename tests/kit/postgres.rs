//! Databases of PostgreSQL for the servers of tests: `STRONGROOM_TEST_STORE=postgres` selects them, in which case
//! `STRONGROOM_TEST_POSTGRES` has the URL of a server (`scripts/postgres.sh run`).

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::support::strongroom;

/// Returns the settings of the database of the server whose data directory is `data`; none if it is a file of SQLite. A file is moved to
/// PostgreSQL. The name of the database is in a file beside the data directory.
pub(crate) fn settings(data: &Path) -> Vec<(String, String)> {
    if !is_selected() {
        return Vec::new();
    }
    let named = data.with_extension("postgres-url");
    let url = match std::fs::read_to_string(&named) {
        Ok(url) => url,
        Err(_) => {
            let url = std::thread::spawn(create).join().unwrap();
            if data.join("strongroom.db").exists() {
                move_to(data, &url);
            }
            std::fs::write(named, &url).unwrap();
            url
        }
    };
    vec![("STRONGROOM_STORE__URL".to_owned(), url)]
}

/// Whether servers of tests have their databases on PostgreSQL.
fn is_selected() -> bool {
    std::env::var("STRONGROOM_TEST_STORE").is_ok_and(|store| store == "postgres")
}

/// Creates a database, and returns its URL.
fn create() -> String {
    let server = std::env::var("STRONGROOM_TEST_POSTGRES").unwrap();
    let name = format!("test_{:032x}", rand::random::<u128>());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut db = PgConnection::connect(&server).await.unwrap();
        let sql = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        sqlx::raw_sql(sql).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
    });
    server.replacen("/postgres?", &format!("/{name}?"), 1)
}

fn move_to(data: &Path, url: &str) {
    let copied = strongroom()
        .args(["store", "copy", "--dev", "--data-dir"])
        .arg(data)
        .args(["--to", url])
        .output()
        .unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    for name in ["strongroom.db", "strongroom.db.sha256"] {
        let _ = std::fs::remove_file(data.join(name));
    }
}
