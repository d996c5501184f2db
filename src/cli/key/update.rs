//! `strongroom key update`

use clap::{ArgAction, Args};

use super::attributes;
use super::view::KeyView;
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::names::KeyTarget;
use crate::cli::{Context, names, time_argument};
use crate::model::key::KeyOperation;
use crate::model::key_date::KeyDate;

/// A key version and its changes.
#[derive(Args, Clone, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    target: KeyTarget,
    #[command(flatten)]
    changes: Changes,
}

/// The changes. Other fields keep their values.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Enable or disable the key version
    #[arg(long, action = ArgAction::Set, value_name = "true|false")]
    enabled: Option<bool>,
    /// Permitted operations; replaces the existing ones
    #[arg(long, value_delimiter = ',', value_parser = names::key_operation(), value_name = "OPERATIONS")]
    ops: Vec<KeyOperation>,
    /// Permit no operations
    #[arg(long, conflicts_with = "ops")]
    no_ops: bool,
    /// Tag (repeatable); replaces all existing tags
    #[arg(long = "tag", value_parser = attributes::tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
    /// Remove all tags
    #[arg(long, conflicts_with = "tags")]
    clear_tags: bool,
    /// Expiry time: 2027-01-01 (midnight UTC) or RFC 3339
    #[arg(long, value_parser = time_argument::parse_date, value_name = "TIME")]
    expires: Option<KeyDate>,
    /// Remove the expiry time
    #[arg(long, conflicts_with = "expires")]
    clear_expires: bool,
    /// Time before which the key version cannot be used
    #[arg(long, value_parser = time_argument::parse_date, value_name = "TIME")]
    not_before: Option<KeyDate>,
    /// Remove the not-before time
    #[arg(long, conflicts_with = "not_before")]
    clear_not_before: bool,
}

impl Changes {
    /// Returns the update mask: the fields that are set or cleared.
    fn mask(&self) -> Vec<String> {
        let fields = [
            ("key_ops", !self.ops.is_empty() || self.no_ops),
            ("attributes.enabled", self.enabled.is_some()),
            ("attributes.not_before", self.not_before.is_some() || self.clear_not_before),
            ("attributes.expires", self.expires.is_some() || self.clear_expires),
            ("tags", !self.tags.is_empty() || self.clear_tags),
        ];
        fields.into_iter().filter(|(_, named)| *named).map(|(field, _)| field.to_owned()).collect()
    }
}

/// Updates a key version.
pub(super) async fn run(context: &Context, args: UpdateArgs) -> Outcome {
    let changes = &args.changes;
    let tags = attributes::tags(&changes.tags)?;
    let session = context.connect_to_key(Some(&args.target.name)).await?;
    let request = pb::UpdateKeyVersionRequest {
        name: args.target.resolve(session.container())?.to_string(),
        key_ops: attributes::operations(&changes.ops),
        attributes: Some(pb::KeyAttributes {
            enabled: changes.enabled,
            not_before: changes.not_before.map(time_argument::to_wire),
            expires: changes.expires.map(time_argument::to_wire),
            exportable: None,
        }),
        tags,
        update_mask: Some(prost_types::FieldMask { paths: changes.mask() }),
    };
    let key = KeyView::from(session.keys().update_key_version(request).await?.into_inner());
    context.output.print(&key, || key.text())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        changes: Changes,
    }

    fn mask(line: &str) -> Vec<String> {
        Line::try_parse_from(std::iter::once("update").chain(line.split(' '))).unwrap().changes.mask()
    }

    #[test]
    fn update_mask_names_set_and_cleared_fields() {
        assert_eq!(mask("--enabled false"), ["attributes.enabled"]);
        assert_eq!(
            mask("--clear-expires --not-before 2027-01-01"),
            ["attributes.not_before", "attributes.expires"]
        );
        assert_eq!(mask("--ops sign --clear-tags"), ["key_ops", "tags"]);
        assert_eq!(mask("--tag a=b"), ["tags"]);
        assert_eq!(mask("--no-ops"), ["key_ops"]);
        for contradiction in [
            "--expires 2027-01-01 --clear-expires",
            "--tag a=b --clear-tags",
            "--ops sign --no-ops",
            "--ops ",
            "--enabled maybe",
        ] {
            assert!(Line::try_parse_from(std::iter::once("update").chain(contradiction.split(' '))).is_err());
        }
    }
}
