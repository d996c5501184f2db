//! Imports a certificate with its private key.

use zeroize::Zeroizing;

use super::completion::{Completed, complete};
use super::create::check_capacity;
use super::key_pair::KeyPair;
use super::requested_version::check_issuer;
use super::{CertificateBundle, CertificatePath, NewCertificateVersion, invalid};
use crate::certificate::{Bundle, Format};
use crate::model::audit_entry::Meter;
use crate::model::certificate::policy::ImportedContents;
use crate::model::certificate::{Certificate, CertificatePolicy, PolicyMembers};
use crate::model::change::Change;
use crate::model::key::Tags;
use crate::model::secret::check_tags;
use crate::model::throttling::CallClass;
use crate::model::vault::VaultSku;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// Imports a version of a certificate
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/import-certificate/import-certificate>).
#[derive(Clone)]
pub struct ImportCertificate {
    /// The certificate.
    pub certificate: CertificatePath,
    /// PEM, PEM in base64, or PKCS#12 in base64.
    pub value: Zeroizing<String>,
    /// The password of the value.
    pub password: Zeroizing<String>,
    /// The policy; what it does not state follows from the certificate.
    pub policy: PolicyMembers,
    /// Whether the version is enabled.
    pub enabled: bool,
    /// The user's tags.
    pub tags: Tags,
    /// Whether the secret keeps the order of the certificates.
    pub keep_order: bool,
}

impl Operation for ImportCertificate {
    const NAME: &'static str = "ImportCertificate";
    const EVENT: &'static str = "CertificateImport";
    const ACTION: VaultAction = VaultAction::CertificateImport;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = NewCertificateVersion;
    type Reply = CertificateBundle;

    fn target(&self) -> CertificatePath {
        self.certificate.clone()
    }

    fn call_class(&self, _: &NewCertificateVersion, _: &Cx) -> CallClass {
        CallClass::CreateObject
    }

    fn check(&self, target: &NewCertificateVersion, _: Timestamp) -> Result<()> {
        check_tags(&self.tags)?;
        target.0.as_ref().map_or(Ok(()), |known| known.check_not_pending())
    }

    async fn execute(self, target: NewCertificateVersion, cx: &Cx) -> Result<Done<CertificateBundle>> {
        let known = target.0;
        let path = known.as_deref().map_or(self.certificate, CertificatePath::from);
        check_capacity(cx, &path, known.as_deref())?;
        let (bundle, format) = read(self.value, self.password, self.keep_order).await?;
        if bundle.leaf().validity().not_after <= cx.now {
            return Err(Error::invalid(
                Field::ValueAsRecorded,
                "The specified X.509 certificate has expired.",
            ));
        }
        let private = bundle.private_key().cloned().ok_or_else(|| Error::internal("an import has no key"))?;
        let contents = ImportedContents {
            key_type: private.material().key_type(),
            content_type: format,
            x509: bundle.leaf().x509_properties(),
        };
        let premium = cx.vault()?.sku == VaultSku::Premium;
        let policy = CertificatePolicy::imported(self.policy, contents, premium, cx.now)?;
        check_issuer(cx, &path, &policy.issuer.issuer())?;
        let created = known.as_ref().map_or(cx.now, |known| known.policy.created);
        let policy = CertificatePolicy { created, ..policy };
        let pair = KeyPair::import(cx, private).await?;
        let bundle = if policy.key.exportable { bundle } else { bundle.without_private_key() };
        let record = Certificate {
            vault: path.vault,
            name: path.name,
            versions: known.as_ref().map(|known| known.versions.clone()).unwrap_or_default(),
            first: known.as_ref().map_or(pair.version, |known| known.first),
            policy: policy.clone(),
            pending: None,
            renewal: Default::default(),
            deletion: None,
        };
        let completed = Completed {
            version: pair.version,
            policy: &policy,
            public: pair.public,
            bundle,
            enabled: self.enabled,
            tags: self.tags,
            keep_order: self.keep_order,
        };
        let update = complete(cx, record, completed).await?;
        let reply = CertificateBundle::current(update.certificate.clone().into(), cx.recovery_level());
        Ok(Done::with(reply, [Change::PutCertificate(Box::new(update))]))
    }
}

/// Reads the value and validates its private key, on a blocking thread: both take up to seconds.
async fn read(
    value: Zeroizing<String>,
    password: Zeroizing<String>,
    keep_order: bool,
) -> Result<(Bundle, Format)> {
    let read = move || -> Result<(Bundle, Format)> {
        let (bundle, format) = Bundle::read(&value, &password, keep_order).map_err(invalid(Field::Value))?;
        if let Some(private) = bundle.private_key() {
            let validated = crate::public_key::validate(private.material());
            let wrong = |_| Error::invalid(Field::Value, "the private key is not valid");
            validated.map_err(wrong)?;
        }
        Ok((bundle, format))
    };
    tokio::task::spawn_blocking(read).await.map_err(Error::internal)?
}
