//! The HMAC companion objects of AES keys.
//!
//! An `oct` key supports AES and HMAC; a PKCS#11 AES key supports AES only. So an `oct` key has two objects
//! with the same bytes and the same identifier: the AES key and its HMAC companion, a generic secret key.

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::misc::KeyDerivationStringData;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;

use super::capabilities::{Capabilities, Feature, Support};
use super::cipher::random;
use super::derive;
use super::error::Attempt;
use super::handles::KeyObjects;
use super::object_guard::ObjectGuard;
use super::template::{self, Kind, Lifetime, Restrictions};
use crate::model::Error;
use crate::model::algorithm::Hash;
use crate::model::name::VersionId;

/// The block size of SHA-256: a key that is zero-padded to it produces the same MACs (RFC 2104, section 2),
/// and is long enough for any token and hash.
pub(super) const PADDED_LENGTH: usize = 64;

const BLOCK: usize = 16;

/// The number of bytes that AES Key Wrap adds.
const WRAP_OVERHEAD: usize = 8;

/// Generates an AES key and, if the token supports it, its HMAC companion.
pub(super) fn generate(
    session: &Session,
    id: VersionId,
    bits: u16,
    (capabilities, restrict): (&Capabilities, Restrictions),
) -> Attempt<KeyObjects> {
    let life = Lifetime::Token(id);
    let length = usize::from(bits / 8);
    if capabilities.has(Feature::HmacCompanionPadded) && length.is_multiple_of(BLOCK) {
        let mut temporary = ObjectGuard::new(session);
        let root = session.generate_key(&Mechanism::AesKeyGen, &template::root(None))?;
        temporary.add(root);
        let data = random(session, length)?;
        return derive_both(session, root, &data, life, restrict);
    }
    if capabilities.has(Feature::HmacCompanion) {
        return generate_both(session, life, restrict, length);
    }
    let template = template::sized(Kind::Aes, life, restrict, bytes(length)?);
    Ok(KeyObjects::new(session.generate_key(&Mechanism::AesKeyGen, &template)?, None))
}

/// Derives an AES key and its zero-padded HMAC companion from the temporary key `root`. The AES key is
/// `E(data)`, the companion `E(data || z || …)`, where `z` is the decryption of sixteen zeros, so that `E(z)`
/// is zeros again. The host learns `data` and `z`, but nothing about the keys.
pub(super) fn derive_both(
    session: &Session,
    root: ObjectHandle,
    data: &[u8],
    life: Lifetime,
    restrict: Restrictions,
) -> Attempt<KeyObjects> {
    let zero = session.decrypt(&Mechanism::AesEcb, root, &[0; BLOCK])?;
    let blocks: Vec<_> = data.chunks(BLOCK).collect();
    // Equal blocks would derive equal halves, and a block equal to `z` a half of zeros. With random data
    // the probability is negligible.
    if zero.len() != BLOCK
        || blocks.contains(&zero.as_slice())
        || (blocks.len() == 2 && blocks[0] == blocks[1])
    {
        return Err(Error::internal("the token's random bytes are not random").into());
    }
    let padding = zero.repeat((PADDED_LENGTH - data.len()) / BLOCK);
    let mut made = ObjectGuard::new(session);
    let mut derive = |kind, data: &[u8]| -> Attempt<_> {
        let template = template::derived(kind, life, restrict, bytes(data.len())?);
        let data = KeyDerivationStringData::new(data);
        Ok(made.add(session.derive_key(&derive::by_encrypting(&data), root, &template)?))
    };
    let main = derive(Kind::Aes, data)?;
    let companion = derive(Kind::Hmac, &[data, &padding].concat())?;
    made.keep(main);
    made.keep(companion);
    Ok(KeyObjects::new(main, Some(companion)))
}

/// Creates both objects from one generated secret, which is wrapped under a temporary key and unwrapped
/// twice. The host never sees it in the clear.
pub(super) fn generate_both(
    session: &Session,
    life: Lifetime,
    restrict: Restrictions,
    length: usize,
) -> Attempt<KeyObjects> {
    let mut temporary = ObjectGuard::new(session);
    let template = template::seed(bytes(length)?);
    let seed = temporary.add(session.generate_key(&Mechanism::GenericSecretKeyGen, &template)?);
    unwrap_both(session, &mut temporary, seed, life, restrict, length)
}

fn bytes(length: usize) -> Attempt<u64> {
    Ok(u64::try_from(length).map_err(Error::internal)?)
}

/// Creates an AES key and its HMAC companion from an extractable session secret.
pub(super) fn unwrap_both(
    session: &Session,
    temporary: &mut ObjectGuard<'_>,
    seed: ObjectHandle,
    life: Lifetime,
    restrict: Restrictions,
    length: usize,
) -> Attempt<KeyObjects> {
    let wrapper = temporary.add(session.generate_key(&Mechanism::AesKeyGen, &template::seed_wrapper())?);
    let mut wrapped = session.wrap_key(&Mechanism::AesKeyWrap, wrapper, seed)?;
    // Some modules report a longer output than they write.
    wrapped.truncate(length + WRAP_OVERHEAD);
    let mut made = ObjectGuard::new(session);
    let mut unwrap = |kind| -> Attempt<_> {
        let template = template::key(kind, life, restrict);
        Ok(made.add(session.unwrap_key(&Mechanism::AesKeyWrap, wrapper, &wrapped, &template)?))
    };
    let (main, companion) = (unwrap(Kind::Aes)?, unwrap(Kind::Hmac)?);
    made.keep(main);
    made.keep(companion);
    Ok(KeyObjects::new(main, Some(companion)))
}

/// The length of an imported key's HMAC companion; `None` if the token does not support HMAC.
pub(super) fn imported_length(capabilities: &Capabilities, length: usize) -> Option<usize> {
    let hashes = [Hash::Sha256, Hash::Sha384, Hash::Sha512];
    let support =
        hashes.map(|hash| Feature::of_hmac(hash).map_or(Support::Absent, |feature| capabilities.of(feature)));
    if support.contains(&Support::Assisted) {
        Some(PADDED_LENGTH)
    } else {
        support.contains(&Support::Native).then_some(length)
    }
}
