//! Certificates of vaults: their policies, and the rules by which they are issued and renewed.

pub mod distinguished_name;
pub mod issuance;
pub mod key_properties;
pub mod key_usage;
pub mod lifetime;
pub mod lifetime_action;
pub mod notices;
pub mod policy;
pub mod record;
pub mod settings;
pub mod subject_alternative_names;
pub mod validity;
pub mod x509_properties;

pub use crate::certificate_id::CertificateId;
pub use distinguished_name::DistinguishedName;
pub use issuance::{IssuerRefusal, RenewalAttempts, TestAccount, TestIssuance};
pub use key_properties::{ContentType, KeyProperties};
pub use key_usage::KeyUsage;
pub use lifetime_action::{ActionType, LifetimeAction, Trigger};
pub use notices::{CertificateNotice, CertificateNotices};
pub use policy::{CertificatePolicy, Issuer, IssuerParameters, PolicyMembers};
pub use record::{Certificate, CertificateVersion, OperationError, OperationStatus, PendingOperation};
pub use settings::{CertificateIssuer, CertificateSettings, Contact, IssuerAdministrator};
pub use subject_alternative_names::SubjectAlternativeNames;
pub use validity::{Validity, ValidityMonths};
pub use x509_properties::{ExtendedKeyUsage, X509Properties};
