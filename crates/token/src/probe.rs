//! Measures the capabilities of a token with known-answer tests.
//!
//! Mechanism lists and flags are not trusted, nor are round trips: a token may be wrong in the same way in
//! both directions. All keys are session objects. A token that cannot import keys is tested with generated
//! keys, as far as possible.

use aws_lc_rs::{aead, hmac, rsa};
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, KeyType as TokenKeyType, ObjectClass, ObjectHandle};
use cryptoki::session::Session;
use zeroize::Zeroizing;

use super::capabilities::{Capabilities, Feature, Support};
use super::create::generate_pair;
use super::error::Attempt;
use super::object_guard::ObjectGuard;
use super::template::{self, Kind, Lifetime, Restrictions};
use super::{hmac_companion, key_wrap, known_keys, mechanism, padding, pairwise, probe_wrapping};
use crate::model::algorithm::{Hash, RsaPadding, Signature};
use crate::model::key::{Curve, KeyType, PublicMaterial};

/// Probes create session objects, which nothing restricts.
const NONE: Restrictions = Restrictions { mechanisms: false, wrappable: false };

const MESSAGE: &[u8; 32] = b"strongroom asks what it can do..";
const AAD: &[u8] = b"additional data";
const IV: [u8; 16] = *b"known to all: iv";

/// Measures all features. Takes some tens of milliseconds with SoftHSM.
pub(super) fn measure(session: &Session) -> Capabilities {
    let mut found = Capabilities::default();
    for curve in Curve::ALL {
        let works = generate_pair(session, KeyType::Ec { curve }, 0, Lifetime::Session, NONE);
        found.set(Feature::of_curve(curve), native(works.map(|(private, _)| destroy(session, private))));
    }
    rsa_features(session, &mut found);
    aes_features(session, &mut found);
    mac_features(session, &mut found);
    probe_wrapping::measure(session, &mut found);
    found
}

/// `Native` if the attempt succeeded with `true`, else `Absent`.
fn native(attempt: Attempt<bool>) -> Support {
    if matches!(attempt, Ok(true)) { Support::Native } else { Support::Absent }
}

fn destroy(session: &Session, object: ObjectHandle) -> bool {
    session.destroy_object(object).is_ok()
}

fn rsa_features(session: &Session, found: &mut Capabilities) {
    let mut made = ObjectGuard::new(session);
    let known = session.create_object(&template::imported(&known_keys::rsa(), Lifetime::Session, NONE));
    let pair = match known {
        Ok(key) => Ok((key, known_keys::rsa_public())),
        Err(_) => generate_pair(session, KeyType::Rsa { bits: 2048 }, 65537, Lifetime::Session, NONE),
    };
    let Ok((key, public)) = pair else { return };
    made.add(key);
    found.set(Feature::Rsa, native(pairwise::halves_match(session, key, &public)));
    let pss = pairwise::signature_verifies(session, key, &public, Signature::Pss(Hash::Sha256));
    found.set(Feature::RsaPss, native(pss));
    for padding in [RsaPadding::Pkcs1, RsaPadding::Oaep(Hash::Sha1), RsaPadding::Oaep(Hash::Sha256)] {
        let Some(feature) = Feature::of_padding(padding) else { continue };
        let Some(ciphertext) = encrypt(&public, padding) else { continue };
        let by_token = match padding {
            RsaPadding::Oaep(hash) => session.decrypt(&mechanism::oaep(hash), key, &ciphertext).ok(),
            RsaPadding::Pkcs1 => None,
        };
        let by_host = || {
            let encoded = session.decrypt(&Mechanism::RsaX509, key, &ciphertext).ok()?;
            padding::decode(padding, Zeroizing::new(encoded)).ok()
        };
        let support = if by_token.as_deref() == Some(MESSAGE) {
            Support::Native
        } else if by_host().is_some_and(|plaintext| plaintext.as_slice() == MESSAGE) {
            Support::Assisted
        } else {
            Support::Absent
        };
        found.set(feature, support);
    }
}

