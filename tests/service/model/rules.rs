//! The model of deletion and retention after docs/retention.md: plain data and pure functions that share no code with
//! the service.

use std::collections::{BTreeMap, BTreeSet};

use super::step::{
    ArmRole, Caller, ClockChange, ControlScope, HSMS, HsmAction, KEYS, KeyAction, LocalRole, Step,
};

/// Microseconds since 1970.
pub(super) type Instant = i64;

const HOUR: i64 = 3_600_000_000;

/// The maximum number of managed HSMs of one subscription in one location.
const MOST_HSMS: usize = 5;

/// The deletion date and the scheduled purge date of a deleted key or HSM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Dates {
    pub(super) deleted: Instant,
    pub(super) purged: Instant,
}

/// A key: live or deleted, with the names of its versions.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Key {
    pub(super) versions: Vec<String>,
    pub(super) deletion: Option<Dates>,
}

/// An existing HSM, live or deleted.
#[derive(Clone, Debug)]
struct Hsm {
    created: Instant,
    days: u32,
    protected: bool,
    active: bool,
    deletion: Option<Dates>,
    roles: BTreeSet<(Caller, LocalRole)>,
    keys: BTreeMap<usize, Key>,
}

/// The observable properties of an HSM as a resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Resource {
    pub(super) name: String,
    pub(super) created: Instant,
    pub(super) days: u32,
    pub(super) protected: bool,
    pub(super) active: bool,
    pub(super) level: String,
    pub(super) deletion: Option<Dates>,
}

/// A key as listed, without a version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ListedKey {
    pub(super) name: String,
    pub(super) level: String,
    pub(super) deletion: Option<Dates>,
}

/// The reply to a successful step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Reply {
    Done,
    Resource(Resource),
    Resources(Vec<Resource>),
    /// A key version was created; the service chooses its name.
    Made {
        level: String,
    },
    /// A key, and its current version.
    Key(ListedKey, String),
    Keys(Vec<ListedKey>),
    /// The new instant of the clock, and the events in order.
    Turned(Instant, Vec<(Instant, String)>),
}

/// The error of a step: its reason, and the metadata of some reasons.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal(pub(super) String, pub(super) String);

/// The content of an HSM as observed over the data plane by a caller with all read rights.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum HsmContent {
    /// All calls fail with this error.
    Refuses(String, String),
    /// The HSM is activated.
    Answers {
        /// The role assignments.
        roles: Vec<(Caller, LocalRole)>,
        live: Vec<ListedKey>,
        deleted: Vec<ListedKey>,
        /// The versions of each live key.
        versions: Vec<Vec<String>>,
    },
}

/// The observable state.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct View {
    pub(super) live: Vec<Resource>,
    pub(super) deleted: Vec<Resource>,
    pub(super) inside: Vec<(String, HsmContent)>,
}

/// The state of the model.
#[derive(Clone, Debug)]
pub(super) struct Model {
    now: Instant,
    /// Whether the subscription is protected.
    undeletable: bool,
    /// The number of HSMs that no sequence touches, which count towards the limit.
    others: usize,
    hsms: BTreeMap<usize, Hsm>,
    guest: BTreeSet<(ControlScope, ArmRole)>,
}

type Outcome = Result<Reply, Refusal>;

fn refusal(why: &str, fact: impl ToString) -> Refusal {
    Refusal(why.to_owned(), fact.to_string())
}

fn refused<T>(why: &str) -> Result<T, Refusal> {
    Err(refusal(why, ""))
}

impl Model {
    /// Creates a model without HSMs except for `others`.
    pub(super) fn new(now: Instant, undeletable: bool, others: usize) -> Self {
        Self { now, undeletable, others, hsms: BTreeMap::new(), guest: BTreeSet::new() }
    }

