//! The planes of the service, which require access tokens of their own.

use clap::ValueEnum;

/// A plane of the service. Each has an audience of its own for access tokens.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(crate) enum Plane {
    /// Keys and local RBAC of managed HSMs, and the simulator's clock
    #[default]
    Data,
    /// Secrets and keys of vaults
    Vault,
    /// Managed HSMs and vaults as resources, their resource groups, ARM RBAC and costs
    Control,
}
