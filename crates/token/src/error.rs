//! The mapping of PKCS#11 return codes to recovery steps and errors.
//!
//! Inside the token module a failed step is a [`Failure`]. Its [`Remedy`] is a recovery step that is tried
//! once before the call fails, and [`Failure::into_error`] is the error that the caller receives.

use std::ffi::c_ulong;

use cryptoki::context::Function;
use cryptoki::error::{Error as WrapperError, RvError};

use crate::model::Error;

/// The result of one attempt at a call, before recovery.
pub(super) type Attempt<T> = Result<T, Failure>;

/// Why an attempt failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// An error that is returned to the caller without recovery.
    Final(Error),
    /// A PKCS#11 function returned another code than `CKR_OK`.
    ReturnCode(RvError, Function),
    /// A call failed because of its input, or because of the token, which is in order otherwise. With this error if a repetition
    /// fails, too.
    Undecided(Error),
}

/// A recovery step, tried at most once per call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Remedy {
    /// The session is invalid: open another.
    NewSession,
    /// The session is not logged in: log in, unless another thread just did.
    LogIn,
    /// The object handle is stale: search for the object again.
    RefreshHandle,
    /// The input or the token is wrong: the input, if another session returns the same.
    Repeat,
    /// No recovery.
    Nothing,
}

impl Failure {
    /// The recovery step for this failure.
    pub(super) fn remedy(&self) -> Remedy {
        match self {
            Self::Final(_) => Remedy::Nothing,
            Self::Undecided(_) => Remedy::Repeat,
            Self::ReturnCode(code, _) => match code {
                RvError::SessionHandleInvalid | RvError::SessionClosed | RvError::OperationActive => {
                    Remedy::NewSession
                }
                RvError::UserNotLoggedIn => Remedy::LogIn,
                RvError::ObjectHandleInvalid
                | RvError::KeyHandleInvalid
                | RvError::WrappingKeyHandleInvalid
                | RvError::UnwrappingKeyHandleInvalid => Remedy::RefreshHandle,
                _ => Remedy::Nothing,
            },
        }
    }

    /// Whether the token or the module is unavailable, so that the session must be closed.
    pub(super) fn is_token_lost(&self) -> bool {
        matches!(
            self,
            Self::ReturnCode(
                RvError::CryptokiNotInitialized
                    | RvError::DeviceRemoved
                    | RvError::SlotIdInvalid
                    | RvError::TokenNotPresent
                    | RvError::TokenNotRecognized,
                _
            )
        )
    }

    /// Whether the token rejected the PIN. It must not be tried again: tokens lock after a few attempts.
    pub(super) fn is_pin_rejection(&self) -> bool {
        matches!(
            self,
            Self::ReturnCode(
                RvError::PinIncorrect | RvError::PinLocked | RvError::PinExpired | RvError::PinInvalid,
                _
            )
        )
    }

    /// Whether the profile lists the code in `throttle`: it means that the token is busy.
    pub(super) fn is_busy(&self, throttle: &[String]) -> bool {
        matches!(self, Self::ReturnCode(code, _) if throttle.contains(&code_name(*code)))
    }

    /// Classifies a failed decryption by its cause. Tokens disagree on the codes for a wrong padding, tag
    /// or length, and reporting which one it is would create a padding oracle. The profile lists in `throttle` the codes that
    /// mean `Busy`.
    pub(super) fn classify_decryption(self, throttle: &[String]) -> Decryption {
        use Function::{Decrypt, DecryptFinal, DecryptUpdate};
        let Self::ReturnCode(code, Decrypt | DecryptUpdate | DecryptFinal) = self else {
            return Decryption::Failed(self);
        };
        if self.is_busy(throttle) {
            return Decryption::Failed(self);
        }
        match code {
            RvError::ArgumentsBad
            | RvError::DataInvalid
            | RvError::DataLenRange
            | RvError::EncryptedDataInvalid
            | RvError::EncryptedDataLenRange
            | RvError::UnknownErrorCode(AEAD_DECRYPT_FAILED) => Decryption::WrongInput,
            // SoftHSM 2.6 returns these for a wrong padding and for a deleted token directory; other tokens return codes of
            // their own.
            RvError::GeneralError | RvError::FunctionFailed | RvError::VendorDefined(_) => {
                Decryption::Ambiguous
            }
            RvError::UnknownErrorCode(_) if !is_named(code) => Decryption::Ambiguous,
            _ => Decryption::Failed(self),
        }
    }

