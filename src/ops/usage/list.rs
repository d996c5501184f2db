//! Lists the usage from which statements are computed.

use super::{CostTarget, RequestedPeriod, check_length, compute};
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::billing::{CostScope, LifetimesByName, MeterReading, Period, VersionUse, start_of_day};
use crate::model::container::{ContainerId, ContainerKind};
use crate::model::lifetime::{ContainerLifetime, Phase};
use crate::model::{Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation, Page, PageRequest};
use crate::store::Store;

/// Lists the usage of a scope in a period, without prices.
#[derive(Clone, Debug)]
pub struct ListUsage {
    /// The scope of the usage.
    pub scope: ControlScope,
    /// The period.
    pub period: RequestedPeriod,
    /// The requested page.
    pub page: PageRequest,
}

/// An item of usage.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct UsageItem {
    /// The start of the usage.
    pub from: Timestamp,
    /// The meter.
    pub meter: UsageMeter,
    /// The resource: `hsms/{hsm}`, `vaults/{vault}`, or a key version in it.
    pub resource: String,
    /// The end of the usage.
    pub to: Timestamp,
    /// The number of calls; 1 for other meters.
    pub count: u64,
    /// The index among the items with the same start.
    rank: usize,
}

/// The meter of an item of usage.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum UsageMeter {
    /// The time for which an HSM existed.
    PoolHours {
        /// Whether the HSM was soft-deleted.
        deleted: bool,
    },
    /// The calls in an hour.
    Operations {
        /// The meter that counts them.
        class: Meter,
        /// Their `operationName` in the audit log.
        event: String,
    },
    /// The use of a key version on a day.
    KeyUse,
}

impl Operation for ListUsage {
    const NAME: &'static str = "ListUsage";
    const EVENT: &'static str = "UsageList";
    const ACTION: ControlAction = ControlAction::UsageRead;
    const METER: Meter = Meter::Free;
    type Target = CostTarget;
    type Reply = Page<UsageItem>;

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, costs: CostTarget, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        let period = self.period.at(cx.now)?;
        check_length(period, &cx.store, cx.now)?;
        let (store, now) = (cx.store.clone(), cx.now);
        let computed =
            compute("lists of usage", move || Ok(usage_page(&store, &costs.0, period, now, &self.page)));
        Ok(Done::reply(computed.await?))
    }
}

/// Returns a page of the usage in a period.
fn usage_page(
    store: &Store,
    scope: &CostScope,
    period: Period,
    now: Timestamp,
    page: &PageRequest,
) -> Page<UsageItem> {
    let facts = store.facts(period);
    let lives = LifetimesByName::new(&facts.lifetimes);
    let in_scope = |life: Option<&ContainerLifetime>| life.is_some_and(|life| scope.covers(life));
    let elapsed = Period { to: period.to.min(now), ..period };
    let is_hsm = |life: &&ContainerLifetime| life.container.kind() == ContainerKind::ManagedHsm;
    let hsms = facts.lifetimes.iter().filter(is_hsm).filter(|life| in_scope(Some(life)));
    let mut all: Vec<_> = hsms.flat_map(|life| hours(life, elapsed)).collect();
    all.extend(
        facts
            .readings
            .iter()
            .filter_map(operations)
            .filter(|(container, used)| {
                let hour = Period { from: used.from, to: used.to };
                period.contains(used.from) && in_scope(lives.in_span(container, hour))
            })
            .map(|(_, used)| used),
    );
    for used in facts.uses.iter().filter(|used| in_scope(lives.of_version(used))) {
        all.extend(days(used).filter(|day| period.contains(day.from)));
    }
    all.sort();
    set_ranks(&mut all);
    let token = |used: &UsageItem| format!("{}-{}", used.from.as_microsecond(), used.rank);
    if let Some(after) = &page.after {
        let at = all.iter().position(|used| token(used) == *after);
        all.drain(..at.map_or(all.len(), |at| at + 1));
    }
    Page::cut(all, page.size, token)
}

/// Returns the spans of a period in which an HSM existed.
fn hours(life: &ContainerLifetime, period: Period) -> impl Iterator<Item = UsageItem> {
    life.spans().filter(|(_, _, phase)| *phase != Phase::Purged).filter_map(move |(from, to, phase)| {
        let within = Period { from, to }.overlap(period)?;
        let meter = UsageMeter::PoolHours { deleted: phase == Phase::Deleted };
        let resource = life.container.to_string();
        Some(UsageItem { from: within.from, meter, resource, to: within.to, count: 1, rank: 0 })
    })
}

/// Converts a meter reading to the calls of an hour, with the container.
fn operations(reading: &MeterReading) -> Option<(&ContainerId, UsageItem)> {
    let container = reading.container.as_ref()?;
    let from = Timestamp::from_second(reading.hour).ok()?;
    let to = Timestamp::from_second(reading.hour.saturating_add(3_600)).unwrap_or(Timestamp::MAX);
    let meter = UsageMeter::Operations { class: reading.meter, event: reading.event.to_string() };
    let resource = container.to_string();
    Some((container, UsageItem { from, meter, resource, to, count: reading.calls, rank: 0 }))
}

/// Returns the days on which an HSM-protected key version was used.
fn days(used: &VersionUse) -> impl Iterator<Item = UsageItem> {
    let resource = format!("{}/keys/{}/versions/{}", used.container, used.key, used.version);
    used.days.iter().map(move |day| {
        let (from, to) = (start_of_day(day), start_of_day(day.saturating_add(1)));
        UsageItem { from, meter: UsageMeter::KeyUse, resource: resource.clone(), to, count: 1, rank: 0 }
    })
}

/// Numbers the items with the same start, so that each has a unique page token.
fn set_ranks(all: &mut [UsageItem]) {
    let mut before = None;
    let mut rank = 0;
    for used in all {
        rank = if before == Some(used.from) { rank + 1 } else { 0 };
        before = Some(used.from);
        used.rank = rank;
    }
}
