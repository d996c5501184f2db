//! The database, the gateways, and short calls for tests of several instances.

use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use super::super::HSM;
use super::super::fixture::Gateway;
use crate::crash::objects_in;
use crate::support::{Client, ec, reason, signal};

/// The time within which all instances serve again after a failure.
pub(super) const RECOVERY: Duration = Duration::from_secs(60);

/// A server of PostgreSQL that a test may kill, and its standbys. Clients reach it by a link, which a failover changes, as an address
/// does that follows the primary.
pub(super) struct Database {
    directory: PathBuf,
    /// The directories of the servers, the primary first, and then the former one.
    servers: Vec<PathBuf>,
    pub(super) url: String,
}

impl Database {
    pub(super) fn start() -> Self {
        // Names of sockets have at most 107 bytes.
        let directory =
            tempfile::Builder::new().prefix("strongroom-many.").tempdir_in("/tmp").unwrap().keep();
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
        let url =
            format!("postgres://strongroom@localhost/postgres?host={}", directory.join("current").display());
        let database = Self { servers: vec![directory.join("server-1")], directory, url };
        database.script("start");
        database.link();
        database
    }

    /// Runs a command of the script for the primary.
    pub(super) fn script(&self, command: &str) {
        script(&[command.as_ref(), &self.servers[0]]);
    }

    /// Starts a standby of the primary. No commit is acknowledged before the standby has it.
    pub(super) fn add_standby(&mut self) {
        let number = self.servers[0].to_str().unwrap().rsplit_once('-').unwrap().1.parse::<u32>().unwrap();
        let standby = self.directory.join(format!("server-{}", number + 1));
        script(&["standby".as_ref(), &standby, &self.servers[0]]);
        self.servers.push(standby);
    }

    /// Makes the standby the primary, to which the link leads afterwards. The former primary was killed or paused.
    pub(super) fn promote(&mut self) {
        let standby = self.servers.pop().unwrap();
        script(&["promote".as_ref(), &standby]);
        self.servers.insert(0, standby);
        self.link();
    }

    /// Lets the paused server continue that was the primary before.
    pub(super) fn resume_former_primary(&self) {
        script(&["resume".as_ref(), &self.servers[1]]);
    }

    /// The directory with the socket of the primary.
    pub(super) fn socket_directory(&self) -> PathBuf {
        self.directory.join("current")
    }

    fn link(&self) {
        let next = self.directory.join("next");
        symlink(&self.servers[0], &next).unwrap();
        std::fs::rename(next, self.socket_directory()).unwrap();
    }

    /// The number of key versions that the database has.
    pub(super) async fn key_versions(&self) -> usize {
        let mut db = PgConnection::connect(&self.url).await.unwrap();
        let count: i64 =
            sqlx::query_scalar("SELECT count(*) FROM key_versions").fetch_one(&mut db).await.unwrap();
        db.close().await.unwrap();
        usize::try_from(count).unwrap()
    }

    /// Runs statements in one transaction, as another program would.
    pub(super) async fn execute(&self, sql: &str) {
        let mut db = PgConnection::connect(&self.url).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut db).await.unwrap();
        db.close().await.unwrap();
    }
}

fn script(arguments: &[&Path]) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres.sh");
    let done = Command::new(script).args(arguments).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

