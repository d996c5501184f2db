//! The generated code of `proto/strongroom/v1`.
//!
//! Fields with the option `debug_redact` contain key material or plaintext. The build script generates `Debug`
//! implementations that omit them, and `Zeroize` implementations that overwrite them.

#[expect(clippy::allow_attributes, reason = "generated")]
mod generated {
    tonic::include_proto!("strongroom.v1");
    include!(concat!(env!("OUT_DIR"), "/redacted.rs"));
}

pub use generated::*;

/// The file descriptor set of the protocol, for server reflection and tests.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/strongroom.v1.bin"));

#[cfg(test)]
mod tests {
    use zeroize::Zeroize as _;

    use super::*;

    #[test]
    fn debug_output_omits_secrets() {
        let material = ImportKeyMaterial { kty: "oct-HSM".into(), k: vec![171; 32], ..Default::default() };
        let request = ImportKeyRequest { key: Some(material), ..Default::default() };
        let text = format!("{request:?}");
        assert!(text.contains("oct-HSM"), "{text}");
        assert!(!text.contains("171"), "{text}");
    }

    #[test]
    fn zeroize_clears_all_secret_fields() {
        let k = vec![171; 32];
        let key = ImportKeyMaterial { k: k.clone(), d: k.clone(), qi: k.clone(), ..Default::default() };
        let mut import = ImportKeyRequest { key: Some(key), ..Default::default() };
        import.zeroize();
        assert_eq!(import, ImportKeyRequest { key: Some(Default::default()), ..Default::default() });
        let mut encrypt = EncryptRequest { plaintext: k.clone(), ..Default::default() };
        encrypt.zeroize();
        let mut wrap = WrapKeyRequest { key: k, ..Default::default() };
        wrap.zeroize();
        assert!(encrypt.plaintext.is_empty() && wrap.key.is_empty());
    }
}
