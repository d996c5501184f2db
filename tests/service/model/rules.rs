//! The rules of deletion and retention, as docs/retention.md has them: plain data and pure functions that share nothing
//! with the service.

use std::collections::{BTreeMap, BTreeSet};

use super::step::{Azure, HSMS, KEYS, Local, OnHsm, OnKey, Place, Step, Turn, Who};

/// Microseconds since 1970.
pub(super) type Instant = i64;

const HOUR: i64 = 3_600_000_000;

/// Managed HSMs of one subscription in one location.
const MOST_HSMS: usize = 5;

/// The dates of what is deleted.
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

/// An HSM that is there. One that is not has none of this.
#[derive(Clone, Debug)]
struct Hsm {
    created: Instant,
    days: u32,
    protected: bool,
    active: bool,
    deletion: Option<Dates>,
    roles: BTreeSet<(Who, Local)>,
    keys: BTreeMap<usize, Key>,
}

/// What everybody sees of an HSM as a resource.
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

/// A key as it is listed: without a version.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Listed {
    pub(super) name: String,
    pub(super) level: String,
    pub(super) deletion: Option<Dates>,
}

/// What the service says to a step that it does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Said {
    Done,
    Resource(Resource),
    Resources(Vec<Resource>),
    /// A version was made; its name is the service's choice.
    Made {
        level: String,
    },
    /// A key, and its current version.
    Key(Listed, String),
    Keys(Vec<Listed>),
    /// The clock shows this, and so much happened, in order.
    Turned(Instant, Vec<(Instant, String)>),
}

/// Why a step is refused: a reason, and the fact that goes with some of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Refusal(pub(super) String, pub(super) String);

/// What the data plane of an HSM shows to who may see everything.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Inside {
    /// It answers so and nothing else.
    Refuses(String, String),
    /// It is in service.
    Answers {
        /// Who has which role.
        roles: Vec<(Who, Local)>,
        live: Vec<Listed>,
        deleted: Vec<Listed>,
        /// The versions of each live key.
        versions: Vec<Vec<String>>,
    },
}

/// Everything that can be seen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct View {
    pub(super) live: Vec<Resource>,
    pub(super) deleted: Vec<Resource>,
    pub(super) inside: Vec<(String, Inside)>,
}

/// The state of everything.
#[derive(Clone, Debug)]
pub(super) struct Model {
    now: Instant,
    /// Whether the subscription cannot be cancelled.
    undeletable: bool,
    /// HSMs that no sequence touches, and that take up room.
    others: usize,
    hsms: BTreeMap<usize, Hsm>,
    guest: BTreeSet<(Place, Azure)>,
}

type Outcome = Result<Said, Refusal>;

fn refusal(why: &str, fact: impl ToString) -> Refusal {
    Refusal(why.to_owned(), fact.to_string())
}

fn refused<T>(why: &str) -> Result<T, Refusal> {
    Err(refusal(why, ""))
}

impl Model {
    /// Nothing is there but others' HSMs.
    pub(super) fn new(now: Instant, undeletable: bool, others: usize) -> Self {
        Self { now, undeletable, others, hsms: BTreeMap::new(), guest: BTreeSet::new() }
    }

    /// Takes a step.
    pub(super) fn take(&mut self, step: &Step) -> Outcome {
        match *step {
            Step::Hsm(who, hsm, action) => self.on_hsm(who, hsm, action),
            Step::ListHsms(who, at) => {
                self.let_in(who, Azure::may_read, at)?;
                Ok(Said::Resources(self.resources(false)))
            }
            Step::ListDeletedHsms(who) => {
                self.let_in(who, Azure::may_read, Place::Subscription)?;
                Ok(Said::Resources(self.resources(true)))
            }
            Step::Activate(who, hsm) => {
                let hsm = self.enter(who, &[Local::Administrator], hsm, false)?;
                if !hsm.active {
                    hsm.active = true;
                    // The driver gives these away with the activation.
                    hsm.roles.extend([(Who::User, Local::CryptoUser), (Who::Officer, Local::CryptoOfficer)]);
                }
                Ok(Said::Done)
            }
            Step::Key(who, hsm, key, action) => self.on_key(who, hsm, key, action),
            Step::ListKeys(who, hsm) => {
                self.enter(who, &[Local::CryptoUser], hsm, true)?;
                Ok(Said::Keys(self.keys(hsm, false)))
            }
            Step::ListDeletedKeys(who, hsm) => {
                self.enter(who, &[Local::CryptoOfficer], hsm, true)?;
                Ok(Said::Keys(self.keys(hsm, true)))
            }
            Step::Role { hsm, to, role, give } => {
                let roles = &mut self.enter(Who::Administrator, &[Local::Administrator], hsm, true)?.roles;
                match (give, if give { roles.insert((to, role)) } else { roles.remove(&(to, role)) }) {
                    (_, true) => Ok(Said::Done),
                    (true, false) => refused("ROLE_ASSIGNMENT_EXISTS"),
                    (false, false) => refused("ROLE_ASSIGNMENT_NOT_FOUND"),
                }
            }
            Step::ControlRole { at, role, give } => {
                let done = if give { self.guest.insert((at, role)) } else { self.guest.remove(&(at, role)) };
                match (give, done) {
                    (_, true) => Ok(Said::Done),
                    (true, false) => refused("ROLE_ASSIGNMENT_EXISTS"),
                    (false, false) => refused("ROLE_ASSIGNMENT_NOT_FOUND"),
                }
            }
            Step::Turn(turn) => match self.destination(turn) {
                to if to < self.now => Err(refusal("BAD_PARAMETER", "to")),
                to => Ok(self.turn(to)),
            },
            // What is, stays; what is due, is done already: the clock stands still meanwhile.
            Step::Crash | Step::Restart => Ok(Said::Done),
        }
    }

