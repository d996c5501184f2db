//! Computes when budgets will be reached, from the costs of containers.

use super::budgets::charges_usage;
use crate::model::billing::{Facts, Period};
use crate::model::time::{DueWork, ScheduledWork};
use crate::ops::{DueWorkCx, DueWorkSource};

/// The source of the work that records that a budget is reached.
pub(in crate::ops) const BUDGETS_REACHED: DueWorkSource = DueWorkSource {
    computes: |work| matches!(work, ScheduledWork::EmitBudgetReached(..)),
    is_empty: |store| store.budgets().is_empty(),
    compute: budgets_due,
};

/// Returns when each budget will be reached if nothing changes.
fn budgets_due(cx: &DueWorkCx) -> Vec<DueWork> {
    let DueWorkCx { store, pricing, now } = cx;
    let (budgets, now) = (store.budgets(), *now);
    let Some(plans) = pricing.plans(None).ok().filter(|_| !budgets.is_empty()) else { return Vec::new() };
    let hours = Facts { lifetimes: store.lifetimes(), ..Facts::default() };
    let mut all = Vec::new();
    for budget in budgets {
        let used = charges_usage(&budget, plans, &hours.lifetimes)
            .then(|| store.facts(Period { from: budget.facts_needed_from().min(now), to: now }));
        let facts = used.as_ref().unwrap_or(&hours);
        let costs = budget.cost_scope();
        if !facts.lifetimes.iter().any(|life| costs.covers(life)) {
            continue;
        }
        if let Some(reached) = budget.next_reached(facts, &pricing.prices, plans, now) {
            let work = ScheduledWork::EmitBudgetReached(budget.subscription(), budget.name.clone());
            all.push(DueWork { at: reached.at, work });
        }
    }
    all
}
