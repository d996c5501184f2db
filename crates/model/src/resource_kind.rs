//! Resources as errors name them: a kind and a name, so that an error about a resource is one variant for all kinds.

use std::fmt;

use super::Timestamp;
use super::certificate_id::CertificateId;
use super::container_id::ContainerId;
use super::container_id::{KeyId, SecretId};
use super::name::{
    BudgetName, CertificateName, HsmName, IssuerName, KeyName, SecretName, VaultName, VersionId,
};
use super::resource::{ResourceGroupName, SubscriptionId};

/// What a resource is. Surfaces map each kind exhaustively.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ResourceKind {
    /// A job that backs up or restores a managed HSM.
    BackupJob,
    /// A budget of a subscription.
    Budget,
    /// A certificate, or one of its versions.
    Certificate,
    /// The contacts of the certificates of a vault.
    CertificateContacts,
    /// An issuer of certificates.
    CertificateIssuer,
    /// A soft-deleted certificate.
    DeletedCertificate,
    /// A soft-deleted key.
    DeletedKey,
    /// A soft-deleted managed HSM.
    DeletedManagedHsm,
    /// A soft-deleted secret.
    DeletedSecret,
    /// A soft-deleted vault.
    DeletedVault,
    /// A key, or one of its versions.
    Key,
    /// A managed HSM.
    ManagedHsm,
    /// The operation that creates a version of a certificate.
    PendingCertificate,
    /// A resource group.
    ResourceGroup,
    /// A role assignment of either plane.
    RoleAssignment,
    /// A role definition of either plane.
    RoleDefinition,
    /// A secret, or one of its versions.
    Secret,
    /// A setting of a managed HSM.
    Setting,
    /// A subscription.
    Subscription,
    /// A vault.
    Vault,
}

/// The reasons of errors about one kind of resource: stable names for programs.
pub(super) struct Reasons {
    pub(super) not_found: &'static str,
    pub(super) exists: &'static str,
    pub(super) deleted: &'static str,
}

impl ResourceKind {
    /// All kinds.
    pub const ALL: [Self; 20] = [
        Self::BackupJob,
        Self::Budget,
        Self::Certificate,
        Self::CertificateContacts,
        Self::CertificateIssuer,
        Self::DeletedCertificate,
        Self::DeletedKey,
        Self::DeletedManagedHsm,
        Self::DeletedSecret,
        Self::DeletedVault,
        Self::Key,
        Self::ManagedHsm,
        Self::PendingCertificate,
        Self::ResourceGroup,
        Self::RoleAssignment,
        Self::RoleDefinition,
        Self::Secret,
        Self::Setting,
        Self::Subscription,
        Self::Vault,
    ];

    pub(super) const fn reasons(self) -> Reasons {
        macro_rules! reasons {
            ($kind:literal) => {
                Reasons {
                    not_found: concat!($kind, "_NOT_FOUND"),
                    exists: concat!($kind, "_EXISTS"),
                    deleted: concat!($kind, "_DELETED"),
                }
            };
        }
        match self {
            Self::BackupJob => reasons!("BACKUP_JOB"),
            Self::Budget => reasons!("BUDGET"),
            Self::Certificate => {
                Reasons { deleted: "CERTIFICATE_DELETED_BUT_RECOVERABLE", ..reasons!("CERTIFICATE") }
            }
            Self::CertificateContacts => reasons!("CERTIFICATE_CONTACTS"),
            Self::CertificateIssuer => reasons!("CERTIFICATE_ISSUER"),
            Self::DeletedCertificate => reasons!("DELETED_CERTIFICATE"),
            Self::DeletedKey => reasons!("DELETED_KEY"),
            Self::DeletedManagedHsm => reasons!("DELETED_HSM"),
            Self::DeletedSecret => reasons!("DELETED_SECRET"),
            Self::DeletedVault => reasons!("DELETED_VAULT"),
            Self::Key => Reasons { deleted: "KEY_DELETED_BUT_RECOVERABLE", ..reasons!("KEY") },
            Self::ManagedHsm => reasons!("HSM"),
            Self::PendingCertificate => reasons!("PENDING_CERTIFICATE"),
            Self::ResourceGroup => reasons!("RESOURCE_GROUP"),
            Self::RoleAssignment => reasons!("ROLE_ASSIGNMENT"),
            Self::RoleDefinition => reasons!("ROLE_DEFINITION"),
            Self::Secret => Reasons { deleted: "SECRET_DELETED_BUT_RECOVERABLE", ..reasons!("SECRET") },
            Self::Setting => reasons!("SETTING"),
            Self::Subscription => reasons!("SUBSCRIPTION"),
            Self::Vault => reasons!("VAULT"),
        }
    }
}

/// A resource that an error is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Resource {
    /// Its kind.
    pub kind: ResourceKind,
    /// Its resource name as the gRPC surface spells it, for example `hsms/local/keys/invoices` (<https://google.aip.dev/122>);
    /// empty if errors of this kind do not name the resource.
    pub name: String,
}

impl Resource {
    /// A resource of a kind that errors do not name.
    pub const fn unnamed(kind: ResourceKind) -> Self {
        Self { kind, name: String::new() }
    }

