//! The domain model: plain data and pure rules, without I/O, clock, SQL, PKCS#11 or wire types.

mod access_policy;
pub mod aes_modes;
pub mod algorithm;
pub mod arm_rbac;
mod assignment;
pub mod audience;
pub mod audit_entry;
pub mod audit_key;
pub mod backup_job;
pub mod base64;
pub mod billing;
pub mod change;
pub mod container;
pub mod container_id;
pub mod container_setting;
mod curve;
pub mod deletion;
mod denied;
pub mod due;
pub mod error;
pub mod event;
pub mod field;
pub mod hsm;
pub mod hsm_contents;
pub mod import;
mod internal;
pub mod key;
pub mod key_date;
pub mod lifetime;
pub mod limit;
pub mod local_rbac;
pub mod location;
mod mode_family;
pub mod name;
mod network;
pub mod period;
pub mod policy_decision;
pub mod resource;
pub mod resource_kind;
pub mod retention;
pub mod role;
pub mod rotation;
pub mod security_domain;
pub mod setting;
mod tags;
pub mod time;
pub mod time_guard;
pub mod vault;
mod vault_object;
pub mod vault_rbac;
pub mod wrapped_key;

pub use error::{Error, Result};
pub use field::Field;

/// An instant of the service's clock. Azure's surfaces report whole seconds; the store keeps microseconds.
pub type Timestamp = jiff::Timestamp;
