//! Purges a deleted managed HSM: destroys the objects in its token, then its record.

use super::{DeletedHsm, DeletedHsmPath, HsmBundle, recovery_level};
use crate::model::Result;
use crate::model::arm_rbac::ControlAction;
use crate::model::audit_entry::Meter;
use crate::model::change::{Change, IntentVerb};
use crate::model::deletion::{Deletable, Transition};
use crate::ops::{ControlCx, Done, Operation, wipe};

/// Purges a deleted HSM, unless purge protection is enabled. Its name becomes available
/// (<https://learn.microsoft.com/azure/key-vault/managed-hsm/soft-delete-overview>).
#[derive(Clone, Debug)]
pub struct PurgeDeletedManagedHsm {
    /// The deleted HSM.
    pub path: DeletedHsmPath,
}

impl Operation for PurgeDeletedManagedHsm {
    const NAME: &'static str = "PurgeDeletedManagedHsm";
    const EVENT: &'static str = "ManagedHsmPurge";
    const ACTION: ControlAction = ControlAction::DeletedHsmPurge;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = DeletedHsm;
    type Reply = HsmBundle;

    fn target(&self) -> DeletedHsmPath {
        self.path.clone()
    }

    async fn execute(self, target: DeletedHsm, cx: &ControlCx) -> Result<Done<HsmBundle>> {
        if let Some(deletion) = target.0.deletion {
            recovery_level(&target.0, &cx.store).check_purge(deletion, cx.sure)?;
        }
        let bundle = HsmBundle::of(&target.0, &cx.store);
        destroy(&target, cx).await.map(|done| Done::with(bundle, done.changes))
    }
}

/// Destroys the objects of a deleted HSM in its token, then its record.
pub(super) async fn destroy(target: &DeletedHsm, cx: &ControlCx) -> Result<Done<()>> {
    let hsm = &target.0;
    cx.intents.declare(&hsm.name, IntentVerb::Wipe, Vec::new()).await?;
    wipe(&cx.store, &cx.token_pool, hsm).await?;
    cx.tokens.detach(&hsm.name);
    Ok(Done::with(
        (),
        [Change::Transition(Deletable::ManagedHsm(hsm.name.clone()), Transition::Purge(cx.now))],
    ))
}
