//! Resolves containers, authorizes callers and creates operation contexts, for each plane.

use std::sync::Arc;

use super::Engine;
use super::record::Pending;
use crate::identity::{Caller, Decision, authorize, explain, granting};
use crate::ids::Ids;
use crate::model::control_plane::{ControlAction, ControlScope};
use crate::model::error::Denied;
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::name::HsmName;
use crate::model::rbac::{Action, Scope};
use crate::model::resource::{Subscription, SubscriptionId};
use crate::model::{Error, Result, Timestamp};
use crate::ops::{
    ClockCx, ControlCx, ControlPlane, Cx, DataPlane, DirectoryCx, DirectoryPlane, InstallationPlane, Intents,
    Known, Plane, ServicePlane, SimulatorPlane, TurnClock,
};

/// The steps of the pipeline that differ by plane: resolve the container, authorize the caller, create the context.
pub trait Gate: Plane {
    /// The container that was found, for example the HSM or the subscription.
    type Found: Send + 'static;

    /// Writes the container to the call record.
    fn record_container(pending: &mut Pending, container: &Self::Container);

    /// Finds the container.
    ///
    /// # Errors
    /// If it does not exist.
    fn resolve(engine: &Engine, container: &Self::Container) -> Result<Self::Found>;

    /// Checks that the caller may perform the action: a role must grant it at the first of `scopes`; a `Forbidden` error
    /// names the second.
    ///
    /// # Errors
    /// `Forbidden`, or `Unauthenticated` for a credential of another tenant or issuer.
    fn authorize(
        engine: &Engine,
        caller: &Caller,
        found: &Self::Found,
        action: Self::Action,
        scopes: (&Self::Scope, &Self::Scope),
    ) -> Result<()>;

    /// Creates the context of an operation. `caller` is `None` for operations of the service itself; `in_service` says
    /// that the operation requires an activated HSM.
    ///
    /// # Errors
    /// If the container is deleted, replaced or not activated.
    fn create_context(
        engine: &Engine,
        found: Self::Found,
        caller: Option<&Caller>,
        now: Timestamp,
        in_service: bool,
    ) -> Result<Self::Cx>;

    /// Returns the intents of the operation, on planes whose operations use tokens.
    fn intents(cx: &Self::Cx) -> Option<&Intents>;
}

impl Gate for DataPlane {
    type Found = Arc<ManagedHsm>;

    fn record_container(pending: &mut Pending, container: &HsmName) {
        pending.hsm(container);
    }

    fn resolve(engine: &Engine, container: &HsmName) -> Result<Arc<ManagedHsm>> {
        engine.hsm(container)
    }

    fn authorize(
        engine: &Engine,
        caller: &Caller,
        hsm: &Arc<ManagedHsm>,
        action: Action,
        scopes: (&Scope, &Scope),
    ) -> Result<()> {
        if hsm.tenant != caller.tenant {
            return Err(Error::Unauthenticated {
                why: "the credential belongs to another tenant than the HSM",
            });
        }
        let store = &engine.0.store;
        let roles = || store.role_definitions(&hsm.name);
        authorize(caller, |principal| store.grants(&hsm.name, principal), action, scopes, roles)
    }

    fn create_context(
        engine: &Engine,
        hsm: Arc<ManagedHsm>,
        caller: Option<&Caller>,
        now: Timestamp,
        in_service: bool,
    ) -> Result<Cx> {
        // Read again: since it was found, the HSM may have been deleted or replaced by another of the same name.
        let resolved = hsm.id;
        let hsm = engine.hsm(&hsm.name)?;
        if hsm.id != resolved {
            return Err(Error::NotFound((&hsm.name).into()));
        }
        // assumption: the reply of a deleted HSM's data plane is not recorded.
        hsm.check_live()?;
        if in_service && hsm.activation != Activation::Active {
            return Err(Error::HsmNotActivated { hsm: hsm.name.clone() });
        }
        let token = engine.0.tokens.of(&hsm.name)?;
        let inner = &engine.0;
        Ok(Cx {
            aes_modes: inner.aes_modes.of(&hsm.name),
            hsm,
            token,
            store: inner.store.clone(),
            public_keys: inner.public_keys.clone(),
            ids: Ids,
            now,
            asker: caller.map(Caller::principals).unwrap_or_default(),
            sure: inner.clock.sure(),
            intents: engine.intents(),
        })
    }

    fn intents(cx: &Cx) -> Option<&Intents> {
        Some(&cx.intents)
    }
}

impl Gate for ControlPlane {
    type Found = Arc<Subscription>;

