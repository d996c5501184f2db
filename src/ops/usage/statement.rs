//! Computes the statement of a period.

use std::sync::Arc;

use super::{CostTarget, RequestedPeriod, check_length, compute};
use crate::model::Result;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::billing::{Statement, statement};
use crate::ops::{ControlCx, Done, Operation};

/// Computes the costs of a scope in a period.
#[derive(Clone, Debug)]
pub struct GetStatement {
    /// The scope of the costs.
    pub scope: ControlScope,
    /// The period.
    pub period: RequestedPeriod,
    /// The price plan; `None` for the configured one.
    pub plan: Option<String>,
}

impl Operation for GetStatement {
    const NAME: &'static str = "GetStatement";
    const EVENT: &'static str = "CostQuery";
    const ACTION: ControlAction = ControlAction::CostQueryRead;
    const METER: Meter = Meter::Free;
    type Target = CostTarget;
    type Reply = (ControlScope, Statement);

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, costs: CostTarget, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        let period = self.period.at(cx.now)?;
        check_length(period, &cx.store, cx.now)?;
        let (store, pricing, now) = (cx.store.clone(), Arc::clone(&cx.pricing), cx.now);
        let computed = compute("statements", move || {
            let plans = pricing.plans(self.plan.as_deref())?;
            let statement = statement(&store.facts(period), &pricing.prices, plans, &costs.0, period, now);
            Ok((self.scope, statement))
        });
        Ok(Done::reply(computed.await?))
    }
}
