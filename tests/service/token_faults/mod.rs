//! What callers of the service see of faults of a token, and what is left of them: the faults module is in front of SoftHSM, the
//! service and its clients are real.

mod creation;
mod documentation;
mod load;
mod logins;
mod matrix;
mod operation;
mod recovery;
mod rig;

pub(crate) use rig::{Isolation, Rig};
