//! Converts the budget messages of `usage.proto`.

use super::super::pb;
use super::usage::{scope, scope_name, text};
use super::{parse_field, segments, wire_instant};
use crate::model::arm_rbac::ControlScope;
use crate::model::billing::Budget;
use crate::model::resource::SubscriptionId;
use crate::model::{Error, Field, Result};
use crate::ops::usage::{BudgetId, BudgetState, CreateBudget, DeleteBudget, GetBudget, ListBudgets};

/// Parses `subscriptions/{guid}/budgets/{budget}`.
fn budget(name: &str) -> Result<BudgetId> {
    let [subscription, budget] = segments(Field::Name, name, "subscriptions/{}/budgets/{}")?;
    Ok(BudgetId {
        subscription: parse_field(Field::Name, subscription)?,
        name: parse_field(Field::Name, budget)?,
    })
}

impl TryFrom<pb::CreateBudgetRequest> for CreateBudget {
    type Error = Error;

    fn try_from(request: pb::CreateBudgetRequest) -> Result<Self> {
        let scope = scope(&request.parent)?;
        if let ControlScope::ResourceGroup(..) = scope {
            return Err(Error::invalid(Field::Parent, "the scope of a budget is a subscription or one HSM"));
        }
        let name = parse_field(Field::BudgetId, &request.budget_id)?;
        Ok(Self { scope, name, amount: Budget::amount(&request.amount)? })
    }
}

impl TryFrom<pb::GetBudgetRequest> for GetBudget {
    type Error = Error;

    fn try_from(request: pb::GetBudgetRequest) -> Result<Self> {
        Ok(Self { id: budget(&request.name)? })
    }
}

impl TryFrom<pb::ListBudgetsRequest> for ListBudgets {
    type Error = Error;

    fn try_from(request: pb::ListBudgetsRequest) -> Result<Self> {
        let [id] = segments(Field::Parent, &request.parent, "subscriptions/{}")?;
        Ok(Self { subscription: parse_field::<SubscriptionId>(Field::Parent, id)? })
    }
}

impl TryFrom<pb::DeleteBudgetRequest> for DeleteBudget {
    type Error = Error;

    fn try_from(request: pb::DeleteBudgetRequest) -> Result<Self> {
        Ok(Self { id: budget(&request.name)? })
    }
}

impl From<BudgetState> for pb::Budget {
    fn from(state: BudgetState) -> Self {
        let budget = &*state.budget;
        Self {
            name: format!("subscriptions/{}/budgets/{}", budget.subscription(), budget.name),
            scope: scope_name(&budget.scope),
            amount: text(budget.amount),
            currency: state.currency,
            created: Some(wire_instant(budget.created)),
            reached: budget.reached.map(|reached| wire_instant(reached.at)),
            expected: state.next.map(|next| wire_instant(next.at)),
        }
    }
}

impl From<Vec<BudgetState>> for pb::ListBudgetsResponse {
    fn from(budgets: Vec<BudgetState>) -> Self {
        Self { budgets: budgets.into_iter().map(Into::into).collect() }
    }
}
