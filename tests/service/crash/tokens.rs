//! Inspects the objects in a server's tokens through SoftHSM's files.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{Server, hsm_tokens, strongroom};

/// The label of free tokens in the pool.
const FREE: &str = "strongroom-free";

/// Counts the complete and the partial objects in the HSMs' tokens, by their files. A complete object has a CKA_ID, by
/// which it can be found. A crash while SoftHSM creates an object leaves a file without one.
pub(crate) fn count_objects(server: &Server) -> (usize, usize) {
    let mut all = (0, 0);
    for token in hsm_tokens(server) {
        let (complete, partial) = objects_in(&token);
        all = (all.0 + complete, all.1 + partial);
    }
    all
}

fn objects_in(token: &Path) -> (usize, usize) {
    // CKA_ID, as a byte string; its length follows.
    const IDENTIFIER: [u8; 16] = [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3];
    let (mut complete, mut partial) = (0, 0);
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
            (true, _) => complete += 1,
            (false, true) => {}
            (false, false) => partial += 1,
        }
    }
    (complete, partial)
}

/// Asserts that each of these HSMs has one token and that all other tokens are empty. Returns the number of free tokens.
pub(super) fn assert_one_token_per_hsm(server: &Server, hsms: &[&str], why: &str) -> usize {
    let mut owned: BTreeMap<&str, usize> = BTreeMap::new();
    let mut free = 0;
    for token in hsm_tokens(server) {
        // A token whose initialization was interrupted has no valid record.
        let record = std::fs::read(token.join("token.object")).unwrap_or_default();
        // PKCS#11 labels are padded with blanks.
        let labelled = |label: &str| {
            let label = format!("{label:32}");
            record.windows(label.len()).any(|window| window == label.as_bytes())
        };
        if let Some(hsm) = hsms.iter().find(|hsm| labelled(hsm)) {
            *owned.entry(*hsm).or_default() += 1;
            continue;
        }
        assert_eq!(objects_in(&token).0, 0, "{why}: {} belongs to no HSM and is not empty", token.display());
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

/// Returns the report of `strongroom doctor` on the token. No server may have it open.
pub(super) fn doctor_report(directory: &Path) -> serde_json::Value {
    let output = strongroom()
        .args(["--output", "json", "doctor", "--label", "local", "--pin-file"])
        .arg(directory.join("token.pin"))
        .env("SOFTHSM2_CONF", directory.join("softhsm/softhsm2.conf"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
