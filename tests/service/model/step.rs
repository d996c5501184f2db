//! The steps of a sequence, and the proptest strategies that generate sequences.

use proptest::prelude::*;

use crate::roles::ask::{ADMINISTRATOR, CRYPTO_USER};

/// Names of HSMs: more than the limit allows at the same time.
pub(super) const HSMS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];
/// Names of keys in each of them.
pub(super) const KEYS: [&str; 3] = ["a", "b", "c"];

/// A principal of the seed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Who {
    /// Owner of the subscription.
    Owner,
    /// Managed HSM Contributor of the subscription.
    Contributor,
    /// Reader of the subscription.
    Reader,
    /// An initial administrator of every HSM.
    Administrator,
    /// Assigned Crypto User at activation; a sequence may remove it.
    User,
    /// Assigned Crypto Officer at activation; a sequence may remove it.
    Officer,
    /// Has the roles that the sequence assigns, on either plane.
    Guest,
}

impl Who {
    /// All values.
    pub(super) const ALL: [Self; 7] = [
        Self::Owner,
        Self::Contributor,
        Self::Reader,
        Self::Administrator,
        Self::User,
        Self::Officer,
        Self::Guest,
    ];

    /// The principal's name in the seed.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Contributor => "contributor",
            Self::Reader => "reader",
            Self::Administrator => "administrator",
            Self::User => "crypto-user",
            Self::Officer => "crypto-officer",
            Self::Guest => "nobody",
        }
    }
}

/// A role in an HSM.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Local {
    Administrator,
    CryptoUser,
    CryptoOfficer,
}

impl Local {
    /// All values.
    pub(super) const ALL: [Self; 3] = [Self::Administrator, Self::CryptoUser, Self::CryptoOfficer];

    /// The id of the role definition.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Administrator => ADMINISTRATOR,
            Self::CryptoUser => CRYPTO_USER,
            Self::CryptoOfficer => "515eb02d-2335-4d2d-92f2-b1cbdf9c3778",
        }
    }
}

/// A role of the control plane.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Azure {
    Owner,
    Contributor,
    HsmContributor,
    Reader,
}

/// The scope of a role assignment on the control plane.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Place {
    Subscription,
    Group,
}

/// A change of the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Turn {
    /// Advances by hours.
    Hours(i64),
    /// Advances to this many microseconds after the next due work, or by an hour if there is none.
    ToNext(i64),
    /// Sets the clock back, which is rejected.
    Back,
}

/// An operation on an HSM as a resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OnHsm {
    Create { days: u32, protected: bool },
    Protect(bool),
    Retain(u32),
    Get,
    Delete,
    GetDeleted,
    Recover,
    Purge,
}

/// An operation on a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum OnKey {
    /// Creates the key or a new version.
    Create,
    Get,
    Delete,
    GetDeleted,
    Recover,
    Purge,
}

/// A call, a clock change or a restart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Step {
    Hsm(Who, usize, OnHsm),
    ListHsms(Who, Place),
    ListDeletedHsms(Who),
    Activate(Who, usize),
    Key(Who, usize, usize, OnKey),
    ListKeys(Who, usize),
    ListDeletedKeys(Who, usize),
    /// Assigns or removes a role in an HSM, as its administrator.
    Role {
        hsm: usize,
        to: Who,
        role: Local,
        give: bool,
    },
    /// Assigns the guest a role of the control plane or removes it, as owner.
    ControlRole {
        at: Place,
        role: Azure,
        give: bool,
    },
    Turn(Turn),
    /// SIGKILL and a restart.
    Crash,
    /// SIGTERM and a restart.
    Restart,
}

impl Step {
    /// The HSM of the step, if it concerns a single one.
    pub(super) const fn at(&self) -> Option<usize> {
        match self {
            Self::Hsm(_, hsm, _)
            | Self::Activate(_, hsm)
            | Self::Key(_, hsm, ..)
            | Self::ListKeys(_, hsm)
            | Self::ListDeletedKeys(_, hsm)
            | Self::Role { hsm, .. } => Some(*hsm),
            _ => None,
        }
    }
}

/// Generates a caller: usually the authorized one, sometimes any.
fn who(usual: Who) -> impl Strategy<Value = Who> {
    prop_oneof![6 => Just(usual), 1 => Just(Who::Guest), 1 => prop::sample::select(&Who::ALL[..])]
}

fn hsm() -> impl Strategy<Value = usize> {
    prop_oneof![5 => Just(0_usize), 3 => Just(1), 1 => Just(2), 1 => Just(3)]
}

fn retention() -> impl Strategy<Value = u32> {
    prop_oneof![4 => Just(7), 2 => Just(90), 1 => Just(6), 1 => Just(91), 2 => 8_u32..90]
}

