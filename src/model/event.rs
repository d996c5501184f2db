//! What becomes of managed HSMs, keys and budgets, as a log that can be read on from any place in it.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Timestamp;
use super::key_date::KeyDate;
use super::name::{BudgetName, HsmName, KeyId, KeyName, VersionId};
use super::resource::{ResourceGroupName, SubscriptionId};
use super::time_guard::Turn;

/// How many events are kept unless the configuration says otherwise.
pub const KEPT: usize = 100_000;

/// Something that became of a managed HSM, of a key, or of a budget.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LifecycleEvent {
    /// Its number: counts from 1 without gaps, over all HSMs.
    pub sequence: u64,
    /// When the call arrived that did it, by the service's clock.
    pub at: Timestamp,
    /// The subscription that holds it, or its HSM.
    pub subscription: SubscriptionId,
    /// What.
    pub what: Happened,
}

/// What became of what.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Happened {
    /// A managed HSM as a resource. What was in it when it was purged has gone with it, without further events.
    Hsm(HsmHappened),
    /// A key.
    Key(KeyHappened),
    /// A budget of the subscription was reached.
    Budget(BudgetName),
    /// How the machine's clock stands, which all HSMs go by, changed.
    Clock(Turn),
}

/// What became of a managed HSM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HsmHappened {
    /// Identifies the HSM among all that ever had its name.
    pub id: Uuid,
    /// Its name.
    pub name: HsmName,
    /// The resource group that holds it.
    pub resource_group: ResourceGroupName,
    /// Where it is.
    pub location: String,
    /// What became of it.
    pub kind: HsmKind,
}

/// What can become of a managed HSM.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HsmKind {
    /// It was made.
    Created,
    /// It was put into service.
    Activated,
    /// Purge protection was turned on.
    PurgeProtected,
    /// It was soft-deleted; the service purges it at this instant.
    Deleted(Timestamp),
    /// It was recovered.
    Recovered,
    /// It was purged.
    Purged,
}

/// What became of a key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyHappened {
    /// Identifies its HSM among all that ever had its name.
    pub hsm_id: Uuid,
    /// The HSM.
    pub hsm: HsmName,
    /// The key.
    pub name: KeyName,
    /// What became of it.
    pub kind: KeyKind,
}

/// What can become of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// This version was generated because somebody asked for a key; the first one, or one more.
    Created(VersionId),
    /// This version was imported.
    Imported(VersionId),
    /// This version was generated in the place of the one before, on demand or by the key's policy.
    Rotated(VersionId),
    /// It was soft-deleted; the service purges it at this instant.
    Deleted(Timestamp),
    /// It was recovered.
    Recovered,
    /// It was purged.
    Purged,
    /// This version, the current one, expires soon: at this instant.
    NearExpiry(VersionId, KeyDate),
    /// Its policy asked for a new version, and it was given up to make one in the place of this one.
    NotRotated(VersionId),
}

