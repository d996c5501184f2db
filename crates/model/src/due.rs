//! Scheduled work on HSMs and keys (purge, rotation, expiry notice) and the one-time notices of key versions.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use super::Timestamp;
use super::container::Container;
use super::deletion::Deletable;
use super::hsm::ManagedHsm;
use super::key::{Key, KeyVersion};
use super::secret::Secret;
use super::time::ScheduledWork;
use super::vault::Vault;

/// How long before expiry a version is near expiry: Azure emits its `KeyNearExpiry` event 30 days before.
const NEAR_EXPIRY: SignedDuration = SignedDuration::from_hours(24 * 30);

/// A notice that the service gives once per key version.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum Notice {
    /// The near-expiry event was emitted.
    NearExpiry,
    /// Rotation of this version by the rotation policy was abandoned.
    NotRotated,
}

/// The notices given for a version, stored as a bit mask.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Notices(u8);

impl Notices {
    /// Creates a set from stored bits; unknown bits are dropped.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & (Notice::NearExpiry.bit() | Notice::NotRotated.bit()))
    }

    /// Returns the bits to store.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether the notice was given.
    pub const fn contains(self, notice: Notice) -> bool {
        self.0 & notice.bit() != 0
    }

    /// Returns the set with `notice` added.
    pub const fn with(self, notice: Notice) -> Self {
        Self(self.0 | notice.bit())
    }

    /// Returns the set with `notice` removed.
    pub const fn without(self, notice: Notice) -> Self {
        Self(self.0 & !notice.bit())
    }
}

impl Notice {
    const fn bit(self) -> u8 {
        match self {
            Self::NearExpiry => 1,
            Self::NotRotated => 2,
        }
    }
}

impl ManagedHsm {
    /// Returns the scheduled purge of a deleted HSM. Work on its keys waits for its recovery.
    fn scheduled_purge(&self) -> Option<(Timestamp, ScheduledWork)> {
        let at = self.deletion?.scheduled_purge_at;
        Some((at, ScheduledWork::Purge(Deletable::ManagedHsm(self.name.clone()))))
    }
}

impl Vault {
    /// Returns the scheduled purge of a deleted vault.
    fn scheduled_purge(&self) -> Option<(Timestamp, ScheduledWork)> {
        let at = self.deletion?.scheduled_purge_at;
        Some((at, ScheduledWork::Purge(Deletable::Vault(self.name.clone()))))
    }
}

impl Container {
    /// Returns the scheduled purge of a deleted container. Work on its contents waits for its recovery.
    pub fn scheduled_purge(&self) -> Option<(Timestamp, ScheduledWork)> {
        match self {
            Self::ManagedHsm(hsm) => hsm.scheduled_purge(),
            Self::Vault(vault) => vault.scheduled_purge(),
        }
    }
}

impl Key {
    /// Returns the scheduled work on the key with its due times, in no particular order.
    ///
    /// A companion of a certificate has none: its certificate has it. For a deleted key this is the scheduled purge only; for a live key only the current version is considered.
    pub fn scheduled_work(&self) -> Vec<(Timestamp, ScheduledWork)> {
        if self.managed {
            return Vec::new();
        }
        if let Some(deletion) = self.deletion {
            let key = Deletable::Key(self.container.clone(), self.name.clone());
            return vec![(deletion.scheduled_purge_at, ScheduledWork::Purge(key))];
        }
        let rotation = self
            .rotates_at()
            .map(|at| (at, ScheduledWork::RotateKey(self.container.clone(), self.name.clone())));
        let notice = self.current().and_then(|version| near_expiry(version));
        let notice =
            notice.map(|at| (at, ScheduledWork::EmitNearExpiry(self.container.clone(), self.name.clone())));
        rotation.into_iter().chain(notice).collect()
    }