fn on_hsm() -> impl Strategy<Value = Step> {
    let creating = || {
        let protected = prop::bool::weighted(0.25);
        (retention(), protected).prop_map(|(days, protected)| OnHsm::Create { days, protected })
    };
    let action = prop_oneof![
        8 => creating(),
        2 => Just(OnHsm::Protect(true)),
        1 => Just(OnHsm::Protect(false)),
        1 => retention().prop_map(OnHsm::Retain),
        1 => Just(OnHsm::Get),
        7 => Just(OnHsm::Delete),
        1 => Just(OnHsm::GetDeleted),
        7 => Just(OnHsm::Recover),
        4 => Just(OnHsm::Purge),
    ];
    (who(Who::Contributor), hsm(), action).prop_map(|(who, hsm, action)| Step::Hsm(who, hsm, action))
}

fn on_key() -> impl Strategy<Value = Step> {
    let each = |usual, weighted: Vec<(u32, OnKey)>| {
        let actions = weighted.into_iter().map(|(weight, action)| (weight, Just(action))).collect();
        let action = prop::strategy::Union::new_weighted(actions);
        (who(usual), hsm(), 0..KEYS.len(), action)
            .prop_map(|(who, hsm, key, action)| Step::Key(who, hsm, key, action))
    };
    prop_oneof![
        3 => each(Who::User, vec![(6, OnKey::Create), (5, OnKey::Delete), (1, OnKey::Get)]),
        2 => each(Who::Officer, vec![(3, OnKey::Recover), (3, OnKey::Purge), (1, OnKey::GetDeleted)]),
    ]
}

fn clock_change() -> impl Strategy<Value = Turn> {
    prop_oneof![
        2 => (1_i64..=2400).prop_map(Turn::Hours),
        2 => (1_i64..=10).prop_map(|days| Turn::Hours(24 * days)),
        4 => prop::sample::select(&[-1_i64, 0, 1][..]).prop_map(Turn::ToNext),
        1 => Just(Turn::Back),
    ]
}

fn role() -> impl Strategy<Value = Step> {
    let local = prop::sample::select(&[Local::CryptoUser, Local::CryptoOfficer, Local::Administrator][..]);
    let to = prop_oneof![
        Just((Who::User, Local::CryptoUser)),
        Just((Who::Officer, Local::CryptoOfficer)),
        local.prop_map(|role| (Who::Guest, role)),
    ];
    (hsm(), to, any::<bool>()).prop_map(|(hsm, (to, role), give)| Step::Role { hsm, to, role, give })
}

fn control_role() -> impl Strategy<Value = Step> {
    let at = prop::sample::select(&[Place::Subscription, Place::Group][..]);
    let roles = [Azure::Owner, Azure::Contributor, Azure::HsmContributor, Azure::Reader];
    let give = prop::bool::weighted(0.7);
    (at, prop::sample::select(roles.to_vec()), give).prop_map(|(at, role, give)| Step::ControlRole {
        at,
        role,
        give,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => on_hsm(),
        8 => (who(Who::Administrator), hsm()).prop_map(|(who, hsm)| Step::Activate(who, hsm)),
        40 => on_key(),
        2 => (who(Who::Reader), prop::sample::select(&[Place::Subscription, Place::Group][..]))
            .prop_map(|(who, of)| Step::ListHsms(who, of)),
        1 => who(Who::Reader).prop_map(Step::ListDeletedHsms),
        1 => (who(Who::User), hsm()).prop_map(|(who, hsm)| Step::ListKeys(who, hsm)),
        1 => (who(Who::Officer), hsm()).prop_map(|(who, hsm)| Step::ListDeletedKeys(who, hsm)),
        5 => role(),
        3 => control_role(),
        12 => clock_change().prop_map(Step::Turn),
        1 => prop_oneof![2 => Just(Step::Crash), 1 => Just(Step::Restart)],
    ]
}

/// Generates initial steps that create and activate HSMs with a key, so that later steps have targets.
fn beginning() -> impl Strategy<Value = Vec<Step>> {
    prop::collection::vec((0..HSMS.len(), prop_oneof![Just(7), Just(90), 7_u32..=90]), 0..=2).prop_map(
        |hsms| {
            let each = hsms.into_iter().flat_map(|(hsm, days)| {
                let creating = OnHsm::Create { days, protected: false };
                [
                    Step::Hsm(Who::Contributor, hsm, creating),
                    Step::Activate(Who::Administrator, hsm),
                    Step::Key(Who::User, hsm, 0, OnKey::Create),
                ]
            });
            each.collect()
        },
    )
}

/// Generates sequences of 10 to 40 steps.
pub(super) fn sequences() -> impl Strategy<Value = Vec<Step>> {
    (beginning(), prop::collection::vec(step(), 10..=34))
        .prop_map(|(beginning, steps)| [beginning, steps].concat())
}
