//! One value of every error variant, for the tests of all surfaces.

use uuid::Uuid;

use crate::model::aes_modes::ModeFamily;
use crate::model::arm_rbac::ControlScope;
use crate::model::container::ContainerId;
use crate::model::error::{DeniedAction, VaultDenial, VaultRefusal};
use crate::model::local_rbac::{DataAction, LocalScope};
use crate::model::name::{PrincipalId, VaultName, VersionId};
use crate::model::resource::{ResourceGroupName, SubscriptionId};
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::retention::{RecoveryLevel, RetentionDays};
use crate::model::storage_failure::{Outcome, StorageFailure, StorageFault, StoragePart};
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Field};

/// The text of an internal error, which must not reach a client.
pub(super) const SECRET: &str = "the path of a file on the server";

/// A refusal by the access policies of a vault.
fn forbidden_in_vault(vault: &VaultName) -> Error {
    let group = "dev".parse().unwrap();
    let denial = VaultDenial {
        refusal: VaultRefusal::NoPermission,
        action: VaultAction::SecretGet,
        vault_scope: ControlScope::Vault(SubscriptionId(Uuid::nil()), group, vault.clone()),
        vault: vault.clone(),
        location: "eastus".to_owned(),
        object: "secrets/database".parse().unwrap(),
        application: Some(Uuid::nil().to_string()),
        tenant: Uuid::nil(),
        groups: 2,
    };
    let denied = DeniedAction::Vault(Box::new(denial));
    Error::Forbidden { principal: PrincipalId(Uuid::nil()), denied, roles: Vec::new() }
}

