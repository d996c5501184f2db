//! Audiences of access tokens. As in Azure, a token for one audience is not accepted for another.

/// The audience of an access token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// The data planes of managed HSMs, and the simulator's own services.
    Service,
    /// The control plane: subscriptions and the resources in them.
    Management,
}

impl Audience {
    /// Every audience; the default of a credential that names none.
    pub const ALL: [Self; 2] = [Self::Service, Self::Management];
}