    /// The error that the caller receives. The profile lists in `throttle` the codes that mean `Busy`.
    pub(super) fn into_error(self, throttle: &[String]) -> Error {
        let (code, function) = match self {
            Self::Final(error) | Self::Undecided(error) => return error,
            Self::ReturnCode(code, function) => (code, function),
        };
        let name = code_name(code);
        if throttle.contains(&name) {
            return Error::TokenBusy;
        }
        let function = function_name(function);
        match code {
            RvError::PinIncorrect | RvError::PinLocked | RvError::PinExpired | RvError::PinInvalid => {
                Error::TokenUnavailable {
                    why: format!("the PIN was rejected ({name}) and is not tried again"),
                }
            }
            RvError::CryptokiNotInitialized
            | RvError::DeviceRemoved
            | RvError::ObjectHandleInvalid
            | RvError::KeyHandleInvalid
            | RvError::SessionClosed
            | RvError::SessionCount
            | RvError::SessionHandleInvalid
            | RvError::SlotIdInvalid
            | RvError::TokenNotPresent
            | RvError::TokenNotRecognized
            | RvError::UserNotLoggedIn => Error::TokenUnavailable { why: format!("{function}: {name}") },
            RvError::CurveNotSupported
            | RvError::DomainParamsInvalid
            | RvError::FunctionNotSupported
            | RvError::KeySizeRange
            | RvError::KeyTypeInconsistent
            | RvError::MechanismInvalid
            | RvError::MechanismParamInvalid => Error::Unsupported {
                what: format!("the token does not support this operation ({function}: {name})"),
            },
            _ => Error::TokenFailed { function, code: name },
        }
    }
}

/// The cause of a failed `C_Decrypt`.
pub(super) enum Decryption {
    /// The input is not a ciphertext of this key.
    WrongInput,
    /// Either the input or a failure of the token; a check of the sentinel and a second attempt decide.
    Ambiguous,
    /// A failure that the input did not cause.
    Failed(Failure),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Final(error)
    }
}

impl From<WrapperError> for Failure {
    fn from(error: WrapperError) -> Self {
        match error {
            WrapperError::Pkcs11(code, function) => Self::ReturnCode(code, function),
            WrapperError::LibraryLoading(cause) => {
                Self::Final(Error::TokenUnavailable { why: format!("the module cannot be loaded: {cause}") })
            }
            WrapperError::NullFunctionPointer => Self::Final(Error::Unsupported {
                what: "the token's module lacks a required PKCS#11 function".to_owned(),
            }),
            other => Self::Final(Error::internal_caused_by("PKCS#11 wrapper", other)),
        }
    }
}

/// `CKR_AEAD_DECRYPT_FAILED`.
const AEAD_DECRYPT_FAILED: c_ulong = 0x42;

/// Codes of PKCS#11 3.0 to 3.2 that cryptoki does not name.
const NEWER_CODES: [(c_ulong, &str); 9] = [
    (AEAD_DECRYPT_FAILED, "CKR_AEAD_DECRYPT_FAILED"),
    (0x201, "CKR_TOKEN_RESOURCE_EXCEEDED"),
    (0x202, "CKR_OPERATION_CANCEL_FAILED"),
    (0x203, "CKR_KEY_EXHAUSTED"),
    (0x204, "CKR_PENDING"),
    (0x205, "CKR_SESSION_ASYNC_NOT_SUPPORTED"),
    (0x206, "CKR_SEED_RANDOM_REQUIRED"),
    (0x207, "CKR_OPERATION_NOT_VALIDATED"),
    (0x208, "CKR_TOKEN_NOT_INITIALIZED"),
];

/// Whether a return code that the wrapper does not know has a meaning in PKCS#11.
fn is_named(code: RvError) -> bool {
    matches!(code, RvError::UnknownErrorCode(number) if NEWER_CODES.iter().any(|(newer, _)| *newer == number))
}

/// The PKCS#11 name of a return code, `CKR_…`.
pub(super) fn code_name(code: RvError) -> String {
    if let RvError::UnknownErrorCode(number) = code
        && let Some((_, name)) = NEWER_CODES.iter().find(|(newer, _)| *newer == number)
    {
        return (*name).to_owned();
    }
    if let RvError::VendorDefined(number) | RvError::UnknownErrorCode(number) = code {
        return format!("CKR_{number:#010x}");
    }
    // The variants of cryptoki are the PKCS#11 names in camel case.
    let mut name = String::from("CKR");
    for character in format!("{code:?}").chars() {
        if character.is_ascii_uppercase() {
            name.push('_');
        }
        name.push(character.to_ascii_uppercase());
    }
    name
}

/// Declares the PKCS#11 functions that this service calls.
macro_rules! functions {
    ($($variant:ident = $name:literal,)+) => {
        /// The PKCS#11 name of a function, `C_…`, for the functions that this service calls.
        fn function_name(function: Function) -> &'static str {
            match function {
                $(Function::$variant => $name,)+
                _ => OTHER_FUNCTION,
            }
        }

        /// The result of [`function_name`] with this text, which another process sent.
        pub(super) fn known_function(name: &str) -> &'static str {
            match name {
                $($name => $name,)+
                _ => OTHER_FUNCTION,
            }
        }
    };
}

