//! Tags in request bodies.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::key::Tags;

/// Tags as a client sends them.
// assumption: one whose value is null counts as absent, as any other member that is null.
#[derive(Default, Deserialize)]
pub(in crate::api) struct SentTags(BTreeMap<String, Option<String>>);

impl From<SentTags> for Tags {
    fn from(SentTags(sent): SentTags) -> Self {
        sent.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
