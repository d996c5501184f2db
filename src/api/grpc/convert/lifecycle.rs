//! Converts the messages of `lifecycle.proto`.

use super::super::pb;
use super::resources::subscription;
use super::{container, parse_field, segments, wire_instant};
use crate::model::event::{EventBatch, EventPosition, LifecycleEvent};
use crate::model::name::VaultName;
use crate::model::{Error, Field, Result};
use crate::ops::lifecycle::{
    WatchBudgets, WatchCertificates, WatchKeys, WatchManagedHsms, WatchSecrets, WatchVaults,
};

/// Parses a resume token: the sequence number of an event, in decimal digits only.
fn since(token: &str) -> Result<EventPosition> {
    let wrong = || Error::invalid(Field::ResumeToken, "this is not a resume token of this service");
    match token {
        "" => Ok(EventPosition::Now),
        "0" => Ok(EventPosition::Beginning),
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            digits.parse().map(EventPosition::Event).map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}

impl TryFrom<pb::WatchLifecycleRequest> for WatchKeys {
    type Error = Error;

    fn try_from(request: pb::WatchLifecycleRequest) -> Result<Self> {
        Ok(Self {
            container: container(&request.parent)?,
            since: since(&request.resume_token)?,
            watched: None,
        })
    }
}

/// Reads the vault of a parent in a collection of it.
fn vault(request: &pb::WatchLifecycleRequest, pattern: &'static str) -> Result<VaultName> {
    let [vault] = segments(Field::Parent, &request.parent, pattern)?;
    parse_field(Field::Parent, vault)
}

impl TryFrom<pb::WatchLifecycleRequest> for WatchSecrets {
    type Error = Error;

    fn try_from(request: pb::WatchLifecycleRequest) -> Result<Self> {
        Ok(Self::new(vault(&request, "vaults/{}/secrets")?, since(&request.resume_token)?))
    }
}

impl TryFrom<pb::WatchLifecycleRequest> for WatchCertificates {
    type Error = Error;

    fn try_from(request: pb::WatchLifecycleRequest) -> Result<Self> {
        Ok(Self::new(vault(&request, "vaults/{}/certificates")?, since(&request.resume_token)?))
    }
}

impl TryFrom<pb::WatchLifecycleRequest> for WatchManagedHsms {
    type Error = Error;

    fn try_from(request: pb::WatchLifecycleRequest) -> Result<Self> {
        Ok(Self::new(subscription(Field::Parent, &request.parent)?, since(&request.resume_token)?))
    }
}

impl TryFrom<pb::WatchLifecycleRequest> for WatchVaults {
    type Error = Error;

    fn try_from(request: pb::WatchLifecycleRequest) -> Result<Self> {
        let [id] = segments(Field::Parent, &request.parent, "subscriptions/{}/vaults")?;
        Ok(Self::new(parse_field(Field::Parent, id)?, since(&request.resume_token)?))
    }
}

impl TryFrom<pb::WatchLifecycleRequest> for WatchBudgets {
    type Error = Error;

    fn try_from(request: pb::WatchLifecycleRequest) -> Result<Self> {
        let [id] = segments(Field::Parent, &request.parent, "subscriptions/{}/budgets")?;
        Ok(Self::new(parse_field(Field::Parent, id)?, since(&request.resume_token)?))
    }
}

impl From<&LifecycleEvent> for pb::LifecycleEvent {
    fn from(event: &LifecycleEvent) -> Self {
        Self {
            resume_token: event.sequence.to_string(),
            at: Some(wire_instant(event.at)),
            kind: event.kind().to_owned(),
            subject: event.subject(),
            scheduled_purge_at: event.scheduled_purge_at().map(wire_instant),
            expires: event.expires().map(wire_instant),
            contacts: event.contacts().map(|contacts| u32::try_from(contacts).unwrap_or(u32::MAX)),
        }
    }
}

impl From<EventBatch> for pb::WatchLifecycleResponse {
    fn from(batch: EventBatch) -> Self {
        Self {
            events: batch.events.iter().map(|event| event.as_ref().into()).collect(),
            resume_token: batch.position.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_resume_tokens() {
        assert_eq!(since("").unwrap(), EventPosition::Now);
        assert_eq!(since("0").unwrap(), EventPosition::Beginning);
        assert_eq!(since("17").unwrap(), EventPosition::Event(17));
        for wrong in ["-1", "+1", " 1", "1.0", "x", "18446744073709551616"] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }
}
