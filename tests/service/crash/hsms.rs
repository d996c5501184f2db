//! Clients that create, use, delete, recover and purge managed HSMs until the server is killed, and track the state.

use std::collections::BTreeMap;

use rand::Rng as _;
use rand::rngs::StdRng;
use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use super::{UNKNOWN_DATE, is_connection_lost, now};
use crate::hsms::{Container, delete, purge, recover};
use crate::roles::support::CRYPTO_USER;
use crate::support::{Client, ec, micros, reason};

/// The object id of the seed's principal `dev`.
const DEV: &str = "5f5f0fe6-58db-5998-91a5-15b9b035d751";

/// The acknowledged state of each HSM of a client, and the requested state if the last call was not acknowledged.
pub(super) type HsmExpectations = BTreeMap<String, (HsmState, Option<HsmState>)>;

/// Returns the names of a client's HSMs. Together with the seed's HSM, all clients' HSMs reach the limit.
pub(super) fn names(who: usize) -> [String; 2] {
    [format!("hsm{who}-a"), format!("hsm{who}-b")]
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HsmState {
    Absent,
    /// Whether the HSM holds a key.
    Live(bool),
    /// Whether the HSM holds a key, and its scheduled purge date: [`FAR`] if the deletion was not acknowledged.
    Deleted(bool, i64),
}

impl HsmState {
    /// The state at this instant, given that the service purges what is due.
    fn state_at(self, now: i64) -> Self {
        match self {
            Self::Deleted(_, due) if due <= now => Self::Absent,
            known => known,
        }
    }

    /// Returns whether this is the observed state.
    fn matches(self, found: Self) -> bool {
        match (self, found) {
            (Self::Deleted(before, UNKNOWN_DATE), Self::Deleted(used, _)) => before == used,
            _ => self == found,
        }
    }

    /// Returns whether the HSM exists, and so has a token.
    pub(super) fn is_there(self) -> bool {
        self != Self::Absent
    }

    /// Returns the number of key versions in its token.
    pub(super) const fn versions(self) -> usize {
        match self {
            Self::Live(true) | Self::Deleted(true, _) => 1,
            _ => 0,
        }
    }
}

/// Returns whether the observed state is possible at this instant, given the acknowledged and the requested state.
pub(super) fn allows((before, after): (HsmState, Option<HsmState>), found: HsmState, now: i64) -> bool {
    before.state_at(now).matches(found) && after.is_none()
        || after
            .is_some_and(|after| before.state_at(now).matches(found) || after.state_at(now).matches(found))
}

/// Creates, uses, deletes, recovers and purges HSMs until the server is killed.
pub(super) async fn run_client(
    mut client: Client,
    container: Container,
    who: usize,
    mut expected: HsmExpectations,
    mut rng: StdRng,
) -> HsmExpectations {
    loop {
        let name = names(who)[rng.gen_range(0..2)].clone();
        let (before, ambiguous) = expected.get(&name).copied().unwrap_or((HsmState::Absent, None));
        assert_eq!(ambiguous, None, "{name}: the state is certain after the restart");
        let (after, answer) = match before {
            HsmState::Absent => {
                let mut request = container.create_request_with_retention(&name, 7);
                request.managed_hsm.as_mut().unwrap().administrators.push(DEV.to_owned());
                (HsmState::Live(false), client.hsms.create_managed_hsm(request).await.map(drop))
            }
            HsmState::Live(false) if rng.gen_bool(0.6) => {
                (HsmState::Live(true), activate_and_create_key(&mut client, &name).await)
            }
            HsmState::Live(used) => match delete(&mut client, container.hsm(&name)).await {
                Ok(reply) => (HsmState::Deleted(used, micros(reply.scheduled_purge_at)), Ok(())),
                Err(status) => (HsmState::Deleted(used, UNKNOWN_DATE), Err(status)),
            },
            HsmState::Deleted(used, _) if rng.gen_bool(0.4) => {
                (HsmState::Live(used), recover(&mut client, container.deleted(&name)).await.map(drop))
            }
            HsmState::Deleted(..) => (HsmState::Absent, purge(&mut client, container.deleted(&name)).await),
        };
        let state = match answer {
            Ok(()) => (after, None),
            Err(status) if is_connection_lost(&status) => (before, Some(after)),
            // The scheduler may have purged it.
            Err(status) if status.code() == Code::NotFound => match now(&mut client).await {
                Ok(now) if before.state_at(now) == HsmState::Absent => (HsmState::Absent, None),
                Ok(now) => panic!("{name}: {before:?} at {now}: {status:?}"),
                Err(_) => (before, Some(HsmState::Absent)),
            },
            Err(status) => panic!("{name}: {before:?} to {after:?}: {status:?}"),
        };
        expected.insert(name, state);
        if state.1.is_some() {
            return expected;
        }
    }
}

fn key(hsm: &str) -> String {
    format!("hsms/{hsm}/keys/k")
}

/// Activates an HSM and creates a key in it. Each step may already be done.
async fn activate_and_create_key(client: &mut Client, name: &str) -> Result<(), Status> {
    let parent = format!("hsms/{name}");
    client.hsms.activate_managed_hsm(pb::ActivateManagedHsmRequest { name: parent.clone() }).await?;
    let assigning = pb::CreateRoleAssignmentRequest {
        parent: parent.clone(),
        role_definition: CRYPTO_USER.to_owned(),
        principal_id: DEV.to_owned(),
        scope: "/".to_owned(),
        ..Default::default()
    };
    match client.access.create_role_assignment(assigning).await {
        Err(status) if reason(&status) == "ROLE_ASSIGNMENT_MATCHES" => {}
        answer => drop(answer?),
    }
    client.create(pb::CreateKeyRequest { parent, ..ec("k", "P-256") }).await.map(drop)
}

/// Returns whether a live HSM holds a key, and asserts that it has one version, which can sign.
async fn has_key(client: &mut Client, name: &str) -> bool {
    let request = pb::ListKeyVersionsRequest { parent: key(name), ..Default::default() };
    let versions = match client.keys.list_key_versions(request).await {
        Ok(answer) => answer.into_inner().versions,
        Err(status) => {
            assert!(["ACTION_NOT_GRANTED", "HSM_NOT_ACTIVATED"].contains(&&*reason(&status)), "{status:?}");
            return false;
        }
    };
    for version in &versions {
        let request = pb::SignRequest {
            name: version.name.clone(),
            algorithm: "ES256".to_owned(),
            digest: vec![7; 32],
        };
        client.crypto.sign(request).await.unwrap();
    }
    assert!(versions.len() <= 1, "{name}: {versions:?}");
    !versions.is_empty()
}

/// Returns the observed state of a name and the current one: a deleted HSM is recovered for inspection, and usually
/// deleted again.
pub(super) async fn observe(
    client: &mut Client,
    container: &Container,
    name: &str,
    rng: &mut StdRng,
) -> (HsmState, HsmState) {
    let request = pb::GetManagedHsmRequest { name: container.hsm(name) };
    if client.hsms.get_managed_hsm(request).await.is_ok() {
        let live = HsmState::Live(has_key(client, name).await);
        return (live, live);
    }
    let request = pb::GetDeletedManagedHsmRequest { name: container.deleted(name) };
    let due = match client.hsms.get_deleted_managed_hsm(request).await {
        Ok(reply) => micros(reply.into_inner().scheduled_purge_at),
        Err(status) => {
            assert_eq!(status.code(), Code::NotFound, "{name}: {status:?}");
            return (HsmState::Absent, HsmState::Absent);
        }
    };
    recover(client, container.deleted(name)).await.unwrap();
    let used = has_key(client, name).await;
    if rng.gen_bool(0.3) {
        return (HsmState::Deleted(used, due), HsmState::Live(used));
    }
    let reply = delete(client, container.hsm(name)).await.unwrap();
    (HsmState::Deleted(used, due), HsmState::Deleted(used, micros(reply.scheduled_purge_at)))
}
