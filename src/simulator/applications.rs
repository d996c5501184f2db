//! Registers the applications of the simulator's seed: their credentials, and which are managed identities.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;

use super::authority::{
    Authority, Client, ClientCertificate, ManagedIdentities, ManagedIdentity, ensure_certificate,
};
use super::connection_file::{Credentials, stored_secrets};
use super::seed::{PrincipalSeed, Seed};
use crate::server::files;

/// Registers the seed's applications and returns their credentials, in the same order. Existing secrets remain valid.
pub(super) fn register(
    authority: &Authority,
    seed: &Seed,
    directory: &Path,
) -> anyhow::Result<Vec<Credentials>> {
    let stored = stored_secrets(directory)?;
    let mut all = Vec::new();
    for principal in &seed.principal {
        let client = Client {
            name: principal.name.clone(),
            object_id: principal.object_id,
            client_id: principal.client_id,
            groups: Vec::new(),
        };
        let secret =
            stored.iter().find(|(id, _)| *id == principal.client_id).map(|(_, secret)| secret.clone());
        let certificate = certificate(principal, directory)
            .with_context(|| format!("the certificate of principal {}", principal.name))?;
        let (certificate_file, certificate) = certificate.unzip();
        let secret = authority.register(client, secret, certificate.into_iter().collect())?;
        all.push(Credentials { secret, certificate_file });
    }
    Ok(all)
}

/// Returns the certificate of an application, if it has one, and the path of the certificate.
fn certificate(
    principal: &PrincipalSeed,
    directory: &Path,
) -> anyhow::Result<Option<(PathBuf, ClientCertificate)>> {
    if let Some(file) = &principal.certificate_file {
        let file = std::path::absolute(file)?;
        let pem = files::read(&file)?.with_context(|| format!("there is no file {}", file.display()))?;
        let certificate = ClientCertificate::from_pem(&pem).with_context(|| file.display().to_string())?;
        return Ok(Some((file, certificate)));
    }
    if !principal.certificate {
        return Ok(None);
    }
    let directory = directory.join("certificates");
    files::make_private_directory(&directory)?;
    let file = directory.join(format!("{}.pem", principal.name));
    let certificate = ensure_certificate(&file, &principal.name)?;
    Ok(Some((file, certificate)))
}

/// Creates the managed identity endpoints if the seed has managed identities. Their resource ids are those of
/// user-assigned identities.
pub(super) fn managed_identities(
    authority: &Arc<Authority>,
    seed: &Seed,
    directory: &Path,
) -> anyhow::Result<Option<ManagedIdentities>> {
    let managed = seed.principal.iter().filter(|principal| principal.managed_identity);
    let identities: Vec<_> = managed
        .map(|principal| ManagedIdentity {
            client_id: principal.client_id,
            resource: format!(
                "/subscriptions/{}/resourcegroups/{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/{}",
                seed.subscription.id, seed.resource_group, principal.name
            ),
        })
        .collect();
    if identities.is_empty() {
        return Ok(None);
    }
    Ok(Some(ManagedIdentities::open(directory, Arc::clone(authority), identities)?))
}
