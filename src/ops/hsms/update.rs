//! Changes what can be changed of a managed HSM.

use std::collections::BTreeSet;
use std::sync::Arc;

use uuid::Uuid;

use super::{HsmBundle, HsmPath, LiveHsm};
use crate::model::change::Change;
use crate::model::control_plane::ControlAction;
use crate::model::entry::Meter;
use crate::model::hsm::{ManagedHsm, NetworkChanges};
use crate::model::key::{Tags, check_tags};
use crate::model::location::plain;
use crate::model::name::PrincipalId;
use crate::model::retention::RetentionDays;
use crate::model::{Error, Result, Timestamp};
use crate::ops::{ControlCx, Done, Operation};

/// What is to be changed; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct HsmChanges {
    /// New tags, instead of all old ones.
    pub tags: Option<Tags>,
    /// Purge protection: it can be turned on.
    pub purge_protection: Option<bool>,
    /// New network settings.
    pub network: NetworkChanges,
    /// What is fixed; accepted where it says what is: clients send back what they read.
    pub fixed: Fixed,
}

/// What is fixed when an HSM is made.
#[derive(Clone, Debug, Default)]
pub struct Fixed {
    /// How long deleted things can be recovered.
    pub retention: Option<RetentionDays>,
    /// The region, by either name.
    pub location: Option<String>,
    /// For example `Standard_B1`.
    pub sku: Option<String>,
    /// The directory whose principals it accepts.
    pub tenant: Option<Uuid>,
    /// Who became Managed HSM Administrator, in any order.
    pub administrators: Option<Vec<PrincipalId>>,
}

impl Fixed {
    fn check(&self, hsm: &ManagedHsm) -> Result<()> {
        let Self { retention, location, sku, tenant, administrators } = self;
        let sorted = |principals: &[PrincipalId]| principals.iter().copied().collect::<BTreeSet<_>>();
        let is_other_group = |given: &Vec<PrincipalId>| sorted(given) != sorted(&hsm.initial_administrators);
        for (field, is_other) in [
            ("retention_days", retention.is_some_and(|days| days != hsm.retention)),
            ("location", location.as_ref().is_some_and(|given| plain(given) != plain(&hsm.location))),
            ("sku", sku.as_ref().is_some_and(|given| !given.eq_ignore_ascii_case(&hsm.sku))),
            ("tenant_id", tenant.is_some_and(|given| given != hsm.tenant)),
            ("administrators", administrators.as_ref().is_some_and(is_other_group)),
        ] {
            if is_other {
                return Err(Error::invalid(field, "this is fixed when an HSM is made"));
            }
        }
        Ok(())
    }
}

/// Changes an HSM.
#[derive(Clone, Debug)]
pub struct UpdateManagedHsm {
    /// Which.
    pub path: HsmPath,
    /// What.
    pub changes: HsmChanges,
}

impl Operation for UpdateManagedHsm {
    const NAME: &'static str = "UpdateManagedHsm";
    const EVENT: &'static str = "ManagedHsmUpdate";
    const ACTION: ControlAction = ControlAction::HsmWrite;
    const METER: Meter = Meter::Free;
    const CHANGES: bool = true;
    type Target = LiveHsm;
    type Reply = HsmBundle;

    fn target(&self) -> HsmPath {
        self.path.clone()
    }

    fn check(&self, target: &LiveHsm, _: Timestamp) -> Result<()> {
        let HsmChanges { tags, purge_protection, network, fixed } = &self.changes;
        if *purge_protection == Some(false) && target.0.purge_protection {
            return Err(Error::invalid(
                "purge_protection",
                "purge protection is on, and cannot be turned off again",
            ));
        }
        fixed.check(&target.0)?;
        tags.as_ref().map_or(Ok(()), check_tags)?;
        network.clone().apply(&target.0.network).map(|_| ())
    }

    async fn execute(self, target: LiveHsm, cx: &ControlCx) -> Result<Done<HsmBundle>> {
        let HsmChanges { tags, purge_protection, network, fixed: _ } = self.changes;
        let before = target.0.as_ref().clone();
        let hsm = ManagedHsm {
            purge_protection: purge_protection.unwrap_or(before.purge_protection),
            tags: tags.unwrap_or_else(|| before.tags.clone()),
            network: network.apply(&before.network)?,
            ..before
        };
        let bundle = HsmBundle::of(&Arc::new(hsm.clone()), &cx.store);
        Ok(Done::with(bundle, [Change::ReplaceHsm(hsm)]))
    }
}