impl LifecycleEvent {
    /// What happened, by its stable name.
    pub const fn kind(&self) -> &'static str {
        match &self.what {
            Happened::Hsm(hsm) => match hsm.kind {
                HsmKind::Created => "hsm.created",
                HsmKind::Activated => "hsm.activated",
                HsmKind::PurgeProtected => "hsm.purge-protected",
                HsmKind::Deleted(_) => "hsm.deleted",
                HsmKind::Recovered => "hsm.recovered",
                HsmKind::Purged => "hsm.purged",
            },
            Happened::Key(key) => match key.kind {
                KeyKind::Created(_) => "key.created",
                KeyKind::Imported(_) => "key.imported",
                KeyKind::Rotated(_) => "key.rotated",
                KeyKind::Deleted(_) => "key.deleted",
                KeyKind::Recovered => "key.recovered",
                KeyKind::Purged => "key.purged",
                KeyKind::NearExpiry(..) => "key.near-expiry",
                KeyKind::NotRotated(_) => "key.not-rotated",
            },
            Happened::Budget(_) => "budget.reached",
            Happened::Clock(turn) => match turn {
                Turn::Held => "clock.held",
                Turn::Behind => "clock.behind",
                Turn::CaughtUp => "clock.caught-up",
                Turn::Corrected => "clock.corrected",
                Turn::Proven => "clock.proven",
                Turn::Released => "clock.released",
            },
        }
    }

    /// The resource name of what it happened to, as it is found after it, or was last found.
    pub fn subject(&self) -> String {
        let subscription = self.subscription;
        match &self.what {
            Happened::Hsm(HsmHappened { name, resource_group, location, kind, .. }) => match kind {
                HsmKind::Deleted(_) | HsmKind::Purged => {
                    format!("subscriptions/{subscription}/locations/{location}/deletedManagedHsms/{name}")
                }
                HsmKind::Created | HsmKind::Activated | HsmKind::PurgeProtected | HsmKind::Recovered => {
                    format!("subscriptions/{subscription}/resourceGroups/{resource_group}/managedHsms/{name}")
                }
            },
            Happened::Key(KeyHappened { hsm, name, kind, .. }) => {
                let version = match kind {
                    KeyKind::Deleted(_) | KeyKind::Purged => return format!("hsms/{hsm}/deletedKeys/{name}"),
                    KeyKind::Recovered => None,
                    KeyKind::Created(version)
                    | KeyKind::Imported(version)
                    | KeyKind::Rotated(version)
                    | KeyKind::NearExpiry(version, _)
                    | KeyKind::NotRotated(version) => Some(*version),
                };
                KeyId { hsm: hsm.clone(), name: name.clone(), version }.to_string()
            }
            Happened::Budget(name) => format!("subscriptions/{subscription}/budgets/{name}"),
            Happened::Clock(_) => "clock".to_owned(),
        }
    }

    /// When the service purges what was deleted.
    pub const fn scheduled_purge_at(&self) -> Option<Timestamp> {
        match &self.what {
            Happened::Hsm(HsmHappened { kind: HsmKind::Deleted(at), .. })
            | Happened::Key(KeyHappened { kind: KeyKind::Deleted(at), .. }) => Some(*at),
            _ => None,
        }
    }

    /// When the version expires that does so soon.
    pub const fn expires(&self) -> Option<KeyDate> {
        match &self.what {
            Happened::Key(KeyHappened { kind: KeyKind::NearExpiry(_, at), .. }) => Some(*at),
            _ => None,
        }
    }
}

/// What is watched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Watched {
    /// The keys of the HSM with this id.
    Keys(Uuid),
    /// The managed HSMs of a subscription.
    ManagedHsms(SubscriptionId),
    /// The budgets of a subscription.
    Budgets(SubscriptionId),
}

impl Watched {
    /// Whether the event is shown to who watches this. Who manages HSMs learns nothing about keys, nor, by that, about
    /// what is spent.
    pub fn shows(&self, event: &LifecycleEvent) -> bool {
        match (self, &event.what) {
            (Self::Keys(id), Happened::Key(key)) => key.hsm_id == *id,
            (Self::ManagedHsms(subscription), Happened::Hsm(_) | Happened::Clock(_)) => {
                event.subscription == *subscription
            }
            (Self::Budgets(subscription), Happened::Budget(_)) => event.subscription == *subscription,
            (Self::Keys(_) | Self::ManagedHsms(_) | Self::Budgets(_), _) => false,
        }
    }

    /// Whether the watch must look: because the event is shown, or because there is nothing to watch any more.
    pub fn concerns(&self, event: &LifecycleEvent) -> bool {
        let ends = match (self, &event.what) {
            (Self::Keys(id), Happened::Hsm(hsm)) => {
                hsm.id == *id && matches!(hsm.kind, HsmKind::Deleted(_) | HsmKind::Purged)
            }
            _ => false,
        };
        ends || self.shows(event)
    }
}

/// Where in the log reading begins.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Since {
    /// At its end: nothing that has happened, everything that will.
    Now,
    /// With the oldest event that is kept.
    Beginning,
    /// After the event with this number.
    Event(u64),
}