    /// A budget.
    pub fn budget(subscription: SubscriptionId, budget: &BudgetName) -> Self {
        let name = format!("subscriptions/{subscription}/budgets/{budget}");
        Self { kind: ResourceKind::Budget, name }
    }

    /// A soft-deleted key.
    pub fn deleted_key(container: &ContainerId, key: &KeyName) -> Self {
        Self { kind: ResourceKind::DeletedKey, name: format!("{container}/deletedKeys/{key}") }
    }

    /// A certificate.
    pub fn certificate(vault: &VaultName, certificate: &CertificateName) -> Self {
        Self { kind: ResourceKind::Certificate, name: format!("vaults/{vault}/certificates/{certificate}") }
    }

    /// A soft-deleted certificate.
    pub fn deleted_certificate(vault: &VaultName, certificate: &CertificateName) -> Self {
        let name = format!("vaults/{vault}/deletedCertificates/{certificate}");
        Self { kind: ResourceKind::DeletedCertificate, name }
    }

    /// The operation that creates a version of a certificate.
    pub fn pending_certificate(vault: &VaultName, certificate: &CertificateName) -> Self {
        let name = format!("vaults/{vault}/certificates/{certificate}/pending");
        Self { kind: ResourceKind::PendingCertificate, name }
    }

    /// An issuer of certificates.
    pub fn certificate_issuer(vault: &VaultName, issuer: &IssuerName) -> Self {
        Self { kind: ResourceKind::CertificateIssuer, name: format!("vaults/{vault}/issuers/{issuer}") }
    }

    /// A soft-deleted managed HSM.
    pub fn deleted_hsm(hsm: &HsmName) -> Self {
        Self { kind: ResourceKind::DeletedManagedHsm, name: format!("hsms/{hsm}") }
    }

    /// A soft-deleted secret.
    pub fn deleted_secret(vault: &VaultName, secret: &SecretName) -> Self {
        Self { kind: ResourceKind::DeletedSecret, name: format!("vaults/{vault}/deletedSecrets/{secret}") }
    }

    /// A soft-deleted vault.
    pub fn deleted_vault(vault: &VaultName) -> Self {
        Self { kind: ResourceKind::DeletedVault, name: format!("vaults/{vault}") }
    }

    /// A key.
    pub fn key(container: &ContainerId, key: &KeyName) -> Self {
        Self { kind: ResourceKind::Key, name: format!("{container}/keys/{key}") }
    }

    /// A secret.
    pub fn secret(vault: &VaultName, secret: &SecretName) -> Self {
        Self { kind: ResourceKind::Secret, name: format!("vaults/{vault}/secrets/{secret}") }
    }

    /// A key version, or the key if `version` is `None`.
    pub fn version(container: &ContainerId, key: &KeyName, version: Option<VersionId>) -> Self {
        (&KeyId { container: container.clone(), name: key.clone(), version }).into()
    }

    /// A resource group.
    pub fn group(subscription: SubscriptionId, group: &ResourceGroupName) -> Self {
        let name = format!("subscriptions/{subscription}/resourceGroups/{group}");
        Self { kind: ResourceKind::ResourceGroup, name }
    }

    /// A vault as a resource of the control plane.
    pub fn vault_at(subscription: SubscriptionId, group: &ResourceGroupName, vault: &VaultName) -> Self {
        let name = format!("subscriptions/{subscription}/resourceGroups/{group}/vaults/{vault}");
        Self { kind: ResourceKind::Vault, name }
    }

    /// The identifier that follows a collection in the name: `invoices` after `keys`. Empty if the name has no such
    /// collection.
    pub fn id_in(&self, collection: &str) -> &str {
        let mut segments = self.name.split('/');
        segments.find(|segment| *segment == collection).and_then(|_| segments.next()).unwrap_or_default()
    }

    /// The last identifier of the name.
    pub fn id(&self) -> &str {
        self.name.rsplit('/').next().unwrap_or_default()
    }
}

impl From<&HsmName> for Resource {
    fn from(hsm: &HsmName) -> Self {
        Self { kind: ResourceKind::ManagedHsm, name: format!("hsms/{hsm}") }
    }
}

impl From<&VaultName> for Resource {
    fn from(vault: &VaultName) -> Self {
        Self { kind: ResourceKind::Vault, name: format!("vaults/{vault}") }
    }
}

impl From<&ContainerId> for Resource {
    fn from(container: &ContainerId) -> Self {
        match container {
            ContainerId::ManagedHsm(name) => name.into(),
            ContainerId::Vault(_) => Self { kind: ResourceKind::Vault, name: container.to_string() },
        }
    }
}

impl From<&KeyId> for Resource {
    fn from(key: &KeyId) -> Self {
        Self { kind: ResourceKind::Key, name: key.to_string() }
    }
}

impl From<&CertificateId> for Resource {
    fn from(certificate: &CertificateId) -> Self {
        Self { kind: ResourceKind::Certificate, name: certificate.to_string() }
    }
}