    /// The service made this version.
    pub(super) fn made(&mut self, hsm: usize, key: usize, version: String) {
        if let Some(hsm) = self.hsms.get_mut(&hsm) {
            hsm.keys.entry(key).or_default().versions.push(version);
        }
    }

    /// Where a turn of the clock leads.
    pub(super) fn destination(&self, turn: Turn) -> Instant {
        match turn {
            Turn::Hours(hours) => self.now + hours * HOUR,
            Turn::ToNext(micros) => self.next().map_or(self.now + HOUR, |due| due + micros),
            Turn::Back => self.now - HOUR,
        }
    }

    /// On the control plane: does a role of theirs, at this place or above, allow it?
    fn let_in(&self, who: Who, may: fn(Azure) -> bool, at: Place) -> Result<(), Refusal> {
        let holds = match who {
            Who::Owner => may(Azure::Owner),
            Who::Contributor => may(Azure::HsmContributor),
            Who::Reader => may(Azure::Reader),
            Who::Administrator | Who::User | Who::Officer => false,
            Who::Guest => {
                let covers = |given: Place| given == Place::Subscription || given == at;
                self.guest.iter().any(|(given, role)| covers(*given) && may(*role))
            }
        };
        if holds { Ok(()) } else { refused("ACTION_NOT_GRANTED") }
    }

