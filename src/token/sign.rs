//! Signatures and message authentication codes.

use cryptoki::session::Session;

use super::capabilities::{Feature, Support};
use super::device::Device;
use super::error::Attempt;
use super::handles::Part;
use super::mechanism;
use crate::model::Error;
use crate::model::algorithm::{Hash, Signature, SignatureAlgorithm};
use crate::model::key::KeyType;
use crate::model::name::VersionId;

/// Signs a digest, or makes a MAC of it.
pub(super) fn sign(
    device: &Device,
    session: &Session,
    id: VersionId,
    (key_type, algorithm): (KeyType, SignatureAlgorithm),
    digest: &[u8],
) -> Attempt<Vec<u8>> {
    let primitive = algorithm.primitive();
    let part = match primitive {
        Signature::Hmac(hash) => {
            check_mac(device, session, id, algorithm, hash)?;
            Part::Twin
        }
        Signature::Pss(_) => {
            device.capabilities.require(Feature::RsaPss, || algorithm.to_string())?;
            Part::Main
        }
        _ => Part::Main,
    };
    let (mechanism, data) = mechanism::signing(primitive, digest)?;
    let key = device.handle(session, id, part)?;
    let signature = session.sign(&mechanism, key, &data)?;
    if signature.len() != algorithm.signature_len(key_type) {
        return Err(Error::internal(format!(
            "the token made a {algorithm} signature of {} bytes with a key of type {key_type}",
            signature.len()
        ))
        .into());
    }
    Ok(signature)
}

/// Refuses a hash that the token does not use with a key as short as this one's object.
fn check_mac(
    device: &Device,
    session: &Session,
    id: VersionId,
    algorithm: SignatureAlgorithm,
    hash: Hash,
) -> Attempt<()> {
    let support = Feature::of_hmac(hash).map_or(Support::Absent, |feature| device.capabilities.of(feature));
    let long_enough = match support {
        Support::Native => true,
        Support::Assisted => {
            let objects = device.objects(session, id)?;
            objects.twin.as_ref().is_none_or(|twin| twin.length >= hash.digest_len())
        }
        Support::Absent => false,
    };
    if long_enough {
        return Ok(());
    }
    Err(Error::Unsupported {
        what: format!(
            "the token makes no {algorithm} with this key: it wants a key of {} bytes or more",
            hash.digest_len()
        ),
    }
    .into())
}
