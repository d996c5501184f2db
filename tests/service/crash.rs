//! `kill -9` at any moment: what was answered is true afterwards, and nothing is left lying about.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::{SeedableRng as _, random};
use strongroom::api::grpc::pb;
use tonic::Code;

use crate::support::{Client, Server, ec, oct, strongroom};

const ROUNDS: usize = 10;
const CLIENTS: usize = 4;

/// What a client was told of its key names, and what it had asked for when the answer stayed away.
type Told = BTreeMap<String, State>;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum State {
    /// So many versions.
    Live(usize),
    Deleted(usize),
    Absent,
    /// One of two: asked for, and not answered.
    Either(Known, Known),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Known {
    Live(usize),
    Deleted(usize),
    Absent,
}

impl From<Known> for State {
    fn from(known: Known) -> Self {
        match known {
            Known::Live(versions) => Self::Live(versions),
            Known::Deleted(versions) => Self::Deleted(versions),
            Known::Absent => Self::Absent,
        }
    }
}

fn live(name: &str) -> String {
    format!("hsms/local/keys/{name}")
}

fn deleted(name: &str) -> String {
    format!("hsms/local/deletedKeys/{name}")
}

/// Every other name is a secret key; those have two objects in the token.
fn is_secret(name: &str) -> bool {
    name.ends_with(['1', '3', '5', '7', '9'])
}

/// Makes, deletes, brings back and destroys keys until the server is gone.
async fn rage(mut client: Client, who: usize, mut told: Told, mut rng: StdRng) -> Told {
    loop {
        let name = format!("c{who}-{}", rng.gen_range(0..10));
        let before = match told.get(&name).copied().unwrap_or(State::Absent) {
            State::Live(versions) => Known::Live(versions),
            State::Deleted(versions) => Known::Deleted(versions),
            State::Absent => Known::Absent,
            State::Either(..) => panic!("{name} was settled after the restart"),
        };
        let (after, answer) = match before {
            Known::Live(versions) if versions >= 3 || rng.gen_bool(0.5) => {
                let request = pb::DeleteKeyRequest { name: live(&name) };
                (Known::Deleted(versions), client.keys.delete_key(request).await.map(drop))
            }
            Known::Live(_) | Known::Absent => {
                let versions = if let Known::Live(versions) = before { versions } else { 0 };
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
                (Known::Live(versions + 1), answer)
            }
            Known::Deleted(versions) if rng.gen_bool(0.4) => {
                let request = pb::RecoverDeletedKeyRequest { name: deleted(&name) };
                (Known::Live(versions), client.keys.recover_deleted_key(request).await.map(drop))
            }
            Known::Deleted(_) => {
                let request = pb::PurgeDeletedKeyRequest { name: deleted(&name) };
                (Known::Absent, client.keys.purge_deleted_key(request).await.map(drop))
            }
        };
        match answer {
            Ok(()) => told.insert(name, after.into()),
            Err(status) if is_cut_off(&status) => {
                told.insert(name, State::Either(before, after));
                return told;
            }
            Err(status) => panic!("{name}: {before:?} to {after:?}: {status:?}"),
        };
    }
}

/// Whether the server went away in the middle of the call.
fn is_cut_off(status: &tonic::Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal)
        && !status.metadata().contains_key("x-correlation-id")
}

/// How many versions a key has, and whether each does its work.
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

/// What is there of a name. A deleted key is brought back, tried and deleted again.
async fn found(client: &mut Client, name: &str) -> Known {
    let versions = working_versions(client, name).await;
    if versions > 0 {
        return Known::Live(versions);
    }
    match client.keys.recover_deleted_key(pb::RecoverDeletedKeyRequest { name: deleted(name) }).await {
        Ok(_) => {
            let versions = working_versions(client, name).await;
            client.keys.delete_key(pb::DeleteKeyRequest { name: live(name) }).await.unwrap();
            Known::Deleted(versions)
        }
        Err(status) => {
            assert_eq!(status.code(), Code::NotFound, "{name}: {status:?}");
            Known::Absent
        }
    }
}

/// The objects of the token, by its files, and what was left of others. An object that was finished has
/// an identifier, and whoever has one can find it; of one that was not, SoftHSM leaves what nobody can.
pub(crate) fn objects(server: &Server) -> (usize, usize) {
    // CKA_ID, as a byte string; its length follows.
    const IDENTIFIER: [u8; 16] = [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3];
    let (mut whole, mut ghosts) = (0, 0);
    for token in std::fs::read_dir(server.directory().join("softhsm/tokens")).unwrap() {
        for file in std::fs::read_dir(token.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "object")
                || path.ends_with("token.object")
            {
                continue;
            }
            let content = std::fs::read(&path).unwrap();
            let at = content.windows(IDENTIFIER.len()).position(|window| window == IDENTIFIER);
            let identified =
                at.is_some_and(|at| content[at + IDENTIFIER.len()..].starts_with(&[0, 0, 0, 0, 0, 0, 0, 48]));
            let is_sentinel = content.windows(10).any(|window| window == b"strongroom");
            match (identified, is_sentinel) {
                (true, _) => whole += 1,
                (false, true) => {}
                (false, false) => ghosts += 1,
            }
        }
    }
    (whole, ghosts)
}

