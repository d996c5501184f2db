//! Lists, returns and deletes budgets, and records that a budget is reached.

use std::sync::Arc;

use super::compute;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::billing::{Budget, BudgetReached, Facts, Period, Plan, Plans, Pricing};
use crate::model::change::{Change, ControlChange};
use crate::model::lifetime::ContainerLifetime;
use crate::model::name::BudgetName;
use crate::model::resource::SubscriptionId;
use crate::model::resource_kind::Resource;
use crate::model::{Error, Result, Timestamp};
use crate::ops::resources::AnyScope;
use crate::ops::{ControlCx, ControlPlane, Done, Operation, Target};
use crate::store::Store;

/// Identifies a budget.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BudgetId {
    /// The subscription.
    pub subscription: SubscriptionId,
    /// The budget.
    pub name: BudgetName,
}

/// A budget, and when it will be reached if nothing changes.
#[derive(Clone, Debug)]
pub struct BudgetState {
    /// The budget.
    pub budget: Arc<Budget>,
    /// The currency of the price list.
    pub currency: String,
    /// When it will be reached next; `None` if it will not.
    pub next: Option<BudgetReached>,
}

impl BudgetState {
    /// Computes the state of a budget.
    pub(super) async fn of(budget: Arc<Budget>, cx: &ControlCx) -> Result<Self> {
        Self::of_all(vec![budget], cx).await?.pop().ok_or_else(|| Error::internal("a budget has no state"))
    }

    /// Computes the states of several budgets.
    async fn of_all(budgets: Vec<Arc<Budget>>, cx: &ControlCx) -> Result<Vec<Self>> {
        let (store, pricing, now) = (cx.store.clone(), Arc::clone(&cx.pricing), cx.now);
        compute("budgets", move || {
            let state = |budget: Arc<Budget>| {
                let next = next(&budget, &store, &pricing, now)?;
                Ok(Self { budget, currency: pricing.prices.currency.clone(), next })
            };
            budgets.into_iter().map(state).collect()
        })
        .await
    }
}

/// Computes when a budget will be reached next.
fn next(budget: &Budget, store: &Store, pricing: &Pricing, now: Timestamp) -> Result<Option<BudgetReached>> {
    let plans = pricing.plans(None)?;
    let facts = match charges_usage(budget, plans, &store.lifetimes()) {
        true => store.facts(Period { from: budget.facts_needed_from().min(now), to: now }),
        false => Facts { lifetimes: store.lifetimes(), ..Facts::default() },
    };
    Ok(budget.next_reached(&facts, &pricing.prices, plans, now))
}

/// Whether operations or key versions of containers in the scope of a budget are charged. If not, lifetimes are all that is
/// needed to compute when it is reached.
pub(super) fn charges_usage(budget: &Budget, plans: Plans<'_>, lifetimes: &[ContainerLifetime]) -> bool {
    let costs = budget.cost_scope();
    let mut covered = lifetimes.iter().filter(|life| costs.covers(life));
    covered.any(|life| plans.of(life.container.kind()).is_some_and(Plan::charges_usage))
}

/// An existing budget. Calls are authorized at its scope; if it does not exist, at its subscription.
#[derive(Debug)]
pub struct ExistingBudget(Arc<Budget>);

impl Target for ExistingBudget {
    type Plane = ControlPlane;
    type Id = BudgetId;

    fn container(id: &BudgetId) -> SubscriptionId {
        id.subscription
    }

    fn scope(id: &BudgetId, store: &Store) -> ControlScope {
        let found = store.budget(id.subscription, &id.name);
        found.map_or(ControlScope::Subscription(id.subscription), |budget| budget.scope.clone())
    }

    fn requested_scope(id: &BudgetId) -> Option<ControlScope> {
        Some(ControlScope::Subscription(id.subscription))
    }

    fn describe(id: &BudgetId) -> String {
        format!("/subscriptions/{}/providers/Microsoft.Consumption/budgets/{}", id.subscription, id.name)
    }

    fn lock(id: &BudgetId) -> String {
        format!("subscriptions/{}", id.subscription)
    }

