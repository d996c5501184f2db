//! Applies the steps of a sequence to a server and observes its state.

use std::collections::BTreeMap;

use strongroom::api::grpc::pb;
use strongroom::api::grpc::pb::advance_clock_request::Target;
use strongroom::api::grpc::pb::happening::What;
use tonic::transport::Channel;
use tonic::{Response, Status};

use super::rules::{Dates, HsmContent, Instant, ListedKey, Refusal, Reply, Resource, View};
use super::step::{
    ArmRole, Caller, ClockChange, ControlScope, HSMS, HsmAction, KEYS, KeyAction, LocalRole, Step,
};
use crate::hsms;
use crate::roles::support::guid;
use crate::support::{Client, Server, ec, error_metadata, micros, oct, reason, timestamp};

/// The principal that observes the state and cleans up, and is no caller of a sequence.
const OBSERVER: &str = "dev";
/// HSMs that no sequence touches, which count towards the limit.
const OTHERS: [&str; 1] = ["other"];

/// A server with a frozen clock, and clients for it.
pub(super) struct Driver {
    server: Server,
    container: hsms::Container,
    channel: Channel,
    clients: BTreeMap<&'static str, Client>,
    ids: BTreeMap<&'static str, String>,
    /// Names of the guest's role assignments.
    assigned: Vec<String>,
}

/// The reply to a step, and the name of the key version it created.
pub(super) type Outcome = (Result<Reply, Refusal>, Option<String>);

impl Driver {
    /// Starts a new server.
    pub(super) async fn start(undeletable: bool) -> Self {
        // No test reads the audit log, so replies need not wait for it.
        let server = Server::start_with(&[], &[("STRONGROOM_AUDIT__DURABILITY", "relaxed")]);
        let container = hsms::Container::of(&server);
        let channel = server.channel().await;
        let ids = Caller::ALL.iter().map(|who| who.name()).chain([OBSERVER]);
        let ids = ids.map(|name| (name, server.principal(name).object_id)).collect();
        let mut driver =
            Self { server, container, channel, clients: BTreeMap::new(), ids, assigned: Vec::new() };
        let mut observer = driver.client(OBSERVER).await;
        observer.clock.freeze_clock(pb::FreezeClockRequest {}).await.unwrap();
        for name in OTHERS {
            observer.hsms.create_managed_hsm(driver.container.create_request(name)).await.unwrap();
        }
        if undeletable {
            let name = driver.container.subscription.clone();
            let update_mask = Some(prost_types::FieldMask { paths: vec!["undeletable".to_owned()] });
            let request = pb::UpdateSubscriptionRequest { name, undeletable, update_mask };
            observer.resources.update_subscription(request).await.unwrap();
        }
        driver
    }

    /// The number of HSMs that no sequence touches: the seed's HSM and [`OTHERS`].
    pub(super) const fn others() -> usize {
        1 + OTHERS.len()
    }

    /// Returns the current instant of the virtual clock.
    pub(super) async fn now(&mut self) -> Instant {
        let mut observer = self.client(OBSERVER).await;
        let clock = observer.clock.get_clock(pb::GetClockRequest {}).await.unwrap().into_inner();
        assert!(clock.frozen);
        micros(clock.now)
    }

    /// Returns the server's log.
    pub(super) fn log(&self) -> String {
        self.server.log()
    }

    async fn client(&mut self, name: &'static str) -> Client {
        if let Some(client) = self.clients.get(name) {
            return client.clone();
        }
        let client = self.server.client_on(self.channel.clone(), name).await;
        self.clients.insert(name, client.clone());
        client
    }

    async fn reconnect(&mut self) {
        self.channel = self.server.channel().await;
        self.clients.clear();
    }

