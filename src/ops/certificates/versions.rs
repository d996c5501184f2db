//! Lists the versions of a certificate, oldest first.

use super::{CertificateBundle, CertificatePath, NewCertificateVersion};
use crate::model::audit_entry::Meter;
use crate::model::name::VaultName;
use crate::model::vault_rbac::{ObjectScope, VaultAction};
use crate::model::{Error, Result};
use crate::ops::{Cx, Done, Operation, Page, PageRequest, Target, VaultPlane};
use crate::store::Store;

/// Lists the versions of a certificate
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate-versions/get-certificate-versions>). The list of a deleted
/// or unknown certificate is empty.
// assumption: as recorded for keys of a managed HSM.
#[derive(Clone, Debug)]
pub struct ListCertificateVersions {
    /// The certificate.
    pub certificate: CertificatePath,
    /// The requested page; the page token is the number of versions before it.
    pub page: PageRequest,
}

impl Operation for ListCertificateVersions {
    const NAME: &'static str = "ListCertificateVersions";
    const EVENT: &'static str = "CertificateListVersions";
    const ACTION: VaultAction = VaultAction::CertificateList;
    const METER: Meter = Meter::Management;
    type Target = CertificateVersionList;
    type Reply = Page<CertificateBundle>;

    fn target(&self) -> CertificatePath {
        self.certificate.clone()
    }

    async fn execute(self, target: CertificateVersionList, cx: &Cx) -> Result<Done<Page<CertificateBundle>>> {
        let level = cx.recovery_level();
        let bundles = target.0.0.iter().flat_map(|certificate| {
            certificate.versions.iter().map(move |version| CertificateBundle {
                certificate: certificate.clone(),
                version: Some(version.clone()),
                level,
            })
        });
        Ok(Done::reply(Page::of_versions(bundles, &self.page)?))
    }
}

/// The versions of a name; none if there is no live certificate.
#[derive(Debug)]
pub struct CertificateVersionList(NewCertificateVersion);

impl Target for CertificateVersionList {
    type Plane = VaultPlane;
    type Id = CertificatePath;

    fn container(id: &CertificatePath) -> VaultName {
        NewCertificateVersion::container(id)
    }

    fn scope(id: &CertificatePath, store: &Store) -> ObjectScope {
        NewCertificateVersion::scope(id, store)
    }

    fn object(id: &CertificatePath) -> Option<String> {
        Some(id.name.to_case_insensitive())
    }

    fn describe(id: &CertificatePath) -> String {
        format!("{}/versions", NewCertificateVersion::describe(id))
    }

    fn lock(id: &CertificatePath) -> String {
        NewCertificateVersion::lock(id)
    }

    fn load(id: &CertificatePath, store: &Store) -> Result<Self> {
        match NewCertificateVersion::load(id, store) {
            Err(Error::Deleted { .. }) => Ok(Self(NewCertificateVersion(None))),
            name => name.map(Self),
        }
    }
}
