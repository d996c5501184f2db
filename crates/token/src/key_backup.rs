//! Wraps the objects of a key for a backup, and unwraps them, inside the token.
//!
//! The mechanism is AES Key Wrap with Padding (RFC 5649). The wrapped value contains the material and no attributes:
//! those of an unwrapped object come from its template, which is that of a new key. An unwrapped key is used once, and
//! the result verified, before it is known under its identifier.

use cryptoki::error::{Error as WrapperError, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;
use subtle::ConstantTimeEq as _;

use super::capabilities::Feature;
use super::create::ensure_absent;
use super::device::Device;
use super::error::{Attempt, Failure};
use super::handles::{KeyObjects, Part};
use super::mechanism;
use super::object_guard::ObjectGuard;
use super::pairwise;
use super::template::{self, Kind, Lifetime};
use crate::model::Error;
use crate::model::algorithm::Hash;
use crate::model::key::{KeyType, PublicMaterial};
use crate::model::name::VersionId;
use crate::model::wrapped_key::{BackupPolicy, KnownMac, WrappedCompanion, WrappedKey, WrappedSecret};

/// The input of the known answers. Neither answer discloses the key.
const KNOWN_INPUT: &[u8; 16] = b"strongroom check";

/// RFC 5649 pads to blocks of 8 bytes, and adds one.
const BLOCK: usize = 8;

/// A key that is to be unwrapped.
pub(super) struct NewKey<'a> {
    pub(super) id: VersionId,
    pub(super) public: &'a PublicMaterial,
    pub(super) backup: BackupPolicy,
}

/// Wraps the objects of a key.
pub(super) fn wrap(
    device: &Device,
    session: &Session,
    wrapping_key: VersionId,
    (id, key_type): (VersionId, KeyType),
) -> Attempt<WrappedKey> {
    require(device, key_type)?;
    let wrapper = device.objects(session, wrapping_key)?.main.original;
    let objects = device.objects(session, id)?;
    let wrap = |object| wrap_object(session, wrapper, object, id);
    let main = wrap(objects.main.original)?;
    let secret = match key_type {
        KeyType::Rsa { .. } | KeyType::Ec { .. } => None,
        KeyType::Oct { bits } => {
            let main_length = usize::from(bits / 8) + BLOCK;
            if main.len() != main_length {
                return Err(wrong_length());
            }
            let companion = objects.part(Part::HmacCompanion).map(|companion| -> Attempt<_> {
                let object = companion.original;
                Ok(WrappedCompanion { wrapped: wrap(object)?, known_answer: known_mac(session, object)? })
            });
            let known_answer = known_block(session, objects.main.original)?;
            Some(WrappedSecret { hmac_companion: companion.transpose()?, known_answer })
        }
    };
    Ok(WrappedKey { main, secret })
}

/// Wraps one object. A module may report a longer output than it writes; the length of RFC 5649 is checked when the
/// value is unwrapped.
fn wrap_object(
    session: &Session,
    wrapper: ObjectHandle,
    object: ObjectHandle,
    id: VersionId,
) -> Attempt<Vec<u8>> {
    // Some tokens wrap keys that are not extractable.
    if !is_extractable(session, object)? {
        return Err(Error::KeyNotWrappable { version: id }.into());
    }
    match session.wrap_key(&Mechanism::AesKeyWrapPad, wrapper, object) {
        Ok(wrapped) if wrapped.len() >= 2 * BLOCK && wrapped.len().is_multiple_of(BLOCK) => Ok(wrapped),
        Ok(_) => Err(wrong_length()),
        Err(WrapperError::Pkcs11(RvError::KeyUnextractable | RvError::KeyNotWrappable, _)) => {
            Err(Error::KeyNotWrappable { version: id }.into())
        }
        Err(error) => Err(error.into()),
    }
}

fn wrong_length() -> Failure {
    Error::internal("the token returned a wrapped key of the wrong length").into()
}

/// Unwraps the objects of a key and verifies them. `again` means that an earlier attempt failed and may have left
/// objects.
pub(super) fn unwrap(
    device: &Device,
    session: &Session,
    wrapping_key: VersionId,
    new: &NewKey<'_>,
    (wrapped, again): (&WrappedKey, bool),
) -> Attempt<()> {
    let key_type = new.public.key_type();
    require(device, key_type)?;
    let wrapper = device.objects(session, wrapping_key)?.main.original;
    let _changing = device.write_lock();
    ensure_absent(device, session, new.id, again)?;
    let (life, restrict) = (Lifetime::Token(new.id), device.restrictions(new.backup));
    let mut made = ObjectGuard::new(session);
    let mut unwrap = |kind, wrapped: &[u8]| -> Attempt<ObjectHandle> {
        let template = template::key(kind, life, restrict);
        let object = session
            .unwrap_key(&Mechanism::AesKeyWrapPad, wrapper, wrapped, &template)
            .map_err(|error| classify_unwrap_failure(device, session, error.into()))?;
        Ok(made.add(object))
    };
    let main = unwrap(Kind::of(key_type), &wrapped.main)?;
    let companion = wrapped.secret.as_ref().and_then(|secret| secret.hmac_companion.as_ref());
    // A token without HMAC has no use for the companion.
    let companion = companion.filter(|_| device.capabilities.has(Feature::HmacSha256));
    let companion = match companion {
        Some(companion) => Some((unwrap(Kind::Hmac, &companion.wrapped)?, companion)),
        None => None,
    };
    let is_same = match (&wrapped.secret, new.public) {
        (None, PublicMaterial::Rsa { .. } | PublicMaterial::Ec { .. }) => {
            pairwise::halves_match(session, main, new.public)?
        }
        (Some(secret), PublicMaterial::Oct { .. }) => {
            let mut matches = bool::from(known_block(session, main)?.ct_eq(&secret.known_answer));
            if let Some((object, companion)) = &companion {
                matches &= match &companion.known_answer {
                    Some(expected) => {
                        let answer = known_mac(session, *object)?;
                        answer.is_some_and(|answer| bool::from(answer.0.ct_eq(&expected.0)))
                    }
                    None => true,
                };
            }
            matches
        }
        _ => false,
    };
    if !is_same {
        return Err(malformed("the key material in the backup is not that of the key"));
    }
    made.keep(main);
    let companion = companion.map(|(object, _)| object);
    if let Some(companion) = companion {
        made.keep(companion);
    }
    device.handles.insert(new.id, KeyObjects::new(main, companion));
    Ok(())
}

