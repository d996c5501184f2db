//! The simulator's clock: read, advanced, frozen, resumed.

mod advance;
mod get;
mod hold;

pub use advance::AdvanceClock;
pub use get::{ClockFace, GetClock};
pub use hold::{FreezeClock, ResumeClock};

use super::{SimulatorPlane, Target};
use crate::model::Result;
use crate::store::Store;

/// The one clock there is.
#[derive(Debug)]
pub struct TheClock;

impl Target for TheClock {
    type Plane = SimulatorPlane;
    type Id = ();

    fn place((): &()) {}

    fn scope((): &(), _: &Store) {}

    fn describe((): &()) -> String {
        "clock".to_owned()
    }

    fn lock((): &()) -> String {
        "clock".to_owned()
    }

    fn load((): &(), _: &Store) -> Result<Self> {
        Ok(Self)
    }
}