    /// Applies a step and returns the expected reply.
    pub(super) fn take(&mut self, step: &Step) -> Outcome {
        match *step {
            Step::Hsm(who, hsm, action) => self.on_hsm(who, hsm, action),
            Step::ListHsms(who, at) => {
                self.authorize_control_plane(who, ArmRole::may_read, at)?;
                Ok(Reply::Resources(self.resources(false)))
            }
            Step::ListDeletedHsms(who) => {
                self.authorize_control_plane(who, ArmRole::may_read, ControlScope::Subscription)?;
                Ok(Reply::Resources(self.resources(true)))
            }
            Step::Activate(who, hsm) => {
                let hsm = self.authorize_data_plane(who, &[LocalRole::Administrator], hsm, false)?;
                if !hsm.active {
                    hsm.active = true;
                    // The driver assigns these with the activation.
                    hsm.roles.extend([
                        (Caller::User, LocalRole::CryptoUser),
                        (Caller::Officer, LocalRole::CryptoOfficer),
                    ]);
                }
                Ok(Reply::Done)
            }
            Step::Key(who, hsm, key, action) => self.on_key(who, hsm, key, action),
            Step::ListKeys(who, hsm) => {
                self.authorize_data_plane(who, &[LocalRole::CryptoUser], hsm, true)?;
                Ok(Reply::Keys(self.keys(hsm, false)))
            }
            Step::ListDeletedKeys(who, hsm) => {
                self.authorize_data_plane(who, &[LocalRole::CryptoOfficer], hsm, true)?;
                Ok(Reply::Keys(self.keys(hsm, true)))
            }
            Step::Role { hsm, to, role, give } => {
                let roles = &mut self
                    .authorize_data_plane(Caller::Administrator, &[LocalRole::Administrator], hsm, true)?
                    .roles;
                match (give, if give { roles.insert((to, role)) } else { roles.remove(&(to, role)) }) {
                    (_, true) => Ok(Reply::Done),
                    (true, false) => refused("ROLE_ASSIGNMENT_EXISTS"),
                    (false, false) => refused("ROLE_ASSIGNMENT_NOT_FOUND"),
                }
            }
            Step::ControlRole { at, role, give } => {
                let done = if give { self.guest.insert((at, role)) } else { self.guest.remove(&(at, role)) };
                match (give, done) {
                    (_, true) => Ok(Reply::Done),
                    (true, false) => refused("ROLE_ASSIGNMENT_EXISTS"),
                    (false, false) => refused("ROLE_ASSIGNMENT_NOT_FOUND"),
                }
            }
            Step::Turn(turn) => match self.destination(turn) {
                to if to < self.now => Err(refusal("BAD_PARAMETER", "to")),
                to => Ok(self.change_clock(to)),
            },
            // A restart changes nothing: the clock is frozen, and all due work is done.
            Step::Crash | Step::Restart => Ok(Reply::Done),
        }
    }

    /// Records the name of a key version that the service created.
    pub(super) fn add_version(&mut self, hsm: usize, key: usize, version: String) {
        if let Some(hsm) = self.hsms.get_mut(&hsm) {
            hsm.keys.entry(key).or_default().versions.push(version);
        }
    }

    /// Returns the target instant of a clock change.
    pub(super) fn destination(&self, turn: ClockChange) -> Instant {
        match turn {
            ClockChange::Hours(hours) => self.now + hours * HOUR,
            ClockChange::ToNext(micros) => self.next().map_or(self.now + HOUR, |due| due + micros),
            ClockChange::Back => self.now - HOUR,
        }
    }

    /// Authorizes a caller on the control plane: errors unless a role at this scope or above allows the action.
    fn authorize_control_plane(
        &self,
        who: Caller,
        may: fn(ArmRole) -> bool,
        at: ControlScope,
    ) -> Result<(), Refusal> {
        let holds = match who {
            Caller::Owner => may(ArmRole::Owner),
            Caller::Contributor => may(ArmRole::HsmContributor),
            Caller::Reader => may(ArmRole::Reader),
            Caller::Administrator | Caller::User | Caller::Officer => false,
            Caller::Guest => {
                let covers = |given: ControlScope| given == ControlScope::Subscription || given == at;
                self.guest.iter().any(|(given, role)| covers(*given) && may(*role))
            }
        };
        if holds { Ok(()) } else { refused("ACTION_NOT_GRANTED") }
    }

