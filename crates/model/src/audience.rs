//! Audiences of access tokens. As in Azure, a token for one audience is not accepted for another.

use super::container_id::ContainerKind;

/// The audience of an access token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// The data planes of managed HSMs, and the simulator's own services.
    Service,
    /// The data planes of vaults.
    Vault,
    /// The control plane: subscriptions and the resources in them.
    Management,
}

impl Audience {
    /// Every audience; the default of a credential that names none.
    pub const ALL: [Self; 3] = [Self::Service, Self::Vault, Self::Management];

    /// Returns the audience of the data planes of this kind of container.
    pub const fn of_data_plane(kind: ContainerKind) -> Self {
        match kind {
            ContainerKind::ManagedHsm => Self::Service,
            ContainerKind::Vault => Self::Vault,
        }
    }
}