    /// Whether `work` is due at `now`.
    pub fn is_due(&self, work: &ScheduledWork, now: Timestamp) -> bool {
        self.scheduled_work().iter().any(|(at, due)| due == work && *at <= now)
    }

    /// Returns the rotation time by the rotation policy; `None` while the current version is disabled.
    // assumption: a disabled key is not rotated by policy. It is not in use, versions are limited, and the new
    // version would be disabled too. Rotation is due again once the key is enabled.
    fn rotates_at(&self) -> Option<Timestamp> {
        let current = self.current()?;
        if !current.attributes.enabled || current.notices.contains(Notice::NotRotated) {
            return None;
        }
        self.rotation.as_ref()?.rotates_at(current)
    }
}

impl Secret {
    /// Returns the scheduled work on the secret: the purge of a deleted one, unless it is the companion of a certificate, which has
    /// this work.
    pub fn scheduled_work(&self) -> Vec<(Timestamp, ScheduledWork)> {
        if self.managed {
            return Vec::new();
        }
        let purge = || ScheduledWork::Purge(Deletable::Secret(self.vault.clone(), self.name.clone()));
        self.deletion.map(|deletion| (deletion.scheduled_purge_at, purge())).into_iter().collect()
    }
}

/// Returns when to emit the near-expiry event of a version: 30 days before expiry, or when the expiry was set if that
/// is later. `None` if the expiry was already past when it was set.
fn near_expiry(version: &KeyVersion) -> Option<Timestamp> {
    let attributes = &version.attributes;
    let expires = attributes.expires?;
    if version.notices.contains(Notice::NearExpiry) || expires <= attributes.updated {
        return None;
    }
    Some(expires.minus(NEAR_EXPIRY).max(attributes.updated))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::key::{Attributes, PublicMaterial};
    use crate::name::VersionId;
    use crate::retention::Deletion;
    use crate::rotation::{RotationPolicy, RotationRules, RotationTrigger};

    /// Returns an enabled version that does not expire.
    pub(crate) fn version(created: Timestamp) -> KeyVersion {
        KeyVersion {
            container: "local".parse().unwrap(),
            name: "a".parse().unwrap(),
            version: VersionId::from_bytes([1; 16]),
            material: PublicMaterial::Oct { key_size: 256 },
            protection: Default::default(),
            operations: Default::default(),
            attributes: Attributes {
                enabled: true,
                not_before: None,
                expires: None,
                created,
                updated: created,
                exportable: false,
            },
            tags: Default::default(),
            notices: Notices::default(),
            mode_family: None,
        }
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn key(version: KeyVersion, rules: Option<(Option<&str>, RotationTrigger)>) -> Key {
        let updated = version.attributes.created;
        let rotation = rules.map(|(expiry, trigger)| {
            let expiry = expiry.map(|text| text.parse().unwrap());
            let rules = RotationRules::new(expiry, Some(trigger)).unwrap().unwrap();
            Arc::new(RotationPolicy { rules, created: updated, updated })
        });
        let (hsm, name) = (version.container.clone(), version.name.clone());
        Key {
            container: hsm,
            name,
            versions: vec![Arc::new(version)],
            deletion: None,
            rotation,
            managed: false,
        }
    }

    fn after(period: &str) -> RotationTrigger {
        RotationTrigger::AfterCreation(period.parse().unwrap())
    }

    fn rotate(at: Timestamp) -> (Timestamp, ScheduledWork) {
        (at, ScheduledWork::RotateKey("local".parse().unwrap(), "a".parse().unwrap()))
    }

    fn note(at: Timestamp) -> (Timestamp, ScheduledWork) {
        (at, ScheduledWork::EmitNearExpiry("local".parse().unwrap(), "a".parse().unwrap()))
    }

    #[test]
    fn rotation_is_due_by_policy_and_current_version() {
        let made = at("2027-01-31T12:00:00Z");
        assert_eq!(key(version(made), None).scheduled_work(), []);
        let by_creation = key(version(made), Some((None, after("P1M"))));
        let due = at("2027-02-28T12:00:00Z");
        assert_eq!(by_creation.scheduled_work(), [rotate(due)]);
        assert!(by_creation.is_due(&rotate(due).1, due));
        assert!(!by_creation.is_due(&rotate(due).1, at("2027-02-28T11:59:59Z")));
        assert!(!by_creation.is_due(&note(due).1, due));

        let before = RotationTrigger::BeforeExpiry("P60D".parse().unwrap());
        let never = key(version(made), Some((Some("P1Y"), before.clone())));
        assert_eq!(never.scheduled_work(), [], "a version without expiry is not rotated before expiry");
        let mut expiring = version(made);
        expiring.attributes.expires = Some(at("2028-01-31T12:00:00Z").into());
        let expiring = key(expiring, Some((Some("P1Y"), before)));
        let noon = |day: &str| at(&format!("{day}T12:00:00Z"));
        assert_eq!(expiring.scheduled_work(), [rotate(noon("2027-12-02")), note(noon("2028-01-01"))]);

        // A rotation is never due before its policy was set.
        let mut late = by_creation.clone();
        let updated = noon("2030-01-01");
        late.rotation = late.rotation.map(|policy| Arc::new(RotationPolicy { updated, ..(*policy).clone() }));
        assert_eq!(late.scheduled_work(), [rotate(updated)]);
    }

    #[test]
    fn deleted_disabled_or_abandoned_keys_are_not_rotated() {
        let made = at("2027-01-01T00:00:00Z");
        let policy = || Some((None, after("P28D")));
        let mut disabled = version(made);
        disabled.attributes.enabled = false;
        assert_eq!(key(disabled, policy()).scheduled_work(), []);
        let mut abandoned = version(made);
        abandoned.notices = abandoned.notices.with(Notice::NotRotated);
        assert_eq!(key(abandoned, policy()).scheduled_work(), []);
        let mut deleted = key(version(made), policy());
        deleted.deletion =
            Some(Deletion { deleted_at: made, scheduled_purge_at: at("2027-01-08T00:00:00Z") });
        assert_eq!(
            deleted.scheduled_work(),
            [(
                at("2027-01-08T00:00:00Z"),
                ScheduledWork::Purge(Deletable::Key("local".parse().unwrap(), "a".parse().unwrap()))
            )]
        );
    }

    #[test]
    fn near_expiry_notice_is_due_once() {
        let made = at("2027-01-01T00:00:00Z");
        let due = |expires: &str| {
            let mut version = version(made);
            version.attributes.expires = Some(at(expires).into());
            key(version, None).scheduled_work()
        };
        assert_eq!(due("2028-01-31T00:00:00Z"), [note(at("2028-01-01T00:00:00Z"))]);
        assert_eq!(due("2027-01-31T00:00:00Z"), [note(made)]);
        assert_eq!(due("2027-01-02T00:00:00Z"), [note(made)]);
        assert_eq!(due("2027-01-01T00:00:00Z"), []);
        assert_eq!(due("2020-01-01T00:00:00Z"), []);
        assert_eq!(due("-009999-01-03T00:00:00Z"), []);
        let mut notified = version(made);
        notified.attributes.expires = Some(at("2028-01-31T00:00:00Z").into());
        notified.notices = notified.notices.with(Notice::NearExpiry);
        assert_eq!(key(notified, None).scheduled_work(), []);
    }

    #[test]
    fn notices_are_a_bit_set() {
        let both = Notices::default().with(Notice::NearExpiry).with(Notice::NotRotated);
        assert_eq!(Notices::from_bits(both.bits()), both);
        assert!(!both.without(Notice::NearExpiry).contains(Notice::NearExpiry));
        assert!(both.without(Notice::NearExpiry).contains(Notice::NotRotated));
        assert_eq!(Notices::from_bits(0xfc), Notices::default());
    }
}
