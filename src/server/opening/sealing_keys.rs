//! Gives a sealing key to vaults that have none: those that an older version of the service has created, which kept no secrets.

use anyhow::Context as _;

use crate::ops::AttachedTokens;
use crate::ops::secrets::ensure_sealing_key;
use crate::store::Store;

/// Generates the missing sealing keys. Vaults whose token does not support one stay without.
pub(super) async fn ensure_sealing_keys(store: &Store, tokens: &AttachedTokens) -> anyhow::Result<()> {
    for vault in store.vaults().iter().filter(|vault| store.secret_count(&vault.name) == 0) {
        // The token is unavailable, or is wiped by an interrupted purge, which the sweeper completes.
        let Ok(token) = tokens.of(&(&vault.name).into()) else { continue };
        ensure_sealing_key(vault, &token)
            .await
            .with_context(|| format!("generating the sealing key of vault {}", vault.name))?;
    }
    Ok(())
}
