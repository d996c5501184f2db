//! AES Key Wrap (RFC 3394) of key bytes that the caller supplies.
//!
//! If the token wraps only its own objects, the token encrypts single blocks (`C_Encrypt`, ECB) and the host
//! does the chaining. That needs no token object for the caller's key and no `CKA_WRAP` on the wrapping key.

use cryptoki::mechanism::Mechanism;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

use super::capabilities::{Feature, Support};
use super::cipher::classify_decrypt_failure;
use super::device::Device;
use super::error::Attempt;
use super::handles::Part;
use crate::model::name::VersionId;
use crate::model::{Error, Field};

/// The initial value (RFC 3394, section 2.2.3.1).
const INITIAL: [u8; HALF] = [0xa6; HALF];
const HALF: usize = 8;
const ROUNDS: u64 = 6;

/// Wraps `key` with the AES key `id`.
pub(super) fn wrap(device: &Device, session: &Session, id: VersionId, key: &[u8]) -> Attempt<Vec<u8>> {
    let support = support(device)?;
    // Some tokens silently pad a wrong length with zeros.
    if key.len() < 2 * HALF || !key.len().is_multiple_of(HALF) {
        return Err(
            Error::invalid(Field::Key, "AES Key Wrap requires at least 16 bytes, in blocks of 8").into()
        );
    }
    let wrapper = device.handle(session, id, Part::Main)?;
    match support {
        Support::Native => Ok(session.encrypt(&Mechanism::AesKeyWrap, wrapper, key)?),
        _ => wrap_by_blocks(session, wrapper, key),
    }
}

/// Unwraps `wrapped` with the AES key `id`.
pub(super) fn unwrap(
    device: &Device,
    session: &Session,
    id: VersionId,
    wrapped: &[u8],
) -> Attempt<Zeroizing<Vec<u8>>> {
    let support = support(device)?;
    if wrapped.len() < 3 * HALF || !wrapped.len().is_multiple_of(HALF) {
        return Err(Error::DecryptionFailed.into());
    }
    let wrapper = device.handle(session, id, Part::Main)?;
    match support {
        Support::Native => session
            .decrypt(&Mechanism::AesKeyWrap, wrapper, wrapped)
            .map(Zeroizing::new)
            .map_err(|error| classify_decrypt_failure(device, session, error.into())),
        _ => unwrap_by_blocks(session, wrapper, wrapped),
    }
}

fn support(device: &Device) -> Attempt<Support> {
    device.capabilities.require(Feature::AesKeyWrap, || Feature::AesKeyWrap.as_str().to_owned())?;
    Ok(device.capabilities.of(Feature::AesKeyWrap))
}

/// RFC 3394, section 2.2.1, with the registers on the host.
pub(super) fn wrap_by_blocks(session: &Session, wrapper: ObjectHandle, key: &[u8]) -> Attempt<Vec<u8>> {
    let mut registers = Zeroizing::new([&INITIAL[..], key].concat());
    let blocks = registers.len() / HALF - 1;
    session.encrypt_init(&Mechanism::AesEcb, wrapper)?;
    let mut step = 0_u64;
    for _ in 0..ROUNDS {
        for index in 1..=blocks {
            step += 1;
            let input = block(&registers, index, 0);
            let output = Zeroizing::new(session.encrypt_update(input.as_slice())?);
            put(&mut registers, index, &output, step)?;
        }
    }
    session.encrypt_final()?;
    Ok(registers.to_vec())
}

/// RFC 3394, section 2.2.2, with the registers on the host.
pub(super) fn unwrap_by_blocks(
    session: &Session,
    wrapper: ObjectHandle,
    wrapped: &[u8],
) -> Attempt<Zeroizing<Vec<u8>>> {
    let mut registers = Zeroizing::new(wrapped.to_vec());
    let blocks = registers.len() / HALF - 1;
    session.decrypt_init(&Mechanism::AesEcb, wrapper)?;
    let mut step = ROUNDS * u64::try_from(blocks).map_err(Error::internal)?;
    for _ in 0..ROUNDS {
        for index in (1..=blocks).rev() {
            let input = block(&registers, index, step);
            let output = Zeroizing::new(session.decrypt_update(input.as_slice())?);
            put(&mut registers, index, &output, 0)?;
            step -= 1;
        }
    }
    session.decrypt_final()?;
    let (check, key) = registers.split_at(HALF);
    if bool::from(check.ct_eq(&INITIAL)) {
        Ok(Zeroizing::new(key.to_vec()))
    } else {
        Err(Error::DecryptionFailed.into())
    }
}

/// Concatenates the first register, XORed with `step`, and the register at `index`.
fn block(registers: &[u8], index: usize, step: u64) -> Zeroizing<[u8; 2 * HALF]> {
    let mut block = Zeroizing::new([0; 2 * HALF]);
    block[..HALF].copy_from_slice(&registers[..HALF]);
    block[HALF..].copy_from_slice(&registers[index * HALF..][..HALF]);
    xor_step(&mut block[..HALF], step);
    block
}

/// Stores the two halves of a block in the registers, the first half XORed with `step`.
fn put(registers: &mut [u8], index: usize, block: &[u8], step: u64) -> Attempt<()> {
    if block.len() != 2 * HALF {
        return Err(Error::internal("the token returned an AES-ECB block of the wrong length").into());
    }
    let (first, second) = block.split_at(HALF);
    registers[..HALF].copy_from_slice(first);
    registers[index * HALF..][..HALF].copy_from_slice(second);
    xor_step(&mut registers[..HALF], step);
    Ok(())
}

fn xor_step(register: &mut [u8], step: u64) {
    for (byte, part) in register.iter_mut().zip(step.to_be_bytes()) {
        *byte ^= part;
    }
}
