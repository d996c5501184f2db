//! What bearer tokens are meant for: a token for the one opens nothing of the other, as with Azure.

/// What a token is meant for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Audience {
    /// The data planes of managed HSMs, and a simulator's own services.
    Service,
    /// The control plane: subscriptions and what is in them.
    Management,
}

impl Audience {
    /// Each of them: what a credential is meant for that names none.
    pub const ALL: [Self; 2] = [Self::Service, Self::Management];
}
