//! The steps of a sequence, and the proptest strategies that generate sequences.

use proptest::prelude::*;

use crate::roles::support::{ADMINISTRATOR, CRYPTO_USER};

/// Names of HSMs: more than the limit allows at the same time.
pub(super) const HSMS: [&str; 4] = ["alpha", "beta", "gamma", "delta"];
/// Names of keys in each of them.
pub(super) const KEYS: [&str; 3] = ["a", "b", "c"];

/// A principal of the seed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Caller {
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

impl Caller {
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
pub(super) enum LocalRole {
    Administrator,
    CryptoUser,
    CryptoOfficer,
}

impl LocalRole {
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
pub(super) enum ArmRole {
    Owner,
    Contributor,
    HsmContributor,
    Reader,
}

/// The scope of a role assignment on the control plane.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum ControlScope {
    Subscription,
    Group,
}

/// A change of the clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ClockChange {
    /// Advances by hours.
    Hours(i64),
    /// Advances to this many microseconds after the next due work, or by an hour if there is none.
    ToNext(i64),
    /// Sets the clock back, which is rejected.
    Back,
}

/// An operation on an HSM as a resource.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum HsmAction {
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
pub(super) enum KeyAction {
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
    Hsm(Caller, usize, HsmAction),
    ListHsms(Caller, ControlScope),
    ListDeletedHsms(Caller),
    Activate(Caller, usize),
    Key(Caller, usize, usize, KeyAction),
    ListKeys(Caller, usize),
    ListDeletedKeys(Caller, usize),
    /// Assigns or removes a role in an HSM, as its administrator.
    Role {
        hsm: usize,
        to: Caller,
        role: LocalRole,
        give: bool,
    },
    /// Assigns the guest a role of the control plane or removes it, as owner.
    ControlRole {
        at: ControlScope,
        role: ArmRole,
        give: bool,
    },
    Turn(ClockChange),
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
fn who(usual: Caller) -> impl Strategy<Value = Caller> {
    prop_oneof![6 => Just(usual), 1 => Just(Caller::Guest), 1 => prop::sample::select(&Caller::ALL[..])]
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
        (retention(), protected).prop_map(|(days, protected)| HsmAction::Create { days, protected })
    };
    let action = prop_oneof![
        8 => creating(),
        2 => Just(HsmAction::Protect(true)),
        1 => Just(HsmAction::Protect(false)),
        1 => retention().prop_map(HsmAction::Retain),
        1 => Just(HsmAction::Get),
        7 => Just(HsmAction::Delete),
        1 => Just(HsmAction::GetDeleted),
        7 => Just(HsmAction::Recover),
        4 => Just(HsmAction::Purge),
    ];
    (who(Caller::Contributor), hsm(), action).prop_map(|(who, hsm, action)| Step::Hsm(who, hsm, action))
}

fn on_key() -> impl Strategy<Value = Step> {
    let each = |usual, weighted: Vec<(u32, KeyAction)>| {
        let actions = weighted.into_iter().map(|(weight, action)| (weight, Just(action))).collect();
        let action = prop::strategy::Union::new_weighted(actions);
        (who(usual), hsm(), 0..KEYS.len(), action)
            .prop_map(|(who, hsm, key, action)| Step::Key(who, hsm, key, action))
    };
    prop_oneof![
        3 => each(Caller::User, vec![(6, KeyAction::Create), (5, KeyAction::Delete), (1, KeyAction::Get)]),
        2 => each(Caller::Officer, vec![(3, KeyAction::Recover), (3, KeyAction::Purge), (1, KeyAction::GetDeleted)]),
    ]
}

fn clock_change() -> impl Strategy<Value = ClockChange> {
    prop_oneof![
        2 => (1_i64..=2400).prop_map(ClockChange::Hours),
        2 => (1_i64..=10).prop_map(|days| ClockChange::Hours(24 * days)),
        4 => prop::sample::select(&[-1_i64, 0, 1][..]).prop_map(ClockChange::ToNext),
        1 => Just(ClockChange::Back),
    ]
}

fn role() -> impl Strategy<Value = Step> {
    let local = prop::sample::select(
        &[LocalRole::CryptoUser, LocalRole::CryptoOfficer, LocalRole::Administrator][..],
    );
    let to = prop_oneof![
        Just((Caller::User, LocalRole::CryptoUser)),
        Just((Caller::Officer, LocalRole::CryptoOfficer)),
        local.prop_map(|role| (Caller::Guest, role)),
    ];
    (hsm(), to, any::<bool>()).prop_map(|(hsm, (to, role), give)| Step::Role { hsm, to, role, give })
}

fn control_role() -> impl Strategy<Value = Step> {
    let at = prop::sample::select(&[ControlScope::Subscription, ControlScope::Group][..]);
    let roles = [ArmRole::Owner, ArmRole::Contributor, ArmRole::HsmContributor, ArmRole::Reader];
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
        8 => (who(Caller::Administrator), hsm()).prop_map(|(who, hsm)| Step::Activate(who, hsm)),
        40 => on_key(),
        2 => (who(Caller::Reader), prop::sample::select(&[ControlScope::Subscription, ControlScope::Group][..]))
            .prop_map(|(who, of)| Step::ListHsms(who, of)),
        1 => who(Caller::Reader).prop_map(Step::ListDeletedHsms),
        1 => (who(Caller::User), hsm()).prop_map(|(who, hsm)| Step::ListKeys(who, hsm)),
        1 => (who(Caller::Officer), hsm()).prop_map(|(who, hsm)| Step::ListDeletedKeys(who, hsm)),
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
                let creating = HsmAction::Create { days, protected: false };
                [
                    Step::Hsm(Caller::Contributor, hsm, creating),
                    Step::Activate(Caller::Administrator, hsm),
                    Step::Key(Caller::User, hsm, 0, KeyAction::Create),
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
