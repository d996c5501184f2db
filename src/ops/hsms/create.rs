//! Creates a managed HSM with its own token.

use std::sync::Arc;

use uuid::Uuid;

use super::{HsmBundle, HsmPath, NewHsm};
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, IntentVerb};
use crate::model::hsm::{Activation, ManagedHsm, NetworkRules, find_sku};
use crate::model::key::Tags;
use crate::model::limit;
use crate::model::local_rbac::{ADMINISTRATOR_ROLE, LocalScope, RoleAssignment};
use crate::model::location::normalize;
use crate::model::name::PrincipalId;
use crate::model::resource::check_resource_tags;
use crate::model::retention::RetentionDays;
use crate::model::setting::Settings;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::containers::claims;
use crate::ops::{ControlCx, Done, Operation};
use crate::store::Store;

/// Creates an HSM, which is not activated.
#[derive(Clone, Debug)]
pub struct CreateManagedHsm {
    /// The resource path of the HSM.
    pub path: HsmPath,
    /// The region.
    pub location: String,
    /// The SKU, for example `Standard_B1`; case-insensitive.
    pub sku: String,
    /// The tenant whose principals it accepts; must be that of the subscription.
    pub tenant: Option<Uuid>,
    /// The principals that are assigned the role Managed HSM Administrator; at least one.
    pub administrators: Vec<PrincipalId>,
    /// The retention interval of deleted keys and of the deleted HSM; cannot be changed later.
    pub retention: RetentionDays,
    /// Whether purges before the scheduled purge date are refused.
    pub purge_protection: bool,
    /// The user's tags.
    pub tags: Tags,
    /// The network rules.
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
            return Err(Error::invalid(Field::Location, "this is missing"));
        }
        if self.sku.is_empty() {
            return Err(Error::invalid(Field::Sku, "this is missing"));
        }
        if self.administrators.is_empty() {
            return Err(Error::invalid(Field::Administrators, "an HSM needs at least one administrator"));
        }
        find_sku(&self.sku)?;
        check_resource_tags(&self.tags)?;
        self.network.check()
    }

    async fn execute(self, _: NewHsm, cx: &ControlCx) -> Result<Done<HsmBundle>> {
        self.check_tenant_and_location(cx)?;
        let role = cx.store.built_in_role(ADMINISTRATOR_ROLE)?;
        let name = self.path.name.clone();
        cx.intents.declare(&(&name).into(), IntentVerb::Provision, Vec::new()).await?;
        let token = cx.token_pool.allocate(name.as_str(), || claims(&cx.store)).await?;
        cx.tokens.attach(&(&name).into(), token.clone());
        let assignment = |principal: &PrincipalId| RoleAssignment {
            id: cx.ids.guid(),
            role_definition: role.id,
            principal: *principal,
            scope: LocalScope::Hsm,
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
            // In canonical spelling, by which prices are found.
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
            security_domain: None,
            transfer_key: None,
            backup_jobs: Vec::new(),
        };
        let bundle = HsmBundle::of(&Arc::new(hsm.clone()), &cx.store);
        Ok(Done::with(bundle, [Change::InsertHsm(hsm, assignments)]))
    }
}

impl CreateManagedHsm {
    fn check_tenant_and_location(&self, cx: &ControlCx) -> Result<()> {
        if self.tenant.is_some_and(|tenant| tenant != cx.subscription.tenant) {
            return Err(Error::invalid(Field::TenantId, "the tenant must be that of the subscription"));
        }
        cx.locations.find(&self.location)?;
        // Checked before a token is allocated; the store checks again when it applies the change.
        limit::HSMS.check_capacity(count_at_location(&cx.store, self))
    }
}

/// Counts the HSMs of the subscription in the location of the new one.
fn count_at_location(store: &Store, new: &CreateManagedHsm) -> usize {
    let is_at_location = |hsm: &Arc<ManagedHsm>| {
        hsm.subscription == new.path.subscription && normalize(&hsm.location) == normalize(&new.location)
    };
    store.hsms().into_iter().filter(is_at_location).count()
}