/// A part of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// What is watched.
    pub watched: Watched,
    /// The events that are shown, in order.
    pub events: Vec<Arc<LifecycleEvent>>,
    /// The number of the last event that was looked at, shown or not.
    pub position: u64,
    /// Whether there is more to look at already.
    pub more: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    const HSM: Uuid = Uuid::from_u128(1);

    fn event(what: Happened) -> LifecycleEvent {
        LifecycleEvent {
            sequence: 7,
            at: Timestamp::UNIX_EPOCH,
            subscription: SubscriptionId(Uuid::from_u128(2)),
            what,
        }
    }

    fn hsm(kind: HsmKind) -> LifecycleEvent {
        event(Happened::Hsm(HsmHappened {
            id: HSM,
            name: "payroll".parse().unwrap(),
            resource_group: "dev".parse().unwrap(),
            location: "localhost".to_owned(),
            kind,
        }))
    }

    fn key(kind: KeyKind) -> LifecycleEvent {
        let (hsm, name) = ("payroll".parse().unwrap(), "salaries".parse().unwrap());
        event(Happened::Key(KeyHappened { hsm_id: HSM, hsm, name, kind }))
    }

    #[test]
    fn subjects_are_where_they_can_be_found() {
        let version = VersionId::from_bytes([0xab; 16]);
        let at = Timestamp::UNIX_EPOCH;
        let in_group =
            |event: LifecycleEvent| event.subject().ends_with("/resourceGroups/dev/managedHsms/payroll");
        let deleted = |event: LifecycleEvent| {
            event.subject().ends_with("/locations/localhost/deletedManagedHsms/payroll")
        };
        assert!(in_group(hsm(HsmKind::Created)) && in_group(hsm(HsmKind::Recovered)));
        assert!(deleted(hsm(HsmKind::Deleted(at))) && deleted(hsm(HsmKind::Purged)));
        assert_eq!(
            key(KeyKind::Rotated(version)).subject(),
            "hsms/payroll/keys/salaries/versions/abababababababababababababababab"
        );
        assert_eq!(key(KeyKind::Recovered).subject(), "hsms/payroll/keys/salaries");
        assert_eq!(key(KeyKind::Purged).subject(), "hsms/payroll/deletedKeys/salaries");
        assert_eq!(key(KeyKind::Deleted(at)).scheduled_purge_at(), Some(at));
        assert_eq!(key(KeyKind::NearExpiry(version, at.into())).expires(), Some(at.into()));
    }

    #[test]
    fn each_plane_is_shown_its_own() {
        let keys = Watched::Keys(HSM);
        let hsms = Watched::ManagedHsms(SubscriptionId(Uuid::from_u128(2)));
        let (deleted, made) = (hsm(HsmKind::Deleted(Timestamp::UNIX_EPOCH)), hsm(HsmKind::Created));
        let key = key(KeyKind::Purged);
        let (budget, budgets) = (
            event(Happened::Budget("monthly".parse().unwrap())),
            Watched::Budgets(SubscriptionId(Uuid::from_u128(2))),
        );
        assert!(budgets.shows(&budget) && !budgets.shows(&made) && !budgets.shows(&key));
        assert!(
            !keys.concerns(&budget)
                && !hsms.concerns(&budget)
                && budget.subject().ends_with("/budgets/monthly")
        );
        assert!(keys.shows(&key) && !keys.shows(&made) && !keys.shows(&deleted));
        assert!(!hsms.shows(&key) && hsms.shows(&made) && hsms.shows(&deleted));
        assert!(keys.concerns(&key) && !keys.concerns(&made) && keys.concerns(&deleted));
        assert!(!hsms.concerns(&key) && hsms.concerns(&made));
        assert!(!Watched::Keys(Uuid::nil()).concerns(&key) && !Watched::Keys(Uuid::nil()).concerns(&deleted));
        assert!(!Watched::ManagedHsms(SubscriptionId(Uuid::nil())).concerns(&made));
    }

    #[test]
    fn events_come_back_as_they_were_written() {
        let version = VersionId::from_bytes([3; 16]);
        let at: Timestamp = "2027-01-01T00:00:00.123456Z".parse().unwrap();
        for event in [
            hsm(HsmKind::PurgeProtected),
            hsm(HsmKind::Deleted(at)),
            key(KeyKind::NearExpiry(version, at.into())),
        ] {
            let text = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<LifecycleEvent>(&text).unwrap(), event, "{text}");
        }
    }
}
