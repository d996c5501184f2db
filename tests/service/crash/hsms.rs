//! Clients that make, use, delete, bring back and destroy managed HSMs until the server is gone, and know what they were
//! told.

use std::collections::BTreeMap;

use rand::Rng as _;
use rand::rngs::StdRng;
use strongroom::api::grpc::pb;
use tonic::{Code, Status};

use super::{FAR, is_cut_off, now};
use crate::hsms::{Place, delete, purge, recover};
use crate::roles::ask::CRYPTO_USER;
use crate::support::{Client, ec, micros, reason};

/// The seed's `dev`.
const DEV: &str = "5f5f0fe6-58db-5998-91a5-15b9b035d751";

/// What a client was told of its HSMs, and what it had asked for when the answer stayed away.
pub(super) type Told = BTreeMap<String, (Known, Option<Known>)>;

/// The names of a client's HSMs. With the seed's, there are as many as there may be.
pub(super) fn names(who: usize) -> [String; 2] {
    [format!("hsm{who}-a"), format!("hsm{who}-b")]
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Known {
    Absent,
    /// Whether there is a key in it.
    Live(bool),
    /// Likewise, and when the service purges it: [`FAR`] where it did not say yet.
    Deleted(bool, i64),
}

impl Known {
    fn by(self, now: i64) -> Self {
        match self {
            Self::Deleted(_, due) if due <= now => Self::Absent,
            known => known,
        }
    }

    fn is(self, found: Self) -> bool {
        match (self, found) {
            (Self::Deleted(before, FAR), Self::Deleted(used, _)) => before == used,
            _ => self == found,
        }
    }

    /// Whether it has a token.
    pub(super) fn is_there(self) -> bool {
        self != Self::Absent
    }

    /// How many key versions the token holds of it.
    pub(super) const fn versions(self) -> usize {
        match self {
            Self::Live(true) | Self::Deleted(true, _) => 1,
            _ => 0,
        }
    }
}

/// Whether what was told allows what was found, at this instant.
pub(super) fn allows((before, after): (Known, Option<Known>), found: Known, now: i64) -> bool {
    before.by(now).is(found) && after.is_none()
        || after.is_some_and(|after| before.by(now).is(found) || after.by(now).is(found))
}

/// Makes, uses, deletes, brings back and destroys HSMs until the server is gone.
pub(super) async fn rage(
    mut client: Client,
    place: Place,
    who: usize,
    mut told: Told,
    mut rng: StdRng,
) -> Told {
    loop {
        let name = names(who)[rng.gen_range(0..2)].clone();
        let (before, unsure) = told.get(&name).copied().unwrap_or((Known::Absent, None));
        assert_eq!(unsure, None, "{name} was settled after the restart");
        let (after, answer) = match before {
            Known::Absent => {
                let mut request = place.retaining(&name, 7);
                request.managed_hsm.as_mut().unwrap().administrators.push(DEV.to_owned());
                (Known::Live(false), client.hsms.create_managed_hsm(request).await.map(drop))
            }
            Known::Live(false) if rng.gen_bool(0.6) => {
                (Known::Live(true), take_into_use(&mut client, &name).await)
            }
            Known::Live(used) => match delete(&mut client, place.hsm(&name)).await {
                Ok(gone) => (Known::Deleted(used, micros(gone.scheduled_purge_at)), Ok(())),
                Err(status) => (Known::Deleted(used, FAR), Err(status)),
            },
            Known::Deleted(used, _) if rng.gen_bool(0.4) => {
                (Known::Live(used), recover(&mut client, place.deleted(&name)).await.map(drop))
            }
            Known::Deleted(..) => (Known::Absent, purge(&mut client, place.deleted(&name)).await),
        };
        let told_now = match answer {
            Ok(()) => (after, None),
            Err(status) if is_cut_off(&status) => (before, Some(after)),
            // The service may have purged it by itself.
            Err(status) if status.code() == Code::NotFound => match now(&mut client).await {
                Ok(now) if before.by(now) == Known::Absent => (Known::Absent, None),
                Ok(now) => panic!("{name}: {before:?} at {now}: {status:?}"),
                Err(_) => (before, Some(Known::Absent)),
            },
            Err(status) => panic!("{name}: {before:?} to {after:?}: {status:?}"),
        };
        told.insert(name, told_now);
        if told_now.1.is_some() {
            return told;
        }
    }
}

fn key(hsm: &str) -> String {
    format!("hsms/{hsm}/keys/k")
}

/// Activates an HSM and makes a key in it. What of that is done already may be done again.
async fn take_into_use(client: &mut Client, name: &str) -> Result<(), Status> {
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

/// Whether there is a key in a live HSM; then it does its work, and is the only one.
async fn is_used(client: &mut Client, name: &str) -> bool {
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

/// What is there of a name, and what is there now: a deleted HSM is brought back and looked into, and mostly deleted again.
pub(super) async fn found(
    client: &mut Client,
    place: &Place,
    name: &str,
    rng: &mut StdRng,
) -> (Known, Known) {
    let request = pb::GetManagedHsmRequest { name: place.hsm(name) };
    if client.hsms.get_managed_hsm(request).await.is_ok() {
        let live = Known::Live(is_used(client, name).await);
        return (live, live);
    }
    let request = pb::GetDeletedManagedHsmRequest { name: place.deleted(name) };
    let due = match client.hsms.get_deleted_managed_hsm(request).await {
        Ok(gone) => micros(gone.into_inner().scheduled_purge_at),
        Err(status) => {
            assert_eq!(status.code(), Code::NotFound, "{name}: {status:?}");
            return (Known::Absent, Known::Absent);
        }
    };
    recover(client, place.deleted(name)).await.unwrap();
    let used = is_used(client, name).await;
    if rng.gen_bool(0.3) {
        return (Known::Deleted(used, due), Known::Live(used));
    }
    let gone = delete(client, place.hsm(name)).await.unwrap();
    (Known::Deleted(used, due), Known::Deleted(used, micros(gone.scheduled_purge_at)))
}
