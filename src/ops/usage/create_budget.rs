//! Creates a budget.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::{BudgetState, CostTarget};
use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::billing::Budget;
use crate::model::change::{Change, ControlChange};
use crate::model::name::BudgetName;
use crate::ops::{ControlCx, Done, Operation};

/// Creates a budget. Its name must be unused.
#[derive(Clone, Debug)]
pub struct CreateBudget {
    /// The scope of the costs: a subscription, a managed HSM or a vault.
    pub scope: ControlScope,
    /// The name of the budget.
    pub name: BudgetName,
    /// The amount per calendar month, in the currency of the price list.
    pub amount: Decimal,
}

impl Operation for CreateBudget {
    const NAME: &'static str = "CreateBudget";
    const EVENT: &'static str = "BudgetCreate";
    const ACTION: ControlAction = ControlAction::BudgetWrite;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = CostTarget;
    type Reply = BudgetState;

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, _: CostTarget, cx: &ControlCx) -> Result<Done<BudgetState>> {
        let Self { scope, name, amount } = self;
        // The store rejects a name that is in use and enforces the limit, when it applies the change.
        let budget = Budget { name, scope, amount, created: cx.now, reached: None };
        let change = Change::Control(ControlChange::InsertBudget(budget.clone()));
        Ok(Done::with(BudgetState::of(Arc::new(budget), cx).await?, [change]))
    }
}
