//! Searches of a token for its objects, and their classification.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use cryptoki::error::{Error as WrapperError, RvError};
use cryptoki::object::{Attribute, AttributeType, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;

use super::error::Attempt;
use super::handles::{KeyObjects, Part};
use super::template;
use crate::model::name::VersionId;

/// The number of objects fetched per `C_FindObjects` call when the whole token is listed.
const SCAN_BATCH: NonZeroUsize = NonZeroUsize::new(512).unwrap();

/// The result of a search for one key.
pub(super) struct FoundKey {
    /// The key's objects, if its main object exists.
    pub(super) objects: Option<KeyObjects>,
    /// Every object with the key's identifier, incomplete and left-over ones included.
    pub(super) all: Vec<ObjectHandle>,
}

/// The numbers of objects in the token that are not keys of this service.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct UnrecognizedObjects {
    /// Objects without attributes, left by a process that was killed.
    pub(super) without_attributes: usize,
    /// Objects that another application created, or incomplete keys.
    pub(super) foreign: usize,
}

/// Lists the keys in the token, and counts the objects that are neither theirs nor the sentinel.
pub(super) fn list(
    session: &Session,
    sentinel: Option<ObjectHandle>,
) -> Attempt<(HashMap<VersionId, KeyObjects>, UnrecognizedObjects)> {
    let handles = session
        .iter_objects_with_cache_size(&[Attribute::Token(true)], SCAN_BATCH)?
        .collect::<Result<Vec<_>, _>>()?;
    let mut keys: HashMap<VersionId, KeyParts> = HashMap::new();
    let mut unrecognized = UnrecognizedObjects::default();
    for handle in handles.into_iter().filter(|handle| Some(*handle) != sentinel) {
        match classify(session, handle)? {
            ObjectKind::Key(id, part) => keys.entry(id).or_default().add(handle, part),
            ObjectKind::NoAttributes => unrecognized.without_attributes += 1,
            ObjectKind::Foreign => unrecognized.foreign += 1,
            ObjectKind::Destroyed => {}
        }
    }
    let mut known = HashMap::with_capacity(keys.len());
    for (id, found) in keys {
        match found.objects() {
            Some(objects) => {
                known.insert(id, objects);
            }
            None => unrecognized.foreign += 1,
        }
    }
    Ok((known, unrecognized))
}

/// Searches for the objects of one key.
pub(super) fn find(session: &Session, id: VersionId) -> Attempt<FoundKey> {
    let mut found = KeyParts::default();
    let mut all = Vec::new();
    for handle in session.find_objects(&template::find_key(id))? {
        all.push(handle);
        if let ObjectKind::Key(_, part) = classify(session, handle)? {
            found.add(handle, part);
        }
    }
    Ok(FoundKey { objects: found.objects(), all })
}

/// The classification of an object by its attributes.
enum ObjectKind {
    Key(VersionId, Part),
    Foreign,
    NoAttributes,
    Destroyed,
}

#[derive(Default)]
struct KeyParts {
    main: Option<ObjectHandle>,
    hmac_companion: Option<ObjectHandle>,
}

impl KeyParts {
    fn add(&mut self, handle: ObjectHandle, part: Part) {
        match part {
            Part::Main => self.main = Some(handle),
            Part::HmacCompanion => self.hmac_companion = Some(handle),
        }
    }

    fn objects(self) -> Option<KeyObjects> {
        Some(KeyObjects::new(self.main?, self.hmac_companion))
    }
}

fn classify(session: &Session, handle: ObjectHandle) -> Attempt<ObjectKind> {
    use AttributeType::{Class, Id, KeyType as Type};
    let attributes = match session.get_attributes(handle, &[Class, Type, Id]) {
        Ok(attributes) => attributes,
        Err(WrapperError::Pkcs11(RvError::ObjectHandleInvalid, _)) => return Ok(ObjectKind::Destroyed),
        Err(error @ WrapperError::Pkcs11(..)) => return Err(error.into()),
        // An attribute value that cryptoki does not define: not an object of this service.
        Err(_) => return Ok(ObjectKind::Foreign),
    };
    let (mut class, mut key_type, mut id) = (None, None, None);
    for attribute in attributes {
        match attribute {
            Attribute::Class(value) => class = Some(value),
            Attribute::KeyType(value) => key_type = Some(value),
            Attribute::Id(value) => id = <[u8; 16]>::try_from(value).ok().map(VersionId::from_bytes),
            _ => {}
        }
    }
    Ok(match (class, key_type, id) {
        (None, None, None) => ObjectKind::NoAttributes,
        (Some(ObjectClass::PRIVATE_KEY), _, Some(id)) => ObjectKind::Key(id, Part::Main),
        (Some(ObjectClass::SECRET_KEY), Some(KeyType::AES), Some(id)) => ObjectKind::Key(id, Part::Main),
        (Some(ObjectClass::SECRET_KEY), Some(KeyType::GENERIC_SECRET), Some(id)) => {
            ObjectKind::Key(id, Part::HmacCompanion)
        }
        _ => ObjectKind::Foreign,
    })
}
