//! Changes what can be changed of a managed HSM.

use std::sync::Arc;

use super::{HsmBundle, HsmPath, LiveHsm};
use crate::model::change::Change;
use crate::model::control_plane::ControlAction;
use crate::model::entry::Meter;
use crate::model::hsm::{ManagedHsm, NetworkRules};
use crate::model::key::{Tags, check_tags};
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
    pub network: Option<NetworkRules>,
    /// Accepted where it says what is: clients send back what they read.
    pub retention: Option<RetentionDays>,
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
        let HsmChanges { tags, purge_protection, network, retention } = &self.changes;
        if *purge_protection == Some(false) && target.0.purge_protection {
            return Err(Error::invalid(
                "purge_protection",
                "purge protection is on, and cannot be turned off again",
            ));
        }
        if retention.is_some_and(|days| days != target.0.retention) {
            return Err(Error::invalid(
                "retention_days",
                "the retention interval is fixed when an HSM is made",
            ));
        }
        tags.as_ref().map_or(Ok(()), check_tags)?;
        network.as_ref().map_or(Ok(()), NetworkRules::check)
    }

    async fn execute(self, target: LiveHsm, cx: &ControlCx) -> Result<Done<HsmBundle>> {
        let HsmChanges { tags, purge_protection, network, retention: _ } = self.changes;
        let before = target.0.as_ref().clone();
        let hsm = ManagedHsm {
            purge_protection: purge_protection.unwrap_or(before.purge_protection),
            tags: tags.unwrap_or_else(|| before.tags.clone()),
            network: network.unwrap_or_else(|| before.network.clone()),
            ..before
        };
        let bundle = HsmBundle::of(&Arc::new(hsm.clone()), &cx.store);
        Ok(Done::with(bundle, [Change::ReplaceHsm(hsm)]))
    }
}
