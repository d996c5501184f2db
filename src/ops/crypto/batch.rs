//! Many inputs of one operation with one key version, authorized, loaded, audited and committed as one call.
//!
//! Each item has a result of its own. What concerns the key fails the call: its state, its permitted operations, and
//! the limits of a batch.

use std::sync::{Arc, LazyLock, OnceLock};
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};

use super::input::{Input, call_class};
use crate::model::aes_modes::{ModeFamily, check_family};
use crate::model::audit_entry::Meter;
use crate::model::change::Change;
use crate::model::container_id::KeyId;
use crate::model::key::KeyVersion;
use crate::model::local_rbac::DataAction;
use crate::model::throttling::CallClass;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, LiveKeyVersion, Operation, Target};

/// The maximum number of items of a batch.
pub const MAX_ITEMS: usize = 1_000;

/// The number of items of one batch that are in the token at the same time, at least and at most; in between, twice the
/// number of processors. Enough to keep the threads of the token busy, and a small part of its queue, so that a batch
/// does not delay other calls by more than that.
const IN_TOKEN: (usize, usize) = (4, 32);

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
        let run = ItemRun { key: &key, version: &version, cx, unavailable: OnceLock::new() };
        let results: Vec<_> =
            stream::iter(items).map(|item| run.item(item)).buffered(parallelism()).collect().await;
        let succeeded = results.iter().filter_map(|result| result.as_ref().ok());
        let binding = modes.into_changes(succeeded.map(|(family, _)| *family));
        let results: Vec<_> = results.into_iter().map(|result| result.map(|(_, output)| output)).collect();
        let errors = results.iter().filter_map(|result| result.as_ref().err().cloned()).collect();
        let used = Arc::clone(&version);
        Ok(Done::reply(BatchReply { version, results }).used(used).changing(binding).with_item_errors(errors))
    }
}

/// Returns the number of items of one batch that may be in the token at the same time.
fn parallelism() -> usize {
    // Finding the number of processors reads files.
    static PROCESSORS: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(2, std::num::NonZero::get));
    PROCESSORS.saturating_mul(2).clamp(IN_TOKEN.0, IN_TOKEN.1)
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
struct ItemRun<'a> {
    key: &'a KeyId,
    version: &'a KeyVersion,
    cx: &'a Cx,
    /// Why the token cannot be used for the remaining items, once that is known.
    unavailable: OnceLock<Error>,
}

impl ItemRun<'_> {
    /// Runs one item, and returns its result with its family of AES modes.
    async fn item<I: Input>(&self, item: Result<I>) -> Result<(Option<ModeFamily>, I::Output)> {
        let item = item?;
        if !item.uses_token(self.version) {
            // Other calls run in between: software computes on the thread of this task.
            tokio::task::yield_now().await;
        }
        let family = item.mode_family();
        let output = self.queue(item).await.map_err(|error| self.failure(error))?;
        Ok((family, output))
    }

    /// Runs an item as soon as the queue of the token has a place for it.
    async fn queue<I: Input>(&self, item: I) -> Result<I::Output> {
        let since = Instant::now();
        let (mut interval, longest) = QUEUE_INTERVAL;
        loop {
            if let Some(unavailable) = self.unavailable.get() {
                return Err(unavailable.clone());
            }
            match item.clone().run(self.version, self.cx).await {
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