/// Stands for a function that the service does not call itself.
const OTHER_FUNCTION: &str = "a PKCS#11 function";

functions! {
    CloseSession = "C_CloseSession",
    CopyObject = "C_CopyObject",
    CreateObject = "C_CreateObject",
    Decrypt = "C_Decrypt",
    DecryptFinal = "C_DecryptFinal",
    DecryptInit = "C_DecryptInit",
    DecryptUpdate = "C_DecryptUpdate",
    DeriveKey = "C_DeriveKey",
    DestroyObject = "C_DestroyObject",
    Encrypt = "C_Encrypt",
    EncryptFinal = "C_EncryptFinal",
    EncryptInit = "C_EncryptInit",
    EncryptUpdate = "C_EncryptUpdate",
    FindObjects = "C_FindObjects",
    FindObjectsInit = "C_FindObjectsInit",
    Finalize = "C_Finalize",
    GenerateKey = "C_GenerateKey",
    GenerateKeyPair = "C_GenerateKeyPair",
    GenerateRandom = "C_GenerateRandom",
    GetAttributeValue = "C_GetAttributeValue",
    GetInfo = "C_GetInfo",
    GetSessionInfo = "C_GetSessionInfo",
    GetSlotList = "C_GetSlotList",
    GetTokenInfo = "C_GetTokenInfo",
    InitPIN = "C_InitPIN",
    InitToken = "C_InitToken",
    Initialize = "C_Initialize",
    Login = "C_Login",
    OpenSession = "C_OpenSession",
    Sign = "C_Sign",
    SignInit = "C_SignInit",
    UnwrapKey = "C_UnwrapKey",
    WrapKey = "C_WrapKey",
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: RvError, function: Function) -> Failure {
        Failure::ReturnCode(code, function)
    }

    #[test]
    fn code_names_follow_pkcs11() {
        assert_eq!(code_name(RvError::ObjectHandleInvalid), "CKR_OBJECT_HANDLE_INVALID");
        assert_eq!(code_name(RvError::UserPinNotInitialized), "CKR_USER_PIN_NOT_INITIALIZED");
        assert_eq!(code_name(RvError::GeneralError), "CKR_GENERAL_ERROR");
        assert_eq!(code_name(RvError::VendorDefined(0x8000_0001)), "CKR_0x80000001");
        assert_eq!(code_name(RvError::UnknownErrorCode(0x201)), "CKR_TOKEN_RESOURCE_EXCEEDED");
    }

    #[test]
    fn maps_return_codes_to_recovery_steps() {
        for (code, remedy) in [
            (RvError::SessionHandleInvalid, Remedy::NewSession),
            (RvError::OperationActive, Remedy::NewSession),
            (RvError::UserNotLoggedIn, Remedy::LogIn),
            (RvError::KeyHandleInvalid, Remedy::RefreshHandle),
            (RvError::PinIncorrect, Remedy::Nothing),
            (RvError::DeviceRemoved, Remedy::Nothing),
        ] {
            assert_eq!(failure(code, Function::Sign).remedy(), remedy, "{code:?}");
        }
    }

    #[test]
    fn decryption_fails_only_because_of_its_input() {
        let of = |code, function| failure(code, function).classify_decryption(&["CKR_0x80000001".to_owned()]);
        for code in [RvError::EncryptedDataInvalid, RvError::EncryptedDataLenRange] {
            assert!(matches!(of(code, Function::Decrypt), Decryption::WrongInput), "{code:?}");
        }
        for code in [RvError::GeneralError, RvError::VendorDefined(0x8000_0002)] {
            assert!(matches!(of(code, Function::Decrypt), Decryption::Ambiguous), "{code:?}");
        }
        assert!(matches!(of(RvError::GeneralError, Function::DecryptInit), Decryption::Failed(_)));
        for code in [
            RvError::DeviceError,
            RvError::KeyHandleInvalid,
            RvError::DeviceRemoved,
            RvError::FunctionRejected,
            RvError::UnknownErrorCode(0x201),
            RvError::VendorDefined(0x8000_0001),
        ] {
            assert!(matches!(of(code, Function::Decrypt), Decryption::Failed(_)), "{code:?}");
        }
    }

    #[test]
    fn profile_maps_return_codes_to_busy() {
        let throttle = ["CKR_DEVICE_ERROR".to_owned()];
        assert_eq!(failure(RvError::DeviceError, Function::Sign).into_error(&throttle), Error::TokenBusy);
        assert!(matches!(
            failure(RvError::DeviceError, Function::Sign).into_error(&[]),
            Error::TokenFailed { function: "C_Sign", .. }
        ));
    }
}
