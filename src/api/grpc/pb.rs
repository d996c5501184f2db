//! The generated code of `proto/strongroom/v1`, and the `Debug` output of its secret messages.

use std::fmt;

#[expect(clippy::allow_attributes, reason = "generated")]
mod generated {
    tonic::include_proto!("strongroom.v1");
}

pub use generated::*;

/// The file descriptor set of the protocol, for server reflection and tests.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/strongroom.v1.bin"));

/// Implements `Debug` for messages with plaintext or key material: only the listed fields are printed.
macro_rules! redacted {
    ($($message:ident($($field:ident),*),)+) => {
        $(impl fmt::Debug for $message {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($message))
                    $(.field(stringify!($field), &self.$field))*
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
    fn debug_output_omits_secrets() {
        let material = ImportKeyMaterial { kty: "oct-HSM".into(), k: vec![171; 32], ..Default::default() };
        let request = ImportKeyRequest { key: Some(material), ..Default::default() };
        let text = format!("{request:?}");
        assert!(text.contains("oct-HSM"), "{text}");
        assert!(!text.contains("171"), "{text}");
    }
}
