//! Tags in request bodies.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::key::Tags;

/// Tags in a request body.
// assumption: a tag with the value null counts as absent, like any other null member.
#[derive(Default, Deserialize)]
pub(in crate::api) struct SentTags(BTreeMap<String, Option<String>>);

impl From<SentTags> for Tags {
    fn from(SentTags(sent): SentTags) -> Self {
        sent.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}
