//! Making and destroying objects. All of it under the token's lock for changes.

use cryptoki::error::{Error as WrapperError, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;

use super::capabilities::{Capabilities, Feature, Support};
use super::device::Device;
use super::error::Attempt;
use super::handles::Objects;
use super::template::{self, Kind, Life, Template};
use super::{pairwise, twin};
use crate::model::Error;
use crate::model::key::{Curve, KeySpec, KeyType, PublicMaterial};
use crate::model::name::VersionId;

/// Objects that are destroyed unless they are kept: what an interrupted call made must not stay.
pub(super) struct Made<'session> {
    session: &'session Session,
    objects: Vec<ObjectHandle>,
}

impl<'session> Made<'session> {
    pub(super) const fn new(session: &'session Session) -> Self {
        Self { session, objects: Vec::new() }
    }

    pub(super) fn add(&mut self, object: ObjectHandle) -> ObjectHandle {
        self.objects.push(object);
        object
    }

    pub(super) fn keep(&mut self, object: ObjectHandle) {
        self.objects.retain(|made| *made != object);
    }
}

impl Drop for Made<'_> {
    fn drop(&mut self) {
        for object in self.objects.drain(..) {
            if let Err(error) = self.session.destroy_object(object) {
                tracing::warn!(%error, "an object that is not needed could not be destroyed");
            }
        }
    }
}

/// Makes a key. `again` means that an earlier attempt failed and may have left something.
pub(super) fn generate(
    device: &Device,
    session: &Session,
    id: VersionId,
    spec: &KeySpec,
    again: bool,
) -> Attempt<PublicMaterial> {
    device.capabilities.check(spec.key_type)?;
    let _changing = device.changing();
    make_room(device, session, id, again)?;
    let restrict = restrict(&device.capabilities);
    let (objects, public) = match spec.key_type {
        KeyType::Oct { bits } => {
            (twin::generate(session, id, bits, &device.capabilities)?, PublicMaterial::Oct { key_size: bits })
        }
        key_type => {
            let (private, public) =
                generate_pair(session, key_type, spec.public_exponent, Life::Token(id), restrict)?;
            (Objects::new(private, None), public)
        }
    };
    device.handles.insert(id, objects);
    Ok(public)
}

/// Makes a pair, reads its public half, and lets only the private one stay.
pub(super) fn generate_pair(
    session: &Session,
    key_type: KeyType,
    public_exponent: u32,
    life: Life,
    restrict: bool,
) -> Attempt<(ObjectHandle, PublicMaterial)> {
    let exponent = public_exponent.to_be_bytes();
    let (mechanism, template) = match key_type {
        KeyType::Rsa { bits } => {
            (Mechanism::RsaPkcsKeyPairGen, template::public_rsa(bits.into(), without_zeros(&exponent)))
        }
        KeyType::Ec { curve } => (Mechanism::EccKeyPairGen, template::public_ec(curve)),
        KeyType::Oct { .. } => return Err(Error::internal("a secret key is no pair").into()),
    };
    let private_template: Template = template::generated(Kind::of(key_type), life, restrict);
    let (public, private) = session.generate_key_pair(&mechanism, &template, &private_template)?;
    let mut made = Made::new(session);
    made.add(public);
    made.add(private);
    let material = read_public(session, public, key_type)?;
    if material.key_type() != key_type || !pairwise::belongs(session, private, &material)? {
        return Err(Error::internal("the token made a key pair whose halves do not belong together").into());
    }
    made.keep(private);
    Ok((private, material))
}

/// Whether `CKA_ALLOWED_MECHANISMS` is worth setting.
pub(super) fn restrict(capabilities: &Capabilities) -> bool {
    capabilities.of(Feature::AllowedMechanisms) == Support::Native
}

/// Makes sure that an identifier is free. After a failed attempt, what it left is destroyed: the
/// identifier was chosen for this call alone, and nobody was told of a key.
pub(super) fn make_room(device: &Device, session: &Session, id: VersionId, again: bool) -> Attempt<()> {
    if device.handles.get(id).is_some() {
        return Err(Error::internal(format!("the token holds key version {id} already")).into());
    }
    if again {
        for object in device.find(session, id)?.all {
            session.destroy_object(object)?;
        }
    }
    Ok(())
}

