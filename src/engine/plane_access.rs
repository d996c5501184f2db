//! Resolves containers, authorizes callers and creates operation contexts, for each plane. The planes of containers are in
//! `container_access.rs`.

use std::sync::Arc;
use std::time::Instant;

use uuid::Uuid;

use super::Engine;
use super::call_record::CallRecord;
use crate::identity::{Caller, Decision, authorize, explain, roles_granting};
use crate::ids::Ids;
use crate::model::arm_rbac::{ControlAction, ControlScope};
use crate::model::container::Container;
use crate::model::error::DeniedAction;
use crate::model::resource::{Subscription, SubscriptionId};
use crate::model::{Error, Result, Timestamp};
use crate::ops::{
    ClockCx, ControlCx, ControlPlane, DirectoryCx, DirectoryPlane, InstallationPlane, Intents, Operation,
    Plane, RolelessAction, ServicePlane, SimulatorPlane,
};

/// In which states of an HSM an operation is available.
#[derive(Clone, Copy, Debug)]
pub struct Availability {
    pub(super) requires_activation: bool,
    pub(super) during_restore: bool,
}

impl Availability {
    /// Returns that of an operation.
    pub(super) const fn of<O: Operation>() -> Self {
        Self { requires_activation: O::REQUIRES_ACTIVATION, during_restore: O::DURING_RESTORE }
    }
}

/// The steps of the pipeline that differ by plane: resolve the container, authorize the caller, create the context.
pub trait PlaneAccess: Plane {
    /// The container that was found, for example the HSM or the subscription.
    type Resolved: Send + 'static;

    /// Writes the container to the call record.
    fn record_container(pending: &mut CallRecord, container: &Self::Container);

    /// Checks that the credential is valid for the container, on planes with several audiences. Called before the container
    /// is looked for.
    ///
    /// # Errors
    /// `Unauthenticated`.
    fn check_audience(_: &Caller, _: &Self::Container) -> Result<()> {
        Ok(())
    }

    /// Finds the container.
    ///
    /// # Errors
    /// If it does not exist.
    fn resolve(engine: &Engine, container: &Self::Container) -> Result<Self::Resolved>;

    /// Checks that the caller may perform the action: a role must grant it at the first of `scopes`; a `Forbidden` error
    /// names the second. Returns the deciding role assignment of a vault with Azure RBAC.
    ///
    /// # Errors
    /// `Forbidden`, or `Unauthenticated` for a credential of another tenant or issuer.
    fn authorize(
        engine: &Engine,
        caller: &Caller,
        found: &Self::Resolved,
        action: Self::Action,
        scopes: (&Self::Scope, &Self::Scope),
    ) -> Result<Option<Uuid>>;

    /// Creates the context of an operation. `caller` is `None` for operations of the service itself.
    ///
    /// # Errors
    /// If the container is deleted, replaced or not activated.
    fn create_context(
        engine: &Engine,
        found: Self::Resolved,
        caller: Option<&Caller>,
        now: Timestamp,
        availability: Availability,
    ) -> Result<Self::Cx>;

    /// Limits the time for which the operation waits for the token, on planes whose operations use that of a container.
    fn set_deadline(_: &mut Self::Cx, _: Instant) {}

    /// Returns the intents of the operation, on planes whose operations use tokens.
    fn intents(cx: &Self::Cx) -> Option<&Intents>;

    /// Returns the container that a caller addresses, on the data planes of containers.
    fn addressed(_: &Self::Cx) -> Option<&Container> {
        None
    }
}

impl PlaneAccess for ControlPlane {
    type Resolved = Arc<Subscription>;

    fn record_container(_: &mut CallRecord, _: &SubscriptionId) {}

    fn resolve(engine: &Engine, container: &SubscriptionId) -> Result<Arc<Subscription>> {
        let subscription = engine.0.store.subscription(*container);
        subscription.ok_or(Error::NotFound((*container).into()))
    }

    fn authorize(
        engine: &Engine,
        caller: &Caller,
        subscription: &Arc<Subscription>,
        action: ControlAction,
        scopes: (&ControlScope, &ControlScope),
    ) -> Result<Option<Uuid>> {
        if subscription.tenant != caller.tenant {
            return Err(Error::Unauthenticated {
                why: "the credential belongs to another tenant than the subscription",
            });
        }
        let store = &engine.0.store;
        let roles = || store.control_definitions();
        let denied = || DeniedAction::Control(action, scopes.1.clone());
        authorize(caller, |principal| store.control_grants(principal), action, scopes.0, roles, denied)?;
        Ok(None)
    }

    fn create_context(
        engine: &Engine,
        subscription: Arc<Subscription>,
        caller: Option<&Caller>,
        now: Timestamp,
        _: Availability,
    ) -> Result<ControlCx> {
        let inner = &engine.0;
        Ok(ControlCx {
            subscription,
            store: inner.store.clone(),
            locations: Arc::clone(&inner.locations),
            pricing: Arc::clone(&inner.pricing),
            audit_reader: inner.audit_reader.clone(),
            token_pool: inner.supply.clone(),
            tokens: inner.tokens.clone(),
            ids: Ids,
            now,
            sure: inner.clock.certain_time(),
            intents: engine.intents(),
            caller_principals: caller.map(Caller::principals).unwrap_or_default(),
            soft_delete_opt_out: inner.soft_delete_opt_out,
        })
    }

