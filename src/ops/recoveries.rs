//! The recovery of each kind of intent.

use super::deletion::purge_recovery;
use super::recovery::Recovery;
use crate::model::change::{Intent, IntentVerb};
use crate::model::hsm::ManagedHsm;
use crate::model::key::Key;

/// Returns the recovery of an intent. An intent that no operation declares does not compile.
pub const fn recovery_of(intent: &Intent) -> Recovery {
    match intent.verb {
        IntentVerb::Create => super::keys::CREATION_RECOVERY,
        IntentVerb::Destroy => purge_recovery::<Key>(),
        IntentVerb::Restore => super::keys::RESTORE_RECOVERY,
        IntentVerb::Provision => super::hsms::CREATION_RECOVERY,
        IntentVerb::Wipe => purge_recovery::<ManagedHsm>(),
    }
}
