//! Vaults as resources: create, get, list, update, delete, recover, purge, and their access policies.
//!
//! Azure: `Microsoft.KeyVault/vaults` in
//! <https://github.com/Azure/azure-rest-api-specs/tree/main/specification/keyvault>

mod access_policies;
mod check_access;
mod create;
mod operation_result;
mod resource;
mod update;

pub use access_policies::UpdateVaultAccessPolicies;
pub use check_access::{CheckVaultAccess, VaultAccess};
pub use create::CreateVault;
pub use operation_result::GetVaultOperationResult;
pub use update::{ImmutableVaultProperties, UpdateVault, VaultChanges};

use super::containers::{Bundle, CheckName, ContainerPath, DeletedPath, Get, List, Live, NewContainer};
use super::deletion::{Delete, GetDeleted, ListDeleted, Purge, PurgeExpired, Recover};
use crate::model::vault::Vault;
use crate::model::{Error, Field, Result};

/// A vault as surfaces show it.
pub type VaultBundle = Bundle<Vault>;
/// Identifies a live vault resource.
pub type VaultPath = ContainerPath<Vault>;
/// Identifies a deleted vault.
pub type DeletedVaultPath = DeletedPath<Vault>;
/// An unused vault name in an existing resource group.
pub type NewVault = NewContainer<Vault>;
/// A live vault.
pub type LiveVault = Live<Vault>;

/// Returns a live vault.
pub type GetVault = Get<Vault>;
/// Lists the live vaults of a subscription or of a resource group.
pub type ListVaults = List<Vault>;
/// Checks whether a name is available for a vault.
pub type CheckVaultName = CheckName<Vault>;
/// Soft-deletes a vault with everything in it. Role assignments at the vault are deleted.
pub type DeleteVault = Delete<Vault>;
/// Returns a deleted vault.
pub type GetDeletedVault = GetDeleted<Vault>;
/// Lists the deleted vaults of a subscription.
pub type ListDeletedVaults = ListDeleted<Vault>;
/// Recovers a deleted vault with its contents and access policies, but without the role assignments at the vault.
pub type RecoverDeletedVault = Recover<Vault>;
/// Purges a deleted vault.
pub type PurgeDeletedVault = Purge<Vault>;
/// Purges a deleted vault at its scheduled purge date.
pub type PurgeExpiredVault = PurgeExpired<Vault>;

/// Checks that purge protection protects something.
///
/// # Errors
/// `Invalid` naming `purge_protection`.
fn check_purge_protection(soft_delete: bool, purge_protection: bool) -> Result<()> {
    match purge_protection && !soft_delete {
        true => {
            Err(Error::invalid(Field::PurgeProtection, "this requires soft-delete, which is not enabled"))
        }
        false => Ok(()),
    }
}

/// Checks the rules for virtual networks.
///
/// # Errors
/// `Invalid` naming `virtual_network_rules`.
fn check_virtual_networks(rules: &[String]) -> Result<()> {
    let wrong = |why: &str| Err(Error::invalid(Field::VirtualNetworkRules, why));
    if rules.len() > Vault::MAX_VIRTUAL_NETWORK_RULES {
        return wrong("there are at most 200 rules");
    }
    let is_subnet = |id: &String| id.starts_with('/') && id.to_ascii_lowercase().contains("/subnets/");
    match rules.iter().all(is_subnet) {
        true => Ok(()),
        false => wrong("a rule is the resource id of a subnet"),
    }
}