    /// Applies a step. `to` is the target of a clock change.
    pub(super) async fn take(&mut self, step: &Step, to: Instant) -> Outcome {
        let mut made = None;
        let answer = match *step {
            Step::Hsm(who, hsm, action) => self.on_hsm(who, HSMS[hsm], action).await,
            Step::ListHsms(who, at) => {
                let parent = match at {
                    ControlScope::Subscription => self.container.subscription.clone(),
                    ControlScope::Group => self.container.group.clone(),
                };
                list_hsms(&mut self.client(who.name()).await, parent).await.map(Reply::Resources)
            }
            Step::ListDeletedHsms(who) => {
                let parent = self.container.subscription.clone();
                list_deleted_hsms(&mut self.client(who.name()).await, parent).await.map(Reply::Resources)
            }
            Step::Activate(who, hsm) => self.activate(who, HSMS[hsm]).await,
            Step::Key(who, hsm, key, action) => {
                let mut client = self.client(who.name()).await;
                on_key(&mut client, HSMS[hsm], KEYS[key], action, &mut made).await
            }
            Step::ListKeys(who, hsm) => {
                list_keys(&mut self.client(who.name()).await, HSMS[hsm]).await.map(Reply::Keys)
            }
            Step::ListDeletedKeys(who, hsm) => {
                list_deleted_keys(&mut self.client(who.name()).await, HSMS[hsm]).await.map(Reply::Keys)
            }
            Step::Role { hsm, to, role, give } => self.role(HSMS[hsm], to, role, give).await,
            Step::ControlRole { at, role, give } => self.control_role(at, role, give).await,
            Step::Turn(turn) => self.change_clock(turn, to).await,
            Step::Crash => {
                self.server.kill();
                self.server.start_again();
                self.reconnect().await;
                Ok(Reply::Done)
            }
            Step::Restart => {
                self.server.restart();
                self.reconnect().await;
                Ok(Reply::Done)
            }
        };
        (answer.map_err(|status| refusal(&status)), made)
    }

    async fn on_hsm(&mut self, who: Caller, name: &str, action: HsmAction) -> Result<Reply, Status> {
        let mut client = self.client(who.name()).await;
        let (live, deleted) = (self.container.hsm(name), self.container.deleted(name));
        let update = |path: &str, hsm: pb::ManagedHsm| pb::UpdateManagedHsmRequest {
            managed_hsm: Some(pb::ManagedHsm { name: live.clone(), ..hsm }),
            update_mask: Some(prost_types::FieldMask { paths: vec![path.to_owned()] }),
        };
        let answer = match action {
            HsmAction::Create { days, protected } => {
                let mut request = self.container.create_request_with_retention(name, days);
                let hsm = request.managed_hsm.as_mut().unwrap();
                hsm.purge_protection = protected;
                hsm.administrators.push(self.ids[OBSERVER].clone());
                client.hsms.create_managed_hsm(request).await
            }
            HsmAction::Protect(purge_protection) => {
                let hsm = pb::ManagedHsm { purge_protection, ..Default::default() };
                client.hsms.update_managed_hsm(update("purge_protection", hsm)).await
            }
            HsmAction::Retain(retention_days) => {
                let hsm = pb::ManagedHsm { retention_days: Some(retention_days), ..Default::default() };
                client.hsms.update_managed_hsm(update("retention_days", hsm)).await
            }
            HsmAction::Get => client.hsms.get_managed_hsm(pb::GetManagedHsmRequest { name: live }).await,
            HsmAction::Delete => {
                return hsms::delete(&mut client, live)
                    .await
                    .map(|hsm| Reply::Resource(deleted_resource(hsm)));
            }
            HsmAction::GetDeleted => {
                let request = pb::GetDeletedManagedHsmRequest { name: deleted };
                let answer = client.hsms.get_deleted_managed_hsm(request).await;
                return answer.map(|hsm| Reply::Resource(deleted_resource(hsm.into_inner())));
            }
            HsmAction::Recover => hsms::recover(&mut client, deleted).await.map(Response::new),
            HsmAction::Purge => return hsms::purge(&mut client, deleted).await.map(|()| Reply::Done),
        };
        answer.map(|hsm| Reply::Resource(resource(hsm.into_inner(), None)))
    }

    /// Activates an HSM, and assigns the roles of its default users and of the observer.
    async fn activate(&mut self, who: Caller, name: &str) -> Result<Reply, Status> {
        let mut client = self.client(who.name()).await;
        let request = pb::ActivateManagedHsmRequest { name: format!("hsms/{name}") };
        client.hsms.activate_managed_hsm(request).await?;
        let mut observer = self.client(OBSERVER).await;
        let roles = [
            (OBSERVER, LocalRole::CryptoUser),
            (OBSERVER, LocalRole::CryptoOfficer),
            (Caller::User.name(), LocalRole::CryptoUser),
            (Caller::Officer.name(), LocalRole::CryptoOfficer),
        ];
        // An HSM that is already active has the observer's assignments.
        for (to, role) in roles {
            match observer.access.create_role_assignment(self.assigning(name, to, role)).await {
                Err(status) if to == OBSERVER && reason(&status) == "ROLE_ASSIGNMENT_EXISTS" => break,
                answer => drop(answer?),
            }
        }
        Ok(Reply::Done)
    }

