//! Azure Resource Manager: managed HSMs as resources, in the shapes that were recorded of the service.

pub(crate) mod ask;
mod authorization;
mod cloud;
mod hsms;
mod inputs;
mod refusals;
mod tokens;
