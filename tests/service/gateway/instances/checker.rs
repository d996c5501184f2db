//! Makes calls through all instances, and compares the answers with what was acknowledged (see `history`).

use std::time::Duration;

use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use super::super::HSM;
use super::super::fixture::ADMIN;
use super::history::{ASSIGN, Answer, CREATE, Change, DELETE, DISABLE, ENABLE, History, REVOKE, State};
use super::kit::{Instances, create, delete, set_enabled, sign, until};
use crate::support::{Client, reason};

/// The subject of the history that is the role of the principal.
const ROLE: &str = "the role";

/// Creates, disables, enables and deletes keys of its own through any instance, and assigns a role to a principal of its own and
/// revokes it. Judges what the instances answer to signatures.
pub(super) struct Checker {
    /// Clients of the administrator, and of the principal with the role, one for each instance.
    admins: Vec<Client>,
    machines: Vec<Client>,
    number: u64,
    role_definition: String,
    keys: Vec<String>,
    history: History,
}

impl Checker {
    /// Creates the key with which the principal signs.
    pub(super) async fn new(all: &Instances, number: u64) -> Self {
        let mut admin = all.client(0, ADMIN).await;
        let roles = pb::ListRoleDefinitionsRequest { parent: HSM.to_owned() };
        let roles = admin.access.list_role_definitions(roles).await.unwrap().into_inner().role_definitions;
        let user = roles.into_iter().find(|role| role.role_name == "Managed HSM Crypto User").unwrap();
        let (admins, machines) = Default::default();
        let mut history = History::default();
        history.begin(ROLE, State::Revoked);
        let mut checker =
            Self { admins, machines, number, role_definition: user.name, keys: Vec::new(), history };
        create(&mut admin, &checker.key_of_principal()).await.unwrap();
        checker.connect(all).await;
        checker
    }

    /// Connects to the instances, whose ports change with a new start.
    pub(super) async fn connect(&mut self, all: &Instances) {
        self.admins = all.clients(ADMIN).await;
        self.machines = all.clients(&self.principal()).await;
    }

    fn principal(&self) -> String {
        format!("0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2c{:04}", self.number)
    }

    fn key_of_principal(&self) -> String {
        format!("c{}-of-principal", self.number)
    }

    /// Makes a call, chosen by `step`. Panics if the answer contradicts the acknowledged ones before it.
    async fn step(&mut self, step: u64) {
        let instance = (step * 7 + step / 9) as usize % self.admins.len();
        let existing = self.keys.get(step as usize % self.keys.len().max(1)).cloned();
        let judged = match (step % 9, existing) {
            (0, _) | (_, None) => {
                let name = format!("c{}-{}", self.number, self.keys.len());
                self.history.begin(&name, State::Absent);
                self.keys.push(name.clone());
                let answer = create(&mut self.admins[instance], &name).await;
                self.note(&name, CREATE, answer)
            }
            (1, Some(name)) => {
                let answer = set_enabled(&mut self.admins[instance], &name, false).await;
                self.note(&name, DISABLE, answer)
            }
            (2, Some(name)) => {
                let answer = set_enabled(&mut self.admins[instance], &name, true).await;
                self.note(&name, ENABLE, answer)
            }
            (3, Some(name)) if step.is_multiple_of(2) => {
                let answer = delete(&mut self.admins[instance], &name).await;
                self.note(&name, DELETE, answer)
            }
            (4, _) => {
                let answer = self.assign(instance).await;
                self.note(ROLE, ASSIGN, answer)
            }
            (6, _) => {
                let answer = self.revoke(instance).await;
                self.note(ROLE, REVOKE, answer)
            }
            (5 | 7, _) => self.judge_role(instance).await.map(drop),
            (_, Some(name)) => self.judge_key(&name, instance).await.map(drop),
        };
        judged.unwrap_or_else(|contradiction| panic!("instance {instance}: {contradiction}"));
    }

    fn note(&mut self, subject: &str, change: Change, answer: Result<(), Status>) -> Result<(), String> {
        let answer = match answer {
            Ok(()) => Answer::Done,
            Err(status) if is_refused(&status, change) => Answer::Refused,
            Err(_) => Answer::Unknown,
        };
        self.history.note(subject, change, answer)
    }

    /// The name of the role assignment: one that was deleted is created again.
    fn assignment(&self) -> String {
        format!("0c6a1a3e-8d5a-4d0c-9d76-3f7a1a2d{:04}", self.number)
    }

    async fn assign(&mut self, instance: usize) -> Result<(), Status> {
        let request = pb::CreateRoleAssignmentRequest {
            parent: HSM.to_owned(),
            role_assignment_id: self.assignment(),
            role_definition: self.role_definition.clone(),
            principal_id: self.principal(),
            scope: "/keys".to_owned(),
        };
        self.admins[instance].access.create_role_assignment(request).await.map(drop)
    }

