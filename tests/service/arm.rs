//! Tests of the Azure Resource Manager surface: managed HSMs as resources, in the shapes recorded from Azure.

pub(crate) mod ask;
mod authorization;
mod cloud;
mod hsms;
mod inputs;
mod refusals;
mod tokens;
