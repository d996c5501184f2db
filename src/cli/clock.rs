//! `strongroom clock`: shows and controls the clock of the service.

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Span, SpanRelativeTo};
use serde::Serialize;
use tonic::{Code, Status};

use super::Context;
use super::failure::{Failure, Outcome};
use super::session::AuthorizedChannel;
use super::time_argument;
use crate::api::grpc::pb;
use crate::api::grpc::pb::advance_clock_request::Target;
use crate::api::grpc::pb::clock_service_client::ClockServiceClient;
use crate::model::Timestamp;

/// Subcommands of `strongroom clock`.
#[derive(Subcommand, Clone, Debug)]
pub enum ClockCommand {
    /// Show the time of the service, and whether the machine's clock is trusted
    Show,
    /// Gateway: trust the machine's clock as it is, and run the work that waits for it
    Release,
    /// Simulator: advance the clock, and run the work that becomes due
    Advance(AdvanceArgs),
    /// Simulator: freeze the clock; it can still be advanced
    Freeze,
    /// Simulator: resume the clock from its current time
    Resume,
}

/// A duration or a target time.
#[derive(Args, Clone, Debug)]
#[group(skip)]
#[command(group = clap::ArgGroup::new("target").required(true))]
pub struct AdvanceArgs {
    /// Duration to advance by, for example 30d, 12h, 90m or P1W; a day is 24 hours
    #[arg(value_parser = duration, value_name = "DURATION", group = "target")]
    by: Option<SignedDuration>,
    /// Time to advance to: 2027-01-01 (midnight UTC) or RFC 3339
    #[arg(long, value_parser = time_argument::parse, value_name = "TIME", group = "target")]
    to: Option<Timestamp>,
    /// Allow advancing by more than ten years
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct Printed {
    now: Option<Timestamp>,
    frozen: bool,
    standing: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hold: Option<Hold>,
    #[serde(skip_serializing_if = "Option::is_none")]
    behind_seconds: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    happened: Option<Vec<Event>>,
}

/// Why the machine's clock is not trusted.
#[derive(Serialize)]
struct Hold {
    since: Option<Timestamp>,
    reason: String,
    ahead_seconds: i64,
    believed: Option<Timestamp>,
    proven_seconds: i64,
    proof_seconds: i64,
}

impl From<pb::ClockHold> for Hold {
    fn from(hold: pb::ClockHold) -> Self {
        let seconds = |duration: Option<prost_types::Duration>| duration.unwrap_or_default().seconds;
        Self {
            since: time_argument::from_wire(hold.since),
            reason: hold.reason,
            ahead_seconds: seconds(hold.ahead),
            believed: time_argument::from_wire(hold.believed),
            proven_seconds: seconds(hold.proven),
            proof_seconds: seconds(hold.proof),
        }
    }
}

/// An event that occurred while the clock was advanced.
#[derive(Serialize)]
struct Event {
    at: Option<Timestamp>,
    #[serde(flatten)]
    kind: Option<EventKind>,
}

/// The kind of an event with its subject: `"purged_key": "hsms/local/deletedKeys/old"`.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum EventKind {
    PurgedKey(String),
    PurgedHsm(String),
    PurgedVault(String),
    PurgedSecret(String),
    PurgedCertificate(String),
    RenewedCertificate(String),
    NotRenewedCertificate(String),
    CertificateNearExpiry(String),
    CertificateExpired(String),
    NotifiedContacts(String),
    EndedCertificateOperation(String),
    RequestedRenewal(String),
    RotatedKey(String),
    NearExpiry(String),
    NotRotatedKey(String),
    ReachedBudget(String),
}

impl EventKind {
    /// Formats the event as text.
    fn text(&self) -> String {
        match self {
            Self::PurgedKey(name)
            | Self::PurgedHsm(name)
            | Self::PurgedVault(name)
            | Self::PurgedSecret(name)
            | Self::PurgedCertificate(name) => {
                format!("purged {name}")
            }
            Self::RotatedKey(name) => format!("rotated to {name}"),
            Self::RenewedCertificate(name) => format!("renewed: {name}"),
            Self::NotRenewedCertificate(name) => format!("could not be renewed: {name}"),
            Self::CertificateExpired(name) => format!("expired: {name}"),
            Self::NotifiedContacts(name) => format!("contacts to notify: {name}"),
            Self::EndedCertificateOperation(name) => format!("issuer answered: {name}"),
            Self::RequestedRenewal(name) => format!("renewal requested: {name}"),
            Self::NearExpiry(name) | Self::CertificateNearExpiry(name) => format!("expires soon: {name}"),
            Self::ReachedBudget(name) => format!("reached {name}"),
            Self::NotRotatedKey(name) => format!("could not be rotated: {name}"),
        }
    }
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let span: Span =
        text.parse().map_err(|_| "expected a duration such as 30d, 12h, 90m or P1W".to_owned())?;
    let duration = span
        .to_duration(SpanRelativeTo::days_are_24_hours())
        .map_err(|_| "months and years vary in length: use days, or a time with --to".to_owned())?;
    if duration.is_negative() {
        Err("the clock can only be advanced, not set back".to_owned())
    } else {
        Ok(duration)
    }
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: ClockCommand) -> Outcome {
    let session = match command {
        // Affects all subscriptions, so it is an operation of the control plane.
        ClockCommand::Release => context.connect_control().await?,
        _ => context.connect().await?,
    };
    let (clock, happened) = call(session.clock(), command).await.map_err(|status| match status.code() {
        Code::Unimplemented => Failure::problem("the server's clock does not support this operation").hint(
            "a simulator has a virtual clock; a gateway uses its machine's, which `strongroom clock release` trusts",
        ),
        _ => status.into(),
    })?;
    let printed = Printed {
        now: time_argument::from_wire(clock.now),
        frozen: clock.frozen,
        standing: clock.standing,
        hold: clock.hold.map(Hold::from),
        behind_seconds: clock.behind.map(|behind| behind.seconds),
        happened,
    };
    context.output.print(&printed, || text(&printed))
}

