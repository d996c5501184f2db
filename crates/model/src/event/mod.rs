//! Lifecycle events of managed HSMs, vaults and what they hold, of budgets and the clock, in a log that is read from any position.

mod filter;
mod objects;
mod resources;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use filter::EventFilter;
pub use objects::{
    CertificateEvent, CertificateEventKind, KeyEvent, KeyEventKind, SecretEvent, SecretEventKind,
};
pub use resources::{HsmEvent, HsmEventKind, VaultEvent, VaultEventKind};

use super::Timestamp;
use super::certificate_id::CertificateId;
use super::container_id::{KeyId, SecretId};
use super::key_date::KeyDate;
use super::name::BudgetName;
use super::resource::SubscriptionId;
use super::resource_kind::Resource;
use super::time_guard::ClockStatusChange;

/// The default number of retained events.
pub const DEFAULT_RETAINED: usize = 100_000;

/// A lifecycle event of a managed HSM, a vault, a key, a secret, a certificate, a budget or the clock.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LifecycleEvent {
    /// Its sequence number: counts from 1 without gaps, over all HSMs.
    pub sequence: u64,
    /// When the call that caused it arrived, by the service's clock.
    pub at: Timestamp,
    /// The subscription of the resource.
    pub subscription: SubscriptionId,
    /// The resource and what happened to it.
    pub what: EventPayload,
}

/// The resource of an event and what happened to it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventPayload {
    /// A managed HSM as a resource. Purging it purges its contents without further events.
    Hsm(HsmEvent),
    /// A vault as a resource. Purging it purges its contents without further events.
    Vault(VaultEvent),
    /// A key.
    Key(KeyEvent),
    /// A secret.
    Secret(SecretEvent),
    /// A certificate. Its companions have no events of their own.
    Certificate(CertificateEvent),
    /// A budget of the subscription is reached.
    Budget(BudgetName),
    /// The status of the system clock, which applies to all HSMs, changed.
    Clock(ClockStatusChange),
}

impl EventPayload {
    /// Returns the id of the managed HSM or vault that serves nothing from then on, because it was deleted or purged.
    fn ended_container(&self) -> Option<Uuid> {
        match self {
            Self::Hsm(HsmEvent { id, kind, .. }) => kind.is_end().then_some(*id),
            Self::Vault(VaultEvent { id, kind, .. }) => kind.is_end().then_some(*id),
            Self::Key(_) | Self::Secret(_) | Self::Certificate(_) | Self::Budget(_) | Self::Clock(_) => None,
        }
    }
}

