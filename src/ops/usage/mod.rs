//! Usage, statements, forecasts and budgets of managed HSMs and vaults.

mod budgets;
mod budgets_due;
mod compute;
mod create_budget;
mod export;
mod forecast;
mod list;
mod statement;

pub use budgets::{
    BudgetId, BudgetState, DeleteBudget, ExistingBudget, GetBudget, ListBudgets, NoteBudgetReached,
};
pub(super) use budgets_due::BUDGETS_REACHED;
pub use create_budget::CreateBudget;
pub use export::{ExportChunk, ExportUsage, FileFormat};
pub use forecast::GetForecast;
pub use list::{ListUsage, UsageItem, UsageMeter};
pub use statement::GetStatement;

use compute::{check_length, compute};

use crate::model::arm_rbac::ControlScope;
use crate::model::billing::{CostScope, Period};
use crate::model::resource::SubscriptionId;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{ControlPlane, Target};
use crate::store::Store;

/// The costs at a scope of the control plane, of containers that exist or existed there.
#[derive(Debug)]
pub struct CostTarget(CostScope);

impl Target for CostTarget {
    type Plane = ControlPlane;
    type Id = ControlScope;

    fn container(id: &ControlScope) -> SubscriptionId {
        id.subscription()
    }

    fn scope(id: &ControlScope, _: &Store) -> ControlScope {
        id.clone()
    }

    fn describe(id: &ControlScope) -> String {
        id.to_string()
    }

    fn lock(id: &ControlScope) -> String {
        format!("usage of {id}")
    }

    /// Fails for a container that never existed, instead of returning costs of zero.
    fn load(id: &ControlScope, store: &Store) -> Result<Self> {
        if let ControlScope::VaultObject(..) = id {
            return Err(Error::Unsupported { what: "Costs of one object of a vault".to_owned() });
        }
        let scope = CostScope {
            subscription: id.subscription(),
            resource_group: id.resource_group().map(ToString::to_string),
            container: id.container(),
        };
        match &scope.container {
            Some(container) if !store.lifetimes().iter().any(|life| scope.covers(life)) => {
                Err(Error::NotFound(container.into()))
            }
            _ => Ok(Self(scope)),
        }
    }
}

/// A requested period. A bound that is `None` is that of the current month.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RequestedPeriod {
    /// The first instant of the period.
    pub from: Option<Timestamp>,
    /// The first instant after the period.
    pub to: Option<Timestamp>,
}

impl RequestedPeriod {
    /// Returns the period, with `now` in the current month.
    ///
    /// # Errors
    /// `Invalid` if the period ends before it begins.
    fn at(self, now: Timestamp) -> Result<Period> {
        let month = Period { from: now, to: now }.month();
        Period::new(self.from.unwrap_or(month.from), self.to.unwrap_or(month.to))
    }
}