    fn on_hsm(&mut self, who: Caller, name: usize, action: HsmAction) -> Outcome {
        // Requests are validated before authorization.
        if let HsmAction::Create { days, .. } | HsmAction::Retain(days) = action
            && !(7..=90).contains(&days)
        {
            return Err(refusal("BAD_PARAMETER", "retention_days"));
        }
        let known = self.hsms.get(&name);
        let at = match action {
            // Deleted HSMs belong to no resource group, but recovery restores an HSM in its former group.
            HsmAction::GetDeleted | HsmAction::Purge => ControlScope::Subscription,
            HsmAction::Recover if known.is_none_or(|hsm| hsm.deletion.is_none()) => {
                ControlScope::Subscription
            }
            _ => ControlScope::Group,
        };
        let may = if matches!(action, HsmAction::Get | HsmAction::GetDeleted) {
            ArmRole::may_read
        } else {
            ArmRole::may_manage
        };
        self.authorize_control_plane(who, may, at)?;
        if let HsmAction::Create { days, protected } = action {
            if let Some(known) = known {
                return Err(refusal("HSM_EXISTS", known.deletion.is_some()));
            }
            if self.hsms.len() + self.others >= MOST_HSMS {
                return refused("LIMIT_EXCEEDED");
            }
            let hsm = Hsm {
                created: self.now,
                days,
                protected,
                active: false,
                deletion: None,
                roles: BTreeSet::from([(Caller::Administrator, LocalRole::Administrator)]),
                keys: BTreeMap::new(),
            };
            self.hsms.insert(name, hsm);
            return Ok(Reply::Resource(self.resource(name)));
        }
        let (now, undeletable) = (self.now, self.undeletable);
        let wants_deleted = matches!(action, HsmAction::GetDeleted | HsmAction::Recover | HsmAction::Purge);
        let Some(hsm) = self.hsms.get_mut(&name).filter(|hsm| hsm.deletion.is_some() == wants_deleted) else {
            return refused(if wants_deleted { "DELETED_HSM_NOT_FOUND" } else { "HSM_NOT_FOUND" });
        };
        match action {
            HsmAction::Create { .. } | HsmAction::Get | HsmAction::GetDeleted => {}
            HsmAction::Protect(false) if hsm.protected => {
                return Err(refusal("BAD_PARAMETER", "purge_protection"));
            }
            HsmAction::Protect(on) => hsm.protected = on,
            HsmAction::Retain(days) if days != hsm.days => {
                return Err(refusal("BAD_PARAMETER", "retention_days"));
            }
            HsmAction::Retain(_) => {}
            HsmAction::Delete => hsm.deletion = Some(hsm.dates(now)),
            HsmAction::Recover => {
                hsm.deletion = None;
                // Purges that came due meanwhile run immediately.
                hsm.keys.retain(|_, key| key.deletion.is_none_or(|dates| dates.purged > now));
            }
            HsmAction::Purge => {
                hsm.check_purge(undeletable, hsm.deletion)?;
                self.hsms.remove(&name);
                return Ok(Reply::Done);
            }
        }
        Ok(Reply::Resource(self.resource(name)))
    }

    /// Authorizes a caller on the data plane: errors unless the HSM exists, the caller has a role, and the HSM is live.
    fn authorize_data_plane(
        &mut self,
        who: Caller,
        roles: &[LocalRole],
        name: usize,
        in_service: bool,
    ) -> Result<&mut Hsm, Refusal> {
        let Some(hsm) = self.hsms.get_mut(&name) else { return refused("HSM_NOT_FOUND") };
        if !roles.iter().any(|role| hsm.roles.contains(&(who, *role))) {
            return refused("ACTION_NOT_GRANTED");
        }
        match hsm.deletion {
            Some(dates) => Err(refusal("HSM_DELETED", dates.purged)),
            None if in_service && !hsm.active => refused("HSM_NOT_ACTIVATED"),
            None => Ok(hsm),
        }
    }

    fn on_key(&mut self, who: Caller, name: usize, number: usize, action: KeyAction) -> Outcome {
        let (now, undeletable) = (self.now, self.undeletable);
        let role = match action {
            KeyAction::Create | KeyAction::Get | KeyAction::Delete => LocalRole::CryptoUser,
            KeyAction::GetDeleted | KeyAction::Recover | KeyAction::Purge => LocalRole::CryptoOfficer,
        };
        let hsm = self.authorize_data_plane(who, &[role], name, true)?;
        let level = hsm.level(undeletable);
        let known = hsm.keys.get(&number).map(|key| key.deletion);
        let dates = hsm.dates(now);
        match (action, known) {
            (KeyAction::Create, Some(Some(_))) => return refused("KEY_DELETED_BUT_RECOVERABLE"),
            (KeyAction::Create, _) => return Ok(Reply::Made { level }),
            (KeyAction::Get | KeyAction::Delete, None | Some(Some(_))) => return refused("KEY_NOT_FOUND"),
            (KeyAction::GetDeleted | KeyAction::Recover | KeyAction::Purge, None | Some(None)) => {
                return refused("DELETED_KEY_NOT_FOUND");
            }
            (KeyAction::Purge, Some(deletion)) => {
                hsm.check_purge(undeletable, deletion)?;
                hsm.keys.remove(&number);
                return Ok(Reply::Done);
            }
            _ => {}
        }
        let Some(key) = hsm.keys.get_mut(&number) else { return refused("KEY_NOT_FOUND") };
        match action {
            KeyAction::Delete => key.deletion = Some(dates),
            KeyAction::Recover => key.deletion = None,
            _ => {}
        }
        Ok(Reply::Key(key.listed(number, level), key.versions.last().cloned().unwrap_or_default()))
    }

    /// Returns the next scheduled purge date. The keys of a deleted HSM are not purged while it is deleted.
    fn next(&self) -> Option<Instant> {
        let each = self.hsms.values().flat_map(|hsm| match hsm.deletion {
            Some(dates) => vec![dates.purged],
            None => hsm.keys.values().filter_map(|key| key.deletion).map(|dates| dates.purged).collect(),
        });
        each.min()
    }

