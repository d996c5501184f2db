//! Lists the live certificates of a vault, each with its current version.

use super::{AllCertificates, CertificateBundle};
use crate::model::Result;
use crate::model::audit_entry::Meter;
use crate::model::name::VaultName;
use crate::model::vault_rbac::VaultAction;
use crate::ops::{Cx, Done, Operation, Page, PageRequest};
use crate::store::Listing;

/// Lists live certificates, ordered by name
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificates/get-certificates>).
#[derive(Clone, Debug)]
pub struct ListCertificates {
    /// The vault.
    pub vault: VaultName,
    /// Whether certificates are included whose first version is not issued yet.
    pub include_pending: bool,
    /// The requested page.
    pub page: PageRequest,
}

impl Operation for ListCertificates {
    const NAME: &'static str = "ListCertificates";
    const EVENT: &'static str = "CertificateList";
    const ACTION: VaultAction = VaultAction::CertificateList;
    const METER: Meter = Meter::Management;
    type Target = AllCertificates;
    type Reply = Page<CertificateBundle>;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    async fn execute(self, _: AllCertificates, cx: &Cx) -> Result<Done<Page<CertificateBundle>>> {
        let PageRequest { mut after, size } = self.page;
        let level = cx.recovery_level();
        let mut bundles = Vec::new();
        // Certificates that are left out do not make pages short.
        while bundles.len() <= size {
            let found = cx.store.certificates(&self.vault, Listing::Live, after.as_deref(), size + 1);
            let Some(last) = found.last() else { break };
            after = Some(last.name.to_case_insensitive());
            let listed = found.into_iter().filter(|found| self.include_pending || !found.versions.is_empty());
            bundles.extend(listed.map(|certificate| CertificateBundle::current(certificate, level)));
        }
        bundles.truncate(size + 1);
        let name = |bundle: &CertificateBundle| bundle.certificate.name.to_case_insensitive();
        Ok(Done::reply(Page::cut(bundles, size, name)))
    }
}
