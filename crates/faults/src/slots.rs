//! The functions that list slots, and that open and close sessions: they see absent tokens, and sessions are counted.

#![expect(unsafe_code, reason = "the interface of PKCS#11 is one of C")]

use std::os::raw::c_void;
use std::ptr;

use cryptoki_sys::{
    CK_BBOOL, CK_FALSE, CK_FLAGS, CK_FUNCTION_LIST, CK_NOTIFY, CK_RV, CK_SESSION_HANDLE, CK_SLOT_ID,
    CK_SLOT_INFO, CK_ULONG, CKF_TOKEN_PRESENT, CKR_ARGUMENTS_BAD, CKR_BUFFER_TOO_SMALL,
    CKR_FUNCTION_NOT_SUPPORTED, CKR_OK,
};

use crate::call;
use crate::tokens;

/// `C_GetSlotList`: slots whose token is absent have none.
///
/// # Safety
/// As the function of the specification.
pub(crate) unsafe fn list_slots(
    real: &CK_FUNCTION_LIST,
    with_token: CK_BBOOL,
    slots: *mut CK_SLOT_ID,
    count: *mut CK_ULONG,
) -> CK_RV {
    let Some(list) = real.C_GetSlotList else { return CKR_FUNCTION_NOT_SUPPORTED };
    if with_token == CK_FALSE || !call::can_be_absent() || count.is_null() {
        // SAFETY: the arguments are those of the application.
        return unsafe { list(with_token, slots, count) };
    }
    let mut length = 0;
    // SAFETY: the pointers are valid for the calls, and the buffer has the announced length.
    let code = unsafe { list(with_token, ptr::null_mut(), &raw mut length) };
    if code != CKR_OK {
        return code;
    }
    let Ok(room) = usize::try_from(length) else { return CKR_ARGUMENTS_BAD };
    let mut found = vec![0; room];
    // SAFETY: as above.
    let code = unsafe { list(with_token, found.as_mut_ptr(), &raw mut length) };
    if code != CKR_OK {
        return code;
    }
    found.truncate(usize::try_from(length).unwrap_or(room));
    found.retain(|slot| !call::is_absent(*slot));
    // SAFETY: the application guarantees that `count` is valid, and `slots` for that many numbers.
    unsafe {
        let room = count.read();
        count.write(found.len() as CK_ULONG);
        if slots.is_null() {
            return CKR_OK;
        }
        if (room as usize) < found.len() {
            return CKR_BUFFER_TOO_SMALL;
        }
        ptr::copy_nonoverlapping(found.as_ptr(), slots, found.len());
    }
    CKR_OK
}

/// `C_GetSlotInfo`: a slot whose token is absent has none.
///
/// # Safety
/// As the function of the specification.
pub(crate) unsafe fn slot_info(real: &CK_FUNCTION_LIST, slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> CK_RV {
    let Some(get) = real.C_GetSlotInfo else { return CKR_FUNCTION_NOT_SUPPORTED };
    // SAFETY: the arguments are those of the application.
    let code = unsafe { get(slot, info) };
    if code == CKR_OK && call::can_be_absent() && call::is_absent(slot) {
        // SAFETY: the call has succeeded, so that the pointer is valid.
        unsafe { (*info).flags &= !CKF_TOKEN_PRESENT };
    }
    code
}

/// `C_OpenSession`, which adds the session to the known ones.
///
/// # Safety
/// As the function of the specification.
pub(crate) unsafe fn open_session(
    real: &CK_FUNCTION_LIST,
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    application: *mut c_void,
    notify: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    let Some(open) = real.C_OpenSession else { return CKR_FUNCTION_NOT_SUPPORTED };
    // SAFETY: the arguments are those of the application.
    let code = unsafe { open(slot, flags, application, notify, session) };
    if code == CKR_OK {
        // SAFETY: the call has succeeded, so that the pointer is valid.
        tokens::opened(unsafe { session.read() }, slot);
    }
    code
}

/// `C_CloseSession`, which removes the session from the known ones.
///
/// # Safety
/// As the function of the specification.
pub(crate) unsafe fn close_session(real: &CK_FUNCTION_LIST, session: CK_SESSION_HANDLE) -> CK_RV {
    tokens::closed(session);
    // SAFETY: the arguments are those of the application.
    real.C_CloseSession.map_or(CKR_FUNCTION_NOT_SUPPORTED, |close| unsafe { close(session) })
}

/// `C_CloseAllSessions`, which removes the sessions from the known ones.
///
/// # Safety
/// As the function of the specification.
pub(crate) unsafe fn close_all_sessions(real: &CK_FUNCTION_LIST, slot: CK_SLOT_ID) -> CK_RV {
    tokens::closed_all(Some(slot));
    // SAFETY: the arguments are those of the application.
    real.C_CloseAllSessions.map_or(CKR_FUNCTION_NOT_SUPPORTED, |close| unsafe { close(slot) })
}

/// `C_Finalize`, which closes all sessions.
///
/// # Safety
/// As the function of the specification.
pub(crate) unsafe fn finalize(real: &CK_FUNCTION_LIST, reserved: *mut c_void) -> CK_RV {
    tokens::closed_all(None);
    // SAFETY: the arguments are those of the application.
    real.C_Finalize.map_or(CKR_FUNCTION_NOT_SUPPORTED, |finalize| unsafe { finalize(reserved) })
}