/// Destroys keys with all their objects and copies.
pub(super) fn destroy(device: &Device, session: &Session, ids: &[VersionId]) -> Attempt<()> {
    device.check_login(session)?;
    let _changing = device.changing();
    device.check_sentinel(session)?;
    for id in ids {
        // The copies first: they would outlive the key.
        device.copies.drop_of(*id);
        let known = device.handles.remove(*id).map(|objects| objects.originals().collect::<Vec<_>>());
        let objects = match known {
            // A token may give the handle of something that is gone to something else.
            Some(objects) if objects.iter().all(|object| is_of(session, *object, *id)) => objects,
            _ => device.find(session, *id)?.all,
        };
        for object in objects {
            match session.destroy_object(object) {
                Err(WrapperError::Pkcs11(RvError::ObjectHandleInvalid, _)) | Ok(()) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    // What was absent was absent only if the token is still whole.
    device.check_sentinel(session)
}

/// Tells which keys the token holds, by listing it.
pub(super) fn holds(device: &Device, session: &Session, ids: &[VersionId]) -> Attempt<Vec<bool>> {
    device.check_login(session)?;
    device.check_whole(session)?;
    device.scan(session)?;
    device.check_whole(session)?;
    Ok(ids.iter().map(|id| device.handles.get(*id).is_some()).collect())
}

fn is_of(session: &Session, object: ObjectHandle, id: VersionId) -> bool {
    matches!(
        session.get_attributes(object, &[AttributeType::Id]).as_deref(),
        Ok([Attribute::Id(found)]) if found == id.as_bytes()
    )
}

fn read_public(session: &Session, public: ObjectHandle, key_type: KeyType) -> Attempt<PublicMaterial> {
    let unreadable = || Error::internal("the token does not show the public half of the pair it made");
    let wanted: &[AttributeType] = match key_type {
        KeyType::Rsa { .. } => &[AttributeType::Modulus, AttributeType::PublicExponent],
        _ => &[AttributeType::EcPoint],
    };
    let attributes = session.get_attributes(public, wanted)?;
    Ok(match (key_type, attributes.as_slice()) {
        (KeyType::Rsa { .. }, [Attribute::Modulus(n), Attribute::PublicExponent(e)]) => {
            PublicMaterial::Rsa { n: without_zeros(n).to_vec(), e: without_zeros(e).to_vec() }
        }
        (KeyType::Ec { curve }, [Attribute::EcPoint(point)]) => {
            let (x, y) = coordinates(curve, point).ok_or_else(unreadable)?;
            PublicMaterial::Ec { crv: curve, x: x.to_vec(), y: y.to_vec() }
        }
        _ => return Err(unreadable().into()),
    })
}

/// The coordinates of an uncompressed point: bare, or in the DER OCTET STRING that the standard asks for.
fn coordinates(curve: Curve, encoded: &[u8]) -> Option<(&[u8], &[u8])> {
    let width = curve.field_len();
    let start = encoded.len().checked_sub(2 * width + 1)?;
    let (wrapping, point) = encoded.split_at(start);
    let length = u8::try_from(point.len()).ok()?;
    let der = match length {
        0..=0x7f => vec![0x04, length],
        _ => vec![0x04, 0x81, length],
    };
    let [0x04, coordinates @ ..] = point else { return None };
    (wrapping.is_empty() || wrapping == der).then(|| coordinates.split_at(width))
}

/// A big-endian number in as few bytes as it needs.
fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_read_with_and_without_der() {
        for curve in [Curve::P256, Curve::P384, Curve::P521] {
            let width = curve.field_len();
            let point = [&[4][..], &vec![1; width], &vec![2; width]].concat();
            let length = u8::try_from(point.len()).unwrap();
            let der = if length > 0x7f { vec![4, 0x81, length] } else { vec![4, length] };
            let expected = (vec![1; width], vec![2; width]);
            for encoded in [point.clone(), [der.clone(), point.clone()].concat()] {
                let (x, y) = coordinates(curve, &encoded).unwrap();
                assert_eq!((x.to_vec(), y.to_vec()), expected, "{curve}");
            }
            for wrong in [point[1..].to_vec(), [&[5, length][..], &point].concat(), vec![]] {
                assert!(coordinates(curve, &wrong).is_none(), "{curve}");
            }
        }
    }

    #[test]
    fn numbers_lose_their_leading_zeros() {
        assert_eq!(without_zeros(&[0, 0, 1, 0]), [1, 0]);
        assert_eq!(without_zeros(&[]), [] as [u8; 0]);
    }
}
