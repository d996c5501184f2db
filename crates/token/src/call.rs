//! Requests to a token and their responses as plain data, so that they can be queued, logged, timed and
//! subjected to fault injection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use cryptoki::context::Function;
use cryptoki::error::RvError;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::error::{Attempt, Failure};
use super::wire;
use super::wire_error::results;
use crate::model::algorithm::{AesMode, Cipher, Signature, SignatureAlgorithm};
use crate::model::import::ImportMaterial;
use crate::model::key::{Curve, KeySpec, KeyType, PublicMaterial};
use crate::model::name::VersionId;
use crate::model::wrapped_key::{BackupPolicy, WrappedKey};
use crate::model::{Error, Result};

/// The maximum number of bytes that a short call encrypts or decrypts.
const SHORT: usize = 4096;

/// An operation for the workers of a token.
#[derive(Serialize, Deserialize)]
pub enum Call {
    /// Decrypts data.
    Decrypt {
        /// The key.
        #[serde(with = "wire::version")]
        object: VersionId,
        /// The cipher, with its mode or padding.
        cipher: Cipher,
        /// The ciphertext, without the tag.
        #[serde(with = "serde_bytes")]
        ciphertext: Vec<u8>,
        /// The IV; AES only.
        #[serde(with = "serde_bytes")]
        iv: Vec<u8>,
        /// The tag; GCM only.
        #[serde(with = "serde_bytes")]
        tag: Vec<u8>,
        /// Additional authenticated data; GCM only.
        #[serde(with = "serde_bytes")]
        aad: Vec<u8>,
    },
    /// Destroys all objects of these keys. Absent keys are not an error.
    Destroy {
        /// The keys.
        #[serde(with = "wire::versions")]
        objects: Vec<VersionId>,
    },
    /// Encrypts data with an AES key.
    Encrypt {
        /// The key.
        #[serde(with = "wire::version")]
        object: VersionId,
        /// The AES mode.
        mode: AesMode,
        /// The caller's IV; `None` with GCM.
        #[serde(with = "serde_bytes")]
        iv: Option<Vec<u8>>,
        /// Additional authenticated data; GCM only.
        #[serde(with = "serde_bytes")]
        aad: Vec<u8>,
        /// The plaintext.
        #[serde(with = "wire::secret")]
        plaintext: Zeroizing<Vec<u8>>,
    },
    /// Generates a key.
    Generate {
        /// The identifier of the new key.
        #[serde(with = "wire::version")]
        object: VersionId,
        /// Its type and parameters.
        spec: KeySpec,
        /// Whether it may be wrapped.
        backup: BackupPolicy,
    },
    /// Generates the sealing key of a security domain.
    GenerateSealingKey {
        /// The identifier of the new key.
        #[serde(with = "wire::version")]
        object: VersionId,
    },
    /// Checks that the token responds, is the one that was opened, and shows its objects.
    Health,
    /// Reports which of these keys exist in the token.
    Holds {
        /// The keys.
        #[serde(with = "wire::versions")]
        objects: Vec<VersionId>,
    },
    /// Imports a key.
    Import {
        /// The identifier of the new key.
        #[serde(with = "wire::version")]
        object: VersionId,
        /// The key material.
        #[serde(with = "wire::import")]
        material: ImportMaterial,
        /// Whether it may be wrapped.
        backup: BackupPolicy,
    },
    /// Imports the wrapping key of a security domain.
    ImportWrappingKey {
        /// The identifier of the new key.
        #[serde(with = "wire::version")]
        object: VersionId,
        /// The key.
        #[serde(with = "wire::secret")]
        key: Zeroizing<Vec<u8>>,
    },
    /// Runs uses of keys one after the other, each with an answer of its own. Shared, so that the caller can submit them again.
    Many(#[serde(with = "wire::shared")] Arc<[Self]>),
    /// Reads the public half of an RSA key.
    RsaPublicKey {
        /// The key.
        #[serde(with = "wire::version")]
        object: VersionId,
    },
    /// Generates random bytes.
    Random {
        /// The number of bytes.
        count: usize,
    },
    /// Signs a digest, or computes a MAC of it.
    Sign {
        /// The key.
        #[serde(with = "wire::version")]
        object: VersionId,
        /// Its type.
        key_type: KeyType,
        /// The signature or MAC algorithm.
        #[serde(with = "wire::name")]
        algorithm: SignatureAlgorithm,
        /// The digest.
        #[serde(with = "serde_bytes")]
        digest: Vec<u8>,
    },
    /// Unwraps bytes with AES Key Wrap (RFC 3394).
    Unwrap {
        /// The wrapping key.
        #[serde(with = "wire::version")]
        object: VersionId,
        /// The wrapped key.
        #[serde(with = "serde_bytes")]
        wrapped: Vec<u8>,
    },
    /// Unwraps the objects of a key from a backup.
    UnwrapKey {
        /// The wrapping key of the security domain.
        #[serde(with = "wire::version")]
        wrapping_key: VersionId,
        /// The identifier of the key.
        #[serde(with = "wire::version")]
        object: VersionId,
        /// Its public half.
        #[serde(with = "wire::json")]
        public: PublicMaterial,
        /// The wrapped material.
        #[serde(with = "wire::json")]
        wrapped: WrappedKey,
        /// Whether it may be wrapped again.
        backup: BackupPolicy,
    },
    /// Wraps bytes with AES Key Wrap (RFC 3394).
    Wrap {
        /// The wrapping key.
        #[serde(with = "wire::version")]
        object: VersionId,
        /// The key to wrap.
        #[serde(with = "wire::secret")]
        key: Zeroizing<Vec<u8>>,
    },
    /// Wraps the objects of a key for a backup.
    WrapKey {
        /// The wrapping key of the security domain.
        #[serde(with = "wire::version")]
        wrapping_key: VersionId,
        /// The key.
        #[serde(with = "wire::version")]
        object: VersionId,
        /// Its type.
        key_type: KeyType,
    },
    /// Reports which of these keys can be wrapped.
    Wrappable {
        /// The keys.
        #[serde(with = "wire::versions")]
        objects: Vec<VersionId>,
    },
}

impl Call {
    /// The operation's name in logs.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Decrypt { .. } => "decrypt",
            Self::Destroy { .. } => "destroy",
            Self::Encrypt { .. } => "encrypt",
            Self::Generate { .. } => "generate",
            Self::GenerateSealingKey { .. } => "generate a sealing key",
            Self::Health => "health",
            Self::Holds { .. } => "holds",
            Self::Import { .. } => "import",
            Self::ImportWrappingKey { .. } => "import a wrapping key",
            Self::Many(_) => "many",
            Self::RsaPublicKey { .. } => "read an RSA public key",
            Self::Random { .. } => "random",
            Self::Sign { .. } => "sign",
            Self::Unwrap { .. } => "unwrap",
            Self::UnwrapKey { .. } => "unwrap a key",
            Self::Wrap { .. } => "wrap",
            Self::WrapKey { .. } => "wrap a key",
            Self::Wrappable { .. } => "report wrappable keys",
        }
    }

    /// The single key that the call uses or creates, if it has one.
    pub const fn object(&self) -> Option<VersionId> {
        match self {
            Self::Decrypt { object, .. }
            | Self::Encrypt { object, .. }
            | Self::Generate { object, .. }
            | Self::GenerateSealingKey { object }
            | Self::Import { object, .. }
            | Self::ImportWrappingKey { object, .. }
            | Self::RsaPublicKey { object }
            | Self::Sign { object, .. }
            | Self::Unwrap { object, .. }
            | Self::UnwrapKey { object, .. }
            | Self::Wrap { object, .. }
            | Self::WrapKey { object, .. } => Some(*object),
            Self::Destroy { .. }
            | Self::Health
            | Self::Holds { .. }
            | Self::Many(_)
            | Self::Random { .. }
            | Self::Wrappable { .. } => None,
        }
    }

    /// Whether the call goes to the slow queue, because it creates, destroys or searches for objects.
    pub(super) const fn is_slow(&self) -> bool {
        matches!(
            self,
            Self::Destroy { .. }
                | Self::Generate { .. }
                | Self::GenerateSealingKey { .. }
                | Self::Holds { .. }
                | Self::Import { .. }
                | Self::ImportWrappingKey { .. }
                | Self::UnwrapKey { .. }
                | Self::WrapKey { .. }
                | Self::Wrappable { .. }
        )
    }

    /// Whether a software token computes the call within about a tenth of a millisecond, from a key in memory.
    pub fn is_short(&self) -> bool {
        match self {
            Self::Sign { algorithm, .. } => {
                matches!(algorithm.primitive(), Signature::Ecdsa(Curve::P256) | Signature::Hmac(_))
            }
            Self::Encrypt { aad, plaintext, .. } => plaintext.len() + aad.len() <= SHORT,
            Self::Decrypt { cipher: Cipher::Aes(..), ciphertext, aad, .. } => {
                ciphertext.len() + aad.len() <= SHORT
            }
            Self::Unwrap { .. } | Self::Wrap { .. } => true,
            _ => false,
        }
    }

    /// Whether the call creates objects, so that a repetition must first destroy what an earlier attempt left.
    pub(super) const fn creates(&self) -> bool {
        matches!(
            self,
            Self::Generate { .. }
                | Self::GenerateSealingKey { .. }
                | Self::Import { .. }
                | Self::ImportWrappingKey { .. }
                | Self::UnwrapKey { .. }
        )
    }

    /// The PKCS#11 function that an injected fault is attributed to.
    const fn function(&self) -> Function {
        match self {
            Self::Decrypt { .. } | Self::Unwrap { .. } => Function::Decrypt,
            Self::Destroy { .. } => Function::DestroyObject,
            Self::Encrypt { .. } | Self::Wrap { .. } => Function::Encrypt,
            Self::Generate { .. } => Function::GenerateKeyPair,
            Self::Health | Self::Many(_) => Function::GetTokenInfo,
            Self::GenerateSealingKey { .. } => Function::GenerateKey,
            Self::Holds { .. } | Self::Wrappable { .. } => Function::FindObjects,
            Self::Import { .. } | Self::ImportWrappingKey { .. } => Function::CreateObject,
            Self::RsaPublicKey { .. } => Function::GetAttributeValue,
            Self::Random { .. } => Function::GenerateRandom,
            Self::Sign { .. } => Function::Sign,
            Self::UnwrapKey { .. } => Function::UnwrapKey,
            Self::WrapKey { .. } => Function::WrapKey,
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

/// The result of a [`Call`].
#[derive(Serialize, Deserialize)]
pub enum Answer {
    /// The call has no other result.
    Done,
    /// A signature, a wrapped key, or random bytes.
    Bytes(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The token is healthy.
    Healthy {
        /// The number of sessions that the process has with the token.
        sessions: u64,
    },
    /// Whether the token holds each of the keys.
    Held(Vec<bool>),
    /// The answers of [`Call::Many`].
    Many(#[serde(with = "results")] Vec<Result<Self>>),
    /// The public half of a key.
    Public(#[serde(with = "wire::json")] PublicMaterial),
    /// The result of an encryption.
    Sealed(Sealed),
    /// A decrypted or unwrapped secret.
    Secret(#[serde(with = "wire::secret")] Zeroizing<Vec<u8>>),
    /// The objects of a key in wrapped form.
    Wrapped(#[serde(with = "wire::json")] WrappedKey),
}

impl Answer {
    /// The bytes of a signature or a wrapped key.
    ///
    /// # Errors
    /// `Internal` if the call has another result.
    pub fn into_bytes(self) -> Result<Vec<u8>> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(wrong_kind()),
        }
    }

    /// The result of an encryption.
    ///
    /// # Errors
    /// `Internal` if the call has another result.
    pub fn into_sealed(self) -> Result<Sealed> {
        match self {
            Self::Sealed(sealed) => Ok(sealed),
            _ => Err(wrong_kind()),
        }
    }

    /// The decrypted or unwrapped secret.
    ///
    /// # Errors
    /// `Internal` if the call has another result.
    pub fn into_secret(self) -> Result<Zeroizing<Vec<u8>>> {
        match self {
            Self::Secret(secret) => Ok(secret),
            _ => Err(wrong_kind()),
        }
    }
}

/// Names the kind only: a decrypted secret must not reach a log.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done => "Done",
            Self::Bytes(_) => "Bytes",
            Self::Held(_) => "Held",
            Self::Many(_) => "Many",
            Self::Public(_) => "Public",
            Self::Sealed(_) => "Sealed",
            Self::Secret(_) => "Secret",
            Self::Wrapped(_) => "Wrapped",
            Self::Healthy { .. } => "Healthy",
        })
    }
}

/// The error for an answer of another kind than that of the call.
pub(super) fn wrong_kind() -> Error {
    Error::internal("the token returned the wrong kind of answer")
}

/// The result of an encryption.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sealed {
    /// The ciphertext, without the tag.
    #[serde(with = "serde_bytes")]
    pub ciphertext: Vec<u8>,
    /// The IV: 12 bytes with GCM, 16 with CBC.
    #[serde(with = "serde_bytes")]
    pub iv: Vec<u8>,
    /// The tag: 16 bytes with GCM, empty with CBC.
    #[serde(with = "serde_bytes")]
    pub tag: Vec<u8>,
}

/// Called once for each call, on the worker thread that runs it. Returns the fault to inject, if any. Only tests have
/// one (see `docs/architecture.md`, "Store and token").
pub type FaultHook = Arc<dyn Fn(&Call) -> Option<Fault> + Send + Sync>;

/// An injected fault: a delay or a PKCS#11 return code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The call starts after this delay.
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
    /// Sleeps for the delay, or returns the failure that the return code causes.
    pub(super) fn apply(self, call: &Call) -> Attempt<()> {
        let code = match self {
            Self::Delay(time) => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "the delay simulates a slow token in real time"
                )]
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
        Err(Failure::ReturnCode(code, call.function()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_of_answers_contains_no_secret() {
        let secret = || Ok(Answer::Secret(Zeroizing::new(vec![123; 4])));
        assert_eq!(format!("{:?}", secret()), "Ok(Secret)");
        assert_eq!(format!("{:?}", Answer::Many(vec![secret()])), "Many");
    }
}