impl From<&SecretId> for Resource {
    fn from(secret: &SecretId) -> Self {
        Self { kind: ResourceKind::Secret, name: secret.to_string() }
    }
}

impl From<SubscriptionId> for Resource {
    fn from(subscription: SubscriptionId) -> Self {
        Self { kind: ResourceKind::Subscription, name: format!("subscriptions/{subscription}") }
    }
}

/// The message of an error about a resource that does not exist.
pub(super) struct NotFound<'a>(pub(super) &'a Resource);

impl fmt::Display for NotFound<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Resource { kind, name } = self.0;
        match kind {
            // Recorded from Azure.
            ResourceKind::BackupJob => f.write_str("the given jobId is not found"),
            ResourceKind::Budget => write!(f, "budget not found: {name}"),
            ResourceKind::Certificate => write!(f, "certificate not found: {name}"),
            // Azure's clients look for the last two words.
            ResourceKind::CertificateContacts => f.write_str("contacts not found"),
            ResourceKind::CertificateIssuer => write!(f, "issuer not found: {name}"),
            ResourceKind::DeletedCertificate => write!(f, "deleted certificate not found: {name}"),
            ResourceKind::DeletedKey => write!(f, "deleted key not found: {name}"),
            ResourceKind::DeletedManagedHsm => write!(f, "deleted managed HSM not found: {}", self.0.id()),
            ResourceKind::DeletedSecret => write!(f, "deleted secret not found: {name}"),
            ResourceKind::DeletedVault => write!(f, "deleted vault not found: {}", self.0.id()),
            ResourceKind::Key => write!(f, "key not found: {name}"),
            ResourceKind::ManagedHsm => write!(f, "managed HSM not found: {name}"),
            ResourceKind::PendingCertificate => write!(f, "pending certificate not found: {name}"),
            ResourceKind::ResourceGroup => write!(f, "resource group not found: {name}"),
            ResourceKind::RoleAssignment => f.write_str("requested role assignment not found"),
            ResourceKind::RoleDefinition => f.write_str("requested role definition not found"),
            ResourceKind::Secret => write!(f, "secret not found: {name}"),
            ResourceKind::Setting => {
                f.write_str("invalid setting name: `ListSettings` tells which there are")
            }
            ResourceKind::Subscription => write!(f, "subscription not found: {name}"),
            ResourceKind::Vault => write!(f, "vault not found: {name}"),
        }
    }
}

/// The message of an error about a name that another resource has.
pub(super) struct Exists<'a> {
    pub(super) resource: &'a Resource,
    pub(super) deleted: bool,
}

impl fmt::Display for Exists<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Resource { kind, name } = self.resource;
        let id = self.resource.id();
        match (kind, self.deleted) {
            (ResourceKind::ManagedHsm, false) => write!(f, "a managed HSM named {id} exists already"),
            (ResourceKind::ManagedHsm, true) => write!(
                f,
                "a managed HSM named {id} exists already, in a deleted but recoverable state; recover or purge it"
            ),
            (ResourceKind::Vault, false) => write!(f, "a vault named {id} exists already"),
            (ResourceKind::Vault, true) => write!(
                f,
                "a vault named {id} exists already, in a deleted but recoverable state; recover or purge it"
            ),
            (ResourceKind::ResourceGroup, _) => {
                let subscription = self.resource.id_in("subscriptions");
                write!(f, "resource group {id} already exists in subscription {subscription}")
            }
            (ResourceKind::RoleAssignment, _) => f.write_str("the role assignment already exists"),
            (kind, _) => write!(f, "{kind} already exists: {name}"),
        }
    }
}

/// The message of an error about a resource that is soft-deleted.
pub(super) struct SoftDeleted<'a> {
    pub(super) resource: &'a Resource,
    pub(super) scheduled_purge_at: Timestamp,
}

impl fmt::Display for SoftDeleted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, id, at) = (self.resource.kind, self.resource.id(), self.scheduled_purge_at);
        write!(f, "{kind} {id} is in a deleted but recoverable state")?;
        match kind {
            ResourceKind::ManagedHsm | ResourceKind::Vault => {
                write!(f, "; it can only be recovered or purged, and is purged by itself at {at}")
            }
            _ => f.write_str(", and its name cannot be reused; it can only be recovered or purged"),
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BackupJob => "backup job",
            Self::Budget => "budget",
            Self::Certificate => "certificate",
            Self::CertificateContacts => "certificate contacts",
            Self::CertificateIssuer => "certificate issuer",
            Self::DeletedCertificate => "deleted certificate",
            Self::DeletedKey => "deleted key",
            Self::DeletedManagedHsm => "deleted managed HSM",
            Self::DeletedSecret => "deleted secret",
            Self::DeletedVault => "deleted vault",
            Self::Key => "key",
            Self::ManagedHsm => "managed HSM",
            Self::PendingCertificate => "pending certificate",
            Self::ResourceGroup => "resource group",
            Self::RoleAssignment => "role assignment",
            Self::RoleDefinition => "role definition",
            Self::Secret => "secret",
            Self::Setting => "setting",
            Self::Subscription => "subscription",
            Self::Vault => "vault",
        })
    }
}
