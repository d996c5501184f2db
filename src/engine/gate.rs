//! How each plane lets callers in and equips its operations.

use std::sync::Arc;

use super::Engine;
use super::record::Pending;
use crate::identity::{Caller, authorize};
use crate::ids::Ids;
use crate::model::control_plane::{ControlAction, ControlScope};
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::name::HsmName;
use crate::model::rbac::{Action, Scope};
use crate::model::resource::{Subscription, SubscriptionId};
use crate::model::{Error, Result, Timestamp};
use crate::ops::{
    ControlCx, ControlPlane, Cx, DataPlane, DirectoryCx, DirectoryPlane, Known, Plane, SimulatorCx,
    SimulatorPlane,
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

    /// Decides whether the caller may.
    ///
    /// # Errors
    /// `Forbidden`, or `Unauthenticated` for a credential that is not for this place.
    fn admit(
        engine: &Engine,
        caller: &Caller,
        found: &Self::Found,
        action: Self::Action,
        scope: &Self::Scope,
    ) -> Result<()>;

    /// What the operation may use. There is no caller where the service itself acts.
    ///
    /// # Errors
    /// Where the place is not in service.
    fn equip(
        engine: &Engine,
        found: Self::Found,
        caller: Option<&Caller>,
        now: Timestamp,
    ) -> Result<Self::Cx>;

    /// What holds the declared intents, where a token is involved.
    fn declared(cx: &Self::Cx) -> Option<&Cx>;
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
        scope: &Scope,
    ) -> Result<()> {
        if hsm.tenant != caller.tenant {
            return Err(Error::Unauthenticated {
                why: "the credential belongs to another tenant than the HSM",
            });
        }
        authorize(caller, |principal| engine.0.store.grants(&hsm.name, principal), action, scope)
    }

    fn equip(engine: &Engine, hsm: Arc<ManagedHsm>, _: Option<&Caller>, now: Timestamp) -> Result<Cx> {
        if hsm.activation != Activation::Active {
            return Err(Error::HsmNotActivated { hsm: hsm.name.clone() });
        }
        let token = engine.token(&hsm.name)?;
        let inner = &engine.0;
        Ok(Cx::new(hsm, token, inner.store.clone(), inner.public_keys.clone(), inner.under_way.clone(), now))
    }

    fn declared(cx: &Cx) -> Option<&Cx> {
        Some(cx)
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
        scope: &ControlScope,
    ) -> Result<()> {
        if subscription.tenant != caller.tenant {
            return Err(Error::Unauthenticated {
                why: "the credential belongs to another tenant than the subscription",
            });
        }
        authorize(caller, |principal| engine.0.store.control_grants(principal), action, scope)
    }

    fn equip(
        engine: &Engine,
        subscription: Arc<Subscription>,
        caller: Option<&Caller>,
        now: Timestamp,
    ) -> Result<ControlCx> {
        let store = engine.0.store.clone();
        let caller = caller.map(|caller| caller.principal);
        let locations = Arc::clone(&engine.0.locations);
        Ok(ControlCx { subscription, store, locations, ids: Ids, now, caller })
    }

    fn declared(_: &ControlCx) -> Option<&Cx> {
        None
    }
}

impl Gate for DirectoryPlane {
    type Found = ();

    fn note(_: &mut Pending, (): &()) {}

    fn find(_: &Engine, (): &()) -> Result<()> {
        Ok(())
    }

    /// Whoever is known may ask; operations tell what is the caller's alone.
    fn admit(_: &Engine, _: &Caller, (): &(), _: Known, (): &()) -> Result<()> {
        Ok(())
    }

    fn equip(engine: &Engine, (): (), caller: Option<&Caller>, _: Timestamp) -> Result<DirectoryCx> {
        let caller = caller.ok_or_else(|| Error::internal("the service asks nothing above subscriptions"))?;
        let principals = std::iter::once(caller.principal).chain(caller.groups.iter().copied()).collect();
        Ok(DirectoryCx { store: engine.0.store.clone(), tenant: caller.tenant, principals })
    }

    fn declared(_: &DirectoryCx) -> Option<&Cx> {
        None
    }
}

impl Gate for SimulatorPlane {
    type Found = ();

    fn note(_: &mut Pending, (): &()) {}

    fn find(_: &Engine, (): &()) -> Result<()> {
        Ok(())
    }

    /// The authority's principals may; there is no plane of the real service that could say otherwise.
    fn admit(_: &Engine, _: &Caller, (): &(), _: Known, (): &()) -> Result<()> {
        Ok(())
    }

    fn equip(engine: &Engine, (): (), _: Option<&Caller>, now: Timestamp) -> Result<SimulatorCx> {
        Ok(SimulatorCx { clock: engine.0.clock.clone(), now })
    }

    fn declared(_: &SimulatorCx) -> Option<&Cx> {
        None
    }
}
