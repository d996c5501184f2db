//! Secret keys for encryption and for message authentication at once.
//!
//! An `oct` key does AES and HMAC; a token's AES key does AES alone. So there are two objects with the
//! same bytes under the same identifier, the AES key and its twin.

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::misc::KeyDerivationStringData;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;

use super::capabilities::{Capabilities, Feature, Support};
use super::cipher::random;
use super::create::{Made, restrict};
use super::derive;
use super::error::Attempt;
use super::handles::Objects;
use super::template::{self, Kind, Life};
use crate::model::Error;
use crate::model::algorithm::Hash;
use crate::model::name::VersionId;

/// The block of SHA-256: a key padded to it with zeros makes the same MACs (RFC 2104, section 2), and
/// is long enough for any token and hash.
pub(super) const PADDED: usize = 64;

const BLOCK: usize = 16;

/// Bytes by which AES Key Wrap grows what it wraps.
const WRAP_OVERHEAD: usize = 8;

/// Makes an AES key and, if the token can, its twin.
pub(super) fn generate(
    session: &Session,
    id: VersionId,
    bits: u16,
    capabilities: &Capabilities,
) -> Attempt<Objects> {
    let life = Life::Token(id);
    let restrict = restrict(capabilities);
    let length = usize::from(bits / 8);
    if capabilities.has(Feature::HmacTwinPadded) && length.is_multiple_of(BLOCK) {
        let mut temporary = Made::new(session);
        let root = session.generate_key(&Mechanism::AesKeyGen, &template::root(None))?;
        temporary.add(root);
        let data = random(session, length)?;
        return derive_both(session, root, &data, life, restrict);
    }
    if capabilities.has(Feature::HmacTwin) {
        return generate_both(session, life, restrict, length);
    }
    let template = template::sized(Kind::Aes, life, restrict, bytes(length)?);
    Ok(Objects::new(session.generate_key(&Mechanism::AesKeyGen, &template)?, None))
}

/// Derives an AES key, and its twin padded with zeros, from a key that exists for this alone: the one
/// is `E(data)`, the other `E(data || z || …)`, where `z` is what the root decrypts sixteen zeros to, so
/// that `E(z)` is zeros again. The host learns `data` and `z` and, of the keys, nothing; unlike a
/// secret that is wrapped, they were never extractable.
pub(super) fn derive_both(
    session: &Session,
    root: ObjectHandle,
    data: &[u8],
    life: Life,
    restrict: bool,
) -> Attempt<Objects> {
    let zero = session.decrypt(&Mechanism::AesEcb, root, &[0; BLOCK])?;
    let blocks: Vec<_> = data.chunks(BLOCK).collect();
    // Equal blocks would make equal halves, and `z` a half of zeros. It does not happen.
    if zero.len() != BLOCK
        || blocks.contains(&zero.as_slice())
        || (blocks.len() == 2 && blocks[0] == blocks[1])
    {
        return Err(Error::internal("the token's random bytes are not random").into());
    }
    let padding = zero.repeat((PADDED - data.len()) / BLOCK);
    let mut made = Made::new(session);
    let mut derive = |kind, data: &[u8]| -> Attempt<_> {
        let template = template::derived(kind, life, restrict, bytes(data.len())?);
        let data = KeyDerivationStringData::new(data);
        Ok(made.add(session.derive_key(&derive::by_encrypting(&data), root, &template)?))
    };
    let main = derive(Kind::Aes, data)?;
    let twin = derive(Kind::Hmac, &[data, &padding].concat())?;
    made.keep(main);
    made.keep(twin);
    Ok(Objects::new(main, Some(twin)))
}

/// Makes both objects from one secret without showing it to the host: wrapped under a key that
/// exists for this alone, and unwrapped twice.
pub(super) fn generate_both(
    session: &Session,
    life: Life,
    restrict: bool,
    length: usize,
) -> Attempt<Objects> {
    let mut temporary = Made::new(session);
    let template = template::seed(bytes(length)?);
    let seed = temporary.add(session.generate_key(&Mechanism::GenericSecretKeyGen, &template)?);
    unwrap_both(session, &mut temporary, seed, life, restrict, length)
}

fn bytes(length: usize) -> Attempt<u64> {
    Ok(u64::try_from(length).map_err(Error::internal)?)
}

/// Turns an extractable session secret into an AES key and its twin.
pub(super) fn unwrap_both(
    session: &Session,
    temporary: &mut Made<'_>,
    seed: ObjectHandle,
    life: Life,
    restrict: bool,
    length: usize,
) -> Attempt<Objects> {
    let wrapper = temporary.add(session.generate_key(&Mechanism::AesKeyGen, &template::seed_wrapper())?);
    let mut wrapped = session.wrap_key(&Mechanism::AesKeyWrap, wrapper, seed)?;
    // Some modules name a longer buffer than they fill.
    wrapped.truncate(length + WRAP_OVERHEAD);
    let mut made = Made::new(session);
    let mut unwrap = |kind| -> Attempt<_> {
        let template = template::key(kind, life, restrict);
        Ok(made.add(session.unwrap_key(&Mechanism::AesKeyWrap, wrapper, &wrapped, &template)?))
    };
    let (main, twin) = (unwrap(Kind::Aes)?, unwrap(Kind::Hmac)?);
    made.keep(main);
    made.keep(twin);
    Ok(Objects::new(main, Some(twin)))
}

/// The length of an imported key's twin; `None` where the token makes no MACs.
pub(super) fn imported_length(capabilities: &Capabilities, length: usize) -> Option<usize> {
    let hashes = [Hash::Sha256, Hash::Sha384, Hash::Sha512];
    let support =
        hashes.map(|hash| Feature::of_hmac(hash).map_or(Support::Absent, |feature| capabilities.of(feature)));
    if support.contains(&Support::Assisted) {
        Some(PADDED)
    } else {
        support.contains(&Support::Native).then_some(length)
    }
}
