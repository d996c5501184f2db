//! Gives a security domain to active HSMs that have none: those of the configuration, which are active from their
//! creation, and those that an older version of the service has activated.

use anyhow::Context as _;

use crate::ids::Ids;
use crate::model::Result;
use crate::model::change::{Change, Intent, IntentVerb};
use crate::model::hsm::{Activation, ManagedHsm};
use crate::ops::AttachedTokens;
use crate::ops::security_domain::{self, DomainSecrets};
use crate::store::{Commit, Store};
use crate::token::Token;

/// Generates the missing security domains. HSMs whose token does not support one stay without.
pub(super) async fn ensure_security_domains(store: &Store, tokens: &AttachedTokens) -> anyhow::Result<()> {
    let lacks_domain = |hsm: &ManagedHsm| {
        hsm.activation == Activation::Active && hsm.deletion.is_none() && hsm.security_domain.is_none()
    };
    for hsm in store.hsms().iter().filter(|hsm| lacks_domain(hsm)) {
        // The token may be unavailable: the next start generates the security domain.
        let Ok(token) = tokens.of(&(&hsm.name).into()) else { continue };
        generate(hsm, store, &token)
            .await
            .with_context(|| format!("generating the security domain of HSM {}", hsm.name))?;
    }
    Ok(())
}

async fn generate(hsm: &ManagedHsm, store: &Store, token: &Token) -> Result<()> {
    if !security_domain::is_supported(token) {
        return Ok(());
    }
    let container = (&hsm.name).into();
    let objects = [Ids.version(), Ids.version()];
    let verb = IntentVerb::Create;
    let intent = Intent { id: Ids.ordered(), container, verb, objects: objects.to_vec() };
    // If the service stops meanwhile, the sweeper destroys the objects.
    store.commit(Commit { open: Some(intent.clone()), ..Commit::default() }).await?;
    let secrets = DomainSecrets::generate(token).await?;
    let domain = security_domain::install(&secrets, token, hsm.id, objects).await?;
    let changes = vec![Change::ReplaceHsm(ManagedHsm { security_domain: Some(domain), ..hsm.clone() })];
    store.commit(Commit { changes, close: vec![intent.id], ..Commit::default() }).await
}
