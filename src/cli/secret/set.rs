//! `strongroom secret set`

use clap::Args;

use super::input::ValueInput;
use super::target::SecretRef;
use super::view::SecretView;
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::key::{tag, tags};
use crate::cli::{Context, time_argument};
use crate::model::key_date::KeyDate;

/// The value and its attributes.
#[derive(Args, Clone, Debug)]
pub struct SetArgs {
    /// Name of the secret
    #[arg(value_parser = SecretRef::parse_live)]
    name: SecretRef,
    #[command(flatten)]
    input: ValueInput,
    /// What the value is, for example text/plain
    #[arg(long, value_name = "TEXT")]
    content_type: Option<String>,
    /// Tag (repeatable)
    #[arg(long = "tag", value_parser = tag, value_name = "NAME=VALUE")]
    tags: Vec<(String, String)>,
    /// Expiry time: 2027-01-01 (midnight UTC) or RFC 3339; informative
    #[arg(long, value_parser = time_argument::parse_date, value_name = "TIME")]
    expires: Option<KeyDate>,
    /// Time before which the value should not be used; informative
    #[arg(long, value_parser = time_argument::parse_date, value_name = "TIME")]
    not_before: Option<KeyDate>,
    /// Store the value disabled, so that it cannot be read
    #[arg(long)]
    disabled: bool,
}

/// Stores a value. Its reply is shown without the value, which the caller knows.
pub(super) async fn run(context: &Context, args: SetArgs) -> Outcome {
    let tags = tags(&args.tags)?;
    let value = args.input.read()?;
    let session = context.connect_vault().await?;
    let request = pb::SetSecretRequest {
        parent: args.name.parent(session.vault())?,
        secret_id: args.name.name.to_string(),
        value: Some(value.0.to_string()),
        content_type: args.content_type.unwrap_or_default(),
        attributes: Some(pb::SecretAttributes {
            enabled: Some(!args.disabled),
            not_before: args.not_before.map(time_argument::to_wire),
            expires: args.expires.map(time_argument::to_wire),
        }),
        tags,
    };
    let secret = SecretView::from(session.secrets().set_secret(request).await?.into_inner()).without_value();
    context.output.print(&secret, || secret.text())
}