    fn load(id: &BudgetId, store: &Store) -> Result<Self> {
        let BudgetId { subscription, name } = id;
        match store.budget(*subscription, name) {
            Some(budget) => Ok(Self(budget)),
            None => Err(Error::NotFound(Resource::budget(*subscription, name))),
        }
    }
}

/// Returns a budget with its state.
#[derive(Clone, Debug)]
pub struct GetBudget {
    /// The budget.
    pub id: BudgetId,
}

impl Operation for GetBudget {
    const NAME: &'static str = "GetBudget";
    const EVENT: &'static str = "BudgetGet";
    const ACTION: ControlAction = ControlAction::BudgetRead;
    const METER: Meter = Meter::Free;
    type Target = ExistingBudget;
    type Reply = BudgetState;

    fn target(&self) -> BudgetId {
        self.id.clone()
    }

    async fn execute(self, target: ExistingBudget, cx: &ControlCx) -> Result<Done<BudgetState>> {
        Ok(Done::reply(BudgetState::of(target.0, cx).await?))
    }
}

/// Lists the budgets of a subscription.
#[derive(Clone, Debug)]
pub struct ListBudgets {
    /// The subscription.
    pub subscription: SubscriptionId,
}

impl Operation for ListBudgets {
    const NAME: &'static str = "ListBudgets";
    const EVENT: &'static str = "BudgetList";
    const ACTION: ControlAction = ControlAction::BudgetRead;
    const METER: Meter = Meter::Free;
    type Target = AnyScope;
    type Reply = Vec<BudgetState>;

    fn target(&self) -> ControlScope {
        ControlScope::Subscription(self.subscription)
    }

    async fn execute(self, _: AnyScope, cx: &ControlCx) -> Result<Done<Vec<BudgetState>>> {
        let mut budgets = cx.store.budgets();
        budgets.retain(|budget| budget.subscription() == self.subscription);
        Ok(Done::reply(BudgetState::of_all(budgets, cx).await?))
    }
}

/// Deletes a budget.
#[derive(Clone, Debug)]
pub struct DeleteBudget {
    /// The budget.
    pub id: BudgetId,
}

impl Operation for DeleteBudget {
    const NAME: &'static str = "DeleteBudget";
    const EVENT: &'static str = "BudgetDelete";
    const ACTION: ControlAction = ControlAction::BudgetDelete;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = ExistingBudget;
    type Reply = BudgetState;

    fn target(&self) -> BudgetId {
        self.id.clone()
    }

    async fn execute(self, target: ExistingBudget, cx: &ControlCx) -> Result<Done<BudgetState>> {
        let BudgetId { subscription, name } = self.id;
        let change = Change::Control(ControlChange::DeleteBudget(subscription, name));
        Ok(Done::with(BudgetState::of(target.0, cx).await?, [change]))
    }
}

/// Records that a budget is reached, once per month, for the scheduler.
#[derive(Clone, Debug)]
pub struct NoteBudgetReached {
    /// The budget.
    pub id: BudgetId,
}

impl Operation for NoteBudgetReached {
    const NAME: &'static str = "NoteBudgetReached";
    const EVENT: &'static str = "BudgetThresholdReached";
    const ACTION: ControlAction = ControlAction::BudgetRead;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = ExistingBudget;
    type Reply = Arc<Budget>;

    fn target(&self) -> BudgetId {
        self.id.clone()
    }

    /// Fails if the budget is not reached, for example because a container was purged since the work was scheduled.
    async fn execute(self, target: ExistingBudget, cx: &ControlCx) -> Result<Done<Arc<Budget>>> {
        let (budget, store, pricing, now) =
            (Arc::clone(&target.0), cx.store.clone(), Arc::clone(&cx.pricing), cx.now);
        let reached = compute("budgets", move || next(&budget, &store, &pricing, now)).await?;
        let Some(reached) = reached.filter(|reached| reached.at <= cx.now) else {
            return Err(Error::Conflict { what: format!("budget {}", target.0.name) });
        };
        let budget = Budget { reached: Some(reached), ..Budget::clone(&target.0) };
        let change = Change::Control(ControlChange::ReplaceBudget(budget));
        Ok(Done::with(target.0, [change]))
    }
}
