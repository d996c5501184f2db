//! Calls to a token and its answers, as data: they can be logged, timed and faulted, and could be
//! sent to another process.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cryptoki::context::Function;
use cryptoki::error::RvError;
use zeroize::Zeroizing;

use super::error::Failure;
use crate::model::algorithm::{AesMode, Cipher, SignatureAlgorithm};
use crate::model::import::ImportMaterial;
use crate::model::key::{KeySpec, KeyType, PublicMaterial};
use crate::model::name::VersionId;

/// What a token is asked to do.
pub enum Call {
    /// Decrypt data.
    Decrypt {
        /// The key.
        object: VersionId,
        /// How.
        cipher: Cipher,
        /// What.
        ciphertext: Vec<u8>,
        /// The IV; AES only.
        iv: Vec<u8>,
        /// The tag; GCM only.
        tag: Vec<u8>,
        /// Additional authenticated data; GCM only.
        aad: Vec<u8>,
    },
    /// Destroy objects; those that are absent are fine.
    Destroy {
        /// The keys.
        objects: Vec<VersionId>,
    },
    /// Encrypt data with an AES key.
    Encrypt {
        /// The key.
        object: VersionId,
        /// How.
        mode: AesMode,
        /// The caller's IV; none with GCM.
        iv: Option<Vec<u8>>,
        /// Additional authenticated data; GCM only.
        aad: Vec<u8>,
        /// What.
        plaintext: Zeroizing<Vec<u8>>,
    },
    /// Make a key.
    Generate {
        /// Under which identifier.
        object: VersionId,
        /// Of which kind.
        spec: KeySpec,
    },
    /// Show that the token is there and whole.
    Health,
    /// Tell which of these objects exist.
    Holds {
        /// The keys.
        objects: Vec<VersionId>,
    },
    /// Take a key from outside.
    Import {
        /// Under which identifier.
        object: VersionId,
        /// The key.
        material: ImportMaterial,
    },
    /// Make random bytes.
    Random {
        /// How many.
        count: usize,
    },
    /// Sign a digest, or make a MAC.
    Sign {
        /// The key.
        object: VersionId,
        /// Its type.
        key_type: KeyType,
        /// How.
        algorithm: SignatureAlgorithm,
        /// What.
        digest: Vec<u8>,
    },
    /// Unwrap a key by AES Key Wrap.
    Unwrap {
        /// The key that unwraps.
        object: VersionId,
        /// The wrapped key.
        wrapped: Vec<u8>,
    },
    /// Wrap a key by AES Key Wrap.
    Wrap {
        /// The key that wraps.
        object: VersionId,
        /// The key to be wrapped.
        key: Zeroizing<Vec<u8>>,
    },
}

impl Call {
    /// A name for logs and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Decrypt { .. } => "decrypt",
            Self::Destroy { .. } => "destroy",
            Self::Encrypt { .. } => "encrypt",
            Self::Generate { .. } => "generate",
            Self::Health => "health",
            Self::Holds { .. } => "holds",
            Self::Import { .. } => "import",
            Self::Random { .. } => "random",
            Self::Sign { .. } => "sign",
            Self::Unwrap { .. } => "unwrap",
            Self::Wrap { .. } => "wrap",
        }
    }

    /// The one key that the call uses or makes.
    pub const fn object(&self) -> Option<VersionId> {
        match self {
            Self::Decrypt { object, .. }
            | Self::Encrypt { object, .. }
            | Self::Generate { object, .. }
            | Self::Import { object, .. }
            | Self::Sign { object, .. }
            | Self::Unwrap { object, .. }
            | Self::Wrap { object, .. } => Some(*object),
            Self::Destroy { .. } | Self::Health | Self::Holds { .. } | Self::Random { .. } => None,
        }
    }

    /// Whether the call belongs in the slow lane: it makes, destroys or searches objects.
    pub(super) const fn is_slow(&self) -> bool {
        matches!(
            self,
            Self::Destroy { .. } | Self::Generate { .. } | Self::Holds { .. } | Self::Import { .. }
        )
    }

    /// The PKCS#11 function that a fault is said to come from.
    const fn function(&self) -> Function {
        match self {
            Self::Decrypt { .. } | Self::Unwrap { .. } => Function::Decrypt,
            Self::Destroy { .. } => Function::DestroyObject,
            Self::Encrypt { .. } | Self::Wrap { .. } => Function::Encrypt,
            Self::Generate { .. } => Function::GenerateKeyPair,
            Self::Health => Function::GetTokenInfo,
            Self::Holds { .. } => Function::FindObjects,
            Self::Import { .. } => Function::CreateObject,
            Self::Random { .. } => Function::GenerateRandom,
            Self::Sign { .. } => Function::Sign,
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.object() {
            Some(object) => write!(f, "{} {object}", self.name()),
            None => f.write_str(self.name()),
        }
    }
}

/// What a token answers.
#[derive(Debug)]
pub(super) enum Answer {
    Done,
    Bytes(Vec<u8>),
    Held(Vec<bool>),
    Public(PublicMaterial),
    Sealed(Sealed),
    Secret(Zeroizing<Vec<u8>>),
}

/// What encryption gives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed {
    /// The ciphertext, without the tag.
    pub ciphertext: Vec<u8>,
    /// The IV: 12 bytes with GCM, 16 with CBC.
    pub iv: Vec<u8>,
    /// The tag: 16 bytes with GCM, none with CBC.
    pub tag: Vec<u8>,
}

/// Consulted once for each call, on the thread that is about to do it.
pub type FaultHook = Arc<dyn Fn(&Call) -> Option<Fault> + Send + Sync>;

/// Something that goes wrong on request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The token takes this long before it starts.
    Delay(Duration),
    /// `CKR_DEVICE_ERROR`.
    DeviceError,
    /// `CKR_DEVICE_REMOVED`.
    DeviceRemoved,
    /// `CKR_GENERAL_ERROR`.
    GeneralError,
    /// `CKR_KEY_HANDLE_INVALID`.
    KeyHandleInvalid,
    /// `CKR_SESSION_HANDLE_INVALID`.
    SessionHandleInvalid,
    /// `CKR_USER_NOT_LOGGED_IN`.
    UserNotLoggedIn,
}

impl Fault {
    /// Waits, or fails as the token would.
    pub(super) fn strike(self, call: &Call) -> Result<(), Failure> {
        let code = match self {
            Self::Delay(time) => {
                #[expect(clippy::disallowed_methods, reason = "a slow token takes real time")]
                std::thread::sleep(time);
                return Ok(());
            }
            Self::DeviceError => RvError::DeviceError,
            Self::DeviceRemoved => RvError::DeviceRemoved,
            Self::GeneralError => RvError::GeneralError,
            Self::KeyHandleInvalid => RvError::KeyHandleInvalid,
            Self::SessionHandleInvalid => RvError::SessionHandleInvalid,
            Self::UserNotLoggedIn => RvError::UserNotLoggedIn,
        };
        Err(Failure::Refused(code, call.function()))
    }
}
