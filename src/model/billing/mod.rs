//! Billing: computes statements, forecasts and budget alerts. Everything is a pure function of stored facts and prices,
//! so repeated computations return the same result.

mod budget;
mod counted;
mod facts;
mod forecast;
mod hours;
mod lives;
mod money;
mod period;
mod price;
mod statement;
mod tiers;

pub use budget::{Budget, Reached};
pub use facts::{Days, Facts, Reading, VersionUse};
pub use forecast::{Forecast, Standing, forecast};
pub use lives::Lives;
pub use money::{PLACES, shown};
pub use period::{DAY_MICROS, Period, day_of, start_of_day};
pub use price::{
    KeyClass, KeyVersionPrice, OperationPrice, Plan, PoolHourPrice, PriceSheet, Pricing, Source, Tier,
};
pub use statement::{CostScope, Line, LineMeter, Statement, statement};

#[cfg(test)]
mod tests;
