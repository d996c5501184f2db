//! Worker processes: each loads the module, logs in to one token, and runs its calls.
//!
//! A PKCS#11 module in one process does not scale with its threads, and a failure of it ends the process. In processes of its
//! own it does, and it does not.

mod connection;
mod link;
mod module;
mod opened;
mod workers;

pub use connection::WorkerProgram;
pub use module::ModuleProcesses;
pub(crate) use module::ProcessModule;
pub(crate) use workers::Workers;