    fn change_clock(&mut self, to: Instant) -> Reply {
        let mut events = Vec::new();
        while let Some(due) = self.next().filter(|due| *due <= to) {
            let mut at_once = Vec::new();
            self.hsms.retain(|name, hsm| {
                let name = HSMS[*name];
                if let Some(dates) = hsm.deletion {
                    if dates.purged == due {
                        at_once.push((due, format!("HSM {name}")));
                    }
                    return dates.purged != due;
                }
                hsm.keys.retain(|key, state| {
                    let is_due = state.deletion.is_some_and(|dates| dates.purged == due);
                    if is_due {
                        at_once.push((due, format!("key {name}/{}", KEYS[*key])));
                    }
                    !is_due
                });
                true
            });
            // The order of events at the same instant is not specified.
            at_once.sort();
            events.extend(at_once);
        }
        self.now = to;
        Reply::Turned(to, events)
    }

    fn resource(&self, name: usize) -> Resource {
        let hsm = &self.hsms[&name];
        Resource {
            name: HSMS[name].to_owned(),
            created: hsm.created,
            days: hsm.days,
            protected: hsm.protected,
            active: hsm.active,
            level: hsm.level(self.undeletable),
            deletion: hsm.deletion,
        }
    }

    fn resources(&self, deleted: bool) -> Vec<Resource> {
        let selected = self.hsms.iter().filter(|(_, hsm)| hsm.deletion.is_some() == deleted);
        let mut resources: Vec<_> = selected.map(|(name, _)| self.resource(*name)).collect();
        resources.sort_by(|one, other| one.name.cmp(&other.name));
        resources
    }

    fn keys(&self, name: usize, deleted: bool) -> Vec<ListedKey> {
        let hsm = &self.hsms[&name];
        let selected = hsm.keys.iter().filter(|(_, key)| key.deletion.is_some() == deleted);
        selected.map(|(number, key)| key.listed(*number, hsm.level(self.undeletable))).collect()
    }

    /// Returns the observable state, with the content of one HSM or of all.
    pub(super) fn view(&self, at: Option<usize>) -> View {
        let selected = self.hsms.iter().filter(|(name, _)| at.is_none_or(|at| **name == at));
        let inside = selected.map(|(name, hsm)| {
            let inside = match hsm.deletion {
                Some(dates) => HsmContent::Refuses("HSM_DELETED".to_owned(), dates.purged.to_string()),
                None if !hsm.active => HsmContent::Refuses("HSM_NOT_ACTIVATED".to_owned(), String::new()),
                None => {
                    let live = hsm.keys.values().filter(|key| key.deletion.is_none());
                    let versions = live.map(|key| key.versions.clone()).collect();
                    HsmContent::Answers {
                        roles: hsm.roles.iter().copied().collect(),
                        live: self.keys(*name, false),
                        deleted: self.keys(*name, true),
                        versions,
                    }
                }
            };
            (HSMS[*name].to_owned(), inside)
        });
        let mut inside: Vec<_> = inside.collect();
        inside.sort_by(|one, other| one.0.cmp(&other.0));
        View { live: self.resources(false), deleted: self.resources(true), inside }
    }
}

impl Hsm {
    /// Returns the dates of a deletion at this instant. They never change.
    fn dates(&self, now: Instant) -> Dates {
        Dates { deleted: now, purged: now + i64::from(self.days) * 24 * HOUR }
    }

    fn level(&self, undeletable: bool) -> String {
        let customized = if self.days < 90 { "Customized" } else { "" };
        let purging = match (undeletable, self.protected) {
            (true, _) => "+ProtectedSubscription",
            (false, true) => "",
            (false, false) => "+Purgeable",
        };
        format!("{customized}Recoverable{purging}")
    }

    /// Errors if a deleted key or HSM is protected against purge by callers.
    fn check_purge(&self, undeletable: bool, deletion: Option<Dates>) -> Result<(), Refusal> {
        match deletion {
            Some(dates) if self.protected || undeletable => Err(refusal("PURGE_PROTECTED", dates.purged)),
            _ => Ok(()),
        }
    }
}

impl Key {
    fn listed(&self, number: usize, level: String) -> ListedKey {
        ListedKey { name: KEYS[number].to_owned(), level, deletion: self.deletion }
    }
}

impl ArmRole {
    /// Returns whether the role allows to create, update, delete, recover and purge HSMs.
    fn may_manage(self) -> bool {
        !matches!(self, Self::Reader)
    }

    /// Returns whether the role allows to read live and deleted HSMs. All roles do.
    fn may_read(self) -> bool {
        true
    }
}