    fn on_hsm(&mut self, who: Who, name: usize, action: OnHsm) -> Outcome {
        // What a request says is read before anybody is asked who may.
        if let OnHsm::Create { days, .. } | OnHsm::Retain(days) = action
            && !(7..=90).contains(&days)
        {
            return Err(refusal("BAD_PARAMETER", "retention_days"));
        }
        let known = self.hsms.get(&name);
        let at = match action {
            // Deleted HSMs are in no resource group; but recovering makes one in the group it was in.
            OnHsm::GetDeleted | OnHsm::Purge => Place::Subscription,
            OnHsm::Recover if known.is_none_or(|hsm| hsm.deletion.is_none()) => Place::Subscription,
            _ => Place::Group,
        };
        let may = if matches!(action, OnHsm::Get | OnHsm::GetDeleted) {
            Azure::may_read
        } else {
            Azure::may_manage
        };
        self.let_in(who, may, at)?;
        if let OnHsm::Create { days, protected } = action {
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
                roles: BTreeSet::from([(Who::Administrator, Local::Administrator)]),
                keys: BTreeMap::new(),
            };
            self.hsms.insert(name, hsm);
            return Ok(Said::Resource(self.resource(name)));
        }
        let (now, undeletable) = (self.now, self.undeletable);
        let wants_deleted = matches!(action, OnHsm::GetDeleted | OnHsm::Recover | OnHsm::Purge);
        let Some(hsm) = self.hsms.get_mut(&name).filter(|hsm| hsm.deletion.is_some() == wants_deleted) else {
            return refused(if wants_deleted { "DELETED_HSM_NOT_FOUND" } else { "HSM_NOT_FOUND" });
        };
        match action {
            OnHsm::Create { .. } | OnHsm::Get | OnHsm::GetDeleted => {}
            OnHsm::Protect(false) if hsm.protected => {
                return Err(refusal("BAD_PARAMETER", "purge_protection"));
            }
            OnHsm::Protect(on) => hsm.protected = on,
            OnHsm::Retain(days) if days != hsm.days => {
                return Err(refusal("BAD_PARAMETER", "retention_days"));
            }
            OnHsm::Retain(_) => {}
            OnHsm::Delete => hsm.deletion = Some(hsm.dates(now)),
            OnHsm::Recover => {
                hsm.deletion = None;
                // What came due meanwhile is done at once.
                hsm.keys.retain(|_, key| key.deletion.is_none_or(|dates| dates.purged > now));
            }
            OnHsm::Purge => {
                hsm.check_purge(undeletable, hsm.deletion)?;
                self.hsms.remove(&name);
                return Ok(Said::Done);
            }
        }
        Ok(Said::Resource(self.resource(name)))
    }

    /// On the data plane: there must be such an HSM, a role of theirs, and then the HSM must answer.
    fn enter(
        &mut self,
        who: Who,
        roles: &[Local],
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

    fn on_key(&mut self, who: Who, name: usize, number: usize, action: OnKey) -> Outcome {
        let (now, undeletable) = (self.now, self.undeletable);
        let role = match action {
            OnKey::Create | OnKey::Get | OnKey::Delete => Local::CryptoUser,
            OnKey::GetDeleted | OnKey::Recover | OnKey::Purge => Local::CryptoOfficer,
        };
        let hsm = self.enter(who, &[role], name, true)?;
        let level = hsm.level(undeletable);
        let known = hsm.keys.get(&number).map(|key| key.deletion);
        let dates = hsm.dates(now);
        match (action, known) {
            (OnKey::Create, Some(Some(_))) => return refused("KEY_DELETED_BUT_RECOVERABLE"),
            (OnKey::Create, _) => return Ok(Said::Made { level }),
            (OnKey::Get | OnKey::Delete, None | Some(Some(_))) => return refused("KEY_NOT_FOUND"),
            (OnKey::GetDeleted | OnKey::Recover | OnKey::Purge, None | Some(None)) => {
                return refused("DELETED_KEY_NOT_FOUND");
            }
            (OnKey::Purge, Some(deletion)) => {
                hsm.check_purge(undeletable, deletion)?;
                hsm.keys.remove(&number);
                return Ok(Said::Done);
            }
            _ => {}
        }
        let Some(key) = hsm.keys.get_mut(&number) else { return refused("KEY_NOT_FOUND") };
        match action {
            OnKey::Delete => key.deletion = Some(dates),
            OnKey::Recover => key.deletion = None,
            _ => {}
        }
        Ok(Said::Key(key.listed(number, level), key.versions.last().cloned().unwrap_or_default()))
    }

    /// What comes due next. What is in a deleted HSM is frozen with it.
    fn next(&self) -> Option<Instant> {
        let each = self.hsms.values().flat_map(|hsm| match hsm.deletion {
            Some(dates) => vec![dates.purged],
            None => hsm.keys.values().filter_map(|key| key.deletion).map(|dates| dates.purged).collect(),
        });
        each.min()
    }

    fn turn(&mut self, to: Instant) -> Said {
        let mut happened = Vec::new();
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
            // What is due at the same instant happens in no order that matters.
            at_once.sort();
            happened.extend(at_once);
        }
        self.now = to;
        Said::Turned(to, happened)
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
        let meant = self.hsms.iter().filter(|(_, hsm)| hsm.deletion.is_some() == deleted);
        let mut resources: Vec<_> = meant.map(|(name, _)| self.resource(*name)).collect();
        resources.sort_by(|one, other| one.name.cmp(&other.name));
        resources
    }

    fn keys(&self, name: usize, deleted: bool) -> Vec<Listed> {
        let hsm = &self.hsms[&name];
        let meant = hsm.keys.iter().filter(|(_, key)| key.deletion.is_some() == deleted);
        meant.map(|(number, key)| key.listed(*number, hsm.level(self.undeletable))).collect()
    }

    /// Everything that can be seen; of what is in HSMs, that of one alone if it is named.
    pub(super) fn view(&self, at: Option<usize>) -> View {
        let meant = self.hsms.iter().filter(|(name, _)| at.is_none_or(|at| **name == at));
        let inside = meant.map(|(name, hsm)| {
            let inside = match hsm.deletion {
                Some(dates) => Inside::Refuses("HSM_DELETED".to_owned(), dates.purged.to_string()),
                None if !hsm.active => Inside::Refuses("HSM_NOT_ACTIVATED".to_owned(), String::new()),
                None => {
                    let live = hsm.keys.values().filter(|key| key.deletion.is_none());
                    let versions = live.map(|key| key.versions.clone()).collect();
                    Inside::Answers {
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
    /// The dates of what is deleted now. They never move.
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

    /// Nobody purges what is protected. Only the service does, when the time has come.
    fn check_purge(&self, undeletable: bool, deletion: Option<Dates>) -> Result<(), Refusal> {
        match deletion {
            Some(dates) if self.protected || undeletable => Err(refusal("PURGE_PROTECTED", dates.purged)),
            _ => Ok(()),
        }
    }
}

impl Key {
    fn listed(&self, number: usize, level: String) -> Listed {
        Listed { name: KEYS[number].to_owned(), level, deletion: self.deletion }
    }
}

impl Azure {
    /// Whether the role makes, changes, deletes, recovers and purges HSMs.
    fn may_manage(self) -> bool {
        !matches!(self, Self::Reader)
    }

    /// Whether it reads them, live and deleted: all of them do.
    fn may_read(self) -> bool {
        true
    }
}
