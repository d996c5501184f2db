//! Lists what statements are computed from.

use super::{Asked, Costs, check_length, compute};
use crate::model::billing::{CostScope, Lives, Period, Reading, VersionUse, start_of_day};
use crate::model::control_plane::{ControlAction, ControlScope};
use crate::model::entry::Meter;
use crate::model::lifetime::{HsmLifetime, Phase};
use crate::model::name::HsmName;
use crate::model::{Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation, Page, PageRequest};
use crate::store::Store;

/// Lists usage, without prices.
#[derive(Clone, Debug)]
pub struct ListUsage {
    /// Whose.
    pub scope: ControlScope,
    /// Of which period.
    pub period: Asked,
    /// Which page.
    pub page: PageRequest,
}

/// Something that was used.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Used {
    /// When it began.
    pub from: Timestamp,
    /// What was measured.
    pub meter: UsedMeter,
    /// `hsms/{hsm}` or a version of a key in it.
    pub resource: String,
    /// When it ended.
    pub to: Timestamp,
    /// How many.
    pub count: u64,
    /// Its place among those that began together.
    rank: usize,
}

/// What was measured.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum UsedMeter {
    /// An HSM was there.
    PoolHours {
        /// Whether it was soft-deleted.
        deleted: bool,
    },
    /// Calls in an hour.
    Operations {
        /// What they count as.
        class: Meter,
        /// What the audit log calls them.
        event: String,
    },
    /// A version was used on a day.
    KeyUse,
}

impl Operation for ListUsage {
    const NAME: &'static str = "ListUsage";
    const EVENT: &'static str = "UsageList";
    const ACTION: ControlAction = ControlAction::UsageRead;
    const METER: Meter = Meter::Free;
    type Target = Costs;
    type Reply = Page<Used>;

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, costs: Costs, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        let period = self.period.at(cx.now)?;
        check_length(period, &cx.store, cx.now)?;
        let (store, now) = (cx.store.clone(), cx.now);
        let computed =
            compute("lists of usage", move || Ok(listed(&store, &costs.0, period, now, &self.page)));
        Ok(Done::reply(computed.await?))
    }
}

/// What was used in a period, a page of it.
fn listed(
    store: &Store,
    scope: &CostScope,
    period: Period,
    now: Timestamp,
    page: &PageRequest,
) -> Page<Used> {
    let facts = store.facts(period);
    let lives = Lives::new(&facts.lives);
    let mine = |life: Option<&HsmLifetime>| life.is_some_and(|life| scope.covers(life));
    let there = Period { to: period.to.min(now), ..period };
    let hsms = facts.lives.iter().filter(|life| mine(Some(life)));
    let mut all: Vec<_> = hsms.flat_map(|life| hours(life, there)).collect();
    all.extend(
        facts
            .readings
            .iter()
            .filter_map(operations)
            .filter(|(hsm, used)| {
                let hour = Period { from: used.from, to: used.to };
                period.contains(used.from) && mine(lives.in_span(hsm, hour))
            })
            .map(|(_, used)| used),
    );
    for used in facts.uses.iter().filter(|used| mine(lives.of_version(used))) {
        all.extend(days(used).filter(|day| period.contains(day.from)));
    }
    all.sort();
    number(&mut all);
    let token = |used: &Used| format!("{}-{}", used.from.as_microsecond(), used.rank);
    if let Some(after) = &page.after {
        let at = all.iter().position(|used| token(used) == *after);
        all.drain(..at.map_or(all.len(), |at| at + 1));
    }
    Page::cut(all, page.size, token)
}

/// When an HSM was there, in a period.
fn hours(life: &HsmLifetime, period: Period) -> impl Iterator<Item = Used> {
    life.spans().filter(|(_, _, phase)| *phase != Phase::Purged).filter_map(move |(from, to, phase)| {
        let within = Period { from, to }.overlap(period)?;
        let meter = UsedMeter::PoolHours { deleted: phase == Phase::Deleted };
        let resource = format!("hsms/{}", life.name);
        Some(Used { from: within.from, meter, resource, to: within.to, count: 1, rank: 0 })
    })
}

/// Calls of an hour, and which HSM was asked.
fn operations(reading: &Reading) -> Option<(&HsmName, Used)> {
    let hsm = reading.hsm.as_ref()?;
    let from = Timestamp::from_second(reading.hour).ok()?;
    let to = Timestamp::from_second(reading.hour.saturating_add(3_600)).unwrap_or(Timestamp::MAX);
    let meter = UsedMeter::Operations { class: reading.meter, event: reading.event.to_string() };
    Some((hsm, Used { from, meter, resource: format!("hsms/{hsm}"), to, count: reading.calls, rank: 0 }))
}

/// The days on which a version was used.
fn days(used: &VersionUse) -> impl Iterator<Item = Used> {
    let resource = format!("hsms/{}/keys/{}/versions/{}", used.hsm, used.key, used.version);
    used.days.iter().map(move |day| {
        let (from, to) = (start_of_day(day), start_of_day(day.saturating_add(1)));
        Used { from, meter: UsedMeter::KeyUse, resource: resource.clone(), to, count: 1, rank: 0 }
    })
}

/// Counts those that began together, so that each has a name for the next page to begin after.
fn number(all: &mut [Used]) {
    let mut before = None;
    let mut rank = 0;
    for used in all {
        rank = if before == Some(used.from) { rank + 1 } else { 0 };
        before = Some(used.from);
        used.rank = rank;
    }
}
