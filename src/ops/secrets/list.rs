//! Lists the live secrets of a vault, each with its current version and without values.

use std::sync::Arc;

use super::{AllSecrets, SecretBundle};
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::name::VaultName;
use crate::model::secret::Secret;
use crate::model::vault_rbac::VaultAction;
use crate::ops::{Cx, Done, Operation, Page, PageRequest};
use crate::store::Listing;

/// Lists live secrets, ordered by name (<https://learn.microsoft.com/rest/api/keyvault/secrets/get-secrets/get-secrets>).
#[derive(Clone, Debug)]
pub struct ListSecrets {
    /// The vault.
    pub vault: VaultName,
    /// The requested page.
    pub page: PageRequest,
}

impl Operation for ListSecrets {
    const NAME: &'static str = "ListSecrets";
    const EVENT: &'static str = "SecretList";
    const ACTION: VaultAction = VaultAction::SecretList;
    const METER: Meter = Meter::Management;
    type Target = AllSecrets;
    type Reply = Page<SecretBundle>;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    async fn execute(self, _: AllSecrets, cx: &Cx) -> Result<Done<Page<SecretBundle>>> {
        let PageRequest { after, size } = self.page;
        let secrets = cx.store.secrets(&self.vault, Listing::Live, after.as_deref(), size + 1);
        let level = cx.recovery_level();
        let bundle = |secret: &Arc<Secret>| {
            let version = secret.current()?.clone();
            Some(SecretBundle { version, level, managed: secret.managed })
        };
        let bundles = secrets.iter().filter_map(bundle).collect();
        let name = |bundle: &SecretBundle| bundle.version.name.to_case_insensitive();
        Ok(Done::reply(Page::cut(bundles, size, name)))
    }
}
