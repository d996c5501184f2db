//! How each plane lets callers in and equips its operations.

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

/// What a plane decides before an operation runs, and what it hands to it.
pub trait Gate: Plane {
    /// The place, once it is known to exist and to be the caller's to ask.
    type Found: Send + 'static;

    /// Notes the place in the record.
    fn note(pending: &mut Pending, place: &Self::Place);

    /// Finds the place.
    ///
    /// # Errors
    /// Where there is none.
    fn find(engine: &Engine, place: &Self::Place) -> Result<Self::Found>;

    /// Decides whether the caller may: of `scopes`, the first is where a role must grant the action, the second the one
    /// that a refusal names.
    ///
    /// # Errors
    /// `Forbidden`, or `Unauthenticated` for a credential that is not for this place.
    fn admit(
        engine: &Engine,
        caller: &Caller,
        found: &Self::Found,
        action: Self::Action,
        scopes: (&Self::Scope, &Self::Scope),
    ) -> Result<()>;

    /// What the operation may use. There is no caller where the service itself acts; `in_service` says
    /// that the operation is only for a place that is in service.
    ///
    /// # Errors
    /// Where the place cannot take the operation.
    fn equip(
        engine: &Engine,
        found: Self::Found,
        caller: Option<&Caller>,
        now: Timestamp,
        in_service: bool,
    ) -> Result<Self::Cx>;

    /// What the operation has declared, where a token is involved.
    fn intents(cx: &Self::Cx) -> Option<&Intents>;
}

impl Gate for DataPlane {
    type Found = Arc<ManagedHsm>;

    fn note(pending: &mut Pending, place: &HsmName) {
        pending.hsm(place);
    }

    fn find(engine: &Engine, place: &HsmName) -> Result<Arc<ManagedHsm>> {
        engine.hsm(place)
    }

    fn admit(
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

    fn equip(
        engine: &Engine,
        hsm: Arc<ManagedHsm>,
        caller: Option<&Caller>,
        now: Timestamp,
        in_service: bool,
    ) -> Result<Cx> {
        // As it is now: since it was found, it may have been deleted, or another may have its name.
        let known = hsm.id;
        let hsm = engine.hsm(&hsm.name)?;
        if hsm.id != known {
            return Err(Error::HsmNotFound { hsm: hsm.name.clone() });
        }
        // assumption: what a deleted HSM's data plane answers is not recorded.
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

    fn note(_: &mut Pending, _: &SubscriptionId) {}

    fn find(engine: &Engine, place: &SubscriptionId) -> Result<Arc<Subscription>> {
        let found = engine.0.store.subscription(*place);
        found.ok_or(Error::SubscriptionNotFound { subscription: *place })
    }

    fn admit(
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

    fn equip(
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

    fn note(_: &mut Pending, (): &()) {}

    fn find(_: &Engine, (): &()) -> Result<()> {
        Ok(())
    }

    /// Whoever is known may ask; operations tell what is the caller's alone.
    fn admit(_: &Engine, _: &Caller, (): &(), _: Known, _: (&(), &())) -> Result<()> {
        Ok(())
    }

    fn equip(engine: &Engine, (): (), caller: Option<&Caller>, _: Timestamp, _: bool) -> Result<DirectoryCx> {
        let caller = caller.ok_or_else(|| Error::internal("the service asks nothing above subscriptions"))?;
        let principals = caller.principals();
        Ok(DirectoryCx { store: engine.0.store.clone(), tenant: caller.tenant, principals })
    }

    fn intents(_: &DirectoryCx) -> Option<&Intents> {
        None
    }
}

impl Gate for SimulatorPlane {
    type Found = ();

    fn note(_: &mut Pending, (): &()) {}

    fn find(engine: &Engine, (): &()) -> Result<()> {
        match engine.0.clock.can_be_turned() {
            true => Ok(()),
            false => Err(Error::Unsupported { what: "a gateway's clock is its machine's".to_owned() }),
        }
    }

    /// The principals that the seed names; there is no plane of the real service that could say otherwise.
    fn admit(engine: &Engine, caller: &Caller, (): &(), _: TurnClock, _: (&(), &())) -> Result<()> {
        of_own_authority(caller)?;
        match engine.0.clock.may_be_turned_by(caller.principal) {
            true => Ok(()),
            false => Err(Error::Forbidden {
                principal: caller.principal,
                denied: Denied::TurnClock,
                roles: Vec::new(),
            }),
        }
    }

    fn equip(engine: &Engine, (): (), _: Option<&Caller>, now: Timestamp, _: bool) -> Result<ClockCx> {
        Ok(ClockCx { clock: engine.0.clock.clone(), now })
    }

    fn intents(_: &ClockCx) -> Option<&Intents> {
        None
    }
}

impl Gate for ServicePlane {
    type Found = ();

    fn note(_: &mut Pending, (): &()) {}

    fn find(_: &Engine, (): &()) -> Result<()> {
        Ok(())
    }

    /// A simulator's own services take tokens of its authority only; a gateway's clock is shown to whoever is known.
    fn admit(engine: &Engine, caller: &Caller, (): &(), _: Known, _: (&(), &())) -> Result<()> {
        if engine.0.clock.can_be_turned() { of_own_authority(caller) } else { Ok(()) }
    }

    fn equip(engine: &Engine, (): (), _: Option<&Caller>, now: Timestamp, _: bool) -> Result<ClockCx> {
        Ok(ClockCx { clock: engine.0.clock.clone(), now })
    }

    fn intents(_: &ClockCx) -> Option<&Intents> {
        None
    }
}

impl Gate for InstallationPlane {
    type Found = ();

    fn note(_: &mut Pending, (): &()) {}

    fn find(_: &Engine, (): &()) -> Result<()> {
        Ok(())
    }

    /// Granted for every subscription, of the caller's tenant all; which ones there are is not told.
    fn admit(engine: &Engine, caller: &Caller, (): &(), action: ControlAction, _: (&(), &())) -> Result<()> {
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

    fn equip(engine: &Engine, (): (), _: Option<&Caller>, now: Timestamp, _: bool) -> Result<ClockCx> {
        Ok(ClockCx { clock: engine.0.clock.clone(), now })
    }

    fn intents(_: &ClockCx) -> Option<&Intents> {
        None
    }
}

/// The principals of the simulator's authority may use what only a simulator has, and those of other issuers may not.
fn of_own_authority(caller: &Caller) -> Result<()> {
    if caller.of_own_authority {
        return Ok(());
    }
    Err(Error::Unauthenticated { why: "the simulator's own services take tokens of its authority only" })
}
