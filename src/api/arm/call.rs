//! The types of a request for Azure Resource Manager, and the handlers of routes whose request or state decides which
//! operation runs.

use super::super::azure::call;
use super::super::azure::route::AzureEndpoint;
use super::endpoint::Endpoint;
use super::wire::{hsms, vaults};
use crate::ops::Operation;

/// The contents of a request for Azure Resource Manager.
pub(super) type RequestInput<'a> = call::RequestInput<'a, Endpoint>;
/// A received request for Azure Resource Manager.
pub(super) type Call<'a> = call::Call<'a, Endpoint>;

impl AzureEndpoint for Endpoint {
    fn requires_version<O: Operation>() -> bool {
        true
    }
}

/// What a `PUT` of a container does, depending on the body and on whether the container exists. If that changes before the operation
/// runs, the operation fails.
#[derive(Clone, Copy)]
pub(super) enum ContainerPut {
    Recover,
    Update,
    Create,
}

impl ContainerPut {
    /// Chooses the operation of a request for a managed HSM.
    pub(super) fn of_hsm(call: &Call<'_>) -> Self {
        let path = hsms::path(call.input()).ok();
        let found = path.as_ref().and_then(|path| call.engine().managed_hsm(&path.name));
        let exists = found.zip(path).is_some_and(|(found, path)| path.is_live(&found));
        Self::new(hsms::is_recovery(call.input()), exists)
    }

    /// Chooses the operation of a request for a vault.
    pub(super) fn of_vault(call: &Call<'_>) -> Self {
        let path = vaults::path(call.input()).ok();
        let found = path.as_ref().and_then(|path| call.engine().vault(&path.name));
        let exists = found.zip(path).is_some_and(|(found, path)| path.is_live(&found));
        Self::new(vaults::is_recovery(call.input()), exists)
    }

    const fn new(is_recovery: bool, exists: bool) -> Self {
        match (is_recovery, exists) {
            (true, _) => Self::Recover,
            (false, true) => Self::Update,
            (false, false) => Self::Create,
        }
    }
}
