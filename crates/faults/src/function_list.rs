//! The functions of PKCS#11 2.40 that applications call: each is passed on unless a fault strikes it.

#![expect(unsafe_code, reason = "the interface of PKCS#11 is one of C")]

use std::os::raw::c_void;
use std::sync::OnceLock;

use cryptoki_sys::*;

use crate::call;
use crate::real_module;
use crate::slots;
use crate::tokens::Subject;

/// Declares the functions: what the call concerns, which is its first argument, the name, the arguments, and what passes the call
/// on: `direct`, or a function of this crate that gets the functions of the module behind and the arguments.
macro_rules! functions {
    ($($subject:ident $name:ident($first:ident: $of:ty $(, $argument:ident: $type:ty)*) -> $through:tt;)+) => {
        /// The names of the functions.
        #[cfg(test)]
        const NAMES: &[&str] = &[$(stringify!($name),)+];

        $(
            #[expect(non_snake_case, reason = "the name in the specification")]
            unsafe extern "C" fn $name($first: $of $(, $argument: $type)*) -> CK_RV {
                let real = match real_module::functions() {
                    Ok(real) => real,
                    Err(code) => return code,
                };
                call::run(stringify!($name), functions!(@subject $subject $first), || {
                    functions!(@pass $through real, $name, $first $(, $argument)*)
                })
            }
        )+

        /// The list that applications get. Its version is that of the module behind.
        fn list(version: CK_VERSION) -> CK_FUNCTION_LIST {
            CK_FUNCTION_LIST {
                version,
                C_GetFunctionList: Some(C_GetFunctionList),
                $($name: Some($name),)+
            }
        }
    };
    (@subject module $first:ident) => { Subject::Module };
    (@subject slot $first:ident) => { Subject::Slot($first) };
    (@subject session $first:ident) => { Subject::Session($first) };
    (@pass direct $real:ident, $name:ident, $($argument:ident),+) => {
        // SAFETY: the arguments are those of the application, which are valid for the same function.
        $real.$name.map_or(CKR_FUNCTION_NOT_SUPPORTED, |real| unsafe { real($($argument),+) })
    };
    (@pass $through:ident $real:ident, $name:ident, $($argument:ident),+) => {
        // SAFETY: as above.
        unsafe { slots::$through($real, $($argument),+) }
    };
}

