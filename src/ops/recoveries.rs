//! The recovery of each kind of intent.

use super::deletion::{purge_recovery, purge_recovery_of_either};
use super::recovery::Recovery;
use crate::model::certificate::Certificate;
use crate::model::change::{Intent, IntentVerb};
use crate::model::container::ContainerKind;
use crate::model::hsm::ManagedHsm;
use crate::model::key::Key;
use crate::model::vault::Vault;

/// Returns the recovery of an intent. An intent that no operation declares does not compile.
pub const fn recovery_of(intent: &Intent) -> Recovery {
    match intent.verb {
        IntentVerb::Create => super::keys::CREATION_RECOVERY,
        // The companion key of a certificate is purged with it.
        IntentVerb::Destroy => purge_recovery_of_either::<Certificate, Key>(),
        IntentVerb::Restore => super::keys::RESTORE_RECOVERY,
        IntentVerb::Provision => super::containers::CREATION_RECOVERY,
        IntentVerb::Wipe => match intent.container.kind() {
            ContainerKind::ManagedHsm => purge_recovery::<ManagedHsm>(),
            ContainerKind::Vault => purge_recovery::<Vault>(),
        },
    }
}