    fn record_container(_: &mut Pending, _: &SubscriptionId) {}

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
    ) -> Result<()> {
        if subscription.tenant != caller.tenant {
            return Err(Error::Unauthenticated {
                why: "the credential belongs to another tenant than the subscription",
            });
        }
        let store = &engine.0.store;
        let roles = || store.control_definitions();
        authorize(caller, |principal| store.control_grants(principal), action, scopes, roles)
    }

    fn create_context(
        engine: &Engine,
        subscription: Arc<Subscription>,
        caller: Option<&Caller>,
        now: Timestamp,
        _: bool,
    ) -> Result<ControlCx> {
        let inner = &engine.0;
        Ok(ControlCx {
            subscription,
            store: inner.store.clone(),
            locations: Arc::clone(&inner.locations),
            pricing: Arc::clone(&inner.pricing),
            supply: inner.supply.clone(),
            tokens: inner.tokens.clone(),
            ids: Ids,
            now,
            sure: inner.clock.sure(),
            caller: caller.map(|caller| caller.principal),
            intents: engine.intents(),
        })
    }

    fn intents(cx: &ControlCx) -> Option<&Intents> {
        Some(&cx.intents)
    }
}

impl Gate for DirectoryPlane {
    type Found = ();

    fn record_container(_: &mut Pending, (): &()) {}

    fn resolve(_: &Engine, (): &()) -> Result<()> {
        Ok(())
    }

    /// Every authenticated caller is authorized; operations return only the caller's own resources.
    fn authorize(_: &Engine, _: &Caller, (): &(), _: Known, _: (&(), &())) -> Result<()> {
        Ok(())
    }

    fn create_context(
        engine: &Engine,
        (): (),
        caller: Option<&Caller>,
        _: Timestamp,
        _: bool,
    ) -> Result<DirectoryCx> {
        let caller =
            caller.ok_or_else(|| Error::internal("an operation of the directory plane needs a caller"))?;
        let principals = caller.principals();
        Ok(DirectoryCx { store: engine.0.store.clone(), tenant: caller.tenant, principals })
    }

    fn intents(_: &DirectoryCx) -> Option<&Intents> {
        None
    }
}

impl Gate for SimulatorPlane {
    type Found = ();

    fn record_container(_: &mut Pending, (): &()) {}

    fn resolve(engine: &Engine, (): &()) -> Result<()> {
        match engine.0.clock.can_be_turned() {
            true => Ok(()),
            false => Err(Error::Unsupported {
                what: "a gateway uses the clock of its machine, which cannot be set".to_owned(),
            }),
        }
    }

    /// The seed lists the authorized principals. Azure has no plane with a settable clock.
    fn authorize(engine: &Engine, caller: &Caller, (): &(), _: TurnClock, _: (&(), &())) -> Result<()> {
        require_own_authority(caller)?;
        match engine.0.clock.may_be_turned_by(caller.principal) {
            true => Ok(()),
            false => Err(Error::Forbidden {
                principal: caller.principal,
                denied: Denied::TurnClock,
                roles: Vec::new(),
            }),
        }
    }

    fn create_context(
        engine: &Engine,
        (): (),
        _: Option<&Caller>,
        now: Timestamp,
        _: bool,
    ) -> Result<ClockCx> {
        Ok(ClockCx { clock: engine.0.clock.clone(), now })
    }

    fn intents(_: &ClockCx) -> Option<&Intents> {
        None
    }
}

impl Gate for ServicePlane {
    type Found = ();

    fn record_container(_: &mut Pending, (): &()) {}

    fn resolve(_: &Engine, (): &()) -> Result<()> {
        Ok(())
    }

    /// A simulator accepts only access tokens of its own authority here; a gateway accepts every authenticated caller.
    fn authorize(engine: &Engine, caller: &Caller, (): &(), _: Known, _: (&(), &())) -> Result<()> {
        if engine.0.clock.can_be_turned() { require_own_authority(caller) } else { Ok(()) }
    }

    fn create_context(
        engine: &Engine,
        (): (),
        _: Option<&Caller>,
        now: Timestamp,
        _: bool,
    ) -> Result<ClockCx> {
        Ok(ClockCx { clock: engine.0.clock.clone(), now })
    }

    fn intents(_: &ClockCx) -> Option<&Intents> {
        None
    }
}

impl Gate for InstallationPlane {
    type Found = ();

    fn record_container(_: &mut Pending, (): &()) {}

    fn resolve(_: &Engine, (): &()) -> Result<()> {
        Ok(())
    }

    /// Every subscription must belong to the caller's tenant and grant the action. The error does not list subscriptions.
    fn authorize(
        engine: &Engine,
        caller: &Caller,
        (): &(),
        action: ControlAction,
        _: (&(), &()),
    ) -> Result<()> {
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
            denied: Denied::Everywhere(action),
            roles: granting(action, store.control_definitions()),
        })
    }

    fn create_context(
        engine: &Engine,
        (): (),
        _: Option<&Caller>,
        now: Timestamp,
        _: bool,
    ) -> Result<ClockCx> {
        Ok(ClockCx { clock: engine.0.clock.clone(), now })
    }

    fn intents(_: &ClockCx) -> Option<&Intents> {
        None
    }
}

/// Checks that the access token was issued by the simulator's own authority.
fn require_own_authority(caller: &Caller) -> Result<()> {
    if caller.of_own_authority {
        return Ok(());
    }
    Err(Error::Unauthenticated {
        why: "the simulator's own services accept only access tokens of its own authority",
    })
}
