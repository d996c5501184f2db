//! Lists the versions of a secret, oldest first and without values.

use super::{NewSecretVersion, SecretBundle, SecretPath};
use crate::model::audit_entry::Meter;
use crate::model::name::VaultName;
use crate::model::vault_rbac::{ObjectScope, VaultAction};
use crate::model::{Error, Result};
use crate::ops::{Cx, Done, Operation, Page, PageRequest, Target, VaultPlane};
use crate::store::Store;

/// Lists the versions of a secret (<https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret-versions/get-secret-versions>).
/// The list of a deleted or unknown secret is empty.
// assumption: as recorded for keys of a managed HSM.
#[derive(Clone, Debug)]
pub struct ListSecretVersions {
    /// The secret.
    pub secret: SecretPath,
    /// The requested page; the page token is the number of versions before it.
    pub page: PageRequest,
}

impl Operation for ListSecretVersions {
    const NAME: &'static str = "ListSecretVersions";
    const EVENT: &'static str = "SecretListVersions";
    const ACTION: VaultAction = VaultAction::SecretList;
    const METER: Meter = Meter::Management;
    type Target = SecretVersionList;
    type Reply = Page<SecretBundle>;

    fn target(&self) -> SecretPath {
        self.secret.clone()
    }

    async fn execute(self, target: SecretVersionList, cx: &Cx) -> Result<Done<Page<SecretBundle>>> {
        let level = cx.recovery_level();
        let bundles = target.0.0.iter().flat_map(|secret| {
            let managed = secret.managed;
            secret.versions.iter().map(move |version| SecretBundle {
                version: version.clone(),
                level,
                managed,
            })
        });
        Ok(Done::reply(Page::of_versions(bundles, &self.page)?))
    }
}

/// The versions of a name; none if there is no live secret.
#[derive(Debug)]
pub struct SecretVersionList(NewSecretVersion);

impl Target for SecretVersionList {
    type Plane = VaultPlane;
    type Id = SecretPath;

    fn container(id: &SecretPath) -> VaultName {
        NewSecretVersion::container(id)
    }

    fn scope(id: &SecretPath, store: &Store) -> ObjectScope {
        NewSecretVersion::scope(id, store)
    }

    fn object(id: &SecretPath) -> Option<String> {
        Some(id.name.to_case_insensitive())
    }

    fn describe(id: &SecretPath) -> String {
        format!("{}/versions", NewSecretVersion::describe(id))
    }

    fn lock(id: &SecretPath) -> String {
        NewSecretVersion::lock(id)
    }

    fn load(id: &SecretPath, store: &Store) -> Result<Self> {
        match NewSecretVersion::load(id, store) {
            Err(Error::Deleted { .. }) => Ok(Self(NewSecretVersion(None))),
            name => name.map(Self),
        }
    }
}
