//! Releases the token of a purged HSM to the pool; the sweeper repeats this after an interruption.

use crate::model::Result;
use crate::model::container::ContainerId;
use crate::model::hsm::ManagedHsm;
use crate::model::security_domain::SecurityDomain;
use crate::store::{Listing, Store};
use crate::token::TokenPool;

/// Destroys the objects of a deleted HSM in its token and releases the token to the pool. Idempotent.
///
/// # Errors
/// Those of the token.
pub(super) async fn wipe(store: &Store, supply: &TokenPool, hsm: &ManagedHsm) -> Result<()> {
    let container = ContainerId::from(&hsm.name);
    let keys = [Listing::Live, Listing::Deleted]
        .into_iter()
        .flat_map(|listing| store.keys(&container, listing, None, usize::MAX));
    let versions =
        keys.flat_map(|key| key.versions.iter().map(|version| version.version).collect::<Vec<_>>());
    let of_domain = hsm.security_domain.iter().flat_map(SecurityDomain::objects);
    let transfer_key = hsm.transfer_key.iter().map(|key| key.object);
    let objects: Vec<_> = versions.chain(of_domain).chain(transfer_key).collect();
    let shares_token = |other: &ManagedHsm| other.id != hsm.id && other.token_serial == hsm.token_serial;
    let others = || store.hsms().iter().any(|other| shares_token(other));
    supply.release(&hsm.token_serial, &objects, others).await
}
