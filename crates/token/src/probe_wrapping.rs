//! Measures whether a token wraps keys for backups, and whether it enforces what protects them.

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded as _};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;

use super::capabilities::{Capabilities, Feature, Support};
use super::create::generate_pair;
use super::error::Attempt;
use super::object_guard::ObjectGuard;
use super::template::{self, Kind, Lifetime, Restrictions};
use super::{known_keys, pairwise};
use crate::model::key::{Curve, KeyType};

const MECHANISM: Mechanism<'static> = Mechanism::AesKeyWrapPad;
const WRAPPABLE: Restrictions = Restrictions { mechanisms: false, wrappable: true };
const NOT_WRAPPABLE: Restrictions = Restrictions { mechanisms: false, wrappable: false };

/// Measures the features. All keys are session objects.
pub(super) fn measure(session: &Session, found: &mut Capabilities) {
    let mut made = ObjectGuard::new(session);
    let template = template::wrapping_key(Lifetime::Session, NOT_WRAPPABLE, &known_keys::AES);
    let Ok(wrapper) = session.create_object(&template) else { return };
    made.add(wrapper);
    let native = |attempt: Attempt<bool>| match attempt {
        Ok(true) => Support::Native,
        _ => Support::Absent,
    };
    let secrets = secret_keys(session, wrapper);
    let works = matches!(secrets, Ok(true));
    found.set(Feature::WrapSecretKeys, native(secrets));
    found.set(Feature::WrapRsaKeys, native(rsa_keys(session, wrapper)));
    let ec = KeyType::Ec { curve: Curve::P256 };
    found.set(Feature::WrapEcKeys, native(pair(session, wrapper, ec)));
    // Without wrapping, a refusal shows nothing.
    if works {
        found.set(Feature::UnextractableEnforced, native(refuses_unextractable(session, wrapper)));
        found.set(Feature::WrapUsageEnforced, native(refuses_other_keys(session)));
    }
}

/// Whether AES and HMAC keys are wrapped as software wraps them, and unwrapped.
fn secret_keys(session: &Session, wrapper: ObjectHandle) -> Attempt<bool> {
    for kind in [Kind::Aes, Kind::Hmac] {
        let mut made = ObjectGuard::new(session);
        let value = known_keys::KEY_DATA.to_vec();
        let key = template::secret(kind, Lifetime::Session, WRAPPABLE, value);
        let key = made.add(session.create_object(&key)?);
        let wrapped = session.wrap_key(&MECHANISM, wrapper, key)?;
        if expected(&known_keys::KEY_DATA).is_none_or(|expected| expected != wrapped) {
            return Ok(false);
        }
        let template = template::key(kind, Lifetime::Session, WRAPPABLE);
        made.add(session.unwrap_key(&MECHANISM, wrapper, &wrapped, &template)?);
    }
    Ok(true)
}

/// Wraps in software, independently of the token.
fn expected(key: &[u8]) -> Option<Vec<u8>> {
    let wrapper = AesKek::new(&AES_256, &known_keys::AES).ok()?;
    let mut output = vec![0; key.len() + 16];
    Some(wrapper.wrap_with_padding(key, &mut output).ok()?.to_vec())
}

/// Whether an RSA key is wrapped and unwrapped. A token that cannot import keys is tested with a generated one.
fn rsa_keys(session: &Session, wrapper: ObjectHandle) -> Attempt<bool> {
    let mut made = ObjectGuard::new(session);
    let template = template::imported(&known_keys::rsa(), Lifetime::Session, WRAPPABLE);
    match session.create_object(&template) {
        Ok(key) => {
            made.add(key);
            let wrapped = session.wrap_key(&MECHANISM, wrapper, key)?;
            let template = template::key(Kind::Rsa, Lifetime::Session, WRAPPABLE);
            let unwrapped = made.add(session.unwrap_key(&MECHANISM, wrapper, &wrapped, &template)?);
            pairwise::halves_match(session, unwrapped, &known_keys::rsa_public())
        }
        Err(_) => pair(session, wrapper, KeyType::Rsa { bits: 2048 }),
    }
}

/// Whether a generated key pair is wrapped and unwrapped.
fn pair(session: &Session, wrapper: ObjectHandle, key_type: KeyType) -> Attempt<bool> {
    let mut made = ObjectGuard::new(session);
    let (private, public) = generate_pair(session, key_type, 65537, Lifetime::Session, WRAPPABLE)?;
    made.add(private);
    let wrapped = session.wrap_key(&MECHANISM, wrapper, private)?;
    let template = template::key(Kind::of(key_type), Lifetime::Session, WRAPPABLE);
    let unwrapped = made.add(session.unwrap_key(&MECHANISM, wrapper, &wrapped, &template)?);
    pairwise::halves_match(session, unwrapped, &public)
}

/// Whether the token refuses to wrap a key that is not extractable.
fn refuses_unextractable(session: &Session, wrapper: ObjectHandle) -> Attempt<bool> {
    let mut made = ObjectGuard::new(session);
    let value = known_keys::KEY_DATA.to_vec();
    let template = template::secret(Kind::Aes, Lifetime::Session, NOT_WRAPPABLE, value);
    let key = made.add(session.create_object(&template)?);
    Ok(session.wrap_key(&MECHANISM, wrapper, key).is_err())
}

/// Whether the token refuses to wrap a key with one that is like the keys of callers, without `CKA_WRAP`.
fn refuses_other_keys(session: &Session) -> Attempt<bool> {
    let mut made = ObjectGuard::new(session);
    let mut create = |value: [u8; 32]| -> Attempt<_> {
        let template = template::secret(Kind::Aes, Lifetime::Session, WRAPPABLE, value.to_vec());
        Ok(made.add(session.create_object(&template)?))
    };
    let (caller_key, key) = (create(known_keys::AES)?, create(known_keys::KEY_DATA)?);
    Ok([Mechanism::AesKeyWrap, MECHANISM]
        .iter()
        .all(|mechanism| session.wrap_key(mechanism, caller_key, key).is_err()))
}