/// Encrypts in software, independently of the token.
fn encrypt(public: &PublicMaterial, padding: RsaPadding) -> Option<Vec<u8>> {
    let PublicMaterial::Rsa { n, e } = public else { return None };
    let key: rsa::PublicEncryptingKey = rsa::PublicKeyComponents { n, e }.try_into().ok()?;
    let mut ciphertext = vec![0; n.len()];
    let length = match padding {
        RsaPadding::Pkcs1 => {
            let key = rsa::Pkcs1PublicEncryptingKey::new(key).ok()?;
            key.encrypt(MESSAGE, &mut ciphertext).ok()?.len()
        }
        RsaPadding::Oaep(hash) => {
            let algorithm = match hash {
                Hash::Sha1 => &rsa::OAEP_SHA1_MGF1SHA1,
                Hash::Sha256 => &rsa::OAEP_SHA256_MGF1SHA256,
                Hash::Sha384 => &rsa::OAEP_SHA384_MGF1SHA384,
                Hash::Sha512 => &rsa::OAEP_SHA512_MGF1SHA512,
            };
            let key = rsa::OaepPublicEncryptingKey::new(key).ok()?;
            key.encrypt(algorithm, MESSAGE, &mut ciphertext, None).ok()?.len()
        }
    };
    (length == n.len()).then_some(ciphertext)
}

fn aes_features(session: &Session, found: &mut Capabilities) {
    let mut made = ObjectGuard::new(session);
    let known = template::secret(Kind::Aes, Lifetime::Session, NONE, known_keys::AES.to_vec());
    let (key, is_known) = match session.create_object(&known) {
        Ok(key) => (key, true),
        Err(_) => {
            let template = template::sized(Kind::Aes, Lifetime::Session, NONE, 32);
            let Ok(key) = session.generate_key(&Mechanism::AesKeyGen, &template) else { return };
            (key, false)
        }
    };
    made.add(key);
    found.set(Feature::Aes, Support::Native);
    // Without a known key, only a round trip can be checked.
    let matches_known =
        |mechanism: &dyn Fn() -> Mechanism<'static>, expected: Option<&[u8]>| -> Attempt<bool> {
            let ciphertext = session.encrypt(&mechanism(), key, MESSAGE)?;
            let plaintext = session.decrypt(&mechanism(), key, &ciphertext)?;
            let as_expected = expected.filter(|_| is_known).is_none_or(|expected| expected == ciphertext);
            Ok(as_expected && plaintext == MESSAGE)
        };
    let padded = cbc(&known_keys::AES, IV, MESSAGE);
    let unpadded = padded.as_ref().and_then(|padded| padded.get(..MESSAGE.len()));
    found.set(Feature::AesCbc, native(matches_known(&|| Mechanism::AesCbc(IV), unpadded)));
    found.set(Feature::AesCbcPad, native(matches_known(&|| Mechanism::AesCbcPad(IV), padded.as_deref())));
    found.set(Feature::AesGcm, native(gcm(session, key, is_known)));
    found.set(Feature::AesKeyWrap, key_wrap(session, key, is_known));
    let copied = session.copy_object(key, &[Attribute::Token(false)]).map(|copy| destroy(session, copy));
    found.set(Feature::SessionCopies, native(copied.map_err(Into::into)));
    found.set(Feature::AllowedMechanisms, allowed_mechanisms(session));
}

/// AES-256-CBC with padding in software, independently of the token.
fn cbc(key: &[u8], iv: [u8; 16], plaintext: &[u8]) -> Option<Vec<u8>> {
    use aws_lc_rs::cipher::{AES_256, EncryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey};
    let key = UnboundCipherKey::new(&AES_256, key).ok()?;
    let mut data = plaintext.to_vec();
    let context = EncryptionContext::Iv128(aws_lc_rs::iv::FixedLength::from(iv));
    PaddedBlockEncryptingKey::cbc_pkcs7(key).ok()?.less_safe_encrypt(&mut data, context).ok()?;
    Some(data)
}

