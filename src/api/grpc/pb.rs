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
    fn debug_output_omits_secrets_in_choices() {
        let result = DecryptResult { outcome: Some(decrypt_result::Outcome::Plaintext(vec![171; 32])) };
        let error = tonic_types::pb::Status { code: 171, ..Default::default() };
        let failed = DecryptResult { outcome: Some(decrypt_result::Outcome::Error(error)) };
        let encrypt = EncryptRequest { plaintext: vec![171; 32], ..Default::default() };
        let request = PipelineRequest { id: 7, request: Some(pipeline_request::Request::Encrypt(encrypt)) };
        let reply = BatchDecryptResponse { name: "k".into(), results: vec![result] };
        for text in [format!("{reply:?}"), format!("{request:?}")] {
            assert!(
                !text.contains("171") && (text.contains("Plaintext") || text.contains("Encrypt")),
                "{text}"
            );
        }
        assert!(format!("{failed:?}").contains("171"));
    }

    #[test]
    fn zeroize_clears_secrets_in_lists_and_choices() {
        let item = EncryptItem { plaintext: vec![171; 32], iv: vec![1], ..Default::default() };
        let mut batch = BatchEncryptRequest { name: "k".into(), items: vec![item; 2] };
        batch.zeroize();
        assert!(batch.items.iter().all(|item| item.plaintext.is_empty() && item.iv == [1]));
        let wrap = WrapKeyRequest { name: "k".into(), key: vec![171; 32], ..Default::default() };
        let mut request = PipelineRequest { id: 7, request: Some(pipeline_request::Request::WrapKey(wrap)) };
        request.zeroize();
        let empty = WrapKeyRequest { name: "k".into(), ..Default::default() };
        assert_eq!(request.request, Some(pipeline_request::Request::WrapKey(empty)));
        let mut result = DecryptResult { outcome: Some(decrypt_result::Outcome::Plaintext(vec![171; 32])) };
        result.zeroize();
        assert_eq!(result.outcome, Some(decrypt_result::Outcome::Plaintext(Vec::new())));
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
