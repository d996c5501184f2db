//! The `CKM_AES_ECB_ENCRYPT_DATA` mechanism, which cryptoki does not define.
//!
//! It derives a key from the AES-ECB encryption of some data (PKCS#11 3.1, section 6.14). All `unsafe` code
//! of the crate is in this file.

use std::ffi::c_ulong;

use cryptoki::mechanism::misc::KeyDerivationStringData;
use cryptoki::mechanism::vendor_defined::VendorDefinedMechanism;
use cryptoki::mechanism::{Mechanism, MechanismType};

/// `CKM_AES_ECB_ENCRYPT_DATA`.
const AES_ECB_ENCRYPT_DATA: c_ulong = 0x1104;

/// A mechanism that derives a key by encrypting `data` with the base key.
pub(super) fn by_encrypting<'data>(data: &'data KeyDerivationStringData<'data>) -> Mechanism<'data> {
    #[expect(unsafe_code, reason = "cryptoki has no constructor for mechanism types that it does not define")]
    // SAFETY: `MechanismType` is `repr(transparent)` over `CK_MECHANISM_TYPE`, which is `c_ulong`, and
    // every `c_ulong` is valid: cryptoki documents this and creates vendor-defined types from any number.
    let mechanism = unsafe { std::mem::transmute::<c_ulong, MechanismType>(AES_ECB_ENCRYPT_DATA) };
    Mechanism::VendorDefined(VendorDefinedMechanism::new(mechanism, Some(data)))
}
