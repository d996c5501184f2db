//! The one mechanism that this program needs and the wrapper has no name for.
//!
//! `CKM_AES_ECB_ENCRYPT_DATA` makes a key of what AES-ECB gives for some data (PKCS#11 3.1, section
//! 6.14). All `unsafe` of the crate is here.

use std::ffi::c_ulong;

use cryptoki::mechanism::misc::KeyDerivationStringData;
use cryptoki::mechanism::vendor_defined::VendorDefinedMechanism;
use cryptoki::mechanism::{Mechanism, MechanismType};

/// `CKM_AES_ECB_ENCRYPT_DATA`.
const AES_ECB_ENCRYPT_DATA: c_ulong = 0x1104;

/// Derivation of a key by encrypting `data`.
pub(super) fn by_encrypting<'data>(data: &'data KeyDerivationStringData<'data>) -> Mechanism<'data> {
    #[expect(unsafe_code, reason = "the wrapper makes no mechanism types but those it knows")]
    // SAFETY: `MechanismType` is `repr(transparent)` over `CK_MECHANISM_TYPE`, which is `c_ulong`, and
    // every value of that is a valid one: the wrapper says so, and makes vendors' types of any number.
    let mechanism = unsafe { std::mem::transmute::<c_ulong, MechanismType>(AES_ECB_ENCRYPT_DATA) };
    Mechanism::VendorDefined(VendorDefinedMechanism::new(mechanism, Some(data)))
}