impl LifecycleEvent {
    /// Returns the stable name of what happened.
    pub const fn kind(&self) -> &'static str {
        match &self.what {
            EventPayload::Hsm(hsm) => hsm.kind.name(),
            EventPayload::Vault(vault) => vault.kind.name(),
            EventPayload::Key(key) => key.kind.name(),
            EventPayload::Secret(secret) => secret.kind.name(),
            EventPayload::Certificate(certificate) => certificate.kind.name(),
            EventPayload::Budget(_) => "budget.reached",
            EventPayload::Clock(turn) => match turn {
                ClockStatusChange::Held => "clock.held",
                ClockStatusChange::Behind => "clock.behind",
                ClockStatusChange::CaughtUp => "clock.caught-up",
                ClockStatusChange::Corrected => "clock.corrected",
                ClockStatusChange::Proven => "clock.proven",
                ClockStatusChange::Released => "clock.released",
            },
        }
    }

    /// Returns the resource name under which the subject is found after the event, or was found last.
    pub fn subject(&self) -> String {
        let subscription = self.subscription;
        match &self.what {
            EventPayload::Hsm(HsmEvent { name, resource_group, location, kind, .. }) => match kind.is_end() {
                true => {
                    format!("subscriptions/{subscription}/locations/{location}/deletedManagedHsms/{name}")
                }
                false => {
                    format!("subscriptions/{subscription}/resourceGroups/{resource_group}/managedHsms/{name}")
                }
            },
            EventPayload::Vault(VaultEvent { name, resource_group, location, kind, .. }) => {
                match kind.is_end() {
                    true => format!("subscriptions/{subscription}/locations/{location}/deletedVaults/{name}"),
                    false => {
                        format!("subscriptions/{subscription}/resourceGroups/{resource_group}/vaults/{name}")
                    }
                }
            }
            EventPayload::Key(KeyEvent { container, name, kind, .. }) => {
                let version = match kind {
                    KeyEventKind::Deleted(_) | KeyEventKind::Purged => {
                        return Resource::deleted_key(container, name).name;
                    }
                    KeyEventKind::Recovered | KeyEventKind::Restored => None,
                    KeyEventKind::Created(version)
                    | KeyEventKind::Imported(version)
                    | KeyEventKind::Rotated(version)
                    | KeyEventKind::NearExpiry(version, _)
                    | KeyEventKind::NotRotated(version) => Some(*version),
                };
                KeyId { container: container.clone(), name: name.clone(), version }.to_string()
            }
            EventPayload::Secret(SecretEvent { vault, name, kind, .. }) => {
                let version = match kind {
                    SecretEventKind::Deleted(_) | SecretEventKind::Purged => {
                        return Resource::deleted_secret(vault, name).name;
                    }
                    SecretEventKind::Recovered | SecretEventKind::Restored => None,
                    SecretEventKind::NewVersion(version) => Some(*version),
                };
                SecretId { vault: vault.clone(), name: name.clone(), version }.to_string()
            }
            EventPayload::Certificate(CertificateEvent { vault, name, kind, .. }) => {
                let version = match kind {
                    CertificateEventKind::Deleted(_) | CertificateEventKind::Purged => {
                        return Resource::deleted_certificate(vault, name).name;
                    }
                    CertificateEventKind::Recovered | CertificateEventKind::Restored => None,
                    CertificateEventKind::NewVersion(version)
                    | CertificateEventKind::NearExpiry(version, _)
                    | CertificateEventKind::Expired(version, _)
                    | CertificateEventKind::ContactsNotified(version, ..)
                    | CertificateEventKind::NotRenewed(version) => Some(*version),
                };
                CertificateId { vault: vault.clone(), name: name.clone(), version }.to_string()
            }
            EventPayload::Budget(name) => format!("subscriptions/{subscription}/budgets/{name}"),
            EventPayload::Clock(_) => "clock".to_owned(),
        }
    }

    /// Returns the scheduled purge date of a deletion.
    pub const fn scheduled_purge_at(&self) -> Option<Timestamp> {
        match &self.what {
            EventPayload::Hsm(HsmEvent { kind: HsmEventKind::Deleted(at), .. })
            | EventPayload::Vault(VaultEvent { kind: VaultEventKind::Deleted(at), .. })
            | EventPayload::Key(KeyEvent { kind: KeyEventKind::Deleted(at), .. })
            | EventPayload::Secret(SecretEvent { kind: SecretEventKind::Deleted(at), .. })
            | EventPayload::Certificate(CertificateEvent {
                kind: CertificateEventKind::Deleted(at), ..
            }) => Some(*at),
            _ => None,
        }
    }

    /// Returns the expiry date of a version that expires soon or has expired.
    pub const fn expires(&self) -> Option<KeyDate> {
        match &self.what {
            EventPayload::Key(KeyEvent { kind: KeyEventKind::NearExpiry(_, at), .. })
            | EventPayload::Certificate(CertificateEvent {
                kind:
                    CertificateEventKind::NearExpiry(_, at)
                    | CertificateEventKind::Expired(_, at)
                    | CertificateEventKind::ContactsNotified(_, at, _),
                ..
            }) => Some(*at),
            _ => None,
        }
    }

    /// Returns the number of contacts that the event is for.
    pub const fn contacts(&self) -> Option<usize> {
        match &self.what {
            EventPayload::Certificate(CertificateEvent {
                kind: CertificateEventKind::ContactsNotified(.., contacts),
                ..
            }) => Some(*contacts),
            _ => None,
        }
    }
}

/// The position in the log from which to read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EventPosition {
    /// The end of the log: only future events.
    Now,
    /// The oldest retained event.
    Beginning,
    /// After the event with this sequence number.
    Event(u64),
}

