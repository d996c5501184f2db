//! The operations that are measured, and what they are asked.

use clap::ValueEnum;

/// What is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Work {
    /// A call that reaches no operation: the standard health check.
    Empty,
    /// A signature with a P-256 key.
    Es256,
    /// A signature with an RSA key of 2048 bits.
    Rs256,
    /// 1 KiB encrypted with AES-256-GCM, with a random IV of the token's.
    A256gcm,
    /// The public half of a P-256 key.
    GetKey,
}

/// Which object of a key the token is given.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum KeyObject {
    /// The one in the token.
    Token,
    /// A copy for as long as the session that made it.
    Copy,
}

impl Work {
    pub(crate) const ALL: &[Self] = &[Self::Empty, Self::Es256, Self::Rs256, Self::A256gcm, Self::GetKey];

    /// How the table calls it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Empty => "empty call",
            Self::Es256 => "sign ES256",
            Self::Rs256 => "sign RS256, 2048 bit",
            Self::A256gcm => "encrypt A256GCM, 1 KiB",
            Self::GetKey => "get key",
        }
    }

    /// Whether there is something to compare the service with.
    pub(crate) fn uses_token(self) -> bool {
        self != Self::Empty
    }

    /// Whether a copy of the key could be used instead.
    pub(crate) fn uses_private_key(self) -> bool {
        matches!(self, Self::Es256 | Self::Rs256 | Self::A256gcm)
    }
}

/// What is signed: any 32 bytes are a digest.
pub(crate) const DIGEST: [u8; 32] = [0x5a; 32];

/// What is encrypted.
pub(crate) const PLAINTEXT: [u8; 1024] = [0xa5; 1024];