    fn intents(cx: &ControlCx) -> Option<&Intents> {
        Some(&cx.intents)
    }
}

/// A plane whose operations address the service or the tenant as a whole, and declare no intents.
trait WithoutContainer: Plane<Scope = (), Container = ()> {
    /// Checks that the service has this plane.
    ///
    /// # Errors
    /// `Unsupported`.
    fn check_available(_: &Engine) -> Result<()> {
        Ok(())
    }

    /// See [`PlaneAccess::authorize`].
    fn authorize_caller(engine: &Engine, caller: &Caller, action: Self::Action) -> Result<()>;

    /// See [`PlaneAccess::create_context`].
    fn context(engine: &Engine, caller: Option<&Caller>) -> Result<Self::Cx>;
}

impl<P: WithoutContainer> PlaneAccess for P {
    type Resolved = ();

    fn record_container(_: &mut CallRecord, (): &()) {}

    fn resolve(engine: &Engine, (): &()) -> Result<()> {
        P::check_available(engine)
    }

    fn authorize(
        engine: &Engine,
        caller: &Caller,
        (): &(),
        action: Self::Action,
        _: (&(), &()),
    ) -> Result<Option<Uuid>> {
        P::authorize_caller(engine, caller, action).map(|()| None)
    }

    fn create_context(
        engine: &Engine,
        (): (),
        caller: Option<&Caller>,
        _: Timestamp,
        _: Availability,
    ) -> Result<Self::Cx> {
        P::context(engine, caller)
    }

    fn intents(_: &Self::Cx) -> Option<&Intents> {
        None
    }
}

impl WithoutContainer for DirectoryPlane {
    /// Every authenticated caller is authorized; operations return only the caller's own resources.
    fn authorize_caller(_: &Engine, _: &Caller, _: RolelessAction) -> Result<()> {
        Ok(())
    }

    fn context(engine: &Engine, caller: Option<&Caller>) -> Result<DirectoryCx> {
        let caller =
            caller.ok_or_else(|| Error::internal("an operation of the directory plane needs a caller"))?;
        let principals = caller.principals();
        Ok(DirectoryCx { store: engine.0.store.clone(), tenant: caller.tenant, principals })
    }
}

impl WithoutContainer for SimulatorPlane {
    fn check_available(engine: &Engine) -> Result<()> {
        match engine.0.clock.is_virtual() {
            true => Ok(()),
            false => Err(Error::Unsupported {
                what: "a gateway uses the clock of its machine, which cannot be set".to_owned(),
            }),
        }
    }

    /// The seed lists the authorized principals. Azure has no plane with a settable clock.
    fn authorize_caller(engine: &Engine, caller: &Caller, _: RolelessAction) -> Result<()> {
        require_own_authority(caller)?;
        match engine.0.clock.can_be_set_by(caller.principal) {
            true => Ok(()),
            false => Err(Error::Forbidden {
                principal: caller.principal,
                denied: DeniedAction::SetClock,
                roles: Vec::new(),
            }),
        }
    }

    fn context(engine: &Engine, _: Option<&Caller>) -> Result<ClockCx> {
        Ok(ClockCx { clock: engine.0.clock.clone() })
    }
}

impl WithoutContainer for ServicePlane {
    /// A simulator accepts only access tokens of its own authority here; a gateway accepts every authenticated caller.
    fn authorize_caller(engine: &Engine, caller: &Caller, _: RolelessAction) -> Result<()> {
        if engine.0.clock.is_virtual() { require_own_authority(caller) } else { Ok(()) }
    }

    fn context(engine: &Engine, _: Option<&Caller>) -> Result<ClockCx> {
        Ok(ClockCx { clock: engine.0.clock.clone() })
    }
}

impl WithoutContainer for InstallationPlane {
    /// Every subscription must belong to the caller's tenant and grant the action, unless the configuration names the caller
    /// as an operator of the clock. The error does not list subscriptions.
    fn authorize_caller(engine: &Engine, caller: &Caller, action: ControlAction) -> Result<()> {
        let is_caller = |(tenant, principal): &(_, _)| {
            *tenant == caller.tenant && caller.principals().contains(principal)
        };
        if engine.0.clock_operators.iter().any(is_caller) {
            return Ok(());
        }
        let store = &engine.0.store;
        let subscriptions = store.subscriptions();
        let granted = |subscription: &Arc<Subscription>| {
            let grants = |principal| store.control_grants(principal);
            let scope = ControlScope::Subscription(subscription.id);
            let decision = explain(caller.principal, &caller.groups, grants, action, &scope);
            subscription.tenant == caller.tenant && matches!(decision, Decision::Allowed(_))
        };
        if !subscriptions.is_empty() && subscriptions.iter().all(granted) {
            return Ok(());
        }
        Err(Error::Forbidden {
            principal: caller.principal,
            denied: DeniedAction::Everywhere(action),
            roles: roles_granting(action, store.control_definitions()),
        })
    }

    fn context(engine: &Engine, _: Option<&Caller>) -> Result<ClockCx> {
        Ok(ClockCx { clock: engine.0.clock.clone() })
    }
}

/// Checks that the access token was issued by the simulator's own authority.
fn require_own_authority(caller: &Caller) -> Result<()> {
    if caller.from_simulator_authority {
        return Ok(());
    }
    Err(Error::Unauthenticated {
        why: "the simulator's own services accept only access tokens of its own authority",
    })
}
