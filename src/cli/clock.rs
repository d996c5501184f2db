//! `strongroom clock`: the simulator's clock.

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::Serialize;
use tonic::{Code, Status};

use super::Context;
use super::failure::{Failure, Outcome};
use super::session::Authorized;
use super::when;
use crate::api::grpc::pb;
use crate::api::grpc::pb::advance_clock_request::Target;
use crate::api::grpc::pb::clock_service_client::ClockServiceClient;
use crate::model::Timestamp;

/// Reads and turns the simulator's clock.
#[derive(Subcommand, Clone, Debug)]
pub enum ClockCommand {
    /// Print the time of the service
    Show,
    /// Turn the clock forwards, and do what comes due on the way
    Advance(AdvanceArgs),
    /// Stop the clock; it can still be advanced
    Freeze,
    /// Let the clock go on from what it shows
    Resume,
}

/// By how much, or to which instant.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub struct AdvanceArgs {
    /// By how much, for example 30d, 12h, 90m, P1W; a day is 24 hours
    #[arg(value_parser = duration, value_name = "DURATION")]
    by: Option<SignedDuration>,
    /// To this instant: 2027-01-01 or RFC 3339
    #[arg(long, value_parser = when::parse, value_name = "INSTANT")]
    to: Option<Timestamp>,
}

#[derive(Serialize)]
struct Printed {
    now: Option<Timestamp>,
    frozen: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    happened: Option<Vec<Happening>>,
}

#[derive(Serialize)]
struct Happening {
    at: Option<Timestamp>,
    #[serde(flatten)]
    what: Option<What>,
}

/// What happened, to what: `"purged_key": "hsms/local/deletedKeys/old"`.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum What {
    PurgedKey(String),
    PurgedHsm(String),
    RotatedKey(String),
    NearExpiry(String),
    NotRotatedKey(String),
    ReachedBudget(String),
}

impl What {
    /// For people.
    fn text(&self) -> String {
        match self {
            Self::PurgedKey(name) | Self::PurgedHsm(name) => format!("purged {name}"),
            Self::RotatedKey(name) => format!("rotated to {name}"),
            Self::NearExpiry(name) => format!("expires soon: {name}"),
            Self::ReachedBudget(name) => format!("reached {name}"),
            Self::NotRotatedKey(name) => format!("could not be rotated: {name}"),
        }
    }
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let span: Span = text.parse().map_err(|_| "a duration is written 30d, 12h, 90m or P1W".to_owned())?;
    let duration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| "months and years differ in length: give days, or an instant with --to".to_owned())?;
    if duration.is_negative() { Err("the clock goes forwards only".to_owned()) } else { Ok(duration) }
}

/// Runs one of them.
pub(super) async fn run(context: &Context, command: ClockCommand) -> Outcome {
    let session = context.connect().await?;
    let (clock, happened) = ask(session.clock(), command).await.map_err(|status| match status.code() {
        Code::Unimplemented => Failure::problem("the server has no clock that can be turned")
            .hint("a simulator has one; a gateway goes by its machine's"),
        _ => status.into(),
    })?;
    let printed = Printed { now: when::from_wire(clock.now), frozen: clock.frozen, happened };
    context.output.print(&printed, || text(&printed))
}

async fn ask(
    mut client: ClockServiceClient<Authorized>,
    command: ClockCommand,
) -> Result<(pb::Clock, Option<Vec<Happening>>), Status> {
    Ok(match command {
        ClockCommand::Show => (client.get_clock(pb::GetClockRequest {}).await?.into_inner(), None),
        ClockCommand::Freeze => (client.freeze_clock(pb::FreezeClockRequest {}).await?.into_inner(), None),
        ClockCommand::Resume => (client.resume_clock(pb::ResumeClockRequest {}).await?.into_inner(), None),
        ClockCommand::Advance(AdvanceArgs { by, to }) => {
            let by = by.map(|by| {
                Target::By(prost_types::Duration { seconds: by.as_secs(), nanos: by.subsec_nanos() })
            });
            let target = to.map(|to| Target::To(when::to_wire(to))).or(by);
            let reply = client.advance_clock(pb::AdvanceClockRequest { target }).await?.into_inner();
            let happened = reply.happenings.into_iter().map(Happening::from).collect();
            (reply.clock.unwrap_or_default(), Some(happened))
        }
    })
}

impl From<pb::Happening> for Happening {
    fn from(happening: pb::Happening) -> Self {
        use pb::happening::What as Wire;
        let what = happening.what.map(|what| match what {
            Wire::PurgedKey(name) => What::PurgedKey(name),
            Wire::PurgedHsm(name) => What::PurgedHsm(name),
            Wire::RotatedKey(name) => What::RotatedKey(name),
            Wire::NearExpiry(name) => What::NearExpiry(name),
            Wire::ReachedBudget(name) => What::ReachedBudget(name),
            Wire::NotRotatedKey(name) => What::NotRotatedKey(name),
        });
        Self { at: when::from_wire(happening.at), what }
    }
}

fn text(printed: &Printed) -> String {
    let mut text = String::new();
    for happening in printed.happened.iter().flatten() {
        // A newer server may report what this program has no words for.
        let what = happening.what.as_ref().map_or_else(|| "something".to_owned(), What::text);
        text.push_str(&format!("{}  {what}\n", when::show(happening.at)));
    }
    let frozen = if printed.frozen { "  (frozen)" } else { "" };
    text.push_str(&format!("{}{frozen}\n", when::show(printed.now)));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_exact_and_go_forwards() {
        for (text, hours) in [("30d", 720), ("12h", 12), ("90m", 1), ("P1W", 168), ("1d 2h", 26)] {
            assert_eq!(duration(text).unwrap().as_hours(), hours, "{text}");
        }
        for text in ["", "30", "P1M", "1y", "-1d", "soon"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
