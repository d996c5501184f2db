//! `strongroom watch`: prints lifecycle events of one kind of resource as they occur, one per line.

use clap::Args;
use serde::Serialize;
use tonic::Code;
use tonic::codec::Streaming;

use super::containers::Containers;
use super::failure::{Failure, Outcome};
use super::plane::Plane;
use super::session::Session;
use super::{Context, time_argument};
use crate::api::grpc::pb;
use crate::model::Timestamp;
use crate::model::container_id::ContainerKind;
use crate::model::key_date::KeyDate;

/// The events to watch, the start and the end.
#[derive(Args, Clone, Debug)]
pub struct WatchArgs {
    #[command(flatten)]
    watched: Watched,
    /// Start after this resume token: that of the last event seen, or 0 for all stored events
    #[arg(long, value_name = "TOKEN")]
    since: Option<String>,
    /// Stop after this number of events
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..), value_name = "NUMBER")]
    count: Option<u64>,
    /// Stop after the events that have occurred so far
    #[arg(long)]
    until_now: bool,
}

/// The kind of resource to watch; by default the keys of a managed HSM, or of the vault that --vault names.
#[derive(Args, Clone, Copy, Debug)]
#[group(multiple = false)]
struct Watched {
    /// Watch the managed HSMs of the subscription instead of the keys of one managed HSM or vault
    #[arg(long)]
    hsms: bool,
    /// Watch the vaults of the subscription instead of keys
    #[arg(long)]
    vaults: bool,
    /// Watch the budgets of the subscription instead of keys
    #[arg(long)]
    budgets: bool,
    /// Watch the secrets of a vault instead of keys
    #[arg(long)]
    secrets: bool,
    /// Watch the certificates of a vault instead of keys
    #[arg(long)]
    certificates: bool,
}

impl Watched {
    /// Returns the plane of the events.
    fn plane(self, containers: &Containers) -> Outcome<Plane> {
        Ok(match self {
            Self { hsms: true, .. } | Self { vaults: true, .. } | Self { budgets: true, .. } => {
                Plane::Control
            }
            Self { secrets: true, .. } | Self { certificates: true, .. } => Plane::Vault,
            _ => match containers.kind_for_keys()? {
                ContainerKind::ManagedHsm => Plane::Data,
                ContainerKind::Vault => Plane::Vault,
            },
        })
    }

    /// Returns the parent of the watched resources.
    fn parent(self, session: &Session) -> Outcome<String> {
        let subscription = || Ok::<_, Failure>(format!("subscriptions/{}", session.subscription()?));
        Ok(match self {
            Self { hsms: true, .. } => subscription()?,
            Self { vaults: true, .. } => format!("{}/vaults", subscription()?),
            Self { budgets: true, .. } => format!("{}/budgets", subscription()?),
            Self { secrets: true, .. } => format!("{}/secrets", session.vault_parent()?),
            Self { certificates: true, .. } => format!("{}/certificates", session.vault_parent()?),
            _ => session.container_parent()?,
        })
    }
}

#[derive(Serialize)]
struct View {
    resume_token: String,
    at: Option<Timestamp>,
    kind: String,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_purge_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<KeyDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contacts: Option<u32>,
}

impl From<pb::LifecycleEvent> for View {
    fn from(event: pb::LifecycleEvent) -> Self {
        Self {
            resume_token: event.resume_token,
            at: time_argument::from_wire(event.at),
            kind: event.kind,
            subject: event.subject,
            scheduled_purge_at: time_argument::from_wire(event.scheduled_purge_at),
            expires: time_argument::date_from_wire(event.expires),
            contacts: event.contacts,
        }
    }
}

impl View {
    fn text(&self) -> String {
        let Self { resume_token, kind, subject, .. } = self;
        let purge =
            self.scheduled_purge_at.map(|at| format!("  (purged {})", time_argument::format(Some(at))));
        let expires = self.expires.map(|at| format!("  (expires {})", time_argument::format(Some(at))));
        let contacts = self.contacts.map(|contacts| format!("  ({contacts} contacts)")).unwrap_or_default();
        let more = purge.or(expires).unwrap_or_default();
        format!(
            "{resume_token:>6}  {}  {kind:<20}  {subject}{more}{contacts}",
            time_argument::format(self.at)
        )
    }
}

/// Prints events until a stop condition is met, or the server ends the stream.
pub(super) async fn run(context: &Context, args: WatchArgs) -> Outcome {
    let mut token = args.since.clone().unwrap_or_default();
    let mut left = args.count;
    let plane = args.watched.plane(&context.options.containers)?;
    let mut stream = open(&context.connect_to(plane).await?, &args, &token).await?;
    loop {
        let batch = match stream.message().await {
            Ok(Some(batch)) => batch,
            Ok(None) => return Ok(()),
            // A watch may outlive its access token: continue with a new one unless a fixed one was given.
            Err(status)
                if status.code() == Code::Unauthenticated
                    && context.options.access_token(plane).is_none() =>
            {
                stream = open(&context.connect_to(plane).await?, &args, &token).await?;
                continue;
            }
            Err(status) => return Err(ended(status, &token)),
        };
        for event in batch.events {
            let view = View::from(event);
            context.output.print_line(&view, || view.text())?;
            left = left.map(|left| left - 1);
            if left == Some(0) {
                return Ok(());
            }
        }
        token = batch.resume_token;
    }
}

async fn open(
    session: &Session,
    args: &WatchArgs,
    token: &str,
) -> Outcome<Streaming<pb::WatchLifecycleResponse>> {
    let parent = args.watched.parent(session)?;
    let request =
        pb::WatchLifecycleRequest { parent, resume_token: token.to_owned(), until_now: args.until_now };
    Ok(session.lifecycle().watch_lifecycle(request).await?.into_inner())
}

/// Converts the status that ended a watch to a failure, with a hint how to continue.
fn ended(status: tonic::Status, token: &str) -> Failure {
    let code = status.code();
    let failure = Failure::from(status);
    match code {
        Code::Unavailable | Code::Unknown | Code::Cancelled | Code::Internal if !token.is_empty() => {
            failure.hint(format!("continue with --since {token}"))
        }
        Code::OutOfRange => failure.hint("--since 0 starts with the oldest stored event"),
        _ => failure,
    }
}
