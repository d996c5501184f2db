//! Makes a managed HSM with a token of its own.

use std::sync::Arc;

use uuid::Uuid;

use super::{HsmBundle, HsmPath, NewHsm};
use crate::model::change::{Change, Intent, IntentVerb};
use crate::model::control_plane::ControlAction;
use crate::model::entry::Meter;
use crate::model::hsm::{Activation, ManagedHsm, NetworkRules, find_sku};
use crate::model::key::{Tags, check_tags};
use crate::model::limit;
use crate::model::location::plain;
use crate::model::name::PrincipalId;
use crate::model::rbac::{ADMINISTRATOR_ROLE, RoleAssignment, Scope};
use crate::model::retention::RetentionDays;
use crate::model::setting::Settings;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation};
use crate::store::Store;
use crate::token::Claims;

/// Makes an HSM. It is not in service before it is activated.
#[derive(Clone, Debug)]
pub struct CreateManagedHsm {
    /// Which, and where.
    pub path: HsmPath,
    /// The region.
    pub location: String,
    /// For example `Standard_B1`, in any case.
    pub sku: String,
    /// The directory whose principals it accepts: the subscription's.
    pub tenant: Option<Uuid>,
    /// Who becomes Managed HSM Administrator, and nothing else; at least one.
    pub administrators: Vec<PrincipalId>,
    /// How long deleted things can be recovered; fixed from now on.
    pub retention: RetentionDays,
    /// Whether purging before the time is refused.
    pub purge_protection: bool,
    /// The user's tags.
    pub tags: Tags,
    /// Who may reach it over the network.
    pub network: NetworkRules,
}

impl Operation for CreateManagedHsm {
    const NAME: &'static str = "CreateManagedHsm";
    const EVENT: &'static str = "ManagedHsmCreate";
    const ACTION: ControlAction = ControlAction::HsmWrite;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = NewHsm;
    type Reply = HsmBundle;

    fn target(&self) -> HsmPath {
        self.path.clone()
    }

    fn check(&self, _: &NewHsm, _: Timestamp) -> Result<()> {
        if self.location.is_empty() {
            return Err(Error::invalid("location", "this is missing"));
        }
        if self.sku.is_empty() {
            return Err(Error::invalid("sku", "this is missing"));
        }
        if self.administrators.is_empty() {
            return Err(Error::invalid("administrators", "an HSM needs at least one administrator"));
        }
        find_sku(&self.sku)?;
        check_tags(&self.tags)?;
        self.network.check()
    }

    async fn execute(self, _: NewHsm, cx: &ControlCx) -> Result<Done<HsmBundle>> {
        self.check_place(cx)?;
        let role = cx.store.built_in_role(ADMINISTRATOR_ROLE)?;
        let name = self.path.name.clone();
        cx.intents.declare(&name, IntentVerb::Provision, Vec::new()).await?;
        let token = cx.supply.take(name.as_str(), || claims(&cx.store)).await?;
        cx.tokens.attach(&name, token.clone());
        let assignment = |principal: &PrincipalId| RoleAssignment {
            id: cx.ids.guid(),
            role_definition: role.id,
            principal: *principal,
            scope: Scope::Hsm,
        };
        let mut administrators = self.administrators;
        let mut seen = std::collections::HashSet::new();
        administrators.retain(|principal| seen.insert(*principal));
        let assignments = administrators.iter().map(assignment).collect();
        let hsm = ManagedHsm {
            id: cx.ids.guid(),
            name,
            tenant: cx.subscription.tenant,
            subscription: self.path.subscription,
            resource_group: self.path.resource_group,
            location: self.location,
            // In its own spelling: prices are found by it.
            sku: find_sku(&self.sku)?.to_owned(),
            retention: self.retention,
            purge_protection: self.purge_protection,
            activation: Activation::NotActivated,
            initial_administrators: administrators,
            token_serial: token.info().serial.clone(),
            created: cx.now,
            deletion: None,
            tags: self.tags,
            network: self.network,
            settings: Settings::default(),
        };
        let bundle = HsmBundle::of(&Arc::new(hsm.clone()), &cx.store);
        Ok(Done::with(bundle, [Change::InsertHsm(hsm, assignments)]))
    }
}

impl CreateManagedHsm {
    fn check_place(&self, cx: &ControlCx) -> Result<()> {
        if self.tenant.is_some_and(|tenant| tenant != cx.subscription.tenant) {
            return Err(Error::invalid("tenant_id", "the tenant is the subscription's"));
        }
        cx.locations.find(&self.location)?;
        // Before a token is made for it; the store asks again when the HSM is recorded.
        limit::HSMS.room(count(&cx.store, self))
    }
}

/// Who has a claim to tokens.
fn claims(store: &Store) -> Claims {
    let being_made = |intent: &Intent| intent.verb == IntentVerb::Provision;
    let intents = store.intents().into_iter().filter(being_made);
    let pending = intents.map(|intent| intent.hsm.to_string()).collect();
    Claims { pending, in_use: store.token_serials() }
}

fn count(store: &Store, new: &CreateManagedHsm) -> usize {
    let beside = |hsm: &Arc<ManagedHsm>| {
        hsm.subscription == new.path.subscription && plain(&hsm.location) == plain(&new.location)
    };
    store.hsms().into_iter().filter(beside).count()
}
