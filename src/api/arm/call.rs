//! The types of a request for Azure Resource Manager, and the handlers of routes whose request or state decides which
//! operation runs.

use super::super::azure::call;
use super::super::azure::route::AzureEndpoint;
use super::endpoint::Endpoint;
use super::wire::hsms;
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

/// What a `PUT` of an HSM does, depending on the body and on whether the HSM exists. If that changes before the operation
/// runs, the operation fails.
#[derive(Clone, Copy)]
pub(super) enum HsmPut {
    Recover,
    Update,
    Create,
}

impl HsmPut {
    /// Chooses the operation of a request.
    pub(super) fn of(call: &Call<'_>) -> Self {
        let path = hsms::path(call.input()).ok();
        let found = path.as_ref().and_then(|path| call.engine().managed_hsm(&path.name));
        let exists = found.zip(path).is_some_and(|(found, path)| {
            found.deletion.is_none()
                && found.subscription == path.subscription
                && found.resource_group.to_case_insensitive() == path.resource_group.to_case_insensitive()
        });
        if hsms::is_recovery(call.input()) {
            Self::Recover
        } else if exists {
            Self::Update
        } else {
            Self::Create
        }
    }
}