fn gcm(session: &Session, key: ObjectHandle, is_known: bool) -> Attempt<bool> {
    let mut iv = *b"iv, 12 bytes";
    let nonce = aead::Nonce::assume_unique_for_key(iv);
    let mut ciphertext = session.encrypt(&gcm_mechanism(&mut iv)?, key, MESSAGE)?;
    let mut expected = MESSAGE.to_vec();
    let sealed = aead::UnboundKey::new(&aead::AES_256_GCM, &known_keys::AES).and_then(|key| {
        let aad = aead::Aad::from(AAD);
        aead::LessSafeKey::new(key).seal_in_place_append_tag(nonce, aad, &mut expected)
    });
    let as_expected = !is_known || (sealed.is_ok() && expected == ciphertext);
    let round_trip = session.decrypt(&gcm_mechanism(&mut iv)?, key, &ciphertext)? == MESSAGE;
    if let Some(last) = ciphertext.last_mut() {
        *last ^= 1;
    }
    let rejected = session.decrypt(&gcm_mechanism(&mut iv)?, key, &ciphertext).is_err();
    Ok(as_expected && round_trip && rejected)
}

fn gcm_mechanism(iv: &mut [u8; 12]) -> Attempt<Mechanism<'_>> {
    Ok(Mechanism::AesGcm(GcmParams::new(iv, AAD, 128.into())?))
}

fn key_wrap(session: &Session, key: ObjectHandle, is_known: bool) -> Support {
    let by_token = || -> Attempt<bool> {
        let wrapped = session.encrypt(&Mechanism::AesKeyWrap, key, &known_keys::KEY_DATA)?;
        let unwrapped = session.decrypt(&Mechanism::AesKeyWrap, key, &wrapped)?;
        Ok(is_known && wrapped == known_keys::WRAPPED && unwrapped == known_keys::KEY_DATA)
    };
    let by_host = || -> Attempt<bool> {
        let wrapped = key_wrap::wrap_by_blocks(session, key, &known_keys::KEY_DATA)?;
        let unwrapped = key_wrap::unwrap_by_blocks(session, key, &wrapped)?;
        Ok((!is_known || wrapped == known_keys::WRAPPED) && unwrapped.as_slice() == known_keys::KEY_DATA)
    };
    if native(by_token()) == Support::Native {
        Support::Native
    } else if native(by_host()) == Support::Native {
        Support::Assisted
    } else {
        Support::Absent
    }
}

/// Generates a key that allows only CBC and tests that ECB is rejected.
fn allowed_mechanisms(session: &Session) -> Support {
    let mut attributes = template::sized(Kind::Aes, Lifetime::Session, NONE, 32).to_vec();
    attributes.push(Attribute::AllowedMechanisms(vec![MechanismType::AES_CBC]));
    let Ok(key) = session.generate_key(&Mechanism::AesKeyGen, &attributes) else { return Support::Absent };
    let mut made = ObjectGuard::new(session);
    made.add(key);
    let allowed = session.encrypt(&Mechanism::AesCbc(IV), key, MESSAGE).is_ok();
    let others = session.encrypt(&Mechanism::AesEcb, key, MESSAGE).is_ok();
    native(Ok(allowed && !others))
}

fn mac_features(session: &Session, found: &mut Capabilities) {
    const SHORT: usize = 16;
    for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
        let Some(feature) = Feature::of_hmac(hash) else { continue };
        let support = if mac_matches(session, hash, SHORT) {
            Support::Native
        } else if mac_matches(session, hash, hmac_companion::PADDED_LENGTH) {
            Support::Assisted
        } else {
            Support::Absent
        };
        found.set(feature, support);
    }
    found.set(Feature::HmacCompanion, native(companion_matches(session)));
    found.set(Feature::HmacCompanionPadded, native(padded_companion_matches(session)));
}

