//! The module behind this one.

#![expect(unsafe_code, reason = "the interface of PKCS#11 is one of C")]

use std::ptr;
use std::sync::OnceLock;

use cryptoki_sys::{
    CK_C_GetFunctionList, CK_FUNCTION_LIST, CK_RV, CK_SESSION_HANDLE, CK_SLOT_ID, CK_TOKEN_INFO,
    CKR_FUNCTION_NOT_SUPPORTED, CKR_GENERAL_ERROR, CKR_OK,
};
use libloading::Library;

use crate::environment::{self, MODULE};
use crate::journal::complain;

/// The functions of the module behind this one, which is loaded when it is first needed and stays loaded.
///
/// # Errors
/// The code that it returned, or `CKR_GENERAL_ERROR` if it cannot be loaded; the reason was written to standard error.
pub(crate) fn functions() -> Result<&'static CK_FUNCTION_LIST, CK_RV> {
    static LOADED: OnceLock<Result<CK_FUNCTION_LIST, CK_RV>> = OnceLock::new();
    LOADED.get_or_init(load).as_ref().map_err(|code| *code)
}

fn load() -> Result<CK_FUNCTION_LIST, CK_RV> {
    let Some(path) = &environment::get().module else {
        complain(&format!("the variable {MODULE} does not name a module"));
        return Err(CKR_GENERAL_ERROR);
    };
    let failed = |error: libloading::Error| {
        complain(&format!("loading {}: {error}", path.display()));
        CKR_GENERAL_ERROR
    };
    // SAFETY: the library is a PKCS#11 module, whose initialization has no precondition.
    let library = unsafe { Library::new(path) }.map_err(failed)?;
    // SAFETY: PKCS#11 declares the function with this type.
    let get: CK_C_GetFunctionList = unsafe { library.get::<CK_C_GetFunctionList>(b"C_GetFunctionList\0") }
        .map(|found| *found)
        .map_err(failed)?;
    let mut list: *mut CK_FUNCTION_LIST = ptr::null_mut();
    // SAFETY: the pointer is valid for the call.
    let code = get.map_or(CKR_FUNCTION_NOT_SUPPORTED, |get| unsafe { get(&raw mut list) });
    if code != CKR_OK || list.is_null() {
        complain(&format!("{} returns no list of functions: {}", path.display(), crate::codes::name(code)));
        return Err(if code == CKR_OK { CKR_GENERAL_ERROR } else { code });
    }
    // SAFETY: the module returned the list, which is valid as long as the module is loaded.
    let functions = unsafe { *list };
    // It stays loaded: unloading a module with threads crashes the process.
    std::mem::forget(library);
    Ok(functions)
}

/// The label and the serial number of the token in a slot, as the module behind describes it.
pub(crate) fn token_names(slot: CK_SLOT_ID) -> Option<(String, String)> {
    let mut info = CK_TOKEN_INFO::default();
    let get = functions().ok()?.C_GetTokenInfo?;
    // SAFETY: the pointer is valid for the call.
    let code = unsafe { get(slot, &raw mut info) };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches([' ', '\0']).to_owned();
    (code == CKR_OK).then(|| (text(&info.label), text(&info.serialNumber)))
}

/// Closes all sessions with the token in a slot.
pub(crate) fn close_all_sessions(slot: CK_SLOT_ID) {
    if let Some(close) = functions().ok().and_then(|list| list.C_CloseAllSessions) {
        // SAFETY: no other call is in progress.
        let _ = unsafe { close(slot) };
    }
}

/// Logs out from the token of a session.
pub(crate) fn log_out(session: CK_SESSION_HANDLE) {
    if let Some(log_out) = functions().ok().and_then(|list| list.C_Logout) {
        // SAFETY: no other call is in progress.
        let _ = unsafe { log_out(session) };
    }
}