    async fn revoke(&mut self, instance: usize) -> Result<(), Status> {
        let name = format!("{HSM}/roleAssignments/{}", self.assignment());
        let request = pb::DeleteRoleAssignmentRequest { name };
        self.admins[instance].access.delete_role_assignment(request).await.map(drop)
    }

    /// Signs with a key, and judges the answer. Returns what it says about the state, nothing if it is an error.
    async fn judge_key(&mut self, name: &str, instance: usize) -> Result<&'static [State], String> {
        let seen: &[State] = match sign(&mut self.admins[instance], name).await {
            Ok(()) => &[State::Live],
            Err(status) => match reason(&status).as_str() {
                "KEY_DISABLED" => &[State::Disabled],
                "KEY_NOT_FOUND" => &[State::Absent, State::Deleted],
                _ => return Ok(&[]),
            },
        };
        self.history.judge(name, seen).map(|()| seen)
    }

    /// As [`judge_key`](Self::judge_key), for the role of the principal.
    async fn judge_role(&mut self, instance: usize) -> Result<&'static [State], String> {
        let name = self.key_of_principal();
        let seen: &[State] = match sign(&mut self.machines[instance], &name).await {
            Ok(()) => &[State::Granted],
            Err(status) if reason(&status) == "ACTION_NOT_GRANTED" => &[State::Revoked],
            Err(_) => return Ok(&[]),
        };
        self.history.judge(ROLE, seen).map(|()| seen)
    }

    /// Every instance answers the same for every key and for the role, and the answer is possible.
    async fn judge_all(&mut self) {
        let subjects: Vec<Option<String>> = self.keys.iter().cloned().map(Some).chain([None]).collect();
        for subject in subjects {
            let mut told = Vec::new();
            for instance in 0..self.admins.len() {
                told.push(match &subject {
                    Some(name) => self.judge_key(name, instance).await,
                    None => self.judge_role(instance).await,
                });
            }
            let is_same =
                told.iter().all(|one| *one == told[0] && one.as_ref().is_ok_and(|seen| !seen.is_empty()));
            assert!(is_same, "{subject:?}: {told:?}");
        }
    }
}

/// Whether an error says that the subject of a change has none of the states before the change.
fn is_refused(status: &Status, change: Change) -> bool {
    match change.after {
        State::Granted => status.code() == Code::AlreadyExists,
        State::Revoked => status.code() == Code::NotFound,
        _ => matches!(reason(status).as_str(), "KEY_NOT_FOUND" | "KEY_DELETED_BUT_RECOVERABLE"),
    }
}

/// Runs checkers at the same time while `fail` makes something fail, and for three seconds after it. `round` differs in each.
pub(super) async fn under_load(
    all: &mut Instances,
    checkers: &mut Vec<Checker>,
    round: u64,
    fail: impl AsyncFnOnce(&mut Instances),
) {
    let (stop, running) = tokio::sync::watch::channel(false);
    let run = |mut checker: Checker| {
        let running = running.clone();
        tokio::spawn(async move {
            let mut step = round * 1_000;
            while !*running.borrow() {
                checker.step(step).await;
                step += 1;
                // Calls to an instance that does not run fail at once.
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            checker
        })
    };
    let tasks: Vec<_> = checkers.drain(..).map(run).collect();
    tokio::time::sleep(Duration::from_millis(700)).await;
    fail(all).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    stop.send_replace(true);
    for task in tasks {
        checkers.push(task.await.unwrap());
    }
    for checker in &mut *checkers {
        checker.connect(all).await;
    }
    all.until_all_serve(ADMIN, &round.to_string()).await;
}

/// Compares the state of all instances with what was acknowledged, after a new start, and prints how much that was.
pub(super) async fn assert_nothing_is_lost(all: &mut Instances, checkers: &mut [Checker]) {
    let acknowledged: u64 = checkers.iter().map(|checker| checker.history.acknowledged).sum();
    let unknown: u64 = checkers.iter().map(|checker| checker.history.unknown).sum();
    println!("{acknowledged} changes were acknowledged, {unknown} answered with an error");
    assert!(acknowledged > 100, "{acknowledged}");
    // By a new start, the state of each instance is that of the database.
    all.stop_all();
    all.spawn_all();
    for checker in checkers {
        checker.connect(all).await;
        checker.judge_all().await;
    }
    // What failed calls have left is removed by the instance with the lease. The token has no public key of a version.
    until("the token has the keys of the database, and nothing else", async || {
        all.objects() == all.objects_before + all.database.key_versions().await
    })
    .await;
    all.stop_all();
    all.verify_audit_files();
}
