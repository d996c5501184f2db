//! The asynchronous handle to a token.
//!
//! Slow and fast calls have separate queues, so that generation of an RSA key (seconds) does not delay
//! signatures (microseconds). A full queue returns `Busy`. A call that waits leaves the queue when its caller is dropped, or at
//! the deadline of its caller. A call that
//! times out still occupies its thread; a worker process is killed instead.

use std::sync::Arc;
use std::time::{Duration, Instant};

use secrecy::SecretString;
use zeroize::Zeroizing;

use super::call::{Answer, Call, Sealed, wrong_kind};
use super::call_history::CallHistory;
use super::capabilities::Capabilities;
use super::device::Device;
use super::process::Workers;
use super::queued_call::Requester;
use super::statistics::{self, Statistics};
use super::threads::Threads;
use super::token_info::TokenInfo;
use crate::model::Result;
use crate::model::algorithm::{AesMode, Cipher, SignatureAlgorithm};
use crate::model::import::ImportMaterial;
use crate::model::key::{KeySpec, KeyType, PublicMaterial};
use crate::model::name::VersionId;
use crate::model::wrapped_key::{BackupPolicy, WrappedKey};

/// A handle to an open token. Cheap to clone; all clones refer to the same token.
#[derive(Clone)]
pub struct Token {
    workers: WorkersKind,
    requester: Requester,
    history: Arc<CallHistory>,
}

#[derive(Clone)]
enum WorkersKind {
    /// Threads of this process.
    Threads(Arc<Threads>),
    /// Worker processes.
    Processes(Arc<Workers>),
}

