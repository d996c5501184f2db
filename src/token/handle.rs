//! The handle to a token, and the way to the threads that work for it.
//!
//! Two lanes, so that an RSA key in the making (seconds) does not hold up signatures (microseconds).
//! A full lane refuses; a late call keeps its thread; a caller who is gone is skipped.

use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Sender, TrySendError};
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

use super::call::{Answer, Call, Sealed};
use super::capabilities::Capabilities;
use super::device::Device;
use super::module::TokenInfo;
use super::worker::{Job, Worker};
use crate::model::algorithm::{AesMode, Cipher, SignatureAlgorithm};
use crate::model::import::ImportMaterial;
use crate::model::key::{KeySpec, KeyType, PublicMaterial};
use crate::model::name::VersionId;
use crate::model::{Error, Result};

/// A token that is logged in to. A cheap handle; all clones mean the same token.
#[derive(Clone)]
pub struct Token {
    shared: Arc<Shared>,
}

struct Shared {
    device: Arc<Device>,
    /// `None` once no more calls are taken. Threads end when it is gone and their lane is empty.
    intake: RwLock<Option<Intake>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Closed when the last thread has ended.
    ended: tokio::sync::Mutex<mpsc::Receiver<()>>,
}

struct Intake {
    fast: Sender<Job>,
    slow: Sender<Job>,
}