    fn assigning(&self, hsm: &str, to: &str, role: LocalRole) -> pb::CreateRoleAssignmentRequest {
        let number = match role {
            LocalRole::Administrator => 100,
            LocalRole::CryptoUser => 200,
            LocalRole::CryptoOfficer => 300,
        };
        let whose = self.ids.keys().position(|name| *name == to).and_then(|at| u32::try_from(at).ok());
        pb::CreateRoleAssignmentRequest {
            parent: format!("hsms/{hsm}"),
            role_assignment_id: guid(number + whose.unwrap()),
            role_definition: role.id().to_owned(),
            principal_id: self.ids[to].clone(),
            scope: "/".to_owned(),
        }
    }

    async fn role(&mut self, hsm: &str, to: Caller, role: LocalRole, give: bool) -> Result<Reply, Status> {
        let mut client = self.client(Caller::Administrator.name()).await;
        let request = self.assigning(hsm, to.name(), role);
        if give {
            client.access.create_role_assignment(request).await?;
        } else {
            let name = format!("hsms/{hsm}/roleAssignments/{}", request.role_assignment_id);
            client.access.delete_role_assignment(pb::DeleteRoleAssignmentRequest { name }).await?;
        }
        Ok(Reply::Done)
    }

    async fn control_role(&mut self, at: ControlScope, role: ArmRole, give: bool) -> Result<Reply, Status> {
        let (role_definition, number) = match role {
            ArmRole::Owner => (crate::control::support::OWNER, 10),
            ArmRole::Contributor => ("b24988ac-6180-42a0-ab88-20f7382dd24c", 20),
            ArmRole::HsmContributor => ("18500a29-7fe2-46b2-a342-b16a415e101d", 30),
            ArmRole::Reader => (crate::control::support::READER, 40),
        };
        let (parent, number) = match at {
            ControlScope::Subscription => (self.container.subscription.clone(), number),
            ControlScope::Group => (self.container.group.clone(), number + 1),
        };
        let mut owner = self.client(Caller::Owner.name()).await;
        if give {
            let request = pb::CreateControlRoleAssignmentRequest {
                parent,
                role_assignment_id: guid(number),
                role_definition: role_definition.to_owned(),
                principal_id: self.ids[Caller::Guest.name()].clone(),
            };
            let assigned = owner.authorization.create_control_role_assignment(request).await?.into_inner();
            self.assigned.push(assigned.name);
        } else {
            let name = format!("{parent}/roleAssignments/{}", guid(number));
            let request = pb::DeleteControlRoleAssignmentRequest { name: name.clone() };
            owner.authorization.delete_control_role_assignment(request).await?;
            self.assigned.retain(|assigned| *assigned != name);
        }
        Ok(Reply::Done)
    }

    async fn change_clock(&mut self, turn: ClockChange, to: Instant) -> Result<Reply, Status> {
        let target = match turn {
            ClockChange::Hours(hours) => {
                Target::By(prost_types::Duration { seconds: hours * 3600, nanos: 0 })
            }
            ClockChange::ToNext(_) | ClockChange::Back => Target::To(timestamp(to)),
        };
        let mut observer = self.client(OBSERVER).await;
        let request = pb::AdvanceClockRequest { target: Some(target), ..Default::default() };
        let reply = observer.clock.advance_clock(request).await?.into_inner();
        let mut events: Vec<_> = reply.happenings.iter().map(happening).collect();
        if !events.is_sorted_by_key(|(at, _)| *at) {
            return Err(Status::internal(format!("out of order: {events:?}")));
        }
        events.sort();
        Ok(Reply::Turned(micros(reply.clock.unwrap().now), events))
    }

    /// Returns the observable state, with the content of one HSM or of all.
    pub(super) async fn view(&mut self, at: Option<usize>) -> Result<View, Status> {
        let mut observer = self.client(OBSERVER).await;
        let live = list_hsms(&mut observer, self.container.subscription.clone()).await?;
        let deleted = list_deleted_hsms(&mut observer, self.container.subscription.clone()).await?;
        let mut names: Vec<_> = live.iter().chain(&deleted).map(|hsm| hsm.name.clone()).collect();
        names.retain(|name| at.is_none_or(|at| HSMS[at] == name));
        names.sort();
        let mut inside = Vec::new();
        for name in names {
            let seen = match self.see_inside(&mut observer, &name).await {
                Ok(seen) => seen,
                Err(status) => {
                    let Refusal(why, fact) = refusal(&status);
                    HsmContent::Refuses(why, fact)
                }
            };
            inside.push((name, seen));
        }
        Ok(View { live, deleted, inside })
    }

