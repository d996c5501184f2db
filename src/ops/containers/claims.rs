//! The claims to tokens, for the allocation of a token for a new container.

use crate::model::change::{Intent, IntentVerb};
use crate::store::Store;
use crate::token::TokenUsage;

/// Returns the claims to tokens: of containers that are being created, and of existing containers.
pub(in crate::ops) fn claims(store: &Store) -> TokenUsage {
    let is_creation = |intent: &Intent| intent.verb == IntentVerb::Provision;
    let intents = store.intents().into_iter().filter(is_creation);
    let pending = intents.map(|intent| intent.container.as_stored().to_owned()).collect();
    TokenUsage { pending, in_use: store.token_serials() }
}
