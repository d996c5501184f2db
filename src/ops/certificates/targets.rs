//! The targets of operations on certificates.

use std::sync::Arc;

use crate::model::certificate::{Certificate, CertificateId, CertificateVersion};
use crate::model::container::ContainerId;
use crate::model::name::{CertificateName, VaultName};
use crate::model::resource_kind::Resource;
use crate::model::vault_rbac::{ObjectKind, ObjectScope};
use crate::model::{Error, Result};
use crate::ops::{Target, VaultPlane};
use crate::store::Store;

/// Identifies a certificate in a vault.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CertificatePath {
    /// The vault.
    pub vault: VaultName,
    /// The certificate.
    pub name: CertificateName,
}

impl CertificatePath {
    fn find(&self, store: &Store) -> Option<Arc<Certificate>> {
        store.certificate(&self.vault, &self.name)
    }

    fn live(&self, store: &Store) -> Option<Arc<Certificate>> {
        self.find(store).filter(|certificate| certificate.deletion.is_none())
    }

    fn resource(&self) -> Resource {
        Resource::certificate(&self.vault, &self.name)
    }
}

impl From<&Certificate> for CertificatePath {
    fn from(certificate: &Certificate) -> Self {
        Self { vault: certificate.vault.clone(), name: certificate.name.clone() }
    }
}

/// Returns the scope of a certificate.
fn scope_of(name: &CertificateName) -> ObjectScope {
    ObjectScope::Object(ObjectKind::Certificate, name.into())
}

/// Returns the name of the lock that serializes changes to a certificate.
fn lock_of(vault: &VaultName, name: &CertificateName) -> String {
    format!("{}/certificates/{}", ContainerId::from(vault).to_case_insensitive(), name.to_case_insensitive())
}

/// All certificates of a vault, with their contacts and issuers.
#[derive(Clone, Debug)]
pub struct AllCertificates;

impl Target for AllCertificates {
    type Plane = VaultPlane;
    type Id = VaultName;

    fn container(id: &VaultName) -> VaultName {
        id.clone()
    }

    fn scope(_: &VaultName, _: &Store) -> ObjectScope {
        ObjectScope::Vault
    }

    fn describe(id: &VaultName) -> String {
        format!("vaults/{id}/certificates")
    }

    fn lock(id: &VaultName) -> String {
        format!("{}/certificates", ContainerId::from(id).to_case_insensitive())
    }

    fn load(_: &VaultName, _: &Store) -> Result<Self> {
        Ok(Self)
    }
}

/// Implements the common part of targets identified by a [`CertificatePath`].
macro_rules! named_by_certificate_path {
    ($folder:literal, $suffix:literal) => {
        type Plane = VaultPlane;
        type Id = CertificatePath;

        fn container(id: &CertificatePath) -> VaultName {
            id.vault.clone()
        }

        fn scope(id: &CertificatePath, _: &Store) -> ObjectScope {
            scope_of(&id.name)
        }

        fn object(id: &CertificatePath) -> Option<String> {
            Some(id.name.to_case_insensitive())
        }

        fn describe(id: &CertificatePath) -> String {
            format!(concat!("vaults/{}/", $folder, "/{}", $suffix), id.vault, id.name)
        }

        fn lock(id: &CertificatePath) -> String {
            lock_of(&id.vault, &id.name)
        }
    };
}

/// The name of a certificate that accepts a new version: unused, or that of a live certificate. The name of a deleted certificate is
/// reserved.
#[derive(Debug)]
pub struct NewCertificateVersion(pub Option<Arc<Certificate>>);

impl Target for NewCertificateVersion {
    named_by_certificate_path!("certificates", "");

    fn load(id: &CertificatePath, store: &Store) -> Result<Self> {
        let found = id.find(store);
        match found.as_ref().and_then(|certificate| certificate.deletion) {
            Some(deletion) => Err(Error::deleted(id.resource(), deletion)),
            None => Ok(Self(found)),
        }
    }
}

/// A live certificate with all its versions.
#[derive(Debug)]
pub struct LiveCertificate(pub Arc<Certificate>);

impl AsRef<Arc<Certificate>> for LiveCertificate {
    fn as_ref(&self) -> &Arc<Certificate> {
        &self.0
    }
}

impl Target for LiveCertificate {
    named_by_certificate_path!("certificates", "");

    fn load(id: &CertificatePath, store: &Store) -> Result<Self> {
        id.live(store).map(Self).ok_or_else(|| Error::NotFound(id.resource()))
    }
}

/// A live certificate with an operation that creates or created a version.
#[derive(Debug)]
pub struct PendingCertificate(pub Arc<Certificate>);

impl Target for PendingCertificate {
    named_by_certificate_path!("certificates", "/pending");

    fn load(id: &CertificatePath, store: &Store) -> Result<Self> {
        let found = id.live(store).filter(|certificate| certificate.pending.is_some());
        found.map(Self).ok_or_else(|| Error::NotFound(Resource::pending_certificate(&id.vault, &id.name)))
    }
}

/// A deleted certificate.
#[derive(Debug)]
pub struct DeletedCertificate(pub Arc<Certificate>);

impl AsRef<Arc<Certificate>> for DeletedCertificate {
    fn as_ref(&self) -> &Arc<Certificate> {
        &self.0
    }
}

impl Target for DeletedCertificate {
    named_by_certificate_path!("deletedCertificates", "");

    fn load(id: &CertificatePath, store: &Store) -> Result<Self> {
        let found = id.find(store).filter(|certificate| certificate.deletion.is_some());
        found.map(Self).ok_or_else(|| Error::NotFound(Resource::deleted_certificate(&id.vault, &id.name)))
    }
}

/// A version of a live certificate; the current one if the identifier names none. A certificate whose first version is not issued yet
/// has the identifier of that version only.
#[derive(Debug)]
pub struct LiveCertificateVersion {
    /// The certificate.
    pub certificate: Arc<Certificate>,
    /// The version; `None` before the first one is issued.
    pub version: Option<Arc<CertificateVersion>>,
}

impl Target for LiveCertificateVersion {
    type Plane = VaultPlane;
    type Id = CertificateId;

    fn container(id: &CertificateId) -> VaultName {
        id.vault.clone()
    }

    fn scope(id: &CertificateId, _: &Store) -> ObjectScope {
        scope_of(&id.name)
    }

    fn object(id: &CertificateId) -> Option<String> {
        Some(id.name.to_case_insensitive())
    }

    fn describe(id: &CertificateId) -> String {
        id.to_string()
    }

    fn lock(id: &CertificateId) -> String {
        lock_of(&id.vault, &id.name)
    }

    fn load(id: &CertificateId, store: &Store) -> Result<Self> {
        let missing = || Error::NotFound(id.into());
        let path = CertificatePath { vault: id.vault.clone(), name: id.name.clone() };
        let certificate = path.live(store).ok_or_else(missing)?;
        let version = certificate.version(id.version).cloned();
        let is_unissued =
            certificate.versions.is_empty() && id.version.is_none_or(|version| version == certificate.first);
        if version.is_none() && !is_unissued {
            return Err(missing());
        }
        Ok(Self { certificate, version })
    }
}
