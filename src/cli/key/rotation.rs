//! `strongroom key rotate` and `rotation-policy`

use clap::{Args, Subcommand};
use serde::Serialize;

use super::remove::KeyArgs;
use super::view::KeyView;
use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::names::KeyRef;
use crate::cli::{Context, table, time_argument};
use crate::model::Timestamp;
use crate::model::period::LifetimePeriod;

/// Subcommands of `strongroom key rotation-policy`.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Show the rotation policy of a key
    Show(KeyArgs),
    /// Replace the rotation policy of a key
    Set(SetArgs),
}

/// A key and its new rotation policy.
#[derive(Args, Clone, Debug)]
pub struct SetArgs {
    /// Name of the key
    #[arg(value_parser = KeyRef::parse_key)]
    name: KeyRef,
    #[command(flatten)]
    policy: Policy,
}

/// The complete rotation policy: it replaces the old one.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
struct Policy {
    /// Rotate this long after the current version was created: P90D, P2M, P1Y6M
    #[arg(long, value_name = "PERIOD", conflicts_with = "rotate_before_expiry")]
    rotate_after: Option<LifetimePeriod>,
    /// Rotate this long before the current version expires; requires --expiry
    #[arg(long, value_name = "PERIOD", requires = "expiry")]
    rotate_before_expiry: Option<LifetimePeriod>,
    /// Lifetime of the versions that rotation creates
    #[arg(long, value_name = "PERIOD")]
    expiry: Option<LifetimePeriod>,
    /// Remove the policy
    #[arg(long, conflicts_with_all = ["rotate_after", "rotate_before_expiry", "expiry"])]
    clear: bool,
}

impl Policy {
    fn actions(&self) -> Vec<pb::KeyLifetimeAction> {
        let text = |period: &Option<LifetimePeriod>| period.as_ref().map(ToString::to_string);
        let (after, before) = (text(&self.rotate_after), text(&self.rotate_before_expiry));
        if after.is_none() && before.is_none() {
            return Vec::new();
        }
        vec![pb::KeyLifetimeAction {
            action: "rotate".to_owned(),
            time_after_create: after.unwrap_or_default(),
            time_before_expiry: before.unwrap_or_default(),
        }]
    }
}

/// The printed form of a rotation policy.
#[derive(Serialize)]
struct PolicyView {
    name: String,
    expiry_time: Option<String>,
    lifetime_actions: Vec<ActionView>,
    created: Option<Timestamp>,
    updated: Option<Timestamp>,
}

#[derive(Serialize)]
struct ActionView {
    action: String,
    time_after_create: Option<String>,
    time_before_expiry: Option<String>,
}