    async fn see_inside(&self, client: &mut Client, hsm: &str) -> Result<HsmContent, Status> {
        let parent = format!("hsms/{hsm}");
        let request = pb::ListRoleAssignmentsRequest { parent, ..Default::default() };
        let assigned = client.access.list_role_assignments(request).await?.into_inner().role_assignments;
        let assigned = assigned.iter().filter(|one| one.principal_id != self.ids[OBSERVER]);
        let mut roles: Vec<_> = assigned
            .map(|one| {
                let who =
                    Caller::ALL.into_iter().find(|who| self.ids[who.name()] == one.principal_id).unwrap();
                let role = LocalRole::ALL.into_iter().find(|role| one.role_definition.ends_with(role.id()));
                assert_eq!(one.scope, "/");
                (who, role.unwrap())
            })
            .collect();
        roles.sort();
        let live = list_keys(client, hsm).await?;
        let deleted = list_deleted_keys(client, hsm).await?;
        let mut versions = Vec::new();
        for key in &live {
            let parent = format!("hsms/{hsm}/keys/{}", key.name);
            let request = pb::ListKeyVersionsRequest { parent, ..Default::default() };
            let found = client.keys.list_key_versions(request).await?.into_inner().versions;
            versions.push(found.into_iter().map(|version| version.name).collect());
        }
        Ok(HsmContent::Answers { roles, live, deleted, versions })
    }

    /// Deletes the resources of a sequence. Advances the clock past the purge date of protected HSMs.
    pub(super) async fn tidy_up(&mut self) -> Result<(), Status> {
        let mut observer = self.client(OBSERVER).await;
        for name in std::mem::take(&mut self.assigned) {
            let request = pb::DeleteControlRoleAssignmentRequest { name };
            observer.authorization.delete_control_role_assignment(request).await?;
        }
        for hsm in list_hsms(&mut observer, self.container.subscription.clone()).await? {
            hsms::delete(&mut observer, self.container.hsm(&hsm.name)).await?;
        }
        let mut latest = None;
        for hsm in list_deleted_hsms(&mut observer, self.container.subscription.clone()).await? {
            match hsms::purge(&mut observer, self.container.deleted(&hsm.name)).await {
                Err(status) if reason(&status) == "PURGE_PROTECTED" => {
                    latest = latest.max(hsm.deletion.map(|dates| dates.purged));
                }
                answer => answer?,
            }
        }
        if let Some(latest) = latest {
            let request =
                pb::AdvanceClockRequest { target: Some(Target::To(timestamp(latest))), ..Default::default() };
            observer.clock.advance_clock(request).await?;
        }
        Ok(())
    }
}

async fn on_key(
    client: &mut Client,
    hsm: &str,
    key: &str,
    action: KeyAction,
    made: &mut Option<String>,
) -> Result<Reply, Status> {
    let live = format!("hsms/{hsm}/keys/{key}");
    let deleted = format!("hsms/{hsm}/deletedKeys/{key}");
    let answer = match action {
        KeyAction::Create => {
            // Both kinds of keys: a secret key has two objects in the token, a key pair one.
            let request = if key == KEYS[1] { oct(key, 256) } else { ec(key, "P-256") };
            let request = pb::CreateKeyRequest { parent: format!("hsms/{hsm}"), ..request };
            let bundle = client.keys.create_key(request).await?.into_inner();
            *made = Some(bundle.name);
            return Ok(Reply::Made { level: bundle.recovery_level });
        }
        KeyAction::Get => client.keys.get_key(pb::GetKeyRequest { name: live }).await?,
        KeyAction::Delete => {
            let answer = client.keys.delete_key(pb::DeleteKeyRequest { name: live }).await?;
            return Ok(found_deleted(answer.into_inner()));
        }
        KeyAction::GetDeleted => {
            let answer = client.keys.get_deleted_key(pb::GetDeletedKeyRequest { name: deleted }).await?;
            return Ok(found_deleted(answer.into_inner()));
        }
        KeyAction::Recover => {
            client.keys.recover_deleted_key(pb::RecoverDeletedKeyRequest { name: deleted }).await?
        }
        KeyAction::Purge => {
            client.keys.purge_deleted_key(pb::PurgeDeletedKeyRequest { name: deleted }).await?;
            return Ok(Reply::Done);
        }
    };
    let current = answer.get_ref().name.clone();
    Ok(Reply::Key(live_key(answer.into_inner()), current))
}

