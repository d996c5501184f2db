//! Forecasts the costs of a managed HSM or vault if nothing changes.

use std::sync::Arc;

use super::{CostTarget, compute};
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::audit_entry::Meter;
use crate::model::billing::{DeletionState, Forecast, Period, forecast};
use crate::model::lifetime::Phase;
use crate::model::{Error, Result};
use crate::ops::{ControlCx, Done, Operation};

/// Forecasts the costs of a managed HSM or vault.
#[derive(Clone, Debug)]
pub struct GetForecast {
    /// The scope of a container, live or deleted.
    pub scope: ControlScope,
    /// The price plan; `None` for the configured one.
    pub plan: Option<String>,
}

impl Operation for GetForecast {
    const NAME: &'static str = "GetForecast";
    const EVENT: &'static str = "CostForecast";
    const ACTION: ControlAction = ControlAction::CostForecastRead;
    const METER: Meter = Meter::Free;
    type Target = CostTarget;
    type Reply = (ControlScope, Forecast);

    fn target(&self) -> ControlScope {
        self.scope.clone()
    }

    async fn execute(self, costs: CostTarget, cx: &ControlCx) -> Result<Done<Self::Reply>> {
        let id = self.scope.container();
        let id = id.ok_or_else(|| Error::internal("a forecast requires the scope of a container"))?;
        let not_found = || Error::NotFound((&id).into());
        cx.pricing.plans(self.plan.as_deref())?;
        let facts = cx.store.facts(Period { from: cx.now, to: cx.now });
        let exists = |phases: &[(_, Phase)]| phases.iter().all(|(_, phase)| *phase != Phase::Purged);
        let life = facts.lifetimes.iter().find(|life| costs.0.covers(life) && exists(&life.phases));
        let (life, container) = life.zip(cx.store.container(&id)).ok_or_else(not_found)?;
        let level = container.recovery_level(cx.subscription.protected);
        let standing = DeletionState {
            deletion: container.deletion(),
            retention: level.retention,
            protected: level.purge_protection || level.protected_subscription,
        };
        let (life, pricing, now) = (life.clone(), Arc::clone(&cx.pricing), cx.now);
        let computed = compute("forecasts", move || {
            let plans = pricing.plans(self.plan.as_deref())?;
            Ok((self.scope, forecast(&facts, &pricing.prices, plans, &life, standing, now)))
        });
        Ok(Done::reply(computed.await?))
    }
}
