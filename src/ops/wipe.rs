//! Gives back the token of an HSM: the last step of its purge, which the sweeper takes where the purge was interrupted.

use crate::model::Result;
use crate::model::hsm::ManagedHsm;
use crate::store::{Listing, Store};
use crate::token::Supply;

/// Gives back the token of a deleted HSM, without what the HSM had in it. Doing it again is fine.
///
/// # Errors
/// What the token answers.
pub async fn wipe(store: &Store, supply: &Supply, hsm: &ManagedHsm) -> Result<()> {
    let keys = [Listing::Live, Listing::Deleted]
        .into_iter()
        .flat_map(|listing| store.keys(&hsm.name, listing, None, usize::MAX));
    let objects: Vec<_> =
        keys.flat_map(|key| key.versions.iter().map(|version| version.version).collect::<Vec<_>>()).collect();
    let has_it = |other: &ManagedHsm| other.id != hsm.id && other.token_serial == hsm.token_serial;
    let others = || store.hsms().iter().any(|other| has_it(other));
    supply.give_back(&hsm.token_serial, &objects, others).await
}
