//! Computes when budgets will be reached, from the costs of HSMs.

use super::Engine;
use crate::model::billing::{Facts, Period};
use crate::model::time::{DueWork, ScheduledWork};

impl Engine {
    /// Returns when each budget will be reached if nothing changes. Runs on a blocking thread.
    pub async fn budgets_due(&self) -> Vec<DueWork> {
        if self.0.store.budgets().is_empty() {
            return Vec::new();
        }
        let engine = self.clone();
        match tokio::task::spawn_blocking(move || engine.compute_budgets_due()).await {
            Ok(due) => due,
            Err(error) => {
                tracing::error!(%error, "the due times of budgets could not be computed");
                Vec::new()
            }
        }
    }

    fn compute_budgets_due(&self) -> Vec<DueWork> {
        let (store, pricing) = (&self.0.store, &self.0.pricing);
        let budgets = store.budgets();
        let Some(plan) = pricing.plan(None).ok().filter(|_| !budgets.is_empty()) else { return Vec::new() };
        let now = self.0.clock.now();
        let hours = Facts { lifetimes: store.lifetimes(), ..Facts::default() };
        let mut all = Vec::new();
        for budget in budgets {
            let used = plan
                .charges_usage()
                .then(|| store.facts(Period { from: budget.facts_needed_from().min(now), to: now }));
            let facts = used.as_ref().unwrap_or(&hours);
            let costs = budget.cost_scope();
            let Some(life) = facts.lifetimes.iter().find(|life| costs.covers(life)) else { continue };
            if let Some(reached) = budget.next_reached(facts, &pricing.prices, plan, now) {
                let work = ScheduledWork::EmitBudgetReached(budget.subscription(), budget.name.clone());
                all.push(DueWork { at: reached.at, hsm: life.name.clone(), work });
            }
        }
        all
    }
}
