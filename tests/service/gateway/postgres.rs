//! Tests a gateway whose database is on a server of PostgreSQL, reached over TLS with a password, and the commands that move a
//! database there and back.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use strongroom::api::grpc::pb;

use super::fixture::{ADMIN, CertificateAuthority, Gateway};
use super::{HSM, assign_crypto_user, create_invoices_key, sign};
use crate::support::{Client, ec};

const PASSWORD: &str = "correct-battery-staple";

/// A server of one test. Its Unix socket needs no password, TCP needs TLS and one.
struct PostgresServer {
    directory: PathBuf,
    port: u16,
}

impl PostgresServer {
    async fn start(authority: &CertificateAuthority) -> Self {
        // Names of sockets have at most 107 bytes.
        let directory = tempfile::Builder::new().prefix("strongroom-tls.").tempdir_in("/tmp").unwrap().keep();
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let server = Self { directory, port };
        // The first start creates the files.
        server.script("start", "");
        let owner = server.directory.join("data").metadata().unwrap();
        let pair = authority.issue("database", &["localhost", "127.0.0.1"]);
        for (name, text) in [
            ("server.pem", &*pair.certificate),
            ("server-key.pem", &*pair.key),
            ("data/pg_hba.conf", "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n"),
        ] {
            let path = server.directory.join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        server.execute("postgres", &format!("CREATE ROLE writer LOGIN PASSWORD '{PASSWORD}'")).await;
        server.execute("postgres", "CREATE DATABASE strongroom OWNER writer").await;
        server.script("kill", "");
        let at = |name| server.directory.join(name).display().to_string();
        server.script(
            "start",
            &format!(
                "-c listen_addresses=127.0.0.1 -c port={port} -c ssl=on -c ssl_cert_file={} -c ssl_key_file={}",
                at("server.pem"),
                at("server-key.pem")
            ),
        );
        server
    }

    fn script(&self, command: &str, options: &str) {
        let done = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres.sh"))
            .arg(command)
            .arg(&self.directory)
            .env("STRONGROOM_TEST_POSTGRES_OPTIONS", options)
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Runs a statement as the administrator of the server, before it listens on its own port.
    async fn execute(&self, database: &str, sql: &str) {
        let url = format!("postgres://strongroom@localhost/{database}?host={}", self.directory.display());
        let mut db = PgConnection::connect(&url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
    }

    /// The URL of the database, which is verified with this certificate authority.
    fn url(&self, authority: &Path) -> String {
        format!(
            "postgres://writer@localhost:{}/strongroom?sslmode=verify-full&sslrootcert={}",
            self.port,
            authority.display()
        )
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        self.script("stop", "");
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs a command that succeeds, and returns its JSON output.
fn json(gateway: &Gateway, arguments: &[&str]) -> serde_json::Value {
    let arguments = [arguments, &["--config", "strongroom.toml", "--output", "json"]].concat();
    let output = gateway.command(&arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

async fn start(gateway: &mut Gateway) -> Client {
    let port = gateway.start();
    Client::new(gateway.connect(port, None).await.unwrap(), Some(&gateway.token(ADMIN)))
}

async fn create(client: &mut Client, name: &str) {
    client.create(pb::CreateKeyRequest { parent: HSM.to_owned(), ..ec(name, "P-256") }).await.unwrap();
}

async fn key_names(client: &mut Client) -> Vec<String> {
    let request = pb::ListKeysRequest { parent: HSM.to_owned(), ..Default::default() };
    let keys = client.keys.list_keys(request).await.unwrap().into_inner().keys;
    keys.iter().map(|key| key.name.rsplit_once('/').unwrap().1.to_owned()).collect()
}

#[tokio::test]
async fn database_moves_to_postgresql_and_back() {
    let authority = CertificateAuthority::new("example databases");
    let server = PostgresServer::start(&authority).await;
    let mut gateway = Gateway::new();
    gateway.write("database-ca.pem", &authority.pem);
    gateway.write("password", &format!("{PASSWORD}\n"));
    let of_file = gateway.configuration();
    let mut admin = start(&mut gateway).await;
    assign_crypto_user(&mut admin, ADMIN).await;
    let made = create_invoices_key(&mut admin).await.unwrap();
    sign(&mut admin, &made).await.unwrap();
    gateway.stop();

    let url = server.url(&gateway.path("database-ca.pem"));
    let of_server = |url: &str| {
        let password = gateway.path("password");
        of_file.clone() + &format!("\n[store]\nurl = \"{url}\"\npassword = {{ file = {password:?} }}\n")
    };
    let checked = json(&gateway, &["store", "check"]);
    let copied = json(&gateway, &["store", "copy", "--to", &url, "--to-password-file", "password"]);
    assert_eq!(copied["tables"], checked["tables"]);
    let keys = checked["tables"].as_array().unwrap().iter().find(|table| table["name"] == "keys").unwrap();
    assert_eq!(keys["rows"], 1);

    let moved = of_server(&url);
    gateway.write("strongroom.toml", &moved);
    assert_eq!(json(&gateway, &["store", "check"])["tables"], checked["tables"]);
    let migrated = json(&gateway, &["store", "migrate"]);
    assert_eq!(migrated["from"], migrated["to"]);
    let mut admin = start(&mut gateway).await;
    sign(&mut admin, &made).await.unwrap();
    create(&mut admin, "on-server").await;
    // The database can be checked while it is in use, and cannot be changed.
    let in_use = json(&gateway, &["store", "check"]);
    assert!(in_use["groups"].as_u64() > checked["groups"].as_u64(), "{in_use}");
    let refused = gateway.command(&["store", "migrate", "--config", "strongroom.toml"]).output().unwrap();
    assert!(!refused.status.success() && stderr(&refused).contains("in use"), "{refused:?}");
    gateway.stop();

    // The file is older than the audit log now.
    gateway.write("strongroom.toml", &of_file);
    let older = stderr(&gateway.fails());
    assert!(older.contains("an older copy of it"), "{older}");
    std::fs::remove_file(gateway.path("data/strongroom.db")).unwrap();
    gateway.write("strongroom.toml", &moved);
    json(&gateway, &["store", "copy", "--to", "data/strongroom.db"]);
    gateway.write("strongroom.toml", &of_file);
    let mut admin = start(&mut gateway).await;
    assert_eq!(key_names(&mut admin).await, ["invoices", "on-server"]);
    sign(&mut admin, &made).await.unwrap();
    gateway.stop();
}

#[tokio::test]
async fn server_of_the_database_is_verified_and_its_password_is_not_shown() {
    let authority = CertificateAuthority::new("example databases");
    let server = PostgresServer::start(&authority).await;
    let mut gateway = Gateway::new();
    gateway.write("database-ca.pem", &authority.pem);
    gateway.write("other-ca.pem", &CertificateAuthority::new("other databases").pem);
    gateway.write("password", "wrong-battery-staple");
    let (url, other) =
        (server.url(&gateway.path("database-ca.pem")), server.url(&gateway.path("other-ca.pem")));
    let with =
        |url: &str, more: &str| gateway.configuration() + &format!("\n[store]\nurl = \"{url}\"\n{more}\n");
    let from_file = "password = { file = \"password\" }";
    let localhost = url.replace("@localhost:", &format!(":{PASSWORD}@localhost:"));
    let unverified = url.replace("sslmode=verify-full", "sslmode=require");
    for (configuration, wanted) in [
        (with(&url, from_file), "password authentication failed"),
        (with(&url, ""), "password"),
        (with(&url, "password = { file = \"nowhere\" }"), "store.password.file: nowhere cannot be read"),
        (
            with(&url, "password = { file = \"password\", env = \"X\" }"),
            "exactly one of file, env and command",
        ),
        (with(&other, from_file), "invalid peer certificate"),
        (with(&unverified, from_file), "sslmode=verify-full"),
        (with(&localhost, ""), "store.url: contains a password"),
        (with("mysql://localhost/x", ""), "store.url: must begin with postgres://"),
    ] {
        gateway.write("strongroom.toml", &configuration);
        let output = gateway.fails();
        let printed = format!("{}{}", stderr(&output), String::from_utf8_lossy(&output.stdout));
        assert!(printed.contains(wanted), "{wanted}: {printed}");
        assert!(!printed.contains("battery-staple"), "{printed}");
    }
    // A new database gets its tables at the first start.
    gateway.write("password", PASSWORD);
    gateway.write("strongroom.toml", &with(&url, from_file));
    let mut admin = start(&mut gateway).await;
    assign_crypto_user(&mut admin, ADMIN).await;
    let made = create_invoices_key(&mut admin).await.unwrap();
    sign(&mut admin, &made).await.unwrap();
    assert!(!gateway.path("data/strongroom.db").exists());
    gateway.stop();
    let mut admin = start(&mut gateway).await;
    sign(&mut admin, &made).await.unwrap();
    let log = gateway.log();
    assert!(!log.contains("battery-staple"), "{log}");
    gateway.stop();
}
