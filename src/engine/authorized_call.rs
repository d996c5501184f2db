//! The first steps of a call, until it is authorized.

use std::sync::Arc;

use tracing::Instrument as _;

use super::Engine;
use super::call_record::CallRecord;
use super::plane_access::PlaneAccess;
use super::steps::step;
use crate::identity::{Caller, Credential};
use crate::model::{Error, Result};
use crate::ops::{Operation, Plane as _, PlaneOf, Target as _};

/// An authenticated and authorized call.
pub(super) struct AuthorizedCall<O: Operation>
where
    PlaneOf<O>: PlaneAccess,
{
    pub(super) operation: O,
    /// The container of the target, for example the HSM.
    pub(super) found: <PlaneOf<O> as PlaneAccess>::Resolved,
    /// `None` for operations that the service starts itself.
    pub(super) caller: Option<Arc<Caller>>,
    /// The error of the call if it does not succeed, instead of the one that would tell a state.
    pub(super) otherwise: Otherwise,
    pub(super) pending: CallRecord,
}

/// An authenticated and authorized call of a caller, without its record.
pub(super) struct AuthorizedCaller<O: Operation>
where
    PlaneOf<O>: PlaneAccess,
{
    operation: O,
    found: <PlaneOf<O> as PlaneAccess>::Resolved,
    caller: Arc<Caller>,
    otherwise: Otherwise,
}

impl<O: Operation> AuthorizedCall<O>
where
    PlaneOf<O>: PlaneAccess,
{
    /// Returns the call of a caller.
    pub(super) fn of_caller(authorized: AuthorizedCaller<O>, pending: CallRecord) -> Self {
        let AuthorizedCaller { operation, found, caller, otherwise } = authorized;
        Self { operation, found, caller: Some(caller), otherwise, pending }
    }

    /// Returns a call of the service itself.
    pub(super) fn of_service(
        operation: O,
        found: <PlaneOf<O> as PlaneAccess>::Resolved,
        pending: CallRecord,
    ) -> Self {
        Self { operation, found, caller: None, otherwise: Otherwise(None), pending }
    }
}

/// The refusal of a call that no role grants, and that is answered because it only tells the caller about itself. Such a call must
/// not learn the state of what it names, so every error that would tell it is the refusal.
pub(super) struct Otherwise(Option<Error>);

impl Otherwise {
    /// Returns the error to reply with.
    pub(super) fn instead_of(self, error: Error) -> Error {
        match (self.0, &error) {
            (None, _) | (_, Error::Internal(_) | Error::Throttled { .. }) => error,
            (Some(refusal), _) => refusal,
        }
    }
}

impl Engine {
    /// Authenticates the caller, parses the request, resolves its container and authorizes the call.
    pub(super) async fn authorize_call<O: Operation>(
        &self,
        credential: Result<Credential<'_>>,
        request: impl FnOnce() -> Result<O> + Send,
        pending: &mut CallRecord,
    ) -> Result<AuthorizedCaller<O>>
    where
        PlaneOf<O>: PlaneAccess,
    {
        let authenticated = self.0.identity.authenticate(credential?, PlaneOf::<O>::AUDIENCES);
        let caller = authenticated.instrument(step!("authenticate")).await?;
        pending.set_caller(&caller);
        let operation = step!("parse").in_scope(request)?;
        let _authorizing = step!("authorize").entered();
        pending.set_item_count(operation.item_count());
        let id = operation.target();
        let container = O::Target::container(&id);
        PlaneOf::<O>::record_container(pending, &container);
        pending.set_target(O::Target::describe(&id), O::Target::resource(&id));
        PlaneOf::<O>::check_audience(&caller, &container)?;
        let found = PlaneOf::<O>::resolve(self, &container)?;
        let scope = O::Target::scope(&id, &self.0.store);
        let requested = O::Target::requested_scope(&id);
        let scopes = (&scope, requested.as_ref().unwrap_or(&scope));
        let refusal = match PlaneOf::<O>::authorize(self, &caller, &found, O::ACTION, scopes) {
            Ok(deciding) => {
                deciding.into_iter().for_each(|id| pending.set_deciding_assignment(id));
                None
            }
            Err(refusal @ Error::Forbidden { .. }) if operation.concerns_only(&caller.principals()) => {
                Some(refusal)
            }
            Err(error) => return Err(error),
        };
        Ok(AuthorizedCaller { operation, found, caller, otherwise: Otherwise(refusal) })
    }
}