/// Reports which keys have only extractable objects.
pub(super) fn wrappable(device: &Device, session: &Session, ids: &[VersionId]) -> Attempt<Vec<bool>> {
    device.check_login(session)?;
    device.verify_sentinel(session)?;
    let _searching = device.read_lock();
    let is_wrappable = |id: &VersionId| {
        let Some(objects) = device.handles.get(*id) else { return Ok(false) };
        all_extractable(session, &objects)
    };
    ids.iter().map(is_wrappable).collect()
}

/// Whether all objects of a key are extractable.
pub(super) fn all_extractable(session: &Session, objects: &KeyObjects) -> Attempt<bool> {
    for object in objects.originals() {
        if !is_extractable(session, object)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an object is the wrapping or sealing key of a security domain.
pub(super) fn is_domain_key(session: &Session, objects: &KeyObjects) -> Attempt<bool> {
    let attributes = session.get_attributes(objects.main.original, &[AttributeType::Label])?;
    let is_label = |label: &[u8]| label.starts_with(template::DOMAIN_LABEL.as_bytes());
    Ok(matches!(attributes.as_slice(), [Attribute::Label(label)] if is_label(label)))
}

fn is_extractable(session: &Session, object: ObjectHandle) -> Attempt<bool> {
    let attributes = session.get_attributes(object, &[AttributeType::Extractable])?;
    Ok(matches!(attributes.as_slice(), [Attribute::Extractable(true)]))
}

/// Errors with `Unsupported` if the token does not wrap any keys.
pub(super) fn require_wrapping(device: &Device) -> Attempt<()> {
    let what = || "wrapping keys for backups".to_owned();
    Ok(device.capabilities.require(Feature::WrapSecretKeys, what)?)
}

fn require(device: &Device, key_type: KeyType) -> Attempt<()> {
    let feature = match key_type {
        KeyType::Rsa { .. } => Feature::WrapRsaKeys,
        KeyType::Ec { .. } => Feature::WrapEcKeys,
        KeyType::Oct { .. } => Feature::WrapSecretKeys,
    };
    Ok(device.capabilities.require(feature, || format!("wrapping keys of type {key_type} for backups"))?)
}

/// Tokens return different codes for a value that was not wrapped under the key, or that was modified. Some of the codes have other
/// causes as well: a check of the sentinel and a second attempt decide. The caller holds the write lock.
fn classify_unwrap_failure(device: &Device, session: &Session, failure: Failure) -> Failure {
    if failure.is_busy(&device.loaded.profile.throttle) {
        return failure;
    }
    let unusable =
        || Error::MalformedBackup { why: "the key material in the backup cannot be unwrapped".to_owned() };
    match failure {
        Failure::ReturnCode(
            RvError::WrappedKeyInvalid
            | RvError::WrappedKeyLenRange
            | RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange
            | RvError::DataInvalid
            | RvError::DataLenRange
            | RvError::AttributeValueInvalid
            | RvError::TemplateInconsistent,
            function,
        ) => {
            tracing::debug!(function = %function, "the token rejects a wrapped key");
            unusable().into()
        }
        Failure::ReturnCode(RvError::GeneralError | RvError::FunctionFailed, _) => device
            .sentinel
            .verify(session)
            .map_or_else(|failure| failure, |()| Failure::Undecided(unusable())),
        other => other,
    }
}

fn malformed(why: &str) -> Failure {
    Error::MalformedBackup { why: why.to_owned() }.into()
}

/// The known answer of an AES key.
fn known_block(session: &Session, key: ObjectHandle) -> Attempt<Vec<u8>> {
    Ok(session.encrypt(&Mechanism::AesEcb, key, KNOWN_INPUT)?)
}

/// The known answer of an HMAC companion. Some tokens compute no MACs with keys that are shorter than the hash.
fn known_mac(session: &Session, key: ObjectHandle) -> Attempt<Option<KnownMac>> {
    match session.sign(&mechanism::hmac(Hash::Sha256), key, KNOWN_INPUT) {
        Ok(mac) => Ok(Some(KnownMac(mac))),
        Err(WrapperError::Pkcs11(RvError::KeySizeRange, _)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
