//! Inspects the objects in a server's tokens through SoftHSM's files.

use std::collections::BTreeMap;
use std::path::Path;

use crate::support::{Server, hsm_tokens, strongroom};

/// The label of free tokens in the pool.
const FREE: &str = "strongroom-free";

/// The number of objects of a security domain.
pub(crate) const OF_DOMAIN: usize = 2;

/// The number of sealing keys: that of the vault of the seed.
pub(crate) const SEALING_KEYS: usize = 1;

/// The objects in tokens, by SoftHSM's files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Objects {
    /// Objects that have a CKA_ID, by which they can be found: keys of callers, and two keys for each security domain.
    pub(crate) complete: usize,
    /// Files that a crash left while SoftHSM created an object.
    pub(crate) partial: usize,
}

/// Counts the objects in the HSMs' tokens.
pub(crate) fn count_objects(server: &Server) -> Objects {
    hsm_tokens(server).iter().map(|token| objects_in(token)).fold(Objects::default(), |all, token| Objects {
        complete: all.complete + token.complete,
        partial: all.partial + token.partial,
    })
}

/// Counts the objects in the directory of a token.
pub(crate) fn objects_in(token: &Path) -> Objects {
    // CKA_ID, as a byte string; its length follows.
    const IDENTIFIER: [u8; 16] = [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3];
    let mut objects = Objects::default();
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
            (true, _) => objects.complete += 1,
            (false, true) => {}
            (false, false) => objects.partial += 1,
        }
    }
    objects
}

/// Asserts that each of these owners, the labels of HSMs and vaults, has one token and that all other tokens are empty.
/// Returns the number of free tokens.
pub(super) fn assert_one_token_each(server: &Server, owners: &[&str], why: &str) -> usize {
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
        if let Some(owner) = owners.iter().find(|owner| labelled(owner)) {
            *owned.entry(*owner).or_default() += 1;
            continue;
        }
        assert_eq!(
            objects_in(&token).complete,
            0,
            "{why}: {} belongs to no HSM or vault and is not empty",
            token.display()
        );
        if labelled(FREE) {
            free += 1;
        } else {
            println!("{why}: {} is no token", token.display());
        }
    }
    let wanted: BTreeMap<&str, usize> = owners.iter().map(|owner| (*owner, 1)).collect();
    assert_eq!(owned, wanted, "{why}: tokens by owner");
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