/// One value of every error variant.
pub(super) fn every_error() -> Vec<Error> {
    let at = "2030-01-02T03:04:05Z".parse().unwrap();
    let hsm: crate::model::name::HsmName = "local".parse().unwrap();
    let name: crate::model::name::KeyName = "invoices".parse().unwrap();
    let container = ContainerId::from(&hsm);
    let vault: crate::model::name::VaultName = "contoso".parse().unwrap();
    let secret: crate::model::name::SecretName = "password".parse().unwrap();
    let certificate: crate::model::name::CertificateName = "www".parse().unwrap();
    let issuer: crate::model::name::IssuerName = "Acme".parse().unwrap();
    let subscription = SubscriptionId(Uuid::nil());
    let group: ResourceGroupName = "dev".parse().unwrap();
    let budget = "monthly".parse().unwrap();
    let not_found = ResourceKind::ALL.map(|kind| {
        Error::NotFound(match kind {
            ResourceKind::Budget => Resource::budget(subscription, &budget),
            ResourceKind::Certificate => Resource::certificate(&vault, &certificate),
            ResourceKind::CertificateIssuer => Resource::certificate_issuer(&vault, &issuer),
            ResourceKind::DeletedCertificate => Resource::deleted_certificate(&vault, &certificate),
            ResourceKind::PendingCertificate => Resource::pending_certificate(&vault, &certificate),
            ResourceKind::DeletedKey => Resource::deleted_key(&container, &name),
            ResourceKind::DeletedManagedHsm => Resource::deleted_hsm(&hsm),
            ResourceKind::DeletedSecret => Resource::deleted_secret(&vault, &secret),
            ResourceKind::DeletedVault => Resource::deleted_vault(&vault),
            ResourceKind::Key => Resource::key(&container, &name),
            ResourceKind::ManagedHsm => (&hsm).into(),
            ResourceKind::ResourceGroup => Resource::group(subscription, &group),
            ResourceKind::Secret => Resource::secret(&vault, &secret),
            ResourceKind::Subscription => subscription.into(),
            ResourceKind::Vault => Resource::vault_at(subscription, &group, &vault),
            ResourceKind::BackupJob
            | ResourceKind::CertificateContacts
            | ResourceKind::RoleAssignment
            | ResourceKind::RoleDefinition
            | ResourceKind::Setting => Resource::unnamed(kind),
        })
    });
    let mut all = vec![
        Error::Throttled { retry_after_seconds: 7 },
        Error::TokenBusy,
        Error::BuiltInRole { id: Uuid::nil() },
        Error::CertificateMergeForbidden { issuer: issuer.clone() },
        Error::CertificatePending,
        Error::ManagedByCertificate { kind: ResourceKind::Key, operation: "delete" },
        Error::ManagedByCertificate { kind: ResourceKind::Secret, operation: "set" },
        Error::ClockNotTrusted { standing: "held" },
        Error::ComputationBusy { what: "sums" },
        Error::Conflict { what: "it".to_owned() },
        Error::DeadlineExceeded,
        Error::DecryptionFailed,
        Error::Forbidden {
            principal: PrincipalId(Uuid::nil()),
            denied: DeniedAction::Data(DataAction::KeySign, LocalScope::Key(name.clone())),
            roles: vec!["Signer".to_owned()],
        },
        forbidden_in_vault(&vault),
        Error::Deleted { resource: (&hsm).into(), scheduled_purge_at: at },
        Error::Exists { resource: (&hsm).into(), deleted: true },
        Error::Exists { resource: (&vault).into(), deleted: false },
        Error::Exists { resource: (&vault).into(), deleted: true },
        Error::BackupJobRunning { hsm: hsm.clone() },
        Error::BackupStorage { why: "the storage has no folder".to_owned() },
        Error::HsmAlreadyActivated { hsm: hsm.clone() },
        Error::RestoreRunning { hsm: hsm.clone() },
        Error::HsmNotActivated { hsm: hsm.clone() },
        Error::SecurityDomainMissing { hsm: hsm.clone() },
        Error::internal_caused_by(SECRET, SECRET),
        Error::invalid(Field::Name, "it is wrong"),
        Error::Deleted { resource: Resource::key(&container, &name), scheduled_purge_at: at },
        Error::Deleted { resource: Resource::certificate(&vault, &certificate), scheduled_purge_at: at },
        Error::Deleted { resource: Resource::secret(&vault, &secret), scheduled_purge_at: at },
        Error::KeyDisabled { operation: "sign" },
        Error::KeyExpired { operation: "sign", expires: at.into() },
        Error::KeyMaterialMissing { version: VersionId::from_bytes([7; 16]) },
        Error::KeyNotWrappable { version: VersionId::from_bytes([7; 16]) },
        Error::MalformedBackup { why: "the backup is not that of a key".to_owned() },
        Error::KeyNotYetValid { operation: "sign", not_before: at.into() },
        Error::LimitExceeded { what: "things", limit: 7 },
        Error::ModeFamilyMismatch {
            version: VersionId::from_bytes([7; 16]),
            bound: ModeFamily::Gcm,
            asked: ModeFamily::Cbc,
        },
        Error::NoContent,
        Error::OperationNotPermitted { operation: "sign" },
        Error::PurgeProtected {
            level: RecoveryLevel {
                soft_delete: true,
                retention: RetentionDays::DEFAULT,
                purge_protection: true,
                protected_subscription: false,
            },
            scheduled_purge_at: at,
        },
        Error::Exists { resource: Resource::budget(subscription, &budget), deleted: false },
        Error::Overloaded,
        Error::RequestTooLarge { limit: 7 },
        Error::RequestTooSlow { seconds: 7 },
        Error::Exists { resource: Resource::group(subscription, &group), deleted: false },
        Error::ResourceGroupNotEmpty { group: group.clone(), container: container.clone() },
        Error::ResumeTokenExpired { after: 3, oldest: 9 },
        Error::Exists { resource: Resource::unnamed(ResourceKind::RoleAssignment), deleted: false },
        Error::RoleAssignmentMatches {
            existing: Uuid::nil(),
            role_definition: Uuid::nil(),
            principal: PrincipalId(Uuid::nil()),
            scope: "/keys".to_owned(),
        },
        Error::RoleDefinitionAssigned { id: Uuid::nil() },
        Error::RoleNameTaken { name: "Signer".to_owned() },
        Error::RotationPolicyMissing { name },
        Error::MethodNotAllowed { allowed: "GET".to_owned() },
        Error::RouteNotFound,
        Error::SecretDisabled { operation: "get" },
        Error::SoftDeleteDisabled { operation: "purge" },
        Error::Stopping,
        Error::StorageFailed(StorageFailure {
            part: StoragePart::AuditLog,
            fault: StorageFault::Full,
            outcome: Outcome::NotDone,
        }),
        Error::StorageFailed(StorageFailure {
            part: StoragePart::Database,
            fault: StorageFault::Failing,
            outcome: Outcome::Unknown,
        }),
        Error::TokenFailed { function: "C_Sign", code: "CKR_DEVICE_ERROR".to_owned() },
        Error::TokenPoolExhausted { tokens: 7 },
        Error::TokenTimeout { milliseconds: 7 },
        Error::TokenUnavailable { why: "it is away".to_owned() },
        Error::Unauthenticated { why: "nobody" },
        Error::Unsupported { what: "not yet".to_owned() },
    ];
    all.extend(not_found);
    all
}

#[test]
fn every_error_variant_is_listed() {
    let variants = include_str!("../../crates/model/src/error.rs").matches("#[error(").count();
    let listed: std::collections::HashSet<_> = every_error().iter().map(std::mem::discriminant).collect();
    assert_eq!(listed.len(), variants, "this file does not list every variant of `Error`");
}
