//! The measured operations and their input.

use clap::ValueEnum;

/// A measured operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Work {
    /// The health check of the surface, which calls no operation.
    Empty,
    /// A signature with a P-256 key.
    Es256,
    /// The same, in batches of 100.
    Es256Batch,
    /// The same, on one stream per caller with 32 requests on their way.
    Es256Stream,
    /// A signature with an RSA key of 2048 bits.
    Rs256,
    /// Encryption of 1 KiB with AES-256-GCM and a random IV from the token.
    A256gcm,
    /// Reading the public key of a P-256 key.
    GetKey,
    /// Reading a secret of 32 bytes, which the token decrypts.
    GetSecret,
}

/// A surface of the service.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Surface {
    /// gRPC: HTTP/2 and protocol buffers.
    Grpc,
    /// Azure's REST: HTTP/1.1 and JSON.
    Rest,
}

impl Surface {
    /// The title in the table.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Grpc => "gRPC and TLS",
            Self::Rest => "REST and TLS",
        }
    }

    /// Whether the surface has an operation.
    pub(crate) const fn has(self, work: Work) -> bool {
        match self {
            Self::Grpc => true,
            Self::Rest => !matches!(work, Work::Es256Batch | Work::Es256Stream),
        }
    }
}

/// The PKCS#11 object that the direct calls use.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum KeyObject {
    /// The token object.
    Token,
    /// A session object: a copy of the token object.
    Copy,
}

impl Work {
    pub(crate) const ALL: &[Self] = &[
        Self::Empty,
        Self::Es256,
        Self::Es256Batch,
        Self::Es256Stream,
        Self::Rs256,
        Self::A256gcm,
        Self::GetKey,
        Self::GetSecret,
    ];

    /// The title in the table.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Empty => "empty call",
            Self::Es256 => "sign ES256",
            Self::Es256Batch => "sign ES256, batch of 100",
            Self::Es256Stream => "sign ES256, stream",
            Self::Rs256 => "sign RS256, 2048 bit",
            Self::A256gcm => "encrypt A256GCM, 1 KiB",
            Self::GetKey => "get key",
            Self::GetSecret => "get secret, 32 bytes",
        }
    }

    /// Whether the operation can be measured on the token directly.
    pub(crate) fn uses_token(self) -> bool {
        self != Self::Empty
    }

    /// Whether the operation uses a private or secret key, which can be copied to a session object.
    pub(crate) fn uses_private_key(self) -> bool {
        !matches!(self, Self::Empty | Self::GetKey)
    }
}

/// The number of items of a batch.
pub(crate) const BATCH: usize = 100;

/// The number of requests of a stream that are sent before the first response is waited for.
pub(crate) const IN_FLIGHT: usize = 32;

/// The digest to sign.
pub(crate) const DIGEST: [u8; 32] = [0x5a; 32];

/// The plaintext to encrypt.
pub(crate) const PLAINTEXT: [u8; 1024] = [0xa5; 1024];

/// The value of the secret.
pub(crate) const SECRET: &str = "01234567890123456789012345678901";
