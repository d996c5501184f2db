//! Secret keys for encryption and for message authentication at once.
//!
//! An `oct` key does AES and HMAC; a token's AES key does AES alone. So there are two objects with the
//! same bytes under the same identifier, the AES key and its twin.

use cryptoki::mechanism::Mechanism;
use cryptoki::session::Session;

use super::capabilities::{Capabilities, Feature, Support};
use super::create::{Made, restrict};
use super::error::Attempt;
use super::handles::Objects;
use super::template::{self, Kind, Life};
use crate::model::algorithm::Hash;
use crate::model::name::VersionId;

/// The block of SHA-256: a key padded to it with zeros makes the same MACs (RFC 2104, section 2), and
/// is long enough for any token and hash.
pub(super) const PADDED: usize = 64;

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
    let length = u64::from(bits / 8);
    if capabilities.has(Feature::HmacTwin) {
        return generate_both(session, life, restrict, length);
    }
    let template = template::sized(Kind::Aes, life, restrict, length);
    Ok(Objects::new(session.generate_key(&Mechanism::AesKeyGen, &template)?, None))
}

/// Makes both objects from one secret without showing it to the host: wrapped under a key that
/// exists for this alone, and unwrapped twice.
pub(super) fn generate_both(session: &Session, life: Life, restrict: bool, length: u64) -> Attempt<Objects> {
    let mut temporary = Made::new(session);
    let seed = temporary.add(session.generate_key(&Mechanism::GenericSecretKeyGen, &template::seed(length))?);
    unwrap_both(session, &mut temporary, seed, life, restrict, length)
}

/// Turns an extractable session secret into an AES key and its twin.
pub(super) fn unwrap_both(
    session: &Session,
    temporary: &mut Made<'_>,
    seed: cryptoki::object::ObjectHandle,
    life: Life,
    restrict: bool,
    length: u64,
) -> Attempt<Objects> {
    let wrapper = temporary.add(session.generate_key(&Mechanism::AesKeyGen, &template::seed_wrapper())?);
    let mut wrapped = session.wrap_key(&Mechanism::AesKeyWrap, wrapper, seed)?;
    let length = usize::try_from(length).unwrap_or_default();
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
    Ok(Objects::new(main, Some((twin, length))))
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
