//! Tests several gateways over one database of PostgreSQL and one token: all of them tell the same, whichever is asked, and any of them
//! may die.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use super::fixture::{ADMIN, Gateway, MACHINE};
use super::{HSM, assign_crypto_user_of};
use crate::calls::{refusal, sign};
use crate::support::{Client, ec, reason, signal};

/// The time within which all instances serve again after a failure.
const RECOVERY: Duration = Duration::from_secs(60);

/// A server of PostgreSQL that a test may kill.
struct Database {
    directory: PathBuf,
    url: String,
}

impl Database {
    fn start() -> Self {
        // Names of sockets have at most 107 bytes.
        let directory =
            tempfile::Builder::new().prefix("strongroom-many.").tempdir_in("/tmp").unwrap().keep();
        let mut server = Self { directory: directory.join("server"), url: String::new() };
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
        server.url = server.script("start").trim().to_owned();
        server
    }

    fn script(&self, command: &str) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/postgres.sh");
        let done = Command::new(script).arg(command).arg(&self.directory).output().unwrap();
        assert!(done.status.success(), "{command}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.script("stop");
        let _ = std::fs::remove_dir_all(self.directory.parent().unwrap());
    }
}

/// A port that nothing listens on now.
fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Gateways over one database and one token.
pub(super) struct Instances {
    pub(super) gateway: Gateway,
    database: Database,
    children: Vec<Option<Child>>,
    /// The ports of their metrics.
    pub(super) metrics_ports: Vec<u16>,
}

impl Instances {
    /// Starts this number of gateways.
    pub(super) fn start(count: usize) -> Self {
        let (gateway, database) = (Gateway::new(), Database::start());
        let metrics_ports = (0..count).map(|_| free_port()).collect();
        let mut all = Self { gateway, database, children: (0..count).map(|_| None).collect(), metrics_ports };
        for number in 0..count {
            let text = all.gateway.configuration();
            let data = all.gateway.path("data").display().to_string();
            let text = text.replace(&format!("\"{data}\""), &format!("\"{data}-{number}\""));
            let store = format!("\n[store]\nurl = \"{}\"\ninstance = \"i{number}\"\n", all.database.url);
            let metrics = format!("\n[metrics]\nlisten = \"127.0.0.1:{}\"\n", all.metrics_ports[number]);
            all.gateway.write(&format!("instance-{number}.toml"), &(text + &store + &metrics));
        }
        // All at once: they wait for each other.
        (0..count).for_each(|number| all.spawn(number));
        (0..count).for_each(|number| assert_ne!(all.port(number), 0));
        all
    }

