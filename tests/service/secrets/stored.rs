//! What the database holds of secrets: values that are encrypted for one vault, secret and version.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Row as _};
use tonic::Code;

use super::{get, list, secret, set, start, value, versions};
use crate::support::{Client, Server};

async fn database(server: &Server) -> SqliteConnection {
    let path = server.directory().join("strongroom.db");
    // The digest of a stopped server's database says that nothing has changed it.
    let _ = std::fs::remove_file(path.with_extension("db.sha256"));
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

/// Returns the stored values: secret, version, encrypted value.
async fn stored(database: &mut SqliteConnection) -> Vec<(String, String, String)> {
    let sql = "SELECT secret, version, value FROM secret_versions ORDER BY secret, position";
    let rows = sqlx::query(sql).fetch_all(database).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

async fn overwrite(database: &mut SqliteConnection, version: &str, value: &str) {
    let sql = "UPDATE secret_versions SET value = $1 WHERE version = $2";
    let done = sqlx::query(sql).bind(value).bind(version).execute(database).await.unwrap();
    assert_eq!(done.rows_affected(), 1);
}

/// Asserts that a secret cannot be read, and that the error says nothing about why.
async fn assert_unreadable(client: &mut Client, name: &str) {
    let status = get(client, name).await.unwrap_err();
    assert_eq!(status.code(), Code::Internal, "{status:?}");
    assert!(!status.message().contains("value"), "{status:?}");
}

#[tokio::test]
async fn stored_values_cannot_be_exchanged() {
    let (mut server, mut dev) = start().await;
    let old = set(&mut dev, "password", "one").await.unwrap();
    set(&mut dev, "password", "two").await.unwrap();
    set(&mut dev, "other", "three").await.unwrap();
    set(&mut dev, "unchanged", "four").await.unwrap();
    assert!(server.stop().success());
    let mut db = database(&server).await;
    let rows = stored(&mut db).await;
    let [other, first, second, _] = rows.as_slice() else { panic!("{rows:?}") };
    // Two versions of one secret exchange their values, and another secret gets that of the first.
    overwrite(&mut db, &first.1, &second.2).await;
    overwrite(&mut db, &second.1, &first.2).await;
    overwrite(&mut db, &other.1, &first.2).await;
    drop(db);
    server.start_again();
    let mut dev = server.client("dev").await;
    assert_unreadable(&mut dev, &old.name).await;
    assert_unreadable(&mut dev, &secret("password")).await;
    assert_unreadable(&mut dev, &secret("other")).await;
    assert!(server.log().contains("does not belong to it"), "{}", server.log());
    assert!(!server.log().contains("three"), "{}", server.log());
    assert_eq!(value(&mut dev, "unchanged").await, "four");
    // What does not need the value still works.
    assert_eq!(list(&mut dev).await.len(), 3);
    assert_eq!(versions(&mut dev, "password").await.len(), 2);
    set(&mut dev, "password", "five").await.unwrap();
    assert_eq!(value(&mut dev, "password").await, "five");

    // Exchanged back, they can be read again.
    assert!(server.stop().success());
    let mut db = database(&server).await;
    overwrite(&mut db, &first.1, &first.2).await;
    drop(db);
    server.start_again();
    let mut dev = server.client("dev").await;
    assert_eq!(get(&mut dev, &old.name).await.unwrap(), old);
}

#[tokio::test]
async fn equal_values_are_encrypted_differently() {
    let (mut server, mut dev) = start().await;
    let text = "the same value in each of three versions";
    for name in ["a", "a", "b"] {
        set(&mut dev, name, text).await.unwrap();
    }
    assert!(server.stop().success());
    let rows = stored(&mut database(&server).await).await;
    assert_eq!(rows.len(), 3);
    for (number, (_, _, value)) in rows.iter().enumerate() {
        let sealed: serde_json::Value = serde_json::from_str(value).unwrap();
        let length = |member: &str| sealed[member].as_str().unwrap().len();
        // Base64url: 12 bytes, those of the text, and 16 bytes.
        assert_eq!((length("iv"), length("ciphertext"), length("tag")), (16, 54, 22), "{sealed}");
        for (_, _, other) in &rows[..number] {
            let other: serde_json::Value = serde_json::from_str(other).unwrap();
            assert_ne!(sealed["iv"], other["iv"]);
            assert_ne!(sealed["ciphertext"], other["ciphertext"]);
        }
    }
}
