//! The tags of resources.

use std::collections::BTreeMap;

/// Name-value pairs chosen by the user.
pub type Tags = BTreeMap<String, String>;