impl Drop for Database {
    fn drop(&mut self) {
        for server in &self.servers {
            script(&["stop".as_ref(), server]);
        }
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A port that nothing listens on now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Gateways over one database and one token.
pub(super) struct Instances {
    pub(super) gateway: Gateway,
    pub(super) database: Database,
    children: Vec<Option<Child>>,
    /// The number of objects in the token before the first key.
    pub(super) objects_before: usize,
    /// The ports of their metrics.
    pub(super) metrics_ports: Vec<u16>,
}

impl Instances {
    /// Starts this number of gateways.
    pub(super) fn start(count: usize) -> Self {
        Self::start_with(count, |_, configuration| configuration)
    }

    /// Starts this number of gateways with a changed configuration.
    pub(super) fn start_with(count: usize, change: impl FnOnce(&Gateway, String) -> String) -> Self {
        let database = Database::start();
        let urls = vec![database.url.clone(); count];
        Self::start_changed(database, &urls, change)
    }

    /// Starts a gateway for each of these URLs of one database.
    pub(super) fn start_on(database: Database, urls: &[String]) -> Self {
        Self::start_changed(database, urls, |_, configuration| configuration)
    }

    fn start_changed(
        database: Database,
        urls: &[String],
        change: impl FnOnce(&Gateway, String) -> String,
    ) -> Self {
        let gateway = Gateway::new();
        let configuration = change(&gateway, gateway.configuration());
        let metrics_ports = urls.iter().map(|_| free_port()).collect();
        let mut all = Self {
            gateway,
            database,
            children: urls.iter().map(|_| None).collect(),
            objects_before: 0,
            metrics_ports,
        };
        for (number, url) in urls.iter().enumerate() {
            let text = configuration.clone();
            let data = all.gateway.path("data").display().to_string();
            let text = text.replace(&format!("\"{data}\""), &format!("\"{data}-{number}\""));
            let store = format!("\n[store]\nurl = \"{url}\"\ninstance = \"i{number}\"\n");
            let metrics = format!("\n[metrics]\nlisten = \"127.0.0.1:{}\"\n", all.metrics_ports[number]);
            all.gateway.write(&format!("instance-{number}.toml"), &(text + &store + &metrics));
        }
        all.spawn_all();
        (0..urls.len()).for_each(|number| assert_ne!(all.port(number), 0));
        all.objects_before = all.objects();
        all
    }

    pub(super) fn count(&self) -> usize {
        self.children.len()
    }

    /// Starts all at once: they wait for each other.
    pub(super) fn spawn_all(&mut self) {
        (0..self.count()).for_each(|number| self.spawn(number));
    }

    pub(super) fn spawn(&mut self, number: usize) {
        let out = std::fs::File::create(self.gateway.path(&format!("stdout-{number}"))).unwrap();
        let log = self.gateway.path(&format!("log-{number}"));
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        let file = format!("instance-{number}.toml");
        let mut command = self.gateway.command(&["serve", "--config", &file]);
        let child = command.stdout(out).stderr(log).stdin(Stdio::null()).spawn().unwrap();
        self.children[number] = Some(child);
    }

    /// Waits until an instance has started, and returns its port.
    fn port(&self, number: usize) -> u16 {
        let started = Instant::now();
        loop {
            let banner = std::fs::read_to_string(self.gateway.path(&format!("stdout-{number}"))).unwrap();
            if let Some((_, port)) = banner.trim_end().rsplit_once(':').filter(|_| banner.ends_with('\n')) {
                return port.parse().unwrap();
            }
            assert!(started.elapsed() < RECOVERY, "{}", self.log(number));
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(super) fn log(&self, number: usize) -> String {
        std::fs::read_to_string(self.gateway.path(&format!("log-{number}"))).unwrap_or_default()
    }

    pub(super) async fn client(&self, number: usize, principal: &str) -> Client {
        let port = self.port(number);
        let started = Instant::now();
        loop {
            match self.gateway.connect(port, None).await {
                Ok(channel) => return Client::new(channel, Some(&self.gateway.token(principal))),
                Err(error) => assert!(started.elapsed() < RECOVERY, "{error}: {}", self.log(number)),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// A client with access tokens for all planes.
    pub(super) async fn client_of_all_planes(&self, number: usize, principal: &str) -> Client {
        let channel = self.gateway.connect(self.port(number), None).await.unwrap();
        Client::with_tokens(channel, &self.gateway.bearers(principal))
    }

    pub(super) async fn clients(&self, principal: &str) -> Vec<Client> {
        let mut clients = Vec::new();
        for number in 0..self.count() {
            clients.push(self.client(number, principal).await);
        }
        clients
    }

    /// Whether `/readyz` says that requests should be sent to an instance.
    pub(super) async fn is_ready(&self, number: usize) -> bool {
        let authority = reqwest::Certificate::from_pem(self.gateway.authority.pem.as_bytes()).unwrap();
        let http = reqwest::Client::builder().tls_certs_only([authority]).build().unwrap();
        let url = format!("https://127.0.0.1:{}/readyz", self.port(number));
        http.get(url).send().await.unwrap().status().is_success()
    }

    /// Waits until each instance creates a key. `round` makes the names of the keys unique.
    pub(super) async fn until_all_serve(&self, principal: &str, round: &str) {
        let started = Instant::now();
        for number in 0..self.count() {
            let mut client = self.client(number, principal).await;
            let name = format!("after-{round}-{number}");
            while let Err(error) = create(&mut client, &name).await {
                if error.code() == Code::AlreadyExists {
                    break;
                }
                assert!(started.elapsed() < RECOVERY, "{error:?}: {}", self.log(number));
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }

    pub(super) fn signal(&self, number: usize, name: &str) {
        signal(self.children[number].as_ref().unwrap(), name);
    }

    pub(super) fn kill(&mut self, number: usize) {
        let mut child = self.children[number].take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Waits until an instance has ended by itself.
    pub(super) async fn end(&mut self, number: usize) -> ExitStatus {
        let mut child = self.children[number].take().unwrap();
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            if started.elapsed() > RECOVERY {
                let _ = child.kill();
                panic!("the instance runs: {}", self.log(number));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) fn stop_all(&mut self) {
        for number in 0..self.count() {
            let Some(mut child) = self.children[number].take() else { continue };
            signal(&child, "TERM");
            assert!(child.wait().unwrap().success(), "{}", self.log(number));
        }
    }

    /// The number of objects in the token.
    pub(super) fn objects(&self) -> usize {
        let tokens = std::fs::read_dir(self.gateway.path("tokens")).unwrap();
        tokens.map(|token| objects_in(&token.unwrap().path()).complete).sum()
    }

    /// Verifies the audit files of all instances, which have ended.
    pub(super) fn verify_audit_files(&self) {
        for number in 0..self.count() {
            let directory = self.gateway.path(&format!("data-{number}/audit"));
            let arguments = ["audit", "verify", "--directory", directory.to_str().unwrap()];
            let verified = self.gateway.command(&arguments).output().unwrap();
            assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
        }
    }
}

impl Drop for Instances {
    fn drop(&mut self) {
        for child in self.children.iter_mut().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(super) async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !condition().await {
        assert!(started.elapsed() < RECOVERY, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub(super) fn key(name: &str) -> String {
    format!("{HSM}/keys/{name}")
}

pub(super) async fn create(client: &mut Client, name: &str) -> Result<(), Status> {
    client.create(pb::CreateKeyRequest { parent: HSM.to_owned(), ..ec(name, "P-256") }).await.map(drop)
}

pub(super) async fn delete(client: &mut Client, name: &str) -> Result<(), Status> {
    client.keys.delete_key(pb::DeleteKeyRequest { name: key(name) }).await.map(drop)
}

pub(super) async fn sign(client: &mut Client, name: &str) -> Result<(), Status> {
    crate::calls::sign(client, &key(name), "ES256", &[7; 32]).await.map(drop)
}

/// What a signature with a key tells of its state: `LIVE`, or why it is refused.
pub(super) async fn state(client: &mut Client, name: &str) -> String {
    sign(client, name).await.map_or_else(|status| reason(&status), |()| "LIVE".to_owned())
}

pub(super) async fn set_enabled(client: &mut Client, name: &str, enabled: bool) -> Result<(), Status> {
    let request = pb::UpdateKeyVersionRequest {
        name: key(name),
        attributes: Some(pb::KeyAttributes { enabled: Some(enabled), ..pb::KeyAttributes::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["attributes.enabled".to_owned()] }),
        ..pb::UpdateKeyVersionRequest::default()
    };
    client.keys.update_key_version(request).await.map(drop)
}

pub(super) async fn assignments_of(client: &mut Client, principal: &str) -> Vec<String> {
    let request = pb::ListRoleAssignmentsRequest {
        parent: HSM.to_owned(),
        scope: "/keys".to_owned(),
        ..pb::ListRoleAssignmentsRequest::default()
    };
    let found = client.access.list_role_assignments(request).await.unwrap().into_inner().role_assignments;
    found.into_iter().filter(|one| one.principal_id == principal).map(|one| one.name).collect()
}

/// Deletes the role assignments of a principal.
pub(super) async fn revoke(client: &mut Client, principal: &str) {
    for name in assignments_of(client, principal).await {
        client.access.delete_role_assignment(pb::DeleteRoleAssignmentRequest { name }).await.unwrap();
    }
}
