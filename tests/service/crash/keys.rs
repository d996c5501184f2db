//! Clients that create, delete, recover and purge keys until the server is killed, and track the expected state.

use std::collections::BTreeMap;

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rand::Rng as _;
use rand::rngs::StdRng;
use strongroom::api::grpc::pb;
use tonic::Code;

use super::{UNKNOWN_DATE, is_connection_lost, now};
use crate::support::{Client, ec, micros, oct};

/// The expected state of each key name of a client.
pub(super) type KeyExpectations = BTreeMap<String, Expectation>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Expectation {
    Known(KeyState),
    /// The state before or after a call that was not acknowledged.
    Either(KeyState, KeyState),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum KeyState {
    /// The number of versions.
    Live(usize),
    /// The number of versions, and the scheduled purge date: [`FAR`] if the deletion was not acknowledged.
    Deleted(usize, i64),
    Absent,
}

impl KeyState {
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
            (Self::Deleted(before, UNKNOWN_DATE), Self::Deleted(versions, _)) => before == versions,
            _ => self == found,
        }
    }

    /// Returns the number of versions in the token.
    pub(super) const fn versions(self) -> usize {
        match self {
            Self::Live(versions) | Self::Deleted(versions, _) => versions,
            Self::Absent => 0,
        }
    }
}

impl Expectation {
    /// Returns whether the observed state is possible at this instant.
    pub(super) fn allows(self, found: KeyState, now: i64) -> bool {
        match self {
            Self::Known(known) => known.state_at(now).matches(found),
            Self::Either(before, after) => {
                before.state_at(now).matches(found) || after.state_at(now).matches(found)
            }
        }
    }
}

fn live(name: &str) -> String {
    format!("hsms/local/keys/{name}")
}

fn deleted(name: &str) -> String {
    format!("hsms/local/deletedKeys/{name}")
}

/// Returns whether the key of this name is a secret key, which has two objects in the token. Every other name is.
pub(super) fn is_secret(name: &str) -> bool {
    name.ends_with(['1', '3', '5', '7', '9'])
}

/// Creates, deletes, recovers and purges keys until the server is killed.
pub(super) async fn run_client(
    mut client: Client,
    who: usize,
    mut expected: KeyExpectations,
    mut rng: StdRng,
) -> KeyExpectations {
    loop {
        let name = format!("c{who}-{}", rng.gen_range(0..10));
        let before = match expected.get(&name).copied().unwrap_or(Expectation::Known(KeyState::Absent)) {
            Expectation::Known(known) => known,
            Expectation::Either(..) => panic!("{name}: the state is certain after the restart"),
        };
        let (after, answer) = match before {
            KeyState::Live(versions) if versions >= 3 || rng.gen_bool(0.5) => {
                let request = pb::DeleteKeyRequest { name: live(&name) };
                match client.keys.delete_key(request).await {
                    Ok(reply) => {
                        (KeyState::Deleted(versions, micros(reply.into_inner().scheduled_purge_at)), Ok(()))
                    }
                    Err(status) => (KeyState::Deleted(versions, UNKNOWN_DATE), Err(status)),
                }
            }
            KeyState::Live(_) | KeyState::Absent => {
                let versions = if let KeyState::Live(versions) = before { versions } else { 0 };
                let answer = if !is_secret(&name) {
                    client.create(ec(&name, "P-256")).await.map(drop)
                } else if rng.gen_bool(0.5) {
                    client.create(oct(&name, 256)).await.map(drop)
                } else {
                    let k = rng.r#gen::<[u8; 32]>().to_vec();
                    let key = pb::ImportKeyMaterial { kty: "oct-HSM".to_owned(), k, ..Default::default() };
                    let parent = "hsms/local".to_owned();
                    let request = pb::ImportKeyRequest {
                        parent,
                        key_id: name.clone(),
                        key: Some(key),
                        ..Default::default()
                    };
                    client.keys.import_key(request).await.map(drop)
                };
                (KeyState::Live(versions + 1), answer)
            }
            KeyState::Deleted(versions, _) if rng.gen_bool(0.4) => {
                let request = pb::RecoverDeletedKeyRequest { name: deleted(&name) };
                (KeyState::Live(versions), client.keys.recover_deleted_key(request).await.map(drop))
            }
            KeyState::Deleted(..) => {
                let request = pb::PurgeDeletedKeyRequest { name: deleted(&name) };
                (KeyState::Absent, client.keys.purge_deleted_key(request).await.map(drop))
            }
        };
        match answer {
            Ok(()) => expected.insert(name, Expectation::Known(after)),
            // The scheduler may have purged it.
            Err(status) if status.code() == Code::NotFound => match now(&mut client).await {
                Ok(now) if before.state_at(now) == KeyState::Absent => {
                    expected.insert(name, Expectation::Known(KeyState::Absent))
                }
                Ok(now) => panic!("{name}: {before:?} at {now}: {status:?}"),
                Err(_) => {
                    expected.insert(name, Expectation::Either(before, KeyState::Absent));
                    return expected;
                }
            },
            Err(status) if is_connection_lost(&status) => {
                expected.insert(name, Expectation::Either(before, after));
                return expected;
            }
            Err(status) => panic!("{name}: {before:?} to {after:?}: {status:?}"),
        };
    }
}

/// Returns the number of versions of a key, and asserts that each can sign.
async fn working_versions(client: &mut Client, name: &str) -> usize {
    let request = pb::ListKeyVersionsRequest { parent: live(name), ..Default::default() };
    let versions = client.keys.list_key_versions(request).await.unwrap().into_inner().versions;
    for version in &versions {
        let digest = vec![0x17; 32];
        let algorithm = if is_secret(name) { "HS256" } else { "ES256" };
        let request = pb::SignRequest {
            name: version.name.clone(),
            algorithm: algorithm.to_owned(),
            digest: digest.clone(),
        };
        let signature = client.crypto.sign(request).await.unwrap().into_inner().signature;
        if let Some(public) = &version.key {
            let point = [&[4][..], &public.x, &public.y].concat();
            let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(&point).unwrap();
            key.verify_prehash(&digest, &p256::ecdsa::Signature::from_slice(&signature).unwrap()).unwrap();
        } else {
            assert_eq!(signature.len(), 32);
        }
    }
    versions.len()
}

/// Returns the observed state of a name and the current one: a deleted key is recovered for inspection, and usually
/// deleted again.
pub(super) async fn observe(client: &mut Client, name: &str, rng: &mut StdRng) -> (KeyState, KeyState) {
    let versions = working_versions(client, name).await;
    if versions > 0 {
        return (KeyState::Live(versions), KeyState::Live(versions));
    }
    let due = match client.keys.get_deleted_key(pb::GetDeletedKeyRequest { name: deleted(name) }).await {
        Ok(reply) => micros(reply.into_inner().scheduled_purge_at),
        Err(status) => {
            assert_eq!(status.code(), Code::NotFound, "{name}: {status:?}");
            return (KeyState::Absent, KeyState::Absent);
        }
    };
    let request = pb::RecoverDeletedKeyRequest { name: deleted(name) };
    client.keys.recover_deleted_key(request).await.unwrap();
    let versions = working_versions(client, name).await;
    let before = KeyState::Deleted(versions, due);
    if rng.gen_bool(0.3) {
        return (before, KeyState::Live(versions));
    }
    let reply = client.keys.delete_key(pb::DeleteKeyRequest { name: live(name) }).await.unwrap();
    (before, KeyState::Deleted(versions, micros(reply.into_inner().scheduled_purge_at)))
}