fn found_deleted(key: pb::DeletedKeyBundle) -> Reply {
    let current = key.key.as_ref().unwrap().name.clone();
    Reply::Key(deleted_key(key), current)
}

async fn list_hsms(client: &mut Client, parent: String) -> Result<Vec<Resource>, Status> {
    let request = pb::ListManagedHsmsRequest { parent, ..Default::default() };
    let found = client.hsms.list_managed_hsms(request).await?.into_inner().managed_hsms;
    let found = found.into_iter().map(|hsm| resource(hsm, None));
    Ok(found.filter(|hsm| HSMS.contains(&hsm.name.as_str())).collect())
}

async fn list_deleted_hsms(client: &mut Client, parent: String) -> Result<Vec<Resource>, Status> {
    let request = pb::ListDeletedManagedHsmsRequest { parent, ..Default::default() };
    let found = client.hsms.list_deleted_managed_hsms(request).await?.into_inner();
    Ok(found.deleted_managed_hsms.into_iter().map(deleted_resource).collect())
}

async fn list_keys(client: &mut Client, hsm: &str) -> Result<Vec<ListedKey>, Status> {
    let request = pb::ListKeysRequest { parent: format!("hsms/{hsm}"), ..Default::default() };
    let found = client.keys.list_keys(request).await?.into_inner().keys;
    Ok(found.into_iter().map(live_key).collect())
}

async fn list_deleted_keys(client: &mut Client, hsm: &str) -> Result<Vec<ListedKey>, Status> {
    let request = pb::ListDeletedKeysRequest { parent: format!("hsms/{hsm}"), ..Default::default() };
    let found = client.keys.list_deleted_keys(request).await?.into_inner().deleted_keys;
    Ok(found.into_iter().map(deleted_key).collect())
}

/// Returns the reason of an error and the metadata that the model predicts.
fn refusal(status: &Status) -> Refusal {
    let why = reason(status);
    let metadata = match why.as_str() {
        "" => format!("{status:?}"),
        "BAD_PARAMETER" => error_metadata(status, "field"),
        "HSM_EXISTS" => error_metadata(status, "deleted"),
        "HSM_DELETED" | "PURGE_PROTECTED" => {
            let until: jiff::Timestamp = error_metadata(status, "scheduled_purge_at").parse().unwrap();
            until.as_microsecond().to_string()
        }
        _ => String::new(),
    };
    Refusal(why, metadata)
}

fn happening(happening: &pb::Happening) -> (Instant, String) {
    let what = match happening.what.as_ref().unwrap() {
        What::PurgedKey(name) => {
            let (hsm, key) = name.split_once("/deletedKeys/").unwrap();
            format!("key {}/{key}", hsm.trim_start_matches("hsms/"))
        }
        What::PurgedHsm(name) => format!("HSM {}", name.rsplit('/').next().unwrap()),
        other => format!("{other:?}"),
    };
    (micros(happening.at), what)
}

fn resource(hsm: pb::ManagedHsm, deletion: Option<Dates>) -> Resource {
    Resource {
        name: hsm.data_plane.trim_start_matches("hsms/").to_owned(),
        created: micros(hsm.created),
        days: hsm.retention_days(),
        protected: hsm.purge_protection,
        active: hsm.activated,
        level: hsm.recovery_level,
        deletion,
    }
}

fn deleted_resource(hsm: pb::DeletedManagedHsm) -> Resource {
    let dates = Dates { deleted: micros(hsm.deleted_at), purged: micros(hsm.scheduled_purge_at) };
    resource(hsm.managed_hsm.unwrap(), Some(dates))
}

fn live_key(key: pb::KeyBundle) -> ListedKey {
    let mut parts = key.name.split('/').skip_while(|part| *part != "keys");
    let name = parts.nth(1).unwrap().to_owned();
    ListedKey { name, level: key.recovery_level, deletion: None }
}

fn deleted_key(key: pb::DeletedKeyBundle) -> ListedKey {
    let dates = Dates { deleted: micros(key.deleted_at), purged: micros(key.scheduled_purge_at) };
    ListedKey { deletion: Some(dates), ..live_key(key.key.unwrap()) }
}
