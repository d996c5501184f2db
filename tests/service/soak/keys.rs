//! Clients that create, use, rotate, delete, recover and purge keys, over gRPC or REST, and know what they were answered.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use http::Method;
use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use strongroom::api::grpc::pb;
use tokio::sync::watch;

use super::report::Report;
use super::session::{Current, Failure, Session, failure};
use crate::support::ec;

/// The number of names of each client.
const NAMES: usize = 4;
/// The maximum number of versions of a key.
const VERSIONS: usize = 3;
const HSM: &str = "local.managedhsm.localhost";

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Surface {
    Grpc,
    Rest,
}

/// The versions of a key, by identifier, each with its public point.
type Versions = BTreeMap<String, Vec<u8>>;

/// The state of a name that follows from the answers.
#[derive(Clone, PartialEq, Debug)]
enum State {
    Absent,
    Live(Versions),
    Deleted(Versions),
    /// A purge was refused or not answered: the key is deleted until it is gone.
    Purging(Versions),
}

/// A client, with names of its own.
pub(super) struct KeyClient {
    surface: Surface,
    who: usize,
    current: Current,
    report: Arc<Report>,
    rng: StdRng,
    states: BTreeMap<String, State>,
}

impl KeyClient {
    pub(super) fn new(
        surface: Surface,
        who: usize,
        current: watch::Receiver<Arc<Session>>,
        report: Arc<Report>,
        rng: StdRng,
    ) -> Self {
        let states = (0..NAMES).map(|name| (format!("k{who}-{name}"), State::Absent)).collect();
        Self { surface, who, current: Current(current), report, rng, states }
    }