/// Whether the MAC with a key of 16 bytes, padded with zeros to `length`, equals the one computed in software.
fn mac_matches(session: &Session, hash: Hash, length: usize) -> bool {
    let key = &known_keys::AES[..16];
    let mut value = key.to_vec();
    value.resize(length, 0);
    let template = template::secret(Kind::Hmac, Lifetime::Session, NONE, value);
    let attempt = || -> Attempt<bool> {
        let mut made = ObjectGuard::new(session);
        let object = made.add(session.create_object(&template)?);
        Ok(session.sign(&mechanism::hmac(hash), object, MESSAGE)? == mac(hash, key))
    };
    matches!(attempt(), Ok(true))
}

/// Computes a MAC in software, independently of the token.
fn mac(hash: Hash, key: &[u8]) -> Vec<u8> {
    let algorithm = match hash {
        Hash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => hmac::HMAC_SHA256,
        Hash::Sha384 => hmac::HMAC_SHA384,
        Hash::Sha512 => hmac::HMAC_SHA512,
    };
    hmac::sign(&hmac::Key::new(algorithm, key), MESSAGE).as_ref().to_vec()
}

/// Whether wrapping a known secret and unwrapping it twice creates an AES key and an HMAC key with its bytes.
fn companion_matches(session: &Session) -> Attempt<bool> {
    let length = known_keys::AES.len();
    let mut temporary = ObjectGuard::new(session);
    let mut attributes = template::seed(0).to_vec();
    attributes.retain(|attribute| !matches!(attribute, Attribute::ValueLen(_)));
    attributes.extend([
        Attribute::Class(ObjectClass::SECRET_KEY),
        Attribute::KeyType(TokenKeyType::GENERIC_SECRET),
        Attribute::Value(known_keys::AES.to_vec()),
    ]);
    let Ok(seed) = session.create_object(&attributes) else {
        // The token cannot import secrets: test only that it can create both objects.
        let objects = hmac_companion::generate_both(session, Lifetime::Session, NONE, length)?;
        return Ok(objects.originals().all(|object| destroy(session, object)));
    };
    temporary.add(seed);
    let objects =
        hmac_companion::unwrap_both(session, &mut temporary, seed, Lifetime::Session, NONE, length)?;
    let originals: Vec<_> = objects.originals().map(|object| temporary.add(object)).collect();
    let [aes, generic] = originals[..] else { return Ok(false) };
    let wrapped = key_wrap::wrap_by_blocks(session, aes, &known_keys::KEY_DATA)?;
    let made = session.sign(&mechanism::hmac(Hash::Sha256), generic, MESSAGE)?;
    Ok(wrapped == known_keys::WRAPPED && made == mac(Hash::Sha256, &known_keys::AES))
}

/// Whether deriving from a known key creates an AES key and an HMAC key with the bytes computed in software.
fn padded_companion_matches(session: &Session) -> Attempt<bool> {
    let mut temporary = ObjectGuard::new(session);
    let root = temporary.add(session.create_object(&template::root(Some(&known_keys::AES)))?);
    let objects = hmac_companion::derive_both(session, root, MESSAGE, Lifetime::Session, NONE)?;
    let originals: Vec<_> = objects.originals().map(|object| temporary.add(object)).collect();
    let [aes, generic] = originals[..] else { return Ok(false) };
    // With a zero IV, the first block of CBC equals that of ECB.
    let (first, second) = MESSAGE.split_at(16);
    let encrypted = |block| Some(cbc(&known_keys::AES, [0; 16], block)?[..16].to_vec());
    let (Some(first), Some(second)) = (encrypted(first), encrypted(second)) else { return Ok(false) };
    let key = [first, second].concat();
    let ciphertext = session.encrypt(&Mechanism::AesCbcPad(IV), aes, MESSAGE)?;
    if cbc(&key, IV, MESSAGE).is_none_or(|expected| expected != ciphertext) {
        return Ok(false);
    }
    for hash in [Hash::Sha256, Hash::Sha384, Hash::Sha512] {
        if session.sign(&mechanism::hmac(hash), generic, MESSAGE)? != mac(hash, &key) {
            return Ok(false);
        }
    }
    Ok(true)
}