/// Declares an asynchronous method that sends a call and takes one kind of answer.
macro_rules! calls {
    ($(
        $(#[$doc:meta])*
        $name:ident($($argument:ident: $type:ty),*) -> $result:ty = $call:expr => $answer:pat => $value:expr;
    )+) => {
        impl Token {
            $(
                $(#[$doc])*
                pub async fn $name(&self, $($argument: $type),*) -> Result<$result> {
                    match self.submit($call).await? {
                        $answer => Ok($value),
                        _ => Err(Error::internal("the token gave the answer to another call")),
                    }
                }
            )+
        }
    };
}

calls! {
    /// Makes a key in the token and returns its public half.
    ///
    /// # Errors
    /// `Unsupported` where the token lacks this type; `Internal` where the identifier is taken.
    generate(object: VersionId, spec: &KeySpec) -> PublicMaterial =
        Call::Generate { object, spec: *spec } => Answer::Public(public) => public;

    /// Takes a key from outside; its form was checked before.
    ///
    /// # Errors
    /// `Invalid` naming `key` where the halves do not belong together; else as [`Self::generate`].
    import(object: VersionId, material: ImportMaterial) -> () =
        Call::Import { object, material } => Answer::Done => ();

    /// Destroys all objects of these keys. Absent ones are fine, once the token is known to be whole.
    ///
    /// # Errors
    /// `TokenUnavailable` where the token cannot be trusted to show what it holds.
    destroy(objects: &[VersionId]) -> () =
        Call::Destroy { objects: objects.to_vec() } => Answer::Done => ();

    /// Signs a digest, or makes a MAC of it. The combination was checked by
    /// [`SignatureAlgorithm::check`].
    ///
    /// # Errors
    /// `KeyMaterialMissing`; `Unsupported` where the token lacks the algorithm.
    sign(object: VersionId, key_type: KeyType, algorithm: SignatureAlgorithm, digest: Vec<u8>) -> Vec<u8> =
        Call::Sign { object, key_type, algorithm, digest } => Answer::Bytes(signature) => signature;

    /// Encrypts with an AES key. GCM takes no IV, CBC one of 16 bytes.
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
    /// `DecryptionFailed`, the same for everything that can be wrong with the input.
    decrypt(
        object: VersionId, cipher: Cipher, ciphertext: Vec<u8>, iv: Vec<u8>, tag: Vec<u8>, aad: Vec<u8>
    ) -> Zeroizing<Vec<u8>> =
        Call::Decrypt { object, cipher, ciphertext, iv, tag, aad } => Answer::Secret(plaintext) => plaintext;

    /// Wraps a key by AES Key Wrap (RFC 3394).
    ///
    /// # Errors
    /// `Invalid` naming `key` where it is not 16 bytes or more in blocks of 8.
    wrap(object: VersionId, key: Zeroizing<Vec<u8>>) -> Vec<u8> =
        Call::Wrap { object, key } => Answer::Bytes(wrapped) => wrapped;

    /// Unwraps a key by AES Key Wrap (RFC 3394).
    ///
    /// # Errors
    /// `DecryptionFailed`, the same for everything that can be wrong with the input.
    unwrap(object: VersionId, wrapped: Vec<u8>) -> Zeroizing<Vec<u8>> =
        Call::Unwrap { object, wrapped } => Answer::Secret(key) => key;

    /// Random bytes of the token.
    ///
    /// # Errors
    /// What the token answers.
    random(count: usize) -> Vec<u8> =
        Call::Random { count } => Answer::Bytes(bytes) => bytes;

    /// Tells which of these keys the token holds.
    ///
    /// # Errors
    /// `TokenUnavailable` where the token cannot be trusted to show what it holds.
    holds(objects: Vec<VersionId>) -> Vec<bool> =
        Call::Holds { objects } => Answer::Held(held) => held;

    /// Shows that the token answers, is the one that was opened, and is whole.
    ///
    /// # Errors
    /// `TokenUnavailable` where it is not.
    health() -> () =
        Call::Health => Answer::Done => ();
}

impl Token {
    /// Starts the threads.
    pub(super) fn start(device: Arc<Device>) -> Result<Self> {
        let profile = &device.loaded.profile;
        let (fast, fast_jobs) = crossbeam_channel::bounded(profile.queue);
        let (slow, slow_jobs) = crossbeam_channel::bounded(profile.slow_queue);
        let (alive, ended) = mpsc::channel(1);
        let mut threads = Vec::new();
        for _ in 0..profile.fast_workers() {
            threads.push(Worker::start("token", &device, fast_jobs.clone(), alive.clone())?);
        }
        threads.push(Worker::start("token-slow", &device, slow_jobs, alive)?);
        let shared = Shared {
            device,
            intake: RwLock::new(Some(Intake { fast, slow })),
            threads: Mutex::new(threads),
            ended: tokio::sync::Mutex::new(ended),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What the token can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.shared.device.capabilities
    }

    /// What the token says of itself.
    pub fn info(&self) -> &TokenInfo {
        &self.shared.device.info
    }

    /// Whether the token is known to hold this key: it was there when the token was listed last, or was made since,
    /// and was not destroyed here. Asks nobody.
    pub fn knows(&self, object: VersionId) -> bool {
        self.shared.device.handles.get(object).is_some()
    }

    /// Takes no more calls, finishes those that wait, and ends the threads. To be called before the
    /// process ends: a module may crash when it is unloaded under a thread. Returns whether all have
    /// ended; if not, a call hangs in the module, and neither [`super::Module::finalize`] nor exit
    /// handlers may run: end the process at once.
    pub async fn drain(&self, deadline: Duration) -> bool {
        drop(self.shared.intake.write().unwrap_or_else(PoisonError::into_inner).take());
        let mut ended = self.shared.ended.lock().await;
        if tokio::time::timeout(deadline, ended.recv()).await.is_err() {
            return false;
        }
        let threads = std::mem::take(&mut *lock(&self.shared.threads));
        let joined = threads.into_iter().all(|thread| thread.join().is_ok());
        self.shared.device.close();
        joined
    }

    async fn submit(&self, call: Call) -> Result<Answer> {
        let profile = &self.shared.device.loaded.profile;
        let slow = call.is_slow();
        let timeout = if slow { profile.slow_call_timeout() } else { profile.call_timeout() };
        let (reply, answer) = oneshot::channel();
        let stopped = || Error::TokenUnavailable { why: "it is being closed".to_owned() };
        {
            let intake = self.shared.intake.read().unwrap_or_else(PoisonError::into_inner);
            let intake = intake.as_ref().ok_or_else(stopped)?;
            let lane = if slow { &intake.slow } else { &intake.fast };
            lane.try_send(Job { call, reply }).map_err(|error| match error {
                TrySendError::Full(_) => Error::Busy,
                TrySendError::Disconnected(_) => stopped(),
            })?;
        }
        match tokio::time::timeout(timeout, answer).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Error::internal("the token's thread ended in the middle of a call")),
            Err(_) => Err(Error::TokenTimeout {
                milliseconds: u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX),
            }),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
