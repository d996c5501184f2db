//! What a caller may set of a key: operations, validity, tags.

use std::collections::HashMap;

use clap::Args;

use crate::api::grpc::pb;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::{names, when};
use crate::model::key::KeyOperation;
use crate::model::key_date::KeyDate;

/// The attributes of a key that is made.
#[derive(Args, Clone, Debug)]
pub(crate) struct NewAttributes {
    /// What the key may be used for; what its type can do if not given
    #[arg(long, value_delimiter = ',', value_parser = names::key_operation(), value_name = "OPERATIONS")]
    pub(crate) ops: Vec<KeyOperation>,
    /// Let it be used for nothing
    #[arg(long, conflicts_with = "ops")]
    pub(crate) no_ops: bool,
    /// A tag; may be repeated
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    pub(crate) tags: Vec<(String, String)>,
    /// Not usable from this instant on: 2027-01-01 (midnight UTC) or RFC 3339
    #[arg(long, value_parser = when::parse_date, value_name = "WHEN")]
    expires: Option<KeyDate>,
    /// Not usable before this instant
    #[arg(long, value_parser = when::parse_date, value_name = "WHEN")]
    not_before: Option<KeyDate>,
    /// Make it, and do not let it be used yet
    #[arg(long)]
    disabled: bool,
}

impl NewAttributes {
    /// The attributes on the wire.
    pub(crate) fn to_wire(&self) -> pb::KeyAttributes {
        pb::KeyAttributes {
            enabled: Some(!self.disabled),
            not_before: self.not_before.map(when::to_wire),
            expires: self.expires.map(when::to_wire),
            exportable: None,
        }
    }
}

/// Operations on the wire.
pub(crate) fn operations(operations: &[KeyOperation]) -> Vec<String> {
    operations.iter().map(ToString::to_string).collect()
}

/// Reads `name=value`.
pub(crate) fn tag(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("a tag is written NAME=VALUE"),
    }
}

/// Tags on the wire. The same name twice is a mistake, not a choice.
pub(crate) fn tags(tags: &[(String, String)]) -> Outcome<HashMap<String, String>> {
    let mut map = HashMap::new();
    for (name, value) in tags {
        if map.insert(name.clone(), value.clone()).is_some() {
            return Err(Failure::Usage(format!("the tag {name:?} is given twice")));
        }
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read() {
        assert_eq!(tag("team=billing").unwrap(), ("team".into(), "billing".into()));
        assert_eq!(tag("formula=a=b").unwrap(), ("formula".into(), "a=b".into()));
        assert_eq!(tag("empty=").unwrap(), ("empty".into(), String::new()));
        assert!(tag("team").is_err());
        assert!(tag("=billing").is_err());
        let twice = [tag("a=1").unwrap(), tag("a=2").unwrap()];
        assert!(matches!(tags(&twice), Err(Failure::Usage(_))));
    }
}
