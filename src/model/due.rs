//! What the service does with a key by itself, and when; and what it has done once and for all.

use jiff::SignedDuration;

use super::Timestamp;
use super::key::{Key, KeyVersion};
use super::time::Work;

/// How long before its expiry a version is near it: Azure's `KeyNearExpiry` event comes 30 days before.
const NEAR: SignedDuration = SignedDuration::from_hours(24 * 30);

/// Something the service says of a key version once.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Notice {
    /// The version will expire soon.
    NearExpiry,
    /// The key could not be rotated when this version was due for it, and will not be.
    NotRotated,
}

/// The notices that were given of a version. Stored as their bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Notices(u8);

impl Notices {
    /// The notices of stored bits. Bits that mean nothing are left out.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & (Notice::NearExpiry.bit() | Notice::NotRotated.bit()))
    }

    /// As they are stored.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether this one was given.
    pub const fn contains(self, notice: Notice) -> bool {
        self.0 & notice.bit() != 0
    }

    /// These and this one.
    pub const fn with(self, notice: Notice) -> Self {
        Self(self.0 | notice.bit())
    }

    /// These without this one.
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

impl Key {
    /// What the service does with it by itself, and when, in no order.
    ///
    /// A deleted key waits for its purge alone. Of a live key only the current version matters.
    pub fn due(&self) -> Vec<(Timestamp, Work)> {
        if let Some(deletion) = self.deletion {
            return vec![(deletion.scheduled_purge_at, Work::PurgeKey(self.name.clone()))];
        }
        let rotation = self.rotates_at().map(|at| (at, Work::RotateKey(self.name.clone())));
        let near = self.current().and_then(|version| near_expiry(version));
        let near = near.map(|at| (at, Work::NoteNearExpiry(self.name.clone())));
        rotation.into_iter().chain(near).collect()
    }

    /// Whether this is due by `now`.
    pub fn is_due(&self, work: &Work, now: Timestamp) -> bool {
        self.due().iter().any(|(at, due)| due == work && *at <= now)
    }

    /// When its policy wants it rotated: never while the current version is disabled.
    // assumption: a disabled key is not rotated by time. Nobody uses it, versions are few, and its
    // successor would be disabled too. It is due again once it is enabled.
    fn rotates_at(&self) -> Option<Timestamp> {
        let current = self.current()?;
        if !current.attributes.enabled || current.notices.contains(Notice::NotRotated) {
            return None;
        }
        self.rotation.as_ref()?.rotates_at(current)
    }
}

