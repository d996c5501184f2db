//! `strongroom secret update`

use clap::{ArgAction, Args};

use super::target::SecretTarget;
use super::view::SecretView;
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::key::{tag, tags};
use crate::cli::{Context, time_argument};
use crate::model::key_date::KeyDate;

/// A secret version and its changes.
#[derive(Args, Clone, Debug)]
pub struct UpdateArgs {
    #[command(flatten)]
    target: SecretTarget,
    #[command(flatten)]
    changes: Changes,
}

/// The changes. Other fields keep their values.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Enable or disable the secret version; the value of a disabled one cannot be read
    #[arg(long, action = ArgAction::Set, value_name = "true|false")]
    enabled: Option<bool>,
    /// What the value is, for example text/plain
    #[arg(long, value_name = "TEXT")]
    content_type: Option<String>,
    /// Tag (repeatable); replaces all existing tags
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
    /// Remove all tags
    #[arg(long, conflicts_with = "tags")]
    clear_tags: bool,
    /// Expiry time: 2027-01-01 (midnight UTC) or RFC 3339; informative
    #[arg(long, value_parser = time_argument::parse_date, value_name = "TIME")]
    expires: Option<KeyDate>,
    /// Remove the expiry time
    #[arg(long, conflicts_with = "expires")]
    clear_expires: bool,
    /// Time before which the value should not be used; informative
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
            ("content_type", self.content_type.is_some()),
            ("attributes.enabled", self.enabled.is_some()),
            ("attributes.not_before", self.not_before.is_some() || self.clear_not_before),
            ("attributes.expires", self.expires.is_some() || self.clear_expires),
            ("tags", !self.tags.is_empty() || self.clear_tags),
        ];
        fields.into_iter().filter(|(_, named)| *named).map(|(field, _)| field.to_owned()).collect()
    }
}

/// Updates a secret version.
pub(super) async fn run(context: &Context, args: UpdateArgs) -> Outcome {
    let UpdateArgs { target, changes } = args;
    let tags = tags(&changes.tags)?;
    let session = context.connect_vault().await?;
    let request = pb::UpdateSecretVersionRequest {
        name: target.resolve(session.vault())?.to_string(),
        update_mask: Some(prost_types::FieldMask { paths: changes.mask() }),
        content_type: changes.content_type.unwrap_or_default(),
        attributes: Some(pb::SecretAttributes {
            enabled: changes.enabled,
            not_before: changes.not_before.map(time_argument::to_wire),
            expires: changes.expires.map(time_argument::to_wire),
        }),
        tags,
    };
    let secret = SecretView::from(session.secrets().update_secret_version(request).await?.into_inner());
    context.output.print(&secret, || secret.text())
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

    fn mask(arguments: &[&str]) -> Vec<String> {
        Line::try_parse_from([&["update"], arguments].concat()).unwrap().changes.mask()
    }

    #[test]
    fn update_mask_names_set_and_cleared_fields() {
        assert_eq!(mask(&["--enabled", "false"]), ["attributes.enabled"]);
        assert_eq!(mask(&["--content-type", ""]), ["content_type"]);
        assert_eq!(
            mask(&["--clear-expires", "--not-before", "2027-01-01"]),
            ["attributes.not_before", "attributes.expires"]
        );
        assert_eq!(mask(&["--clear-tags"]), ["tags"]);
        assert_eq!(mask(&["--tag", "a=b"]), ["tags"]);
        for wrong in
            [&["--expires", "2027-01-01", "--clear-expires"][..], &["--tag", "a=b", "--clear-tags"], &[]]
        {
            assert!(Line::try_parse_from([&["update"], wrong].concat()).is_err());
        }
    }
}
