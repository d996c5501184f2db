//! Billing: computes statements, forecasts and budget alerts. Everything is a pure function of stored facts and prices,
//! so repeated computations return the same result.

mod accrued;
mod budget;
mod counted;
mod facts;
mod forecast;
mod hours;
mod key_class;
mod lifetimes;
mod money;
mod period;
mod price;
mod statement;
mod tiers;

pub use accrued::AccruedCosts;
pub use budget::{Budget, BudgetReached};
pub use facts::{DaySet, Facts, MeterReading, VersionUse};
pub use forecast::{DeletionState, Forecast, forecast};
pub use key_class::KeyClass;
pub use lifetimes::LifetimesByName;
pub use money::format_amount;
pub use period::{Period, day_of, start_of_day};
pub use price::{
    KeyVersionPrice, OperationPrice, Plan, Plans, PoolHourPrice, PriceSheet, PriceSource, Pricing, Tier,
};
pub use statement::{CostScope, LineMeter, Statement, StatementLine, statement};

#[cfg(test)]
mod tests;
