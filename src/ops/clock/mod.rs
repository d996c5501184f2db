//! The clock: read; the simulator's is advanced, frozen, resumed, a gateway's is released.

mod advance;
mod get;
mod hold;
mod release;

pub use advance::{AdvanceClock, AskToAdvance};
pub use get::{ClockFace, GetClock};
pub use hold::{FreezeClock, ResumeClock};
pub use release::ReleaseClock;

use super::{InstallationPlane, ServicePlane, SimulatorPlane, Target};
use crate::model::Result;
use crate::store::Store;

/// Declares the clock as it is seen from a plane. There is one.
macro_rules! the_clock {
    ($(#[$doc:meta])* $name:ident of $plane:ty) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name;

        impl Target for $name {
            type Plane = $plane;
            type Id = ();

            fn container((): &()) {}

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
    };
}

the_clock! {
    /// The clock, to be read.
    TheClock of ServicePlane
}

the_clock! {
    /// The clock, to be turned.
    SimulatorsClock of SimulatorPlane
}

the_clock! {
    /// The clock, to be believed.
    MachinesClock of InstallationPlane
}