/// When it is to be said that a version expires soon: 30 days before, or as soon as its expiry is set
/// if that is later. An expiry that was past when it was set is no news.
fn near_expiry(version: &KeyVersion) -> Option<Timestamp> {
    let attributes = &version.attributes;
    let expires = attributes.expires?;
    if version.notices.contains(Notice::NearExpiry) || expires <= attributes.updated {
        return None;
    }
    Some(expires.less(NEAR).max(attributes.updated))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::key::{Attributes, PublicMaterial};
    use crate::model::name::VersionId;
    use crate::model::retention::Deletion;
    use crate::model::rotation::{RotationPolicy, RotationRules, RotationTrigger};

    /// An enabled version that does not expire.
    pub(in crate::model) fn version(created: Timestamp) -> KeyVersion {
        KeyVersion {
            hsm: "local".parse().unwrap(),
            name: "a".parse().unwrap(),
            version: VersionId::from_bytes([1; 16]),
            material: PublicMaterial::Oct { key_size: 256 },
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
        let (hsm, name) = (version.hsm.clone(), version.name.clone());
        Key { hsm, name, versions: vec![Arc::new(version)], deletion: None, rotation }
    }

    fn after(period: &str) -> RotationTrigger {
        RotationTrigger::AfterCreation(period.parse().unwrap())
    }

    fn rotate(at: Timestamp) -> (Timestamp, Work) {
        (at, Work::RotateKey("a".parse().unwrap()))
    }

    fn note(at: Timestamp) -> (Timestamp, Work) {
        (at, Work::NoteNearExpiry("a".parse().unwrap()))
    }

    #[test]
    fn a_live_key_is_rotated_by_its_policy_and_its_current_version() {
        let made = at("2027-01-31T12:00:00Z");
        assert_eq!(key(version(made), None).due(), []);
        let by_creation = key(version(made), Some((None, after("P1M"))));
        let due = at("2027-02-28T12:00:00Z");
        assert_eq!(by_creation.due(), [rotate(due)]);
        assert!(by_creation.is_due(&rotate(due).1, due));
        assert!(!by_creation.is_due(&rotate(due).1, at("2027-02-28T11:59:59Z")));
        assert!(!by_creation.is_due(&note(due).1, due));

        let before = RotationTrigger::BeforeExpiry("P60D".parse().unwrap());
        let never = key(version(made), Some((Some("P1Y"), before.clone())));
        assert_eq!(never.due(), [], "a version that does not expire is not rotated before its expiry");
        let mut expiring = version(made);
        expiring.attributes.expires = Some(at("2028-01-31T12:00:00Z").into());
        let expiring = key(expiring, Some((Some("P1Y"), before)));
        let noon = |day: &str| at(&format!("{day}T12:00:00Z"));
        assert_eq!(expiring.due(), [rotate(noon("2027-12-02")), note(noon("2028-01-01"))]);

        // A policy that comes late is not due before it came.
        let mut late = by_creation.clone();
        let updated = noon("2030-01-01");
        late.rotation = late.rotation.map(|policy| Arc::new(RotationPolicy { updated, ..(*policy).clone() }));
        assert_eq!(late.due(), [rotate(updated)]);
    }

    #[test]
    fn deleted_and_disabled_keys_and_those_given_up_are_not_rotated() {
        let made = at("2027-01-01T00:00:00Z");
        let policy = || Some((None, after("P28D")));
        let mut disabled = version(made);
        disabled.attributes.enabled = false;
        assert_eq!(key(disabled, policy()).due(), []);
        let mut given_up = version(made);
        given_up.notices = given_up.notices.with(Notice::NotRotated);
        assert_eq!(key(given_up, policy()).due(), []);
        let mut deleted = key(version(made), policy());
        deleted.deletion =
            Some(Deletion { deleted_at: made, scheduled_purge_at: at("2027-01-08T00:00:00Z") });
        assert_eq!(deleted.due(), [(at("2027-01-08T00:00:00Z"), Work::PurgeKey("a".parse().unwrap()))]);
    }

    #[test]
    fn expiry_is_said_once_and_in_time() {
        let made = at("2027-01-01T00:00:00Z");
        let due = |expires: &str| {
            let mut version = version(made);
            version.attributes.expires = Some(at(expires).into());
            key(version, None).due()
        };
        assert_eq!(due("2028-01-31T00:00:00Z"), [note(at("2028-01-01T00:00:00Z"))]);
        assert_eq!(due("2027-01-31T00:00:00Z"), [note(made)]);
        assert_eq!(due("2027-01-02T00:00:00Z"), [note(made)]);
        assert_eq!(due("2027-01-01T00:00:00Z"), []);
        assert_eq!(due("2020-01-01T00:00:00Z"), []);
        assert_eq!(due("-009999-01-03T00:00:00Z"), []);
        let mut told = version(made);
        told.attributes.expires = Some(at("2028-01-31T00:00:00Z").into());
        told.notices = told.notices.with(Notice::NearExpiry);
        assert_eq!(key(told, None).due(), []);
    }

    #[test]
    fn notices_are_a_set() {
        let both = Notices::default().with(Notice::NearExpiry).with(Notice::NotRotated);
        assert_eq!(Notices::from_bits(both.bits()), both);
        assert!(!both.without(Notice::NearExpiry).contains(Notice::NearExpiry));
        assert!(both.without(Notice::NearExpiry).contains(Notice::NotRotated));
        assert_eq!(Notices::from_bits(0xfc), Notices::default());
    }
}
