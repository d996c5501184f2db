//! What managed HSMs cost, and what they will cost.

mod budgets;
mod compute;
mod create_budget;
mod export;
mod forecast;
mod list;
mod statement;

pub use budgets::{
    BudgetId, BudgetState, DeleteBudget, GetBudget, KnownBudget, ListBudgets, NoteBudgetReached,
};
pub use create_budget::CreateBudget;
pub use export::{ExportUsage, FileFormat, Piece};
pub use forecast::GetForecast;
pub use list::{ListUsage, Used, UsedMeter};
pub use statement::GetStatement;

use compute::{check_length, compute};

use crate::model::billing::{CostScope, Period};
use crate::model::control_plane::ControlScope;
use crate::model::resource::SubscriptionId;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{ControlPlane, Target};
use crate::store::Store;

/// Whose costs are asked for: of whatever is or was at a place of the control plane.
#[derive(Debug)]
pub struct Costs(CostScope);

impl Target for Costs {
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

    /// An HSM that never was has no costs, which is not the same as costing nothing.
    fn load(id: &ControlScope, store: &Store) -> Result<Self> {
        let scope = CostScope {
            subscription: id.subscription(),
            resource_group: id.resource_group().map(ToString::to_string),
            hsm: id.hsm().cloned(),
        };
        match id.hsm() {
            Some(hsm) if !store.lifetimes().iter().any(|life| scope.covers(life)) => {
                Err(Error::HsmNotFound { hsm: hsm.clone() })
            }
            _ => Ok(Self(scope)),
        }
    }
}

/// A period as it is asked for: what is left out is the present month's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asked {
    /// The first instant.
    pub from: Option<Timestamp>,
    /// The first instant that does not belong to it.
    pub to: Option<Timestamp>,
}

impl Asked {
    /// What is asked for at an instant.
    ///
    /// # Errors
    /// `Invalid` where the period ends before it begins.
    fn at(self, now: Timestamp) -> Result<Period> {
        let month = Period { from: now, to: now }.month();
        Period::new(self.from.unwrap_or(month.from), self.to.unwrap_or(month.to))
    }
}
