//! The identifiers of the keys of security worlds.

use aws_lc_rs::digest::{SHA256, digest};

use crate::model::name::VersionId;

/// Returns the identifier of the key of a security world: the first 16 bytes of a SHA-256 digest of its name.
pub fn world_key_id(world: &str) -> VersionId {
    let hashed = digest(&SHA256, format!("strongroom security world/{world}").as_bytes());
    let mut id = [0; 16];
    id.iter_mut().zip(hashed.as_ref()).for_each(|(byte, hashed)| *byte = *hashed);
    VersionId::from_bytes(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_differ_by_world_and_do_not_change() {
        assert_eq!(world_key_id("a/Europe").to_string(), "257c23570ce4724444c20afb11ec6b2d");
        assert_ne!(world_key_id("a/Europe"), world_key_id("b/Europe"));
    }
}
