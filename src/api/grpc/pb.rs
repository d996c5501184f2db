//! The generated code of `proto/strongroom/v1`, and how its secret messages are printed.

use std::fmt;

#[expect(clippy::allow_attributes, reason = "generated")]
mod generated {
    tonic::include_proto!("strongroom.v1");
}

pub use generated::*;

/// The file descriptor set of the protocol, for server reflection and for tests.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/strongroom.v1.bin"));

/// Messages that carry plaintext or key material print what names them and nothing else.
macro_rules! redacted {
    ($($message:ident($($shown:ident),*),)+) => {
        $(impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($message))
                    $(.field(stringify!($shown), &self.$shown))*
                    .finish_non_exhaustive()
            }
        })+
    };
}

redacted! {
    DecryptResponse(name, algorithm),
    EncryptRequest(name, algorithm),
    GenerateRandomBytesResponse(),
    ImportKeyMaterial(kty, crv),
    UnwrapKeyResponse(name, algorithm),
    WrapKeyRequest(name, algorithm),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_printed() {
        let material = ImportKeyMaterial { kty: "oct-HSM".into(), k: vec![171; 32], ..Default::default() };
        let request = ImportKeyRequest { key: Some(material), ..Default::default() };
        let text = format!("{request:?}");
        assert!(text.contains("oct-HSM"), "{text}");
        assert!(!text.contains("171"), "{text}");
    }
}
