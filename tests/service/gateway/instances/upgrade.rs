//! Instances beside one of a newer version, which is simulated by what it writes.

use tonic::Code;

use super::super::fixture::ADMIN;
use super::super::{HSM, assign_crypto_user_of};
use super::kit::{Instances, create, sign, state, until};
use crate::calls::refusal;

/// A group with a kind of change that this version does not know.
const NEWER_CHANGE: &str = r#"
    UPDATE written_groups SET number = number + 1 WHERE id = 1;
    INSERT INTO change_log (number, instance, entry) SELECT number, 'newer',
        '{"format":1,"commits":[{"changes":[{"ArchiveKey":["payments","key"]}],"rules":"All"}],"events":[],"usage":""}'
        FROM written_groups WHERE id = 1"#;

/// A migration that adds only.
const NEWER_SCHEMA: &str = "
    CREATE TABLE of_a_newer_version (name TEXT COLLATE \"C\" NOT NULL PRIMARY KEY);
    ALTER TABLE keys ADD COLUMN of_a_newer_version BIGINT NOT NULL DEFAULT 0;
    INSERT INTO _sqlx_migrations SELECT version + 1, description, installed_on, success, checksum, execution_time
        FROM _sqlx_migrations ORDER BY version DESC LIMIT 1";

/// Ends the sessions of all instances.
const END_SESSIONS: &str =
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'strongroom %'";

#[tokio::test]
async fn change_of_a_newer_version_stops_older_instances() {
    let mut all = Instances::start(2);
    let mut admins = all.clients(ADMIN).await;
    assign_crypto_user_of(HSM, &mut admins[0], ADMIN).await;
    create(&mut admins[0], "key").await.unwrap();
    assert_eq!(state(&mut admins[1], "key").await, "LIVE");
    all.database.execute(NEWER_CHANGE).await;
    for (instance, admin) in admins.iter_mut().enumerate() {
        for _ in 0..2 {
            let refused = refusal(sign(admin, "key").await);
            assert_eq!(refused, (Code::Unavailable, "STORAGE_UNAVAILABLE".to_owned()));
            assert!(create(admin, "other").await.is_err());
            until("the instance is not ready", async || !all.is_ready(instance).await).await;
        }
        let log = all.log(instance);
        assert!(log.contains("update this instance") && log.contains("ArchiveKey"), "{log}");
    }
    // An updated instance reads the tables, which have the change.
    for instance in 0..2 {
        all.kill(instance);
    }
    all.spawn_all();
    for admin in &mut all.clients(ADMIN).await {
        sign(admin, "key").await.unwrap();
    }
    all.stop_all();
}

#[tokio::test]
async fn instances_go_on_with_what_a_newer_schema_adds() {
    let mut all = Instances::start(2);
    let mut admins = all.clients(ADMIN).await;
    assign_crypto_user_of(HSM, &mut admins[0], ADMIN).await;
    create(&mut admins[0], "before").await.unwrap();
    all.database.execute(NEWER_SCHEMA).await;
    create(&mut admins[1], "after").await.unwrap();
    for name in ["before", "after"] {
        assert_eq!(state(&mut admins[0], name).await, "LIVE");
    }
    // Sessions are replaced while the service runs.
    all.database.execute(END_SESSIONS).await;
    all.until_all_serve(ADMIN, "schema").await;
    // An instance of this version does not start again, and changes nothing.
    all.kill(1);
    all.spawn(1);
    assert!(!all.end(1).await.success());
    let log = all.log(1);
    assert!(log.contains("a newer version of Strongroom wrote the database"), "{log}");
    for name in ["before", "after"] {
        assert_eq!(state(&mut admins[0], name).await, "LIVE");
    }
    create(&mut admins[0], "last").await.unwrap();
    assert!(all.is_ready(0).await);
    all.stop_all();
}