    /// Runs random operations until it is stopped.
    pub(super) async fn run(mut self, stop: Arc<AtomicBool>) -> Self {
        while !stop.load(Ordering::Relaxed) {
            let name = format!("k{}-{}", self.who, self.rng.gen_range(0..NAMES));
            self.step(&name).await;
            let pause = self.rng.gen_range(0..20);
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
        self
    }

    async fn step(&mut self, name: &str) {
        let state = self.states[name].clone();
        let choice = self.rng.gen_range(0..100);
        match state {
            State::Absent => self.create(name, Versions::new()).await,
            State::Live(versions) if choice < 80 => self.sign(name, &versions).await,
            State::Live(versions) if choice < 90 && versions.len() < VERSIONS => {
                self.create(name, versions).await
            }
            State::Live(versions) => self.delete(name, versions).await,
            State::Deleted(versions) if choice < 50 => self.recover(name, versions).await,
            State::Deleted(versions) | State::Purging(versions) => self.purge(name, versions).await,
        }
    }

    /// Creates a version. An answer that is lost is replaced by what the service shows afterwards: one version more, or none.
    async fn create(&mut self, name: &str, before: Versions) {
        let session = self.current.session();
        let created = api::create(self.surface, &session, name).await;
        self.report.count("create", &created);
        let after = match created {
            Ok((id, point)) => {
                let mut after = before;
                assert!(after.insert(id.clone(), point).is_none(), "{name}: version {id} was answered twice");
                after
            }
            Err(Failure::Lost) => {
                self.current.replaced(session.number).await;
                let found = self.versions(name).await;
                let known = before.iter().all(|(id, point)| found.get(id) == Some(point));
                assert!(known && found.len() <= before.len() + 1, "{name}: {before:?} became {found:?}");
                found
            }
            Err(_) => {
                let found = self.versions(name).await;
                assert_eq!(found, before, "{name}: a creation was refused");
                before
            }
        };
        let state = if after.is_empty() { State::Absent } else { State::Live(after) };
        self.states.insert(name.to_owned(), state);
    }

    /// Signs with a version, and verifies the signature with software.
    async fn sign(&mut self, name: &str, versions: &Versions) {
        let (id, point) = versions.iter().nth(self.rng.gen_range(0..versions.len())).unwrap();
        let digest: [u8; 32] = self.rng.r#gen();
        let session = self.current.session();
        let signed = api::sign(self.surface, &session, name, id, &digest).await;
        self.report.count("sign", &signed);
        match signed {
            Ok(signature) => verify(point, &digest, &signature),
            Err(Failure::NotFound) => panic!("{name}: version {id} is lost"),
            Err(Failure::Lost) => self.current.replaced(session.number).await,
            Err(Failure::Refused(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }

    async fn delete(&mut self, name: &str, versions: Versions) {
        let session = self.current.session();
        let deleted = api::delete(self.surface, &session, name).await;
        self.report.count("delete", &deleted);
        let state = match deleted {
            Ok(()) => State::Deleted(versions),
            Err(Failure::NotFound) => panic!("{name} is lost"),
            Err(Failure::Lost) => {
                self.current.replaced(session.number).await;
                self.deleted_or_live(name, versions).await
            }
            Err(Failure::Refused(_)) => State::Live(versions),
        };
        self.states.insert(name.to_owned(), state);
    }

    async fn recover(&mut self, name: &str, versions: Versions) {
        let session = self.current.session();
        let recovered = api::recover(self.surface, &session, name).await;
        self.report.count("recover", &recovered);
        let state = match recovered {
            Ok(()) => State::Live(versions),
            Err(Failure::NotFound) => panic!("{name} is lost"),
            Err(Failure::Lost) => {
                self.current.replaced(session.number).await;
                self.deleted_or_live(name, versions).await
            }
            Err(Failure::Refused(_)) => State::Deleted(versions),
        };
        self.states.insert(name.to_owned(), state);
    }

    async fn purge(&mut self, name: &str, versions: Versions) {
        let is_repeated = matches!(self.states[name], State::Purging(_));
        let session = self.current.session();
        let purged = api::purge(self.surface, &session, name).await;
        self.report.count("purge", &purged);
        let state = match purged {
            Ok(()) => State::Absent,
            // An earlier attempt was completed by the service.
            Err(Failure::NotFound) if is_repeated => State::Absent,
            Err(Failure::NotFound) => panic!("{name} is lost"),
            Err(Failure::Lost) => {
                self.current.replaced(session.number).await;
                State::Purging(versions)
            }
            Err(Failure::Refused(_)) => State::Purging(versions),
        };
        self.states.insert(name.to_owned(), state);
    }

    /// Returns the state after a deletion or a recovery that was not answered.
    async fn deleted_or_live(&mut self, name: &str, versions: Versions) -> State {
        let found = self.versions(name).await;
        if found.is_empty() {
            assert!(self.is_deleted(name).await, "{name} is lost");
            return State::Deleted(versions);
        }
        assert_eq!(found, versions, "{name}");
        State::Live(versions)
    }

    /// Reads the versions of a key, which needs no token. Repeats until there is an answer.
    async fn versions(&mut self, name: &str) -> Versions {
        loop {
            let session = self.current.session();
            match api::versions(self.surface, &session, name).await {
                Ok(versions) => return versions,
                Err(Failure::NotFound) => return Versions::new(),
                Err(Failure::Lost) => self.current.replaced(session.number).await,
                Err(Failure::Refused(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    async fn is_deleted(&mut self, name: &str) -> bool {
        loop {
            let session = self.current.session();
            match api::get_deleted(self.surface, &session, name).await {
                Ok(()) => return true,
                Err(Failure::NotFound) => return false,
                Err(Failure::Lost) => self.current.replaced(session.number).await,
                Err(Failure::Refused(_)) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Checks that every key is as it was answered, and that every version signs; purges what is being purged. Returns the number
    /// of versions.
    pub(super) async fn check_everything(mut self) -> usize {
        let mut all = 0;
        for (name, state) in self.states.clone() {
            let session = self.current.session();
            match state {
                State::Absent => {}
                State::Purging(_) => match api::purge(self.surface, &session, &name).await {
                    Ok(()) | Err(Failure::NotFound) => {}
                    Err(why) => panic!("{name}: {why:?}"),
                },
                State::Deleted(versions) => {
                    assert!(self.is_deleted(&name).await, "{name} is lost");
                    api::recover(self.surface, &session, &name).await.unwrap();
                    self.check_versions(&session, &name, &versions).await;
                    all += versions.len();
                    continue;
                }
                State::Live(versions) => {
                    self.check_versions(&session, &name, &versions).await;
                    all += versions.len();
                    continue;
                }
            }
            assert_eq!(self.versions(&name).await, Versions::new(), "{name}");
            assert!(!self.is_deleted(&name).await, "{name}");
        }
        all
    }

    async fn check_versions(&mut self, session: &Session, name: &str, versions: &Versions) {
        assert_eq!(self.versions(name).await, *versions, "{name}");
        for (id, point) in versions {
            let digest: [u8; 32] = self.rng.r#gen();
            let signature = api::sign(self.surface, session, name, id, &digest).await.unwrap();
            verify(point, &digest, &signature);
        }
    }
}

fn verify(point: &[u8], digest: &[u8], signature: &[u8]) {
    let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(point).unwrap();
    key.verify_prehash(digest, &p256::ecdsa::Signature::from_slice(signature).unwrap())
        .expect("the signature is right");
}

/// The calls, over either surface.
mod api {
    use super::*;

    /// The resource name of a key, or of a version of it.
    fn resource(name: &str, version: Option<&str>) -> String {
        let version = version.map(|version| format!("/versions/{version}")).unwrap_or_default();
        format!("hsms/local/keys/{name}{version}")
    }

    fn deleted(name: &str) -> String {
        format!("hsms/local/deletedKeys/{name}")
    }

    fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
        [&[4][..], x, y].concat()
    }

    fn bytes(value: &Value) -> Vec<u8> {
        BASE64URL.decode(value.as_str().unwrap()).unwrap()
    }

    fn last(text: &str) -> String {
        text.rsplit('/').next().unwrap().to_owned()
    }

    pub(super) async fn create(
        surface: Surface,
        session: &Session,
        name: &str,
    ) -> Result<(String, Vec<u8>), Failure> {
        if surface == Surface::Rest {
            let body = json!({"kty": "EC-HSM", "crv": "P-256"});
            let key = session.rest(Method::POST, &format!("{HSM}/keys/{name}/create"), body).await?;
            let key = &key["key"];
            return Ok((last(key["kid"].as_str().unwrap()), point(&bytes(&key["x"]), &bytes(&key["y"]))));
        }
        let created = session.grpc.clone().create(ec(name, "P-256")).await;
        let bundle = created.map_err(|status| failure(&status))?;
        let key = bundle.key.unwrap();
        Ok((last(&bundle.name), point(&key.x, &key.y)))
    }

    pub(super) async fn sign(
        surface: Surface,
        session: &Session,
        name: &str,
        id: &str,
        digest: &[u8],
    ) -> Result<Vec<u8>, Failure> {
        if surface == Surface::Rest {
            let body = json!({"alg": "ES256", "value": BASE64URL.encode(digest)});
            let signed = session.rest(Method::POST, &format!("{HSM}/keys/{name}/{id}/sign"), body).await?;
            return Ok(bytes(&signed["value"]));
        }
        let mut client = session.grpc.clone();
        let signed = crate::calls::sign(&mut client, &resource(name, Some(id)), "ES256", digest).await;
        Ok(signed.map_err(|status| failure(&status))?.signature)
    }

    pub(super) async fn delete(surface: Surface, session: &Session, name: &str) -> Result<(), Failure> {
        if surface == Surface::Rest {
            return session.rest(Method::DELETE, &format!("{HSM}/keys/{name}"), Value::Null).await.map(drop);
        }
        let request = pb::DeleteKeyRequest { name: resource(name, None) };
        session.grpc.clone().keys.delete_key(request).await.map(drop).map_err(|status| failure(&status))
    }

    pub(super) async fn get_deleted(surface: Surface, session: &Session, name: &str) -> Result<(), Failure> {
        if surface == Surface::Rest {
            return session
                .rest(Method::GET, &format!("{HSM}/deletedkeys/{name}"), Value::Null)
                .await
                .map(drop);
        }
        let request = pb::GetDeletedKeyRequest { name: deleted(name) };
        session.grpc.clone().keys.get_deleted_key(request).await.map(drop).map_err(|status| failure(&status))
    }

    pub(super) async fn recover(surface: Surface, session: &Session, name: &str) -> Result<(), Failure> {
        if surface == Surface::Rest {
            let url = format!("{HSM}/deletedkeys/{name}/recover");
            return session.rest(Method::POST, &url, Value::Null).await.map(drop);
        }
        let request = pb::RecoverDeletedKeyRequest { name: deleted(name) };
        session
            .grpc
            .clone()
            .keys
            .recover_deleted_key(request)
            .await
            .map(drop)
            .map_err(|status| failure(&status))
    }

    pub(super) async fn purge(surface: Surface, session: &Session, name: &str) -> Result<(), Failure> {
        if surface == Surface::Rest {
            return session
                .rest(Method::DELETE, &format!("{HSM}/deletedkeys/{name}"), Value::Null)
                .await
                .map(drop);
        }
        let request = pb::PurgeDeletedKeyRequest { name: deleted(name) };
        session
            .grpc
            .clone()
            .keys
            .purge_deleted_key(request)
            .await
            .map(drop)
            .map_err(|status| failure(&status))
    }

    pub(super) async fn versions(
        surface: Surface,
        session: &Session,
        name: &str,
    ) -> Result<Versions, Failure> {
        let mut versions = Versions::new();
        if surface == Surface::Rest {
            let url = format!("{HSM}/keys/{name}/versions");
            let listed = session.rest(Method::GET, &url, Value::Null).await?;
            for item in listed["value"].as_array().unwrap() {
                let id = last(item["kid"].as_str().unwrap());
                let key = session.rest(Method::GET, &format!("{HSM}/keys/{name}/{id}"), Value::Null).await?;
                let key = &key["key"];
                versions.insert(id, point(&bytes(&key["x"]), &bytes(&key["y"])));
            }
            return Ok(versions);
        }
        let request = pb::ListKeyVersionsRequest { parent: resource(name, None), ..Default::default() };
        let listed = session.grpc.clone().keys.list_key_versions(request).await;
        for bundle in listed.map_err(|status| failure(&status))?.into_inner().versions {
            let key = bundle.key.unwrap();
            versions.insert(last(&bundle.name), point(&key.x, &key.y));
        }
        Ok(versions)
    }
}