/// Declares an asynchronous method that submits a call and expects one variant of `Answer`.
macro_rules! calls {
    ($(
        $(#[$doc:meta])*
        $name:ident($($argument:ident: $type:ty),*) -> $result:ty = $call:expr => $answer:pat => $value:expr;
    )+) => {
        impl Token {
            $(
                $(#[$doc])*
                pub async fn $name(&self, $($argument: $type),*) -> Result<$result> {
                    match self.run($call).await? {
                        $answer => Ok($value),
                        _ => Err(wrong_kind()),
                    }
                }
            )+
        }
    };
}

calls! {
    /// Generates a key in the token and returns its public material.
    ///
    /// # Errors
    /// `Unsupported` if the token lacks this key type; `Internal` if the identifier is in use.
    generate(object: VersionId, spec: &KeySpec, backup: BackupPolicy) -> PublicMaterial =
        Call::Generate { object, spec: *spec, backup } => Answer::Public(public) => public;

    /// Generates the key that seals the secrets of a security domain: an AES-256 key that cannot be wrapped.
    ///
    /// # Errors
    /// As [`Self::generate`].
    generate_sealing_key(object: VersionId) -> () =
        Call::GenerateSealingKey { object } => Answer::Done => ();

    /// Imports a key whose format has been validated.
    ///
    /// # Errors
    /// `Invalid` naming `key` if the public and private key do not match; else as [`Self::generate`].
    import(object: VersionId, material: ImportMaterial, backup: BackupPolicy) -> () =
        Call::Import { object, material, backup } => Answer::Done => ();

    /// Imports the wrapping key of a security domain: an AES-256 key that wraps and unwraps the keys of backups, does
    /// nothing else, and cannot be wrapped.
    ///
    /// # Errors
    /// `Invalid` naming `key` if it does not have 32 bytes; `Unsupported` if the token does not wrap keys.
    import_wrapping_key(object: VersionId, key: Zeroizing<Vec<u8>>) -> () =
        Call::ImportWrappingKey { object, key } => Answer::Done => ();

    /// Wraps the objects of a key for a backup. The material leaves the token in wrapped form only.
    ///
    /// # Errors
    /// `KeyNotWrappable` if the key was created without the right to be wrapped; `Unsupported` if the token does not
    /// wrap keys of this type; `KeyMaterialMissing`.
    wrap_key(wrapping_key: VersionId, object: VersionId, key_type: KeyType) -> WrappedKey =
        Call::WrapKey { wrapping_key, object, key_type } => Answer::Wrapped(wrapped) => wrapped;

    /// Unwraps the objects of a key from a backup, under its former identifier, and verifies them: a key pair by a
    /// signature that software verifies with `public`, an AES key by its known answers.
    ///
    /// # Errors
    /// `MalformedBackup` if the material is not wrapped under this wrapping key or is not that of the key;
    /// `Unsupported` if the token does not unwrap keys of this type; `Internal` if the identifier is in use.
    unwrap_key(
        wrapping_key: VersionId, object: VersionId, public: PublicMaterial, wrapped: WrappedKey, backup: BackupPolicy
    ) -> () =
        Call::UnwrapKey { wrapping_key, object, public, wrapped, backup } => Answer::Done => ();

    /// Destroys all objects of these keys. Absent keys are not an error if the sentinel is visible.
    ///
    /// # Errors
    /// `TokenUnavailable` if the sentinel is not visible.
    destroy(objects: &[VersionId]) -> () =
        Call::Destroy { objects: objects.to_vec() } => Answer::Done => ();

    /// Signs a digest, or computes a MAC of it. [`SignatureAlgorithm::check`] has accepted the combination.
    ///
    /// # Errors
    /// `KeyMaterialMissing`; `Unsupported` if the token lacks the algorithm.
    sign(object: VersionId, key_type: KeyType, algorithm: SignatureAlgorithm, digest: Vec<u8>) -> Vec<u8> =
        Call::Sign { object, key_type, algorithm, digest } => Answer::Bytes(signature) => signature;

    /// Encrypts with an AES key. GCM takes no IV, CBC an IV of 16 bytes.
    ///
    /// # Errors
    /// `Invalid` naming `iv` or `plaintext`; `KeyMaterialMissing`.
    encrypt(
        object: VersionId, mode: AesMode, iv: Option<Vec<u8>>, aad: Vec<u8>, plaintext: Zeroizing<Vec<u8>>
    ) -> Sealed =
        Call::Encrypt { object, mode, iv, aad, plaintext } => Answer::Sealed(sealed) => sealed;

    /// Decrypts with an RSA or AES key.
    ///
    /// # Errors
    /// `DecryptionFailed` for any invalid input.
    decrypt(
        object: VersionId, cipher: Cipher, ciphertext: Vec<u8>, iv: Vec<u8>, tag: Vec<u8>, aad: Vec<u8>
    ) -> Zeroizing<Vec<u8>> =
        Call::Decrypt { object, cipher, ciphertext, iv, tag, aad } => Answer::Secret(plaintext) => plaintext;

    /// Wraps a key with AES Key Wrap (RFC 3394).
    ///
    /// # Errors
    /// `Invalid` naming `key` if its length is not a multiple of 8 bytes and at least 16.
    wrap(object: VersionId, key: Zeroizing<Vec<u8>>) -> Vec<u8> =
        Call::Wrap { object, key } => Answer::Bytes(wrapped) => wrapped;

    /// Unwraps a key with AES Key Wrap (RFC 3394).
    ///
    /// # Errors
    /// `DecryptionFailed` for any invalid input.
    unwrap(object: VersionId, wrapped: Vec<u8>) -> Zeroizing<Vec<u8>> =
        Call::Unwrap { object, wrapped } => Answer::Secret(key) => key;

    /// Returns the public half of an RSA key, which its private key has.
    ///
    /// # Errors
    /// `KeyMaterialMissing`; `Internal` if the token does not return it.
    rsa_public_key(object: VersionId) -> PublicMaterial =
        Call::RsaPublicKey { object } => Answer::Public(public) => public;

    /// Returns random bytes from the token.
    ///
    /// # Errors
    /// The error of the token.
    random(count: usize) -> Vec<u8> =
        Call::Random { count } => Answer::Bytes(bytes) => bytes;

    /// Returns, for each of these keys, whether the token holds it.
    ///
    /// # Errors
    /// `TokenUnavailable` if the sentinel is not visible.
    holds(objects: Vec<VersionId>) -> Vec<bool> =
        Call::Holds { objects } => Answer::Held(held) => held;

    /// Returns, for each of these keys, whether [`Self::wrap_key`] can wrap it. An absent key cannot be wrapped.
    ///
    /// # Errors
    /// `TokenUnavailable` if the sentinel is not visible.
    wrappable(objects: Vec<VersionId>) -> Vec<bool> =
        Call::Wrappable { objects } => Answer::Held(wrappable) => wrappable;

    /// Checks that the token responds, is the one that was opened, and shows its objects. Returns the number of sessions that the
    /// process which answers has with the token.
    ///
    /// # Errors
    /// `TokenUnavailable` if a check fails.
    health() -> u64 =
        Call::Health => Answer::Healthy { sessions } => sessions;
}

impl Token {
    /// Starts the worker threads of an open token.
    pub(super) fn with_threads(device: Arc<Device>) -> Result<Self> {
        Ok(Self {
            workers: WorkersKind::Threads(Arc::new(Threads::start(device)?)),
            requester: Requester::default(),
            history: Arc::default(),
        })
    }

    /// The handle to a token that worker processes have opened.
    pub(super) fn with_processes(workers: Arc<Workers>) -> Self {
        let (workers, requester) = (WorkersKind::Processes(workers), Requester::default());
        Self { workers, requester, history: Arc::default() }
    }

    /// The handle whose calls wait in the queue of this caller: callers with waiting calls take turns.
    #[must_use]
    pub fn for_caller(&self, caller: u64) -> Self {
        Self { requester: Requester { caller, ..self.requester }, ..self.clone() }
    }

    /// The handle whose calls fail with `DeadlineExceeded` if they still wait for a worker at `deadline`. A call that a worker has
    /// begun is completed. The timeouts of the profile apply as well.
    #[must_use]
    pub fn until(&self, deadline: Instant) -> Self {
        let requester = Requester { deadline: Some(deadline), ..self.requester };
        Self { requester, ..self.clone() }
    }

    /// The measured capabilities of the token.
    pub fn capabilities(&self) -> &Capabilities {
        match &self.workers {
            WorkersKind::Threads(threads) => &threads.device.capabilities,
            WorkersKind::Processes(workers) => &workers.capabilities,
        }
    }

    /// The token's `CK_TOKEN_INFO`.
    pub fn info(&self) -> &TokenInfo {
        match &self.workers {
            WorkersKind::Threads(threads) => &threads.device.info,
            WorkersKind::Processes(workers) => &workers.token,
        }
    }

    /// Whether the handle cache holds this key: it was listed, generated or imported, and not destroyed
    /// since. Does not call the token.
    pub fn has_cached_handle(&self, object: VersionId) -> bool {
        match &self.workers {
            WorkersKind::Threads(threads) => threads.device.handles.get(object).is_some(),
            WorkersKind::Processes(workers) => workers.holds(object),
        }
    }

    /// The identifiers of the worker processes that run; none if calls run in this process.
    pub fn worker_processes(&self) -> Vec<u32> {
        match &self.workers {
            WorkersKind::Threads(_) => Vec::new(),
            WorkersKind::Processes(workers) => workers.process_ids(),
        }
    }

    /// Generates a sealing key, unless the token holds it. The caller serializes calls for the same key.
    ///
    /// # Errors
    /// As [`Self::generate_sealing_key`].
    pub async fn ensure_sealing_key(&self, object: VersionId) -> Result<()> {
        if self.has_cached_handle(object) || self.holds(vec![object]).await? == [true] {
            return Ok(());
        }
        self.generate_sealing_key(object).await
    }

    /// Uses this PIN from now on, if one is given, even if the token has rejected another one. Replaces worker processes, which load
    /// the module anew, once they have answered their calls.
    pub fn renew(&self, pin: Option<SecretString>) {
        match &self.workers {
            WorkersKind::Threads(threads) => threads.device.replace_pin(pin),
            WorkersKind::Processes(workers) => workers.renew(pin),
        }
    }

    /// Uses as many worker processes as the sessions of the token allow, if this number of instances of the service use it.
    pub(super) fn share_sessions(&self, instances: usize) {
        if let WorkersKind::Processes(workers) = &self.workers {
            workers.share_sessions(instances);
        }
    }

    /// Rejects new calls, finishes those that are queued, and ends the workers. Call it before the
    /// process exits: a module may crash if it is unloaded while a thread uses it. Returns whether all
    /// threads ended before `deadline`; if not, a call hangs in the module, and neither
    /// [`super::Module::finalize`] nor exit handlers may run: terminate the process at once. Worker processes that do not
    /// end are killed.
    pub async fn drain(&self, deadline: Duration) -> bool {
        match &self.workers {
            WorkersKind::Threads(threads) => threads.drain(deadline).await,
            WorkersKind::Processes(workers) => {
                if !workers.drain(deadline).await {
                    tracing::warn!(token = %workers.token.serial, "calls did not end in time: the worker processes were killed");
                }
                true
            }
        }
    }

    /// Runs uses of keys one after the other on one worker, as one call that waits in the queue and has one deadline. Returns the
    /// answer of each.
    ///
    /// # Errors
    /// As [`Self::run`]; the error of a call is its answer.
    pub async fn run_all(&self, calls: Arc<[Call]>) -> Result<Vec<Result<Answer>>> {
        match self.run(Call::Many(calls)).await? {
            Answer::Many(answers) => Ok(answers),
            _ => Err(wrong_kind()),
        }
    }

    /// Runs a call.
    ///
    /// # Errors
    /// `TokenBusy` if too many calls wait; `TokenTimeout` if there is no answer in time; `TokenUnavailable` while no worker runs;
    /// the error of the call.
    pub async fn run(&self, call: Call) -> Result<Answer> {
        let (name, started) = (call.name(), Instant::now());
        let result = match &self.workers {
            WorkersKind::Threads(threads) => threads.run(call, self.requester).await,
            WorkersKind::Processes(workers) => workers.run(call, self.requester).await,
        };
        let duration = started.elapsed();
        self.history.record(duration, result.is_err());
        statistics::record_call(&self.info().serial, name, duration, &result);
        result
    }

    /// The state of its queues and workers.
    pub fn statistics(&self) -> Statistics {
        let of_workers = match &self.workers {
            WorkersKind::Threads(threads) => threads.statistics(),
            WorkersKind::Processes(workers) => workers.statistics(),
        };
        Statistics { calls: self.history.statistics(), ..of_workers }
    }
}
