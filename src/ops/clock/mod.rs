//! Operations on the clock: read it, set the virtual clock of a simulator, release the guarded clock of a gateway.

mod advance;
mod freeze;
mod get;
mod release;

pub use advance::{AdvanceClock, AuthorizeAdvance};
pub use freeze::{FreezeClock, ResumeClock};
pub use get::{ClockState, GetClock};
pub use release::ReleaseClock;

use super::{InstallationPlane, ServicePlane, SimulatorPlane, Target};
use crate::model::Result;
use crate::store::Store;

/// Declares the clock as a target of a plane. There is one clock.
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
    /// The clock, for reading.
    ServiceClock of ServicePlane
}

the_clock! {
    /// The virtual clock of a simulator, for setting.
    SettableClock of SimulatorPlane
}

the_clock! {
    /// The guarded clock of a gateway, for releasing.
    ReleasableClock of InstallationPlane
}