    fn spawn(&mut self, number: usize) {
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

    async fn client(&self, number: usize, principal: &str) -> Client {
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

    pub(super) async fn clients(&self, principal: &str) -> Vec<Client> {
        let mut clients = Vec::new();
        for number in 0..self.children.len() {
            clients.push(self.client(number, principal).await);
        }
        clients
    }

    fn signal(&self, number: usize, name: &str) {
        signal(self.children[number].as_ref().unwrap(), name);
    }

    pub(super) fn kill(&mut self, number: usize) {
        let mut child = self.children[number].take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub(super) fn stop_all(&mut self) {
        for number in 0..self.children.len() {
            let Some(mut child) = self.children[number].take() else { continue };
            signal(&child, "TERM");
            assert!(child.wait().unwrap().success(), "{}", self.log(number));
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

pub(super) fn key(name: &str) -> String {
    format!("{HSM}/keys/{name}")
}

pub(super) async fn create(client: &mut Client, name: &str) -> Result<(), Status> {
    client.create(pb::CreateKeyRequest { parent: HSM.to_owned(), ..ec(name, "P-256") }).await.map(drop)
}

async fn delete(client: &mut Client, name: &str) -> Result<(), Status> {
    client.keys.delete_key(pb::DeleteKeyRequest { name: key(name) }).await.map(drop)
}

async fn set_enabled(client: &mut Client, name: &str, enabled: bool) -> Result<(), Status> {
    let request = pb::UpdateKeyVersionRequest {
        name: key(name),
        attributes: Some(pb::KeyAttributes { enabled: Some(enabled), ..pb::KeyAttributes::default() }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["attributes.enabled".to_owned()] }),
        ..pb::UpdateKeyVersionRequest::default()
    };
    client.keys.update_key_version(request).await.map(drop)
}

async fn assignments_of(client: &mut Client, principal: &str) -> Vec<String> {
    let request = pb::ListRoleAssignmentsRequest {
        parent: HSM.to_owned(),
        scope: "/keys".to_owned(),
        ..pb::ListRoleAssignmentsRequest::default()
    };
    let found = client.access.list_role_assignments(request).await.unwrap().into_inner().role_assignments;
    found.into_iter().filter(|one| one.principal_id == principal).map(|one| one.name).collect()
}

#[tokio::test]
async fn what_one_instance_acknowledges_holds_on_all_at_once() {
    let mut all = Instances::start(3);
    let mut admins = all.clients(ADMIN).await;
    let mut machines = all.clients(MACHINE).await;
    assign_crypto_user_of(HSM, &mut admins[0], ADMIN).await;
    for round in 0..12 {
        let (here, there, third) = (round % 3, (round + 1) % 3, (round + 2) % 3);
        let name = format!("key-{round}");
        // Each call is made at once after the answer to the one before it, which another instance gave.
        create(&mut admins[here], &name).await.unwrap();
        admins[there].keys.get_key(pb::GetKeyRequest { name: key(&name) }).await.unwrap();
        sign(&mut admins[third], &key(&name), "ES256", &[7; 32]).await.unwrap();

        let denied = refusal(sign(&mut machines[there], &key(&name), "ES256", &[7; 32]).await);
        assert_eq!(denied, (Code::PermissionDenied, "ACTION_NOT_GRANTED".to_owned()));
        assign_crypto_user_of(HSM, &mut admins[here], MACHINE).await;
        for machine in [there, third, here] {
            sign(&mut machines[machine], &key(&name), "ES256", &[7; 32]).await.unwrap();
        }
        let assigned = assignments_of(&mut admins[third], MACHINE).await;
        let revoked = pb::DeleteRoleAssignmentRequest { name: assigned[0].clone() };
        admins[third].access.delete_role_assignment(revoked).await.unwrap();
        for machine in [here, there, third] {
            let denied = refusal(sign(&mut machines[machine], &key(&name), "ES256", &[7; 32]).await);
            assert_eq!(denied.1, "ACTION_NOT_GRANTED", "round {round}");
        }

        set_enabled(&mut admins[there], &name, false).await.unwrap();
        for admin in [here, third, there] {
            let refused = refusal(sign(&mut admins[admin], &key(&name), "ES256", &[7; 32]).await);
            assert_eq!(refused.1, "KEY_DISABLED", "round {round}");
        }
        set_enabled(&mut admins[third], &name, true).await.unwrap();
        sign(&mut admins[here], &key(&name), "ES256", &[7; 32]).await.unwrap();
        delete(&mut admins[there], &name).await.unwrap();
        for admin in [third, here, there] {
            let refused = refusal(sign(&mut admins[admin], &key(&name), "ES256", &[7; 32]).await);
            assert_eq!(refused.1, "KEY_NOT_FOUND", "round {round}");
        }
        // A name that is taken anywhere is taken.
        assert_eq!(create(&mut admins[third], &name).await.unwrap_err().code(), Code::AlreadyExists);
    }
    all.stop_all();
    let directories = (0..3).flat_map(|number| ["--directory".to_owned(), format!("data-{number}/audit")]);
    let verified = all.gateway.command(&["audit", "verify"]).args(directories).output().unwrap();
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
}

/// What is known of a key: the states that it may have. A call whose answer was lost, or an error, may have had its effect.
type Possible = Vec<&'static str>;

/// Creates, disables, enables and deletes keys of its own through any instance, and compares each answer with what was acknowledged.
struct Checker {
    clients: Vec<Client>,
    keys: BTreeMap<String, Possible>,
    next: u64,
    acknowledged: u64,
    unknown: u64,
}

impl Checker {
    /// Makes a call for a key, chosen by `step`. Panics if an answer contradicts the acknowledged ones before it.
    async fn step(&mut self, prefix: &str, step: u64) {
        let instance = (step * 7 + step / 3) as usize % self.clients.len();
        let client = &mut self.clients[instance];
        let existing = self.keys.keys().nth(step as usize % self.keys.len().max(1)).cloned();
        match (step % 6, existing) {
            (0, _) | (_, None) => {
                self.next += 1;
                let name = format!("{prefix}-{}", self.next);
                let made = create(client, &name).await;
                self.note(&name, made, "live", &["absent"]);
            }
            (1, Some(name)) => {
                let done = set_enabled(client, &name, false).await;
                self.note(&name, done, "disabled", &["live", "disabled"]);
            }
            (2, Some(name)) => {
                let done = set_enabled(client, &name, true).await;
                self.note(&name, done, "live", &["live", "disabled"]);
            }
            (3, Some(name)) if step % 4 == 3 => {
                let done = delete(client, &name).await;
                self.note(&name, done, "deleted", &["live", "disabled"]);
            }
            (_, Some(name)) => {
                let answer = sign(client, &key(&name), "ES256", &[7; 32]).await.map(drop);
                let seen = match answer {
                    Ok(()) => "live",
                    Err(status) => match reason(&status).as_str() {
                        "KEY_DISABLED" => "disabled",
                        "KEY_NOT_FOUND" => "not found",
                        _ => return,
                    },
                };
                let possible = &self.keys[&name];
                let matches = |state: &&'static str| match seen {
                    "not found" => matches!(*state, "absent" | "deleted"),
                    seen => *state == seen,
                };
                assert!(possible.iter().any(matches), "{name} is {seen}, and may be {possible:?}");
                let left: Possible = possible.iter().copied().filter(matches).collect();
                self.keys.insert(name, left);
            }
        }
    }

    /// Notes the answer to a change that leads to the state `after`, from one of the states `before`.
    fn note(&mut self, name: &str, answer: Result<(), Status>, after: &'static str, before: &[&'static str]) {
        let known = self.keys.get(name).cloned().unwrap_or_else(|| vec!["absent"]);
        let possible: Possible = match answer {
            Ok(()) => {
                self.acknowledged += 1;
                assert!(known.iter().any(|state| before.contains(state)), "{name}: {after} from {known:?}");
                vec![after]
            }
            Err(status) => match reason(&status).as_str() {
                // Refused by its state, which is then none of `before`.
                "KEY_NOT_FOUND" | "KEY_DELETED_BUT_RECOVERABLE" => {
                    let left: Possible =
                        known.iter().copied().filter(|state| !before.contains(state)).collect();
                    assert!(!left.is_empty(), "{name} is refused, and may be {known:?}");
                    left
                }
                _ => {
                    self.unknown += 1;
                    let mut possible = known;
                    if !possible.contains(&after) {
                        possible.push(after);
                    }
                    possible
                }
            },
        };
        self.keys.insert(name.to_owned(), possible);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_while_instances_and_the_database_fail() {
    let mut all = Instances::start(3);
    assign_crypto_user_of(HSM, &mut all.client(0, ADMIN).await, ADMIN).await;
    let mut checkers = Vec::new();
    for _ in 0..3 {
        let clients = all.clients(ADMIN).await;
        checkers.push(Checker { clients, keys: BTreeMap::new(), next: 0, acknowledged: 0, unknown: 0 });
    }
    for failure in 0..6 {
        let (stop, running) = tokio::sync::watch::channel(false);
        let tasks: Vec<_> = checkers
            .drain(..)
            .enumerate()
            .map(|(number, mut checker)| {
                let running = running.clone();
                tokio::spawn(async move {
                    let mut step = failure * 1_000;
                    while !*running.borrow() {
                        checker.step(&format!("c{number}"), step).await;
                        step += 1;
                        // Calls to an instance that does not run fail at once.
                        tokio::time::sleep(Duration::from_millis(2)).await;
                    }
                    checker
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(700)).await;
        let victim = failure as usize % 3;
        match failure {
            0 | 3 => {
                all.kill(victim);
                all.spawn(victim);
            }
            // It wakes up with an old image of the state.
            1 | 4 => {
                all.signal(victim, "STOP");
                tokio::time::sleep(Duration::from_secs(2)).await;
                all.signal(victim, "CONT");
            }
            _ => {
                all.database.script("kill");
                tokio::time::sleep(Duration::from_millis(300)).await;
                all.database.script("start");
            }
        }
        tokio::time::sleep(Duration::from_secs(3)).await;
        stop.send_replace(true);
        for task in tasks {
            checkers.push(task.await.unwrap());
        }
        // Ports change with a new start.
        for checker in &mut checkers {
            checker.clients = all.clients(ADMIN).await;
        }
        let started = Instant::now();
        for number in 0..3 {
            let mut client = all.client(number, ADMIN).await;
            let name = format!("after-{failure}-{number}");
            while let Err(error) = create(&mut client, &name).await {
                assert!(started.elapsed() < RECOVERY, "{error:?}: {}", all.log(number));
                tokio::time::sleep(Duration::from_millis(100)).await;
                if error.code() == Code::AlreadyExists {
                    break;
                }
            }
        }
    }
    let acknowledged: u64 = checkers.iter().map(|checker| checker.acknowledged).sum();
    assert!(acknowledged > 100, "{acknowledged}");
    // A process of SoftHSM may overlook for ever an object that another process creates while it reads their directory.
    all.stop_all();
    (0..3).for_each(|number| all.spawn(number));
    for checker in &mut checkers {
        checker.clients = all.clients(ADMIN).await;
    }
    // Every instance answers the same for every key, and the answer is possible.
    for checker in &mut checkers {
        for (name, possible) in checker.keys.clone() {
            let mut told = Vec::new();
            for client in &mut checker.clients {
                let answer = sign(client, &key(&name), "ES256", &[7; 32]).await.map(drop);
                told.push(answer.map_err(|status| reason(&status)));
            }
            assert!(told.iter().all(|one| *one == told[0]), "{name}: {told:?}");
            let state = match &told[0] {
                Ok(()) => possible.contains(&"live"),
                Err(reason) if reason == "KEY_DISABLED" => possible.contains(&"disabled"),
                Err(reason) if reason == "KEY_NOT_FOUND" => {
                    possible.iter().any(|state| matches!(*state, "absent" | "deleted"))
                }
                Err(reason) => panic!("{name}: {reason}"),
            };
            assert!(state, "{name} is {:?}, and may be {possible:?}", told[0]);
        }
    }
    all.stop_all();
}
