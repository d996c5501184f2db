//! Creation of the two keys that a security domain has in the token.
//!
//! The wrapping key wraps the keys of backups. The sealing key encrypts the secrets of the domain that are stored outside
//! the token. Neither can be wrapped or used for anything else.

use cryptoki::mechanism::Mechanism;
use cryptoki::session::Session;

use super::create::ensure_absent;
use super::device::Device;
use super::error::Attempt;
use super::handles::KeyObjects;
use super::key_backup;
use super::template::{self, Lifetime};
use crate::model::name::VersionId;
use crate::model::wrapped_key::BackupPolicy;
use crate::model::{Error, Field};

/// The length of both keys, in bytes.
pub(super) const KEY_BYTES: u8 = 32;

/// Generates a sealing key. `again` means that an earlier attempt failed and may have left an object.
pub(super) fn generate_sealing_key(
    device: &Device,
    session: &Session,
    id: VersionId,
    again: bool,
) -> Attempt<()> {
    let _changing = device.write_lock();
    ensure_absent(device, session, id, again)?;
    let restrict = device.restrictions(BackupPolicy::Never);
    let template = template::sealing_key(Lifetime::Token(id), restrict, KEY_BYTES.into());
    let key = session.generate_key(&Mechanism::AesKeyGen, &template)?;
    device.handles.insert(id, KeyObjects::new(key, None));
    Ok(())
}

/// Imports a wrapping key. `again` means that an earlier attempt failed and may have left an object.
pub(super) fn import_wrapping_key(
    device: &Device,
    session: &Session,
    id: VersionId,
    key: &[u8],
    again: bool,
) -> Attempt<()> {
    if key.len() != usize::from(KEY_BYTES) {
        return Err(Error::invalid(Field::Key, "a wrapping key has 32 bytes").into());
    }
    key_backup::require_wrapping(device)?;
    let _changing = device.write_lock();
    ensure_absent(device, session, id, again)?;
    let restrict = device.restrictions(BackupPolicy::Never);
    let template = template::wrapping_key(Lifetime::Token(id), restrict, key);
    let key = session.create_object(&template)?;
    device.handles.insert(id, KeyObjects::new(key, None));
    Ok(())
}
