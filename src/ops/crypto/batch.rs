//! Many inputs of one operation with one key version, authorized, loaded, audited and committed as one call.
//!
//! Each item has a result of its own. What concerns the key fails the call: its state, its permitted operations, and
//! the limits of a batch.

use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};

use super::input::{Begun, Conversion, Input, call_class};
use crate::model::aes_modes::{ModeFamily, check_family};
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::container_id::KeyId;
use crate::model::key::KeyVersion;
use crate::model::local_rbac::DataAction;
use crate::model::throttling::CallClass;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, LiveKeyVersion, Operation, Target};
use crate::token::{Answer, Call};

/// The maximum number of items of a batch.
pub const MAX_ITEMS: usize = 1_000;

/// The number of calls of one batch that are in the token at the same time, at least and at most; in between, twice the
/// number of processors. Enough to keep the threads of the token busy, and a small part of its queue, so that a batch
/// does not delay other calls by more than that.
const IN_TOKEN: (usize, usize) = (4, 32);

/// The maximum number of items in one call to the token, if all are short: handing over a call costs about as much as such an
/// item. Others have a call each.
const ITEMS_PER_CALL: usize = 16;

/// How long an item waits for a place in the queue of the token.
const QUEUE_TIMEOUT: Duration = Duration::from_secs(10);

/// The time between two attempts to queue an item, at first and at most.
const QUEUE_INTERVAL: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(16));

/// An operation on many inputs.
#[derive(Clone, Debug)]
pub struct Batch<I> {
    /// The key version, the same for all items.
    pub key: KeyId,
    /// The inputs, or why an item has none: for example an unknown algorithm.
    pub items: Vec<Result<I>>,
}

/// The result of a batch.
pub struct BatchReply<T> {
    /// The key version that was used.
    pub version: Arc<KeyVersion>,
    /// The result of each item, in the order of the request.
    pub results: Vec<Result<T>>,
}

impl<I> Batch<I> {
    /// Creates a batch of as many items as a batch may have.
    ///
    /// # Errors
    /// `Invalid` naming `items`.
    pub fn new(key: KeyId, items: Vec<Result<I>>) -> Result<Self> {
        if items.is_empty() || items.len() > MAX_ITEMS {
            let why = format!("a batch has 1 to {MAX_ITEMS} items, {} were given", items.len());
            return Err(Error::invalid(Field::Items, why));
        }
        Ok(Self { key, items })
    }
}

impl<I: Input> Operation for Batch<I> {
    const NAME: &'static str = I::BATCH.name;
    const EVENT: &'static str = I::BATCH.event;
    const ACTION: DataAction = I::BATCH.action;
    const METER: Meter = I::BATCH.meter;
    type Target = LiveKeyVersion;
    type Reply = BatchReply<I::Output>;

    fn target(&self) -> KeyId {
        self.key.clone()
    }

    fn item_count(&self) -> Option<u32> {
        u32::try_from(self.items.len()).ok()
    }

    fn call_class(&self, LiveKeyVersion(version): &LiveKeyVersion, _: &Cx) -> CallClass {
        call_class(version)
    }

    fn check(&self, LiveKeyVersion(version): &LiveKeyVersion, now: Timestamp) -> Result<()> {
        version.check_usable_for(I::KEY_OPERATION, now)
    }

    async fn execute(self, target: LiveKeyVersion, cx: &Cx) -> Result<Done<BatchReply<I::Output>>> {
        let (LiveKeyVersion(version), key) = (target, self.key);
        let mut modes = BoundModes::default();
        let items: Vec<_> = self.items.into_iter().map(|item| modes.admit(item, &version, cx)).collect();
        let families: Vec<_> = items.iter().map(|item| item.as_ref().ok().and_then(I::mode_family)).collect();
        let run = BatchRun { key: &key, version: &version, cx, unavailable: OnceLock::new() };
        let results = run.all(items).await;
        let succeeded =
            results.iter().zip(families).filter_map(|(result, family)| result.is_ok().then_some(family));
        let binding = modes.into_changes(succeeded);
        let errors = results.iter().filter_map(|result| result.as_ref().err().cloned()).collect();
        let used = Arc::clone(&version);
        Ok(Done::reply(BatchReply { version, results }).used(used).changing(binding).with_item_errors(errors))
    }
}

/// Returns the number of calls of one batch that may be in the token at the same time.
fn parallelism() -> usize {
    // Finding the number of processors reads files.
    static PROCESSORS: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(2, std::num::NonZero::get));
    PROCESSORS.saturating_mul(2).clamp(IN_TOKEN.0, IN_TOKEN.1)
}

/// Returns the number of items in one call to the token.
fn items_per_call<T>(items: &[InToken<T>]) -> usize {
    match items.iter().all(|(_, call, _)| call.is_short()) {
        true => items.len().div_ceil(parallelism()).clamp(1, ITEMS_PER_CALL),
        false => 1,
    }
}

/// The family of AES modes to which the first item that is valid for it binds the version, if the use binds it.
#[derive(Default)]
struct BoundModes(Option<(ModeFamily, Vec<Change>)>);

