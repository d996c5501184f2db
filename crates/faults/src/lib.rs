//! A PKCS#11 module that passes each call to another module, except for the faults that a control file orders.
//!
//! It stands between any application and any vendor's module, so that what the application does about a fault can be tested:
//! see `docs/faults.md`. The module behind it is named by the variable `STRONGROOM_FAULTS_MODULE`, the control file by
//! `STRONGROOM_FAULTS_CONTROL`, and the log of faults by `STRONGROOM_FAULTS_LOG`.

mod call;
mod codes;
mod control;
mod count;
mod environment;
mod function_list;
mod function_names;
mod journal;
mod real_module;
mod rule;
mod slots;
mod tokens;

pub use function_list::C_GetFunctionList;