functions! {
    module C_Initialize(a: *mut c_void) -> direct;
    module C_Finalize(a: *mut c_void) -> finalize;
    module C_GetInfo(a: *mut CK_INFO) -> direct;
    module C_GetSlotList(a: CK_BBOOL, b: *mut CK_SLOT_ID, c: *mut CK_ULONG) -> list_slots;
    slot C_GetSlotInfo(a: CK_SLOT_ID, b: *mut CK_SLOT_INFO) -> slot_info;
    slot C_GetTokenInfo(a: CK_SLOT_ID, b: *mut CK_TOKEN_INFO) -> direct;
    slot C_GetMechanismList(a: CK_SLOT_ID, b: *mut CK_MECHANISM_TYPE, c: *mut CK_ULONG) -> direct;
    slot C_GetMechanismInfo(a: CK_SLOT_ID, b: CK_MECHANISM_TYPE, c: *mut CK_MECHANISM_INFO) -> direct;
    slot C_InitToken(a: CK_SLOT_ID, b: *mut CK_UTF8CHAR, c: CK_ULONG, d: *mut CK_UTF8CHAR) -> direct;
    session C_InitPIN(a: CK_SESSION_HANDLE, b: *mut CK_UTF8CHAR, c: CK_ULONG) -> direct;
    session C_SetPIN(a: CK_SESSION_HANDLE, b: *mut CK_UTF8CHAR, c: CK_ULONG, d: *mut CK_UTF8CHAR, e: CK_ULONG) -> direct;
    slot C_OpenSession(a: CK_SLOT_ID, b: CK_FLAGS, c: *mut c_void, d: CK_NOTIFY, e: *mut CK_SESSION_HANDLE) -> open_session;
    session C_CloseSession(a: CK_SESSION_HANDLE) -> close_session;
    slot C_CloseAllSessions(a: CK_SLOT_ID) -> close_all_sessions;
    session C_GetSessionInfo(a: CK_SESSION_HANDLE, b: *mut CK_SESSION_INFO) -> direct;
    session C_GetOperationState(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: *mut CK_ULONG) -> direct;
    session C_SetOperationState(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: CK_OBJECT_HANDLE, e: CK_OBJECT_HANDLE) -> direct;
    session C_Login(a: CK_SESSION_HANDLE, b: CK_USER_TYPE, c: *mut CK_UTF8CHAR, d: CK_ULONG) -> direct;
    session C_Logout(a: CK_SESSION_HANDLE) -> direct;
    session C_CreateObject(a: CK_SESSION_HANDLE, b: *mut CK_ATTRIBUTE, c: CK_ULONG, d: *mut CK_OBJECT_HANDLE) -> direct;
    session C_CopyObject(a: CK_SESSION_HANDLE, b: CK_OBJECT_HANDLE, c: *mut CK_ATTRIBUTE, d: CK_ULONG, e: *mut CK_OBJECT_HANDLE) -> direct;
    session C_DestroyObject(a: CK_SESSION_HANDLE, b: CK_OBJECT_HANDLE) -> direct;
    session C_GetObjectSize(a: CK_SESSION_HANDLE, b: CK_OBJECT_HANDLE, c: *mut CK_ULONG) -> direct;
    session C_GetAttributeValue(a: CK_SESSION_HANDLE, b: CK_OBJECT_HANDLE, c: *mut CK_ATTRIBUTE, d: CK_ULONG) -> direct;
    session C_SetAttributeValue(a: CK_SESSION_HANDLE, b: CK_OBJECT_HANDLE, c: *mut CK_ATTRIBUTE, d: CK_ULONG) -> direct;
    session C_FindObjectsInit(a: CK_SESSION_HANDLE, b: *mut CK_ATTRIBUTE, c: CK_ULONG) -> direct;
    session C_FindObjects(a: CK_SESSION_HANDLE, b: *mut CK_OBJECT_HANDLE, c: CK_ULONG, d: *mut CK_ULONG) -> direct;
    session C_FindObjectsFinal(a: CK_SESSION_HANDLE) -> direct;
    session C_EncryptInit(a: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE) -> direct;
    session C_Encrypt(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG) -> direct;
    session C_EncryptUpdate(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG) -> direct;
    session C_EncryptFinal(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: *mut CK_ULONG) -> direct;
    session C_DecryptInit(a: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE) -> direct;
    session C_Decrypt(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG) -> direct;
    session C_DecryptUpdate(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG) -> direct;
    session C_DecryptFinal(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: *mut CK_ULONG) -> direct;
    session C_DigestInit(a: CK_SESSION_HANDLE, b: *mut CK_MECHANISM) -> direct;
    session C_Digest(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG) -> direct;
    session C_DigestUpdate(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG) -> direct;
    session C_DigestKey(a: CK_SESSION_HANDLE, b: CK_OBJECT_HANDLE) -> direct;
    session C_DigestFinal(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: *mut CK_ULONG) -> direct;
    session C_SignInit(a: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE) -> direct;
    session C_Sign(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG) -> direct;
    session C_SignUpdate(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG) -> direct;
    session C_SignFinal(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: *mut CK_ULONG) -> direct;
    session C_SignRecoverInit(a: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE) -> direct;
    session C_SignRecover(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG) -> direct;
    session C_VerifyInit(a: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE) -> direct;
    session C_Verify(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: CK_ULONG) -> direct;
    session C_VerifyUpdate(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG) -> direct;
    session C_VerifyFinal(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG) -> direct;
    session C_VerifyRecoverInit(a: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE) -> direct;
    session C_VerifyRecover(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG) -> direct;
    session C_DigestEncryptUpdate(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG) -> direct;
    session C_DecryptDigestUpdate(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG) -> direct;
    session C_SignEncryptUpdate(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG) -> direct;
    session C_DecryptVerifyUpdate(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG, d: *mut CK_BYTE, e: *mut CK_ULONG) -> direct;
    session C_GenerateKey(a: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: *mut CK_ATTRIBUTE, d: CK_ULONG, e: *mut CK_OBJECT_HANDLE) -> direct;
    session C_GenerateKeyPair(a: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: *mut CK_ATTRIBUTE, d: CK_ULONG, e: *mut CK_ATTRIBUTE, f: CK_ULONG, g: *mut CK_OBJECT_HANDLE, h: *mut CK_OBJECT_HANDLE) -> direct;
    session C_WrapKey(a: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: CK_OBJECT_HANDLE, e: *mut CK_BYTE, f: *mut CK_ULONG) -> direct;
    session C_UnwrapKey(a: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: *mut CK_BYTE, e: CK_ULONG, f: *mut CK_ATTRIBUTE, g: CK_ULONG, h: *mut CK_OBJECT_HANDLE) -> direct;
    session C_DeriveKey(a: CK_SESSION_HANDLE, b: *mut CK_MECHANISM, c: CK_OBJECT_HANDLE, d: *mut CK_ATTRIBUTE, e: CK_ULONG, f: *mut CK_OBJECT_HANDLE) -> direct;
    session C_SeedRandom(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG) -> direct;
    session C_GenerateRandom(a: CK_SESSION_HANDLE, b: *mut CK_BYTE, c: CK_ULONG) -> direct;
    session C_GetFunctionStatus(a: CK_SESSION_HANDLE) -> direct;
    session C_CancelFunction(a: CK_SESSION_HANDLE) -> direct;
    module C_WaitForSlotEvent(a: CK_FLAGS, b: *mut CK_SLOT_ID, c: *mut c_void) -> direct;
}

/// Returns the functions of this module. It is the only symbol that the module exports: the specification has applications get
/// all others from here.
///
/// # Safety
/// `functions` must be null, or valid for writing a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(functions: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    static LIST: OnceLock<CK_FUNCTION_LIST> = OnceLock::new();
    if functions.is_null() {
        return CKR_ARGUMENTS_BAD;
    }
    match real_module::functions() {
        Ok(real) => {
            let own = LIST.get_or_init(|| list(real.version));
            // SAFETY: the caller guarantees it. Applications do not write to the list.
            unsafe { functions.write(std::ptr::from_ref(own).cast_mut()) };
            CKR_OK
        }
        Err(code) => code,
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn rules_know_the_names_of_all_functions() {
        assert_eq!(super::NAMES, crate::function_names::FUNCTIONS);
    }
}
