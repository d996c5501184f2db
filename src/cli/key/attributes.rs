//! Arguments for the attributes of a key: operations, validity, tags.

use std::collections::HashMap;

use clap::Args;

use crate::api::grpc::pb;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::{names, time_argument};
use crate::model::key::KeyOperation;
use crate::model::key_date::KeyDate;

/// The attributes of a new key.
#[derive(Args, Clone, Debug)]
pub(crate) struct NewAttributes {
    /// Permitted operations [default: all that the key type supports]
    #[arg(long, value_delimiter = ',', value_parser = names::key_operation(), value_name = "OPERATIONS")]
    pub(crate) ops: Vec<KeyOperation>,
    /// Permit no operations
    #[arg(long, conflicts_with = "ops")]
    pub(crate) no_ops: bool,
    /// Tag (repeatable)
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    pub(crate) tags: Vec<(String, String)>,
    /// Expiry time: 2027-01-01 (midnight UTC) or RFC 3339
    #[arg(long, value_parser = time_argument::parse_date, value_name = "TIME")]
    expires: Option<KeyDate>,
    /// Time before which the key cannot be used
    #[arg(long, value_parser = time_argument::parse_date, value_name = "TIME")]
    not_before: Option<KeyDate>,
    /// Create the key disabled
    #[arg(long)]
    disabled: bool,
}

impl NewAttributes {
    /// Converts the attributes to protobuf.
    pub(crate) fn to_wire(&self) -> pb::KeyAttributes {
        pb::KeyAttributes {
            enabled: Some(!self.disabled),
            not_before: self.not_before.map(time_argument::to_wire),
            expires: self.expires.map(time_argument::to_wire),
            exportable: None,
        }
    }
}

/// Converts operations to protobuf.
pub(crate) fn operations(operations: &[KeyOperation]) -> Vec<String> {
    operations.iter().map(ToString::to_string).collect()
}

/// Parses `name=value`.
pub(crate) fn tag(text: &str) -> Result<(String, String), &'static str> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE"),
    }
}

/// Converts tags to protobuf. Errors if a name occurs twice.
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
    fn parses_tags_and_rejects_duplicates() {
        assert_eq!(tag("team=billing").unwrap(), ("team".into(), "billing".into()));
        assert_eq!(tag("formula=a=b").unwrap(), ("formula".into(), "a=b".into()));
        assert_eq!(tag("empty=").unwrap(), ("empty".into(), String::new()));
        assert!(tag("team").is_err());
        assert!(tag("=billing").is_err());
        let twice = [tag("a=1").unwrap(), tag("a=2").unwrap()];
        assert!(matches!(tags(&twice), Err(Failure::Usage(_))));
    }
}