/// What the token itself says it holds; nobody else may have it open.
fn examined(directory: &Path) -> serde_json::Value {
    let output = strongroom()
        .args(["--output", "json", "doctor", "--label", "local", "--pin-file"])
        .arg(directory.join("token.pin"))
        .env("SOFTHSM2_CONF", directory.join("softhsm/softhsm2.conf"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_is_true_after_any_crash() {
    let seed: u64 = random();
    println!("seed {seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut server = Server::start();
    let mut told: Vec<Told> = vec![Told::new(); CLIENTS];
    let (mut answered, mut unanswered) = (0, 0);
    for round in 0..ROUNDS {
        let mut raging = Vec::new();
        for (who, told) in told.iter().enumerate() {
            let client = server.client("dev").await;
            let rng = StdRng::seed_from_u64(rng.r#gen());
            raging.push(tokio::spawn(rage(client, who, told.clone(), rng)));
        }
        tokio::time::sleep(Duration::from_millis(rng.gen_range(100..1500))).await;
        server.kill();
        for (who, task) in raging.into_iter().enumerate() {
            told[who] = task.await.unwrap();
        }
        server.start_again();

        let mut client = server.client("dev").await;
        let (mut versions, mut expected) = (0, 0);
        for names in &mut told {
            for (name, state) in names {
                let now = found(&mut client, name).await;
                match *state {
                    State::Either(before, after) => {
                        unanswered += 1;
                        assert!(now == before || now == after, "round {round}: {name}: {now:?}, {state:?}");
                    }
                    known => {
                        answered += 1;
                        assert_eq!(known, now.into(), "round {round}: {name}");
                    }
                }
                *state = now.into();
                if let Known::Live(count) | Known::Deleted(count) = now {
                    versions += count;
                    expected += count * if is_secret(name) { 2 } else { 1 };
                }
            }
        }
        let (whole, ghosts) = objects(&server);
        assert_eq!(whole, expected, "round {round}: objects in the token, and versions with their twins");
        println!("round {round}: {versions} versions, {whole} objects, {ghosts} ghosts");
    }
    println!("{answered} states that were answered, {unanswered} that were not");
    assert!(answered > 0 && unanswered > 0);

    assert!(server.stop().success(), "{}", server.log());
    let report = examined(&server.directory());
    let versions: usize = told
        .iter()
        .flat_map(BTreeMap::values)
        .map(|state| match state {
            State::Live(versions) | State::Deleted(versions) => *versions,
            _ => 0,
        })
        .sum();
    assert_eq!(report["keys"], versions, "{report}");
    // At each crash one call was making or destroying objects, a key's two at most. What was left is no key.
    let left = report["foreign_objects"].as_u64().unwrap() + report["ghosts"].as_u64().unwrap();
    assert!(left <= 2 * ROUNDS as u64, "{report}");
    let log = server.log();
    assert!(!log.contains("\"ERROR\"") && !log.contains("panicked"), "{log}");
    let audit = strongroom::audit::verify(&server.directory().join("audit")).unwrap();
    assert_eq!((audit.broken, audit.first), (None, Some(1)));
}

#[tokio::test]
async fn a_token_survives_crashes_while_the_server_starts() {
    let mut server = Server::start();
    let mut dev = server.client("dev").await;
    let made = dev.create(ec("invoices", "P-256")).await.unwrap();
    server.kill();
    let started = Instant::now();
    server.start_again();
    let whole = started.elapsed();
    server.kill();
    for part in 1..=8 {
        let mut child = strongroom()
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(server.directory())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(whole * part / 9).await;
        child.kill().unwrap();
        child.wait().unwrap();
    }
    // The worst a kill can leave: SoftHSM empties the token's record before it writes it anew.
    for token in std::fs::read_dir(server.directory().join("softhsm/tokens")).unwrap() {
        std::fs::write(token.unwrap().path().join("token.object"), "").unwrap();
    }
    server.start_again();
    let mut dev = server.client("dev").await;
    let found = dev.keys.get_key(pb::GetKeyRequest { name: made.name.clone() }).await.unwrap().into_inner();
    assert_eq!(found, made);
    let request = pb::SignRequest { name: made.name, algorithm: "ES256".to_owned(), digest: vec![7; 32] };
    dev.crypto.sign(request).await.unwrap();
    assert!(server.log().contains("restored from its copy"), "{}", server.log());
    assert!(!server.log().contains("\"ERROR\""), "{}", server.log());
}

#[tokio::test]
async fn a_first_start_that_is_killed_is_taken_up_again() {
    for milliseconds in [50, 150, 300, 500, 800] {
        let directory = tempfile::tempdir().unwrap();
        let mut child = strongroom()
            .args(["serve", "--dev", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(directory.path().join("data"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        child.kill().unwrap();
        child.wait().unwrap();
        let server = Server::start_in(directory, &[], &[]);
        let mut dev = server.client("dev").await;
        dev.create(ec("invoices", "P-256")).await.unwrap();
        assert_eq!(objects(&server).0, 1, "after {milliseconds} ms");
    }
}
