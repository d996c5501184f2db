//! What is in the tokens of a server, by their files.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{Server, hsm_tokens, strongroom};

/// The label of tokens that were given back.
const FREE: &str = "strongroom-free";

/// The objects of the token, by its files, and what was left of others. An object that was finished has
/// an identifier, and whoever has one can find it; of one that was not, SoftHSM leaves what nobody can.
pub(crate) fn objects(server: &Server) -> (usize, usize) {
    let mut all = (0, 0);
    for token in hsm_tokens(server) {
        let (whole, ghosts) = objects_in(&token);
        all = (all.0 + whole, all.1 + ghosts);
    }
    all
}

fn objects_in(token: &Path) -> (usize, usize) {
    // CKA_ID, as a byte string; its length follows.
    const IDENTIFIER: [u8; 16] = [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3];
    let (mut whole, mut ghosts) = (0, 0);
    for file in std::fs::read_dir(token).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "object") || path.ends_with("token.object") {
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
    (whole, ghosts)
}

/// Expects a token for each of these HSMs and for nobody else; those that are free are empty. Says how many are free.
pub(super) fn assert_each_has_its_own(server: &Server, hsms: &[&str], why: &str) -> usize {
    let mut owned: BTreeMap<&str, usize> = BTreeMap::new();
    let mut free = 0;
    for token in hsm_tokens(server) {
        // A token that a kill left half made has no record that SoftHSM would take.
        let record = std::fs::read(token.join("token.object")).unwrap_or_default();
        // Labels are padded with blanks.
        let labelled = |label: &str| {
            let label = format!("{label:32}");
            record.windows(label.len()).any(|window| window == label.as_bytes())
        };
        if let Some(hsm) = hsms.iter().find(|hsm| labelled(hsm)) {
            *owned.entry(*hsm).or_default() += 1;
            continue;
        }
        assert_eq!(objects_in(&token).0, 0, "{why}: {} is nobody's and not empty", token.display());
        if labelled(FREE) {
            free += 1;
        } else {
            println!("{why}: {} is no token", token.display());
        }
    }
    let wanted: BTreeMap<&str, usize> = hsms.iter().map(|hsm| (*hsm, 1)).collect();
    assert_eq!(owned, wanted, "{why}: tokens by HSM");
    free
}

/// What the token itself says it holds; nobody else may have it open.
pub(super) fn examined(directory: &Path) -> serde_json::Value {
    let output = strongroom()
        .args(["--output", "json", "doctor", "--label", "local", "--pin-file"])
        .arg(directory.join("token.pin"))
        .env("SOFTHSM2_CONF", directory.join("softhsm/softhsm2.conf"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
