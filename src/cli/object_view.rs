//! What the printed forms of keys, secrets and certificates have in common.

use std::collections::BTreeMap;

/// Returns the name of an object without the rest of its resource name.
pub(crate) fn short_name(resource_name: &str) -> &str {
    resource_name.split('/').nth(3).unwrap_or(resource_name)
}

/// Returns the version in the resource name of a version of an object; empty if it has none.
pub(crate) fn version(resource_name: &str) -> &str {
    resource_name.split('/').nth(5).unwrap_or_default()
}

/// Formats tags as text.
pub(crate) fn tag_list(tags: &BTreeMap<String, String>) -> String {
    let tags: Vec<_> = tags.iter().map(|(name, value)| format!("{name}={value}")).collect();
    tags.join(", ")
}

/// Formats whether a key or a secret belongs to a certificate; empty if it does not.
pub(crate) fn managed(is_managed: bool) -> String {
    if is_managed { "by a certificate" } else { "" }.to_owned()
}
