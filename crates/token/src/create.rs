//! Creation and destruction of token objects, under the device's write lock.

use cryptoki::error::{Error as WrapperError, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::{Attribute, AttributeType, ObjectHandle};
use cryptoki::session::Session;
use pkcs8::der::Decode as _;
use pkcs8::der::asn1::OctetStringRef;

use super::device::Device;
use super::error::Attempt;
use super::handles::{KeyObjects, Part};
use super::object_guard::ObjectGuard;
use super::template::{self, Kind, Lifetime, Restrictions, Template};
use super::{hmac_companion, pairwise, scan};
use crate::model::Error;
use crate::model::key::{Curve, KeySpec, KeyType, PublicMaterial};
use crate::model::name::VersionId;
use crate::model::wrapped_key::BackupPolicy;

/// Generates a key. `again` means that an earlier attempt failed and may have left objects.
pub(super) fn generate(
    device: &Device,
    session: &Session,
    id: VersionId,
    spec: &KeySpec,
    (backup, again): (BackupPolicy, bool),
) -> Attempt<PublicMaterial> {
    device.capabilities.check(spec.key_type)?;
    let _changing = device.write_lock();
    ensure_absent(device, session, id, again)?;
    let restrict = device.restrictions(backup);
    let (objects, public) = match spec.key_type {
        KeyType::Oct { bits } => (
            hmac_companion::generate(session, id, bits, (&device.capabilities, restrict))?,
            PublicMaterial::Oct { key_size: bits },
        ),
        key_type => {
            let (private, public) =
                generate_pair(session, key_type, spec.public_exponent, Lifetime::Token(id), restrict)?;
            (KeyObjects::new(private, None), public)
        }
    };
    device.handles.insert(id, objects);
    Ok(public)
}

/// Generates a key pair, reads the public key and destroys its object. Only the private key remains.
pub(super) fn generate_pair(
    session: &Session,
    key_type: KeyType,
    public_exponent: u32,
    life: Lifetime,
    restrict: Restrictions,
) -> Attempt<(ObjectHandle, PublicMaterial)> {
    let exponent = public_exponent.to_be_bytes();
    let (mechanism, template) = match key_type {
        KeyType::Rsa { bits } => {
            (Mechanism::RsaPkcsKeyPairGen, template::public_rsa(bits.into(), without_zeros(&exponent)))
        }
        KeyType::Ec { curve } => (Mechanism::EccKeyPairGen, template::public_ec(curve)),
        KeyType::Oct { .. } => return Err(Error::internal("an oct key is not a key pair").into()),
    };
    let private_template: Template = template::generated(Kind::of(key_type), life, restrict);
    let (public, private) = session.generate_key_pair(&mechanism, &template, &private_template)?;
    let mut made = ObjectGuard::new(session);
    made.add(public);
    made.add(private);
    let material = read_public(session, public, key_type)?;
    if material.key_type() != key_type || !pairwise::halves_match(session, private, &material)? {
        return Err(Error::internal(
            "the token generated a key pair that fails the pairwise consistency test",
        )
        .into());
    }
    made.keep(private);
    Ok((private, material))
}

/// Checks that no key has this identifier. On a retry, destroys the objects of the failed attempt: the
/// identifier was chosen for this call alone, and no key was returned under it.
pub(super) fn ensure_absent(device: &Device, session: &Session, id: VersionId, again: bool) -> Attempt<()> {
    if again {
        // The attempt may have completed, and its process ended before the answer.
        device.object_cache.remove(id);
        device.handles.remove(id);
    }
    if device.handles.get(id).is_some() {
        return Err(Error::internal(format!("the token already holds key version {id}")).into());
    }
    if again {
        let search = device.begin_search(session)?;
        for object in scan::find(session, id)?.all {
            session.destroy_object(object)?;
        }
        // What a search without a login did not find would be a second key under the identifier.
        device.end_search(session, search)?;
    }
    Ok(())
}

/// Destroys all objects of these keys, session copies included.
pub(super) fn destroy(device: &Device, session: &Session, ids: &[VersionId]) -> Attempt<()> {
    let search = device.begin_search(session)?;
    let _changing = device.write_lock();
    device.verify_in_search(session, search)?;
    for id in ids {
        // Copies first: destroying the original does not destroy them.
        device.object_cache.remove(*id);
        let known = device.handles.remove(*id).map(|objects| objects.originals().collect::<Vec<_>>());
        let objects = match known {
            // A token may reuse the handle of a destroyed object.
            Some(objects) if objects.iter().all(|object| is_of(session, *object, *id)) => objects,
            _ => scan::find(session, *id)?.all,
        };
        for object in objects {
            match session.destroy_object(object) {
                Err(WrapperError::Pkcs11(RvError::ObjectHandleInvalid, _)) | Ok(()) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    // Objects that were not found are absent only if the sentinel is still visible, and the login was not lost meanwhile.
    device.verify_in_search(session, search)?;
    device.end_search(session, search)
}

/// Reports which of these keys the token holds, from a full listing of its objects.
pub(super) fn holds(device: &Device, session: &Session, ids: &[VersionId]) -> Attempt<Vec<bool>> {
    let search = device.begin_search(session)?;
    device.verify_sentinel(session)?;
    device.scan(session)?;
    device.verify_sentinel(session)?;
    device.end_search(session, search)?;
    Ok(ids.iter().map(|id| device.handles.get(*id).is_some()).collect())
}

fn is_of(session: &Session, object: ObjectHandle, id: VersionId) -> bool {
    matches!(
        session.get_attributes(object, &[AttributeType::Id]).as_deref(),
        Ok([Attribute::Id(found)]) if found == id.as_bytes()
    )
}

/// Reads the public half of an RSA key from its private key, which has the same attributes.
pub(super) fn rsa_public_key(device: &Device, session: &Session, id: VersionId) -> Attempt<PublicMaterial> {
    let private = device.handle(session, id, Part::Main)?;
    // The size follows from the modulus.
    read_public(session, private, KeyType::Rsa { bits: 0 })
}

fn read_public(session: &Session, public: ObjectHandle, key_type: KeyType) -> Attempt<PublicMaterial> {
    let unreadable = || Error::internal("the token does not return the public key of the generated pair");
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

/// The coordinates of an uncompressed EC point: raw, or in the DER OCTET STRING that PKCS#11 specifies.
fn coordinates(curve: Curve, encoded: &[u8]) -> Option<(&[u8], &[u8])> {
    let width = curve.field_len();
    let length = 2 * width + 1;
    // A raw point begins with the same byte as an octet string, but cannot be one of this length.
    let wrapped = <&OctetStringRef>::from_der(encoded).ok().map(OctetStringRef::as_bytes);
    let point = wrapped.filter(|point| point.len() == length).unwrap_or(encoded);
    let [0x04, coordinates @ ..] = point else { return None };
    (point.len() == length).then(|| coordinates.split_at(width))
}

/// Strips the leading zeros of a big-endian number.
fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_raw_and_der_encoded_ec_points() {
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
    fn strips_leading_zeros() {
        assert_eq!(without_zeros(&[0, 0, 1, 0]), [1, 0]);
        assert_eq!(without_zeros(&[]), [] as [u8; 0]);
    }
}
