//! A cryptographic operation as a function of its input: a single call has one input, a batch has many.

use std::sync::Arc;

use super::Used;
use crate::model::aes_modes::ModeFamily;
use crate::model::audit_entry::Meter;
use crate::model::container_id::KeyId;
use crate::model::key::{KeyOperation, KeyVersion};
use crate::model::local_rbac::DataAction;
use crate::model::throttling::CallClass;
use crate::model::{Result, Timestamp};
use crate::ops::{Cx, Done, LiveKeyVersion, Operation, OperationNames};
use crate::token::{Answer, Call};

/// The input of a cryptographic operation with a key version.
pub trait Input: Clone + Send + Sync + 'static {
    /// The names of the operation on one input.
    const SINGLE: OperationNames<DataAction>;
    /// The names of the operation on many inputs. It requires the same action and has the same meter.
    const BATCH: OperationNames<DataAction>;
    /// The operation that the key must permit.
    const KEY_OPERATION: KeyOperation;
    /// The result.
    type Output: Send + 'static;

    /// Returns the name of the algorithm on the wire.
    fn algorithm(&self) -> &'static str;

    /// Returns the family of AES modes that the algorithm belongs to, if any.
    fn mode_family(&self) -> Option<ModeFamily> {
        None
    }

    /// Checks whether the input fits the key version. Pure.
    ///
    /// # Errors
    /// The error to reply with.
    fn check(&self, version: &KeyVersion) -> Result<()>;

    /// Returns the call to the token that computes the result, or computes it in software with the public key.
    ///
    /// # Errors
    /// Those of the software.
    fn begin(self, version: &KeyVersion, cx: &Cx) -> Result<Begun<Self::Output>>;
}

/// Converts the answer of the token to the result.
pub type Conversion<T> = Box<dyn FnOnce(Answer) -> Result<T> + Send>;

/// An input whose processing has begun.
#[expect(clippy::large_enum_variant, reason = "it is matched at once, and a box is an allocation per call")]
pub enum Begun<T> {
    /// The token computes the result: a call to it, and the conversion of its answer.
    InToken(Call, Conversion<T>),
    /// Software has computed the result.
    Computed(T),
}

impl<T> Begun<T> {
    /// A call to the token, and the conversion of its answer.
    pub(super) fn in_token(call: Call, convert: impl FnOnce(Answer) -> Result<T> + Send + 'static) -> Self {
        Self::InToken(call, Box::new(convert))
    }
}

/// Returns the names of an operation; all of them are counted by the same meter.
pub(super) const fn names(
    name: &'static str,
    event: &'static str,
    action: DataAction,
) -> OperationNames<DataAction> {
    OperationNames { name, event, action, meter: Meter::Cryptographic }
}

/// Returns the class of calls that use a key version.
pub(super) fn call_class(version: &KeyVersion) -> CallClass {
    CallClass::using(version.material.key_type(), version.protection)
}

/// An operation on one input.
#[derive(Clone, Debug)]
pub struct Single<I> {
    /// The key version.
    pub key: KeyId,
    /// The input.
    pub input: I,
}

impl<I: Input> Operation for Single<I> {
    const NAME: &'static str = I::SINGLE.name;
    const EVENT: &'static str = I::SINGLE.event;
    const ACTION: DataAction = I::SINGLE.action;
    const METER: Meter = I::SINGLE.meter;
    type Target = LiveKeyVersion;
    type Reply = Used<I::Output>;

    fn target(&self) -> KeyId {
        self.key.clone()
    }

    fn call_class(&self, LiveKeyVersion(version): &LiveKeyVersion, _: &Cx) -> CallClass {
        call_class(version)
    }

    fn check(&self, LiveKeyVersion(version): &LiveKeyVersion, now: Timestamp) -> Result<()> {
        self.input.check(version)?;
        version.check_usable_for(I::KEY_OPERATION, now)
    }

    async fn execute(self, target: LiveKeyVersion, cx: &Cx) -> Result<Done<Used<I::Output>>> {
        let LiveKeyVersion(version) = target;
        let binding = cx.bind_mode(&version, self.input.mode_family())?;
        let algorithm = self.input.algorithm();
        let value = match self.input.begin(&version, cx)? {
            Begun::InToken(call, convert) => convert(cx.token()?.run(call).await?)?,
            Begun::Computed(value) => value,
        };
        let used = Arc::clone(&version);
        Ok(Done::reply(Used { version, algorithm, value }).used(used).changing(binding))
    }
}