async fn call(
    mut client: ClockServiceClient<AuthorizedChannel>,
    command: ClockCommand,
) -> Result<(pb::Clock, Option<Vec<Event>>), Status> {
    Ok(match command {
        ClockCommand::Show => (client.get_clock(pb::GetClockRequest {}).await?.into_inner(), None),
        ClockCommand::Freeze => (client.freeze_clock(pb::FreezeClockRequest {}).await?.into_inner(), None),
        ClockCommand::Resume => (client.resume_clock(pb::ResumeClockRequest {}).await?.into_inner(), None),
        ClockCommand::Release => (client.release_clock(pb::ReleaseClockRequest {}).await?.into_inner(), None),
        ClockCommand::Advance(AdvanceArgs { by, to, force }) => {
            let by = by.map(|by| {
                Target::By(prost_types::Duration { seconds: by.as_secs(), nanos: by.subsec_nanos() })
            });
            let target = to.map(|to| Target::To(time_argument::to_wire(to))).or(by);
            let reply = client.advance_clock(pb::AdvanceClockRequest { target, force }).await?.into_inner();
            let happened = reply.happenings.into_iter().map(Event::from).collect();
            (reply.clock.unwrap_or_default(), Some(happened))
        }
    })
}

impl From<pb::Happening> for Event {
    fn from(happening: pb::Happening) -> Self {
        use pb::happening::What as Wire;
        let kind = happening.what.map(|what| match what {
            Wire::PurgedKey(name) => EventKind::PurgedKey(name),
            Wire::PurgedHsm(name) => EventKind::PurgedHsm(name),
            Wire::PurgedVault(name) => EventKind::PurgedVault(name),
            Wire::PurgedSecret(name) => EventKind::PurgedSecret(name),
            Wire::PurgedCertificate(name) => EventKind::PurgedCertificate(name),
            Wire::RenewedCertificate(name) => EventKind::RenewedCertificate(name),
            Wire::NotRenewedCertificate(name) => EventKind::NotRenewedCertificate(name),
            Wire::CertificateNearExpiry(name) => EventKind::CertificateNearExpiry(name),
            Wire::CertificateExpired(name) => EventKind::CertificateExpired(name),
            Wire::NotifiedContacts(name) => EventKind::NotifiedContacts(name),
            Wire::EndedCertificateOperation(name) => EventKind::EndedCertificateOperation(name),
            Wire::RequestedRenewal(name) => EventKind::RequestedRenewal(name),
            Wire::RotatedKey(name) => EventKind::RotatedKey(name),
            Wire::NearExpiry(name) => EventKind::NearExpiry(name),
            Wire::ReachedBudget(name) => EventKind::ReachedBudget(name),
            Wire::NotRotatedKey(name) => EventKind::NotRotatedKey(name),
        });
        Self { at: time_argument::from_wire(happening.at), kind }
    }
}

fn text(printed: &Printed) -> String {
    let mut text = String::new();
    for event in printed.happened.iter().flatten() {
        // A newer server may report kinds that this program does not know.
        let kind = event.kind.as_ref().map_or_else(|| "unknown event".to_owned(), EventKind::text);
        text.push_str(&format!("{}  {kind}\n", time_argument::format(event.at)));
    }
    let frozen = if printed.frozen { "  (frozen)" } else { "" };
    text.push_str(&format!("{}{frozen}\n", time_argument::format(printed.now)));
    if let Some(hold) = &printed.hold {
        let cause = if hold.reason == "stop" { "when the service started" } else { "while the service ran" };
        text.push_str(&format!(
            "not trusted since {}: the machine's clock was {} ahead {cause}; the trusted time is {}\n\
             purges are suspended until the clock is corrected, `strongroom clock release`, or {} of steady time \
             ({} so far)\n",
            time_argument::format(hold.since),
            length(hold.ahead_seconds),
            time_argument::format(hold.believed),
            length(hold.proof_seconds),
            length(hold.proven_seconds),
        ));
    }
    if let Some(seconds) = printed.behind_seconds {
        text.push_str(&format!(
            "the machine's clock is {} behind its high-water mark; purges are suspended until it catches up, or \
             `strongroom clock release`\n",
            length(seconds)
        ));
    }
    text
}

/// Formats a duration in its largest unit.
fn length(seconds: i64) -> String {
    match seconds {
        172_800.. => format!("{} days", seconds / 86_400),
        7_200.. => format!("{} hours", seconds / 3_600),
        120.. => format!("{} minutes", seconds / 60),
        _ => format!("{seconds} seconds"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_exact_positive_durations_only() {
        for (text, hours) in [("30d", 720), ("12h", 12), ("90m", 1), ("P1W", 168), ("1d 2h", 26)] {
            assert_eq!(duration(text).unwrap().as_hours(), hours, "{text}");
        }
        for text in ["", "30", "P1M", "1y", "-1d", "soon"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