/// A batch of events read from the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventBatch {
    /// The selection of events.
    pub watched: EventFilter,
    /// The selected events, in order.
    pub events: Vec<Arc<LifecycleEvent>>,
    /// The sequence number of the last event read, selected or not.
    pub position: u64,
    /// Whether more events are available already.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container_id::ContainerId;
    use crate::name::VersionId;

    const HSM: Uuid = Uuid::from_u128(1);

    fn event(what: EventPayload) -> LifecycleEvent {
        LifecycleEvent {
            sequence: 7,
            at: Timestamp::UNIX_EPOCH,
            subscription: SubscriptionId(Uuid::from_u128(2)),
            what,
        }
    }

    fn hsm(kind: HsmEventKind) -> LifecycleEvent {
        event(EventPayload::Hsm(HsmEvent {
            id: HSM,
            name: "payroll".parse().unwrap(),
            resource_group: "dev".parse().unwrap(),
            location: "localhost".to_owned(),
            kind,
        }))
    }

    fn key(kind: KeyEventKind) -> LifecycleEvent {
        let (container, name) =
            (ContainerId::ManagedHsm("payroll".parse().unwrap()), "salaries".parse().unwrap());
        event(EventPayload::Key(KeyEvent { container_unique_id: HSM, container, name, kind }))
    }

    #[test]
    fn subjects_are_resource_names() {
        let version = VersionId::from_bytes([0xab; 16]);
        let at = Timestamp::UNIX_EPOCH;
        let in_group =
            |event: LifecycleEvent| event.subject().ends_with("/resourceGroups/dev/managedHsms/payroll");
        let deleted = |event: LifecycleEvent| {
            event.subject().ends_with("/locations/localhost/deletedManagedHsms/payroll")
        };
        assert!(in_group(hsm(HsmEventKind::Created)) && in_group(hsm(HsmEventKind::Recovered)));
        assert!(deleted(hsm(HsmEventKind::Deleted(at))) && deleted(hsm(HsmEventKind::Purged)));
        assert_eq!(
            key(KeyEventKind::Rotated(version)).subject(),
            "hsms/payroll/keys/salaries/versions/abababababababababababababababab"
        );
        assert_eq!(key(KeyEventKind::Recovered).subject(), "hsms/payroll/keys/salaries");
        assert_eq!(key(KeyEventKind::Purged).subject(), "hsms/payroll/deletedKeys/salaries");
        assert_eq!(key(KeyEventKind::Deleted(at)).scheduled_purge_at(), Some(at));
        assert_eq!(key(KeyEventKind::NearExpiry(version, at.into())).expires(), Some(at.into()));
    }

    #[test]
    fn watches_receive_events_of_their_plane_only() {
        let keys = EventFilter::Keys(HSM);
        let hsms = EventFilter::ManagedHsms(SubscriptionId(Uuid::from_u128(2)));
        let (deleted, made) = (hsm(HsmEventKind::Deleted(Timestamp::UNIX_EPOCH)), hsm(HsmEventKind::Created));
        let key = key(KeyEventKind::Purged);
        let (budget, budgets) = (
            event(EventPayload::Budget("monthly".parse().unwrap())),
            EventFilter::Budgets(SubscriptionId(Uuid::from_u128(2))),
        );
        assert!(budgets.selects(&budget) && !budgets.selects(&made) && !budgets.selects(&key));
        assert!(
            !keys.wakes(&budget) && !hsms.wakes(&budget) && budget.subject().ends_with("/budgets/monthly")
        );
        assert!(keys.selects(&key) && !keys.selects(&made) && !keys.selects(&deleted));
        assert!(!hsms.selects(&key) && hsms.selects(&made) && hsms.selects(&deleted));
        assert!(keys.wakes(&key) && !keys.wakes(&made) && keys.wakes(&deleted));
        assert!(!hsms.wakes(&key) && hsms.wakes(&made));
        assert!(
            !EventFilter::Keys(Uuid::nil()).wakes(&key) && !EventFilter::Keys(Uuid::nil()).wakes(&deleted)
        );
        assert!(!EventFilter::ManagedHsms(SubscriptionId(Uuid::nil())).wakes(&made));
    }

    #[test]
    fn watch_of_contents_ends_with_their_vault() {
        let subscription = SubscriptionId(Uuid::from_u128(2));
        let vault = |kind| {
            let (name, resource_group) = ("web".parse().unwrap(), "dev".parse().unwrap());
            event(EventPayload::Vault(VaultEvent {
                id: HSM,
                name,
                resource_group,
                location: "localhost".into(),
                kind,
            }))
        };
        let (created, purged) = (vault(VaultEventKind::Created), vault(VaultEventKind::Purged));
        assert!(purged.subject().ends_with("/locations/localhost/deletedVaults/web"));
        for contents in [EventFilter::Keys(HSM), EventFilter::Secrets(HSM), EventFilter::Certificates(HSM)] {
            assert!(!contents.selects(&purged) && contents.wakes(&purged) && !contents.wakes(&created));
        }
        assert!(!EventFilter::Secrets(Uuid::nil()).wakes(&purged));
        assert!(EventFilter::Vaults(subscription).selects(&created));
        assert!(!EventFilter::ManagedHsms(subscription).wakes(&created));
    }

    #[test]
    fn events_round_trip_through_json() {
        let version = VersionId::from_bytes([3; 16]);
        let at: Timestamp = "2027-01-01T00:00:00.123456Z".parse().unwrap();
        for event in [
            hsm(HsmEventKind::PurgeProtected),
            hsm(HsmEventKind::Deleted(at)),
            key(KeyEventKind::NearExpiry(version, at.into())),
        ] {
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<LifecycleEvent>(&text).unwrap(), event, "{text}");
        }
    }
}
