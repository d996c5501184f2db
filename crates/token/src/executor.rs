//! Runs calls to a token on one session, and recovers from failures.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cryptoki::session::Session;

use super::call::{Answer, Call};
use super::device::Device;
use super::error::{Attempt, Failure, Remedy};
use super::loaded_module::ModuleUse;
use super::statistics::SessionCount;
use super::{cipher, create, domain_keys, import, key_backup, key_wrap, sign};
use crate::model::algorithm::Cipher;
use crate::model::{Error, Result};

/// One caller of the module, with a session of its own.
pub(super) struct Executor {
    // Field order matters: the session is closed before the use count is decremented.
    session: Option<(Session, SessionCount)>,
    device: Arc<Device>,
    _user: ModuleUse,
    /// Whether the last call found that the login is lost, and it is for the service to renew it.
    login_lost: bool,
}

impl Executor {
    /// An executor whose session is opened with the first call.
    pub(super) fn new(device: &Arc<Device>) -> Self {
        let _user = ModuleUse::of(&device.loaded);
        Self { session: None, device: Arc::clone(device), _user, login_lost: false }
    }

    /// Runs a call and catches a panic: it fails the call, not the thread, and closes the session, whose state is then
    /// unknown.
    ///
    /// `again` means that an earlier attempt failed, so that objects under the identifier of a new key are its remains.
    pub(super) fn run(&mut self, call: &Call, again: bool) -> Result<Answer> {
        match call {
            Call::Many(calls) => Ok(Answer::Many(self.run_many(calls, again))),
            call => self.run_one(call, again),
        }
    }

    /// Whether a call since the last time has failed only because the service has to renew the login.
    pub(super) fn has_lost_login(&mut self) -> bool {
        std::mem::take(&mut self.login_lost)
    }

    /// Runs calls one after the other. The recovery of an unavailable token takes long and is tried only once.
    fn run_many(&mut self, calls: &[Call], again: bool) -> Vec<Result<Answer>> {
        let mut unavailable = None;
        let mut run = |call| match &unavailable {
            Some(error) => Err(Error::clone(error)),
            None => {
                let result = self.run_one(call, again);
                unavailable = result.as_ref().err().filter(|error| is_unavailable(error)).cloned();
                result
            }
        };
        calls.iter().map(&mut run).collect()
    }

    fn run_one(&mut self, call: &Call, again: bool) -> Result<Answer> {
        catch_unwind(AssertUnwindSafe(|| self.answer(call, again))).unwrap_or_else(|_| {
            self.session = None;
            tracing::error!(token = %self.device.info.serial, ?call, "a call to the token panicked");
            Err(Error::internal("a call to the token panicked"))
        })
    }

    /// Runs a call, trying each recovery step at most once.
    fn answer(&mut self, call: &Call, again: bool) -> Result<Answer> {
        let mut fault = self.device.settings.faults.as_ref().and_then(|hook| hook(call));
        let mut tried = Vec::new();
        loop {
            let login = self.device.generation();
            let struck = fault.take().map_or(Ok(()), |fault| fault.apply(call));
            let mut failure = match struck.and_then(|()| self.attempt(call, again || !tried.is_empty())) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            loop {
                let remedy = failure.remedy();
                if remedy == Remedy::Nothing || tried.contains(&remedy) {
                    return Err(self.fail(call, failure));
                }
                tried.push(remedy);
                match self.apply(remedy, call, login) {
                    Ok(()) => break,
                    // A recovery step may fail with a failure that has another recovery step.
                    Err(next) => failure = next,
                }
            }
        }
    }

    fn apply(&mut self, remedy: Remedy, call: &Call, login: u64) -> Attempt<()> {
        match remedy {
            Remedy::NewSession | Remedy::Repeat => self.session = None,
            Remedy::LogIn if self.device.logins_are_commanded() => {
                self.login_lost = true;
                return Err(Error::TokenUnavailable { why: "its login is lost".to_owned() }.into());
            }
            Remedy::LogIn => {
                self.device.log_in_again(login)?;
                self.session = None;
            }
            // Calls that create or destroy objects search for them themselves.
            Remedy::RefreshHandle if call.is_slow() => {}
            Remedy::RefreshHandle => {
                if let Some(object) = call.object() {
                    let device = Arc::clone(&self.device);
                    device.refresh(self.session()?, object)?;
                }
            }
            Remedy::Nothing => {}
        }
        Ok(())
    }