fn non_empty(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

impl From<pb::KeyRotationPolicy> for PolicyView {
    fn from(policy: pb::KeyRotationPolicy) -> Self {
        let actions = policy.lifetime_actions.into_iter().map(|action| ActionView {
            action: action.action,
            time_after_create: non_empty(action.time_after_create),
            time_before_expiry: non_empty(action.time_before_expiry),
        });
        Self {
            name: policy.name,
            expiry_time: non_empty(policy.expiry_time),
            lifetime_actions: actions.collect(),
            created: time_argument::from_wire(policy.created),
            updated: time_argument::from_wire(policy.updated),
        }
    }
}

impl PolicyView {
    /// Formats all fields as text.
    fn text(&self) -> String {
        let action = self.lifetime_actions.first();
        let after =
            action.and_then(|action| Some(format!("{} after creation", action.time_after_create.as_ref()?)));
        let before =
            action.and_then(|action| Some(format!("{} before expiry", action.time_before_expiry.as_ref()?)));
        let rotates = after.or(before).unwrap_or_else(|| "never automatically".to_owned());
        table::fields(&[
            ("name", self.name.clone()),
            ("rotates", rotates),
            ("expiry", self.expiry_time.clone().unwrap_or_default()),
            ("created", time_argument::format(self.created)),
            ("updated", time_argument::format(self.updated)),
        ])
    }
}

/// Rotates a key.
pub(super) async fn rotate(context: &Context, args: KeyArgs) -> Outcome {
    let session = context.connect_to_key(Some(&args.name)).await?;
    let name = args.name.resource(session.container(), "keys")?;
    let key = KeyView::from(session.keys().rotate_key(pb::RotateKeyRequest { name }).await?.into_inner());
    context.output.print(&key, || key.text())
}

/// Shows or replaces a policy.
pub(super) async fn policy(context: &Context, command: PolicyCommand) -> Outcome {
    let (PolicyCommand::Show(KeyArgs { name: key }) | PolicyCommand::Set(SetArgs { name: key, .. })) =
        &command;
    let session = context.connect_to_key(Some(key)).await?;
    let name = format!("{}/rotationPolicy", key.resource(session.container(), "keys")?);
    let reply = match command {
        PolicyCommand::Show(_) => {
            session.keys().get_key_rotation_policy(pb::GetKeyRotationPolicyRequest { name }).await?
        }
        PolicyCommand::Set(SetArgs { policy, .. }) => {
            let lifetime_actions = policy.actions();
            let expiry_time = policy.expiry.map(|expiry| expiry.to_string()).unwrap_or_default();
            let request = pb::UpdateKeyRotationPolicyRequest { name, expiry_time, lifetime_actions };
            session.keys().update_key_rotation_policy(request).await?
        }
    };
    let policy = PolicyView::from(reply.into_inner());
    context.output.print(&policy, || policy.text())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        policy: Policy,
    }

    fn parse(line: &str) -> Result<Policy, clap::Error> {
        Line::try_parse_from(std::iter::once("set").chain(line.split(' '))).map(|line| line.policy)
    }

    #[test]
    fn policies_have_at_most_one_rotate_action() {
        let actions = parse("--rotate-after P90D --expiry P1Y").unwrap().actions();
        assert_eq!((actions[0].time_after_create.as_str(), actions[0].action.as_str()), ("P90D", "rotate"));
        let actions = parse("--rotate-before-expiry P30D --expiry P1Y").unwrap().actions();
        assert_eq!(actions[0].time_before_expiry, "P30D");
        assert!(parse("--expiry P1Y").unwrap().actions().is_empty());
        assert!(parse("--clear").unwrap().actions().is_empty());
        for wrong in [
            "--rotate-after P90D --rotate-before-expiry P30D --expiry P1Y",
            "--rotate-before-expiry P30D",
            "--clear --expiry P1Y",
            "--rotate-after 90d",
            "--expiry",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
        assert!(Line::try_parse_from(["set"]).is_err());
    }

    #[test]
    fn formats_policies_as_text_and_json() {
        let policy = PolicyView::from(pb::KeyRotationPolicy {
            name: "hsms/local/keys/invoices/rotationPolicy".into(),
            expiry_time: "P1Y".into(),
            lifetime_actions: parse("--rotate-before-expiry P30D --expiry P1Y").unwrap().actions(),
            created: Some(prost_types::Timestamp { seconds: 1_798_761_600, nanos: 0 }),
            updated: Some(prost_types::Timestamp { seconds: 1_799_366_400, nanos: 0 }),
        });
        insta::assert_snapshot!(policy.text(), @"
        name     hsms/local/keys/invoices/rotationPolicy
        rotates  P30D before expiry
        expiry   P1Y
        created  2027-01-01 00:00:00Z
        updated  2027-01-08 00:00:00Z
        ");
        insta::assert_json_snapshot!(policy, @r#"
        {
          "name": "hsms/local/keys/invoices/rotationPolicy",
          "expiry_time": "P1Y",
          "lifetime_actions": [
            {
              "action": "rotate",
              "time_after_create": null,
              "time_before_expiry": "P30D"
            }
          ],
          "created": "2027-01-01T00:00:00Z",
          "updated": "2027-01-08T00:00:00Z"
        }
        "#);
        let blank = PolicyView::from(pb::KeyRotationPolicy::default());
        insta::assert_snapshot!(blank.text(), @"rotates  never automatically");
    }
}
