//! Import of key material into the token.

use cryptoki::session::Session;

use super::create::ensure_absent;
use super::device::Device;
use super::error::Attempt;
use super::handles::KeyObjects;
use super::object_guard::ObjectGuard;
use super::template::{self, Kind, Lifetime};
use super::{hmac_companion, pairwise};
use crate::model::import::ImportMaterial;
use crate::model::key::PublicMaterial;
use crate::model::name::VersionId;
use crate::model::wrapped_key::BackupPolicy;
use crate::model::{Error, Field};

/// Imports a key. `again` means that an earlier attempt failed and may have left objects.
pub(super) fn import(
    device: &Device,
    session: &Session,
    id: VersionId,
    material: &ImportMaterial,
    (backup, again): (BackupPolicy, bool),
) -> Attempt<()> {
    device.capabilities.check(material.key_type())?;
    let _changing = device.write_lock();
    ensure_absent(device, session, id, again)?;
    let (life, restrict) = (Lifetime::Token(id), device.restrictions(backup));
    let mut made = ObjectGuard::new(session);
    let main = made.add(session.create_object(&template::imported(material, life, restrict))?);
    if !pairwise::halves_match(session, main, &public_half(material))? {
        return Err(Error::invalid(Field::Key, "the public key does not match the private key").into());
    }
    let companion = match material {
        ImportMaterial::Oct { k } => hmac_companion::imported_length(&device.capabilities, k.len())
            .map(|length| -> Attempt<_> {
                let length = length.max(k.len());
                let mut value = Vec::with_capacity(length);
                value.extend_from_slice(k);
                value.resize(length, 0);
                let template = template::secret(Kind::Hmac, life, restrict, value);
                Ok(made.add(session.create_object(&template)?))
            })
            .transpose()?,
        _ => None,
    };
    made.keep(main);
    if let Some(companion) = companion {
        made.keep(companion);
    }
    device.handles.insert(id, KeyObjects::new(main, companion));
    Ok(())
}

fn public_half(material: &ImportMaterial) -> PublicMaterial {
    match material {
        ImportMaterial::Rsa { n, e, .. } => PublicMaterial::Rsa { n: n.clone(), e: e.clone() },
        ImportMaterial::Ec { crv, x, y, .. } => PublicMaterial::Ec { crv: *crv, x: x.clone(), y: y.clone() },
        ImportMaterial::Oct { k } => {
            PublicMaterial::Oct { key_size: u16::try_from(k.len() * 8).unwrap_or(u16::MAX) }
        }
    }
}