    /// Recovery failed: converts the failure to the caller's error and logs it.
    fn fail(&mut self, call: &Call, failure: Failure) -> Error {
        if failure.is_token_lost() || failure.remedy() == Remedy::NewSession {
            self.session = None;
        }
        let error = self.device.loaded.explain(failure);
        if self.login_lost {
            return error;
        }
        match error {
            // The health check logs once that a token is unavailable.
            Error::TokenUnavailable { .. } => {
                tracing::debug!(token = %self.device.info.serial, ?call, error = %error.with_causes(), "a call to the token failed");
            }
            Error::TokenFailed { .. } | Error::Internal(_) => {
                tracing::warn!(token = %self.device.info.serial, ?call, error = %error.with_causes(), "a call to the token failed");
            }
            _ => {}
        }
        error
    }

    fn attempt(&mut self, call: &Call, again: bool) -> Attempt<Answer> {
        let device = Arc::clone(&self.device);
        let session = self.session()?;
        Ok(match call {
            Call::Decrypt { object, cipher, ciphertext, iv, tag, aad } => Answer::Secret(match cipher {
                Cipher::Rsa(padding) => cipher::decrypt_rsa(&device, session, *object, *padding, ciphertext)?,
                Cipher::Aes(mode, _) => {
                    cipher::decrypt_aes(&device, session, *object, *mode, (ciphertext, iv, tag, aad))?
                }
            }),
            Call::Destroy { objects } => {
                create::destroy(&device, session, objects)?;
                Answer::Done
            }
            Call::Encrypt { object, mode, iv, aad, plaintext } => Answer::Sealed(cipher::encrypt_aes(
                &device,
                session,
                *object,
                *mode,
                (iv.as_deref(), aad, plaintext),
            )?),
            Call::Generate { object, spec, backup } => {
                Answer::Public(create::generate(&device, session, *object, spec, (*backup, again))?)
            }
            Call::GenerateSealingKey { object } => {
                domain_keys::generate_sealing_key(&device, session, *object, again)?;
                Answer::Done
            }
            Call::Health => Answer::Healthy { sessions: device.check_health(session)? },
            Call::Holds { objects } => Answer::Held(create::holds(&device, session, objects)?),
            Call::Import { object, material, backup } => {
                import::import(&device, session, *object, material, (*backup, again))?;
                Answer::Done
            }
            Call::ImportWrappingKey { object, key } => {
                domain_keys::import_wrapping_key(&device, session, *object, key, again)?;
                Answer::Done
            }
            Call::Many(_) => return Err(Error::internal("calls are nested").into()),
            Call::RsaPublicKey { object } => {
                Answer::Public(create::rsa_public_key(&device, session, *object)?)
            }
            Call::Random { count } => Answer::Bytes(cipher::random(session, *count)?),
            Call::Sign { object, key_type, algorithm, digest } => {
                Answer::Bytes(sign::sign(&device, session, *object, (*key_type, *algorithm), digest)?)
            }
            Call::Unwrap { object, wrapped } => {
                Answer::Secret(key_wrap::unwrap(&device, session, *object, wrapped)?)
            }
            Call::UnwrapKey { wrapping_key, object, public, wrapped, backup } => {
                let new = key_backup::NewKey { id: *object, public, backup: *backup };
                key_backup::unwrap(&device, session, *wrapping_key, &new, (wrapped, again))?;
                Answer::Done
            }
            Call::Wrap { object, key } => Answer::Bytes(key_wrap::wrap(&device, session, *object, key)?),
            Call::WrapKey { wrapping_key, object, key_type } => {
                Answer::Wrapped(key_backup::wrap(&device, session, *wrapping_key, (*object, *key_type))?)
            }
            Call::Wrappable { objects } => Answer::Held(key_backup::wrappable(&device, session, objects)?),
        })
    }

    fn session(&mut self) -> Attempt<&Session> {
        match self.session {
            Some((ref session, _)) => Ok(session),
            None => Ok(&self.session.insert(self.device.counted_session()?).0),
        }
    }
}

fn is_unavailable(error: &Error) -> bool {
    matches!(error, Error::TokenUnavailable { .. })
}
