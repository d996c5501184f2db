//! Encryption and decryption of data, and random bytes.

use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::aead::GcmParams;
use cryptoki::session::Session;
use zeroize::Zeroizing;

use super::call::Sealed;
use super::capabilities::{Feature, Support};
use super::device::Device;
use super::error::{Attempt, Decryption, Failure};
use super::handles::Part;
use super::{mechanism, padding};
use crate::model::Error;
use crate::model::algorithm::{AesMode, RsaPadding};
use crate::model::name::VersionId;

const BLOCK: usize = 16;
const GCM_IV: usize = 12;
const GCM_TAG: usize = 16;

/// Encrypts with an AES key: IV, additional data, plaintext.
pub(super) fn encrypt_aes(
    device: &Device,
    session: &Session,
    id: VersionId,
    mode: AesMode,
    (iv, aad, plaintext): (Option<&[u8]>, &[u8], &[u8]),
) -> Attempt<Sealed> {
    require(device, mode)?;
    if mode == AesMode::Cbc && (plaintext.is_empty() || !plaintext.len().is_multiple_of(BLOCK)) {
        return Err(Error::invalid("plaintext", "CBC without padding takes whole blocks of 16 bytes").into());
    }
    match (mode, iv) {
        (AesMode::Gcm, None) => {
            let key = device.handle(session, id, Part::Main)?;
            let mut iv = random(session, GCM_IV)?;
            let parameters = GcmParams::new(&mut iv, aad, gcm_tag_bits())?;
            let mut ciphertext = session.encrypt(&Mechanism::AesGcm(parameters), key, plaintext)?;
            if ciphertext.len() != plaintext.len() + GCM_TAG {
                return Err(Error::internal("the token made a GCM ciphertext of an impossible length").into());
            }
            let tag = ciphertext.split_off(plaintext.len());
            Ok(Sealed { ciphertext, iv, tag })
        }
        (AesMode::Gcm, Some(_)) => Err(Error::invalid("iv", "the IV of GCM is made by the token").into()),
        (AesMode::Cbc | AesMode::CbcPad, iv) => {
            let iv = cbc_iv(iv.unwrap_or_default())?;
            let key = device.handle(session, id, Part::Main)?;
            let ciphertext = session.encrypt(&cbc(mode, iv), key, plaintext)?;
            Ok(Sealed { ciphertext, iv: iv.to_vec(), tag: Vec::new() })
        }
    }
}

/// Decrypts with an AES key: ciphertext, IV, tag, additional data.
pub(super) fn decrypt_aes(
    device: &Device,
    session: &Session,
    id: VersionId,
    mode: AesMode,
    (ciphertext, iv, tag, aad): (&[u8], &[u8], &[u8], &[u8]),
) -> Attempt<Zeroizing<Vec<u8>>> {
    require(device, mode)?;
    let result = match mode {
        AesMode::Gcm => {
            // Some tokens take an empty IV for sixteen zeros.
            let mut iv = <[u8; GCM_IV]>::try_from(iv)
                .map_err(|_| Error::invalid("iv", "the IV of GCM has 12 bytes"))?;
            if tag.len() != GCM_TAG {
                return Err(Error::invalid("authentication_tag", "the tag of GCM has 16 bytes").into());
            }
            let key = device.handle(session, id, Part::Main)?;
            let parameters = GcmParams::new(&mut iv, aad, gcm_tag_bits())?;
            session.decrypt(&Mechanism::AesGcm(parameters), key, &[ciphertext, tag].concat())
        }
        AesMode::Cbc | AesMode::CbcPad => {
            let iv = cbc_iv(iv)?;
            if ciphertext.is_empty() || !ciphertext.len().is_multiple_of(BLOCK) {
                return Err(Error::DecryptionFailed.into());
            }
            let key = device.handle(session, id, Part::Main)?;
            session.decrypt(&cbc(mode, iv), key, ciphertext)
        }
    };
    result.map(Zeroizing::new).map_err(|error| judge(device, session, error.into()))
}

/// Decrypts with an RSA key: by the token where it knows the padding, else by the raw operation with
/// the padding undone here.
pub(super) fn decrypt_rsa(
    device: &Device,
    session: &Session,
    id: VersionId,
    padding: RsaPadding,
    ciphertext: &[u8],
) -> Attempt<Zeroizing<Vec<u8>>> {
    let support = Feature::of_padding(padding).map_or(Support::Absent, |it| device.capabilities.of(it));
    let mechanism = match (support, padding) {
        (Support::Native, RsaPadding::Oaep(hash)) => mechanism::oaep(hash),
        (Support::Native | Support::Assisted, _) => Mechanism::RsaX509,
        (Support::Absent, _) => {
            return Err(Error::Unsupported {
                what: "the token does not decrypt with this RSA padding".to_owned(),
            }
            .into());
        }
    };
    let key = device.handle(session, id, Part::Main)?;
    let result = session.decrypt(&mechanism, key, ciphertext);
    let plaintext = result.map(Zeroizing::new).map_err(|error| judge(device, session, error.into()))?;
    if !matches!(mechanism, Mechanism::RsaX509) {
        return Ok(plaintext);
    }
    // As long as the modulus, for tokens that drop leading zeros.
    let missing = ciphertext.len().saturating_sub(plaintext.len());
    let mut encoded = Zeroizing::new(Vec::with_capacity(ciphertext.len()));
    encoded.resize(missing, 0);
    encoded.extend_from_slice(&plaintext);
    Ok(padding::decode(padding, encoded)?)
}

/// Random bytes of the token.
pub(super) fn random(session: &Session, count: usize) -> Attempt<Vec<u8>> {
    let count = u32::try_from(count).map_err(|_| Error::invalid("count", "too many bytes"))?;
    Ok(session.generate_random_vec(count)?)
}

/// What a failure of `C_Decrypt` is: the input's fault, or the token's.
pub(super) fn judge(device: &Device, session: &Session, failure: Failure) -> Failure {
    match failure.of_decryption() {
        Decryption::WrongInput => Error::DecryptionFailed.into(),
        Decryption::Ambiguous => match device.check_whole(session) {
            Ok(()) => Error::DecryptionFailed.into(),
            Err(failure) => failure,
        },
        Decryption::Failed(failure) => failure,
    }
}

fn require(device: &Device, mode: AesMode) -> Attempt<()> {
    let feature = match mode {
        AesMode::Gcm => Feature::AesGcm,
        AesMode::Cbc => Feature::AesCbc,
        AesMode::CbcPad => Feature::AesCbcPad,
    };
    Ok(device.capabilities.require(feature, || feature.as_str().to_owned())?)
}

fn cbc_iv(iv: &[u8]) -> Attempt<[u8; BLOCK]> {
    Ok(iv.try_into().map_err(|_| Error::invalid("iv", "the IV of CBC has 16 bytes"))?)
}

const fn cbc(mode: AesMode, iv: [u8; BLOCK]) -> Mechanism<'static> {
    match mode {
        AesMode::CbcPad => Mechanism::AesCbcPad(iv),
        AesMode::Cbc | AesMode::Gcm => Mechanism::AesCbc(iv),
    }
}

fn gcm_tag_bits() -> cryptoki::types::Ulong {
    128.into()
}