impl BoundModes {
    /// Checks an item before any is run: that it fits the version, and that its mode fits those of the items before.
    fn admit<I: Input>(&mut self, item: Result<I>, version: &KeyVersion, cx: &Cx) -> Result<I> {
        let item = item?;
        item.check(version)?;
        match (item.mode_family(), &self.0) {
            (Some(asked), Some((bound, _))) => check_family(version, *bound, asked)?,
            (asked, _) => {
                let binding = cx.bind_mode(version, asked)?;
                if let Some(family) = asked.filter(|_| !binding.is_empty()) {
                    self.0 = Some((family, binding));
                }
            }
        }
        Ok(item)
    }

    /// Returns the changes to commit: none if no item of the family has succeeded.
    fn into_changes(self, mut succeeded: impl Iterator<Item = Option<ModeFamily>>) -> Vec<Change> {
        match self.0 {
            Some((bound, changes)) if succeeded.any(|family| family == Some(bound)) => changes,
            _ => Vec::new(),
        }
    }
}

/// What the items of a running batch share.
struct BatchRun<'a> {
    key: &'a KeyId,
    version: &'a KeyVersion,
    cx: &'a Cx,
    /// Why the token cannot be used for the remaining items, once that is known.
    unavailable: OnceLock<Error>,
}

/// The index of an item that the token computes, the call, and the conversion of its answer.
type InToken<T> = (usize, Call, Conversion<T>);

impl BatchRun<'_> {
    /// Runs all items, and returns their results in the same order.
    async fn all<I: Input>(&self, items: Vec<Result<I>>) -> Vec<Result<I::Output>> {
        let mut results = Vec::with_capacity(items.len());
        let mut in_token = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            match item.and_then(|item| item.begin(self.version, self.cx)) {
                Ok(Begun::InToken(call, convert)) => {
                    in_token.push((index, call, convert));
                    results.push(None);
                }
                Ok(Begun::Computed(value)) => {
                    results.push(Some(Ok(value)));
                    // Other calls run in between: software computes on the thread of this task.
                    tokio::task::yield_now().await;
                }
                Err(error) => results.push(Some(Err(self.failure(error)))),
            }
        }
        let size = items_per_call(&in_token);
        let mut in_token = in_token.into_iter();
        let calls = std::iter::from_fn(|| {
            let calls: Vec<InToken<I::Output>> = in_token.by_ref().take(size).collect();
            (!calls.is_empty()).then(|| self.run(calls))
        });
        let mut computed = stream::iter(calls).buffer_unordered(parallelism());
        while let Some(answers) = computed.next().await {
            for (index, result) in answers {
                if let Some(place) = results.get_mut(index) {
                    *place = Some(result);
                }
            }
        }
        let missing = || Err(Error::internal("an item has no result"));
        results.into_iter().map(|result| result.unwrap_or_else(missing)).collect()
    }

    /// Has the token compute some items, as one call.
    async fn run<T>(&self, items: Vec<InToken<T>>) -> Vec<(usize, Result<T>)> {
        let (mut calls, mut conversions) = (Vec::with_capacity(items.len()), Vec::with_capacity(items.len()));
        for (index, call, convert) in items {
            calls.push(call);
            conversions.push((index, convert));
        }
        match self.submit(calls.into()).await {
            Ok(answers) => {
                let answers = answers.into_iter().chain(std::iter::repeat_with(no_answer));
                let results = conversions.into_iter().zip(answers).map(|((index, convert), answer)| {
                    (index, answer.and_then(convert).map_err(|error| self.failure(error)))
                });
                results.collect()
            }
            Err(error) => {
                let error = self.failure(error);
                conversions.into_iter().map(|(index, _)| (index, Err(error.clone()))).collect()
            }
        }
    }

    /// Submits calls as soon as the queue of the token has a place for them.
    async fn submit(&self, calls: Arc<[Call]>) -> Result<Vec<Result<Answer>>> {
        let since = Instant::now();
        let (mut interval, longest) = QUEUE_INTERVAL;
        loop {
            if let Some(unavailable) = self.unavailable.get() {
                return Err(unavailable.clone());
            }
            match self.cx.token()?.run_all(Arc::clone(&calls)).await {
                Err(Error::TokenBusy) if since.elapsed() < QUEUE_TIMEOUT => {
                    #[expect(
                        clippy::disallowed_methods,
                        reason = "the queue of the token empties in real time"
                    )]
                    tokio::time::sleep(interval).await;
                    interval = interval.saturating_mul(2).min(longest);
                }
                result => return result,
            }
        }
    }

    /// Returns the error of an item, and remembers whether the remaining items would wait for nothing.
    fn failure(&self, error: Error) -> Error {
        match error {
            Error::TokenUnavailable { .. } => {
                let _ = self.unavailable.set(error.clone());
                error
            }
            Error::TokenTimeout { .. } => {
                let why = "it did not complete another item of the batch in time".to_owned();
                let _ = self.unavailable.set(Error::TokenUnavailable { why });
                error
            }
            // The material was destroyed after the version was loaded: loading again returns the specific error.
            Error::KeyMaterialMissing { .. } => {
                LiveKeyVersion::load(self.key, &self.cx.store).err().unwrap_or(error)
            }
            error => error,
        }
    }
}

fn no_answer() -> Result<Answer> {
    Err(Error::internal("the token returned too few answers"))
}
