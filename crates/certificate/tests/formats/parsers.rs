//! Parsers with arbitrary and damaged input: no input causes a panic.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;
use strongroom_certificate::{Bundle, Certificate, PrivateKey};

use crate::kit::{Chain, KEY_TYPES, OpenSsl};

/// Valid documents: a certificate, private keys, and bundles.
static DOCUMENTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let openssl = OpenSsl::new();
    let chains = [0, 1].map(|kind| Chain::new(&openssl, KEY_TYPES[kind].1));
    let documents = chains.iter().flat_map(|chain| {
        let bundle = chain.bundle();
        [
            chain.leaf.der().to_vec(),
            chain.key.to_pkcs8().unwrap().to_vec(),
            bundle.to_pkcs12(&[7; 32]).unwrap().to_vec(),
            bundle.to_pem().unwrap().as_bytes().to_vec(),
        ]
    });
    documents.collect()
});

/// Reads the bytes as every document.
fn read(bytes: &[u8]) {
    if let Ok(certificate) = Certificate::from_der(bytes) {
        let _ = certificate.x509_properties();
    }
    for read in [PrivateKey::from_pkcs8, PrivateKey::from_pkcs1, PrivateKey::from_sec1] {
        if let Ok(key) = read(bytes) {
            let _ = (key.public_key(), key.to_pkcs8());
        }
    }
    let _ = Bundle::read(&STANDARD.encode(bytes), "", false);
    let _ = Bundle::read(&String::from_utf8_lossy(bytes), "", true);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn arbitrary_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read(&bytes);
    }

    #[test]
    fn damaged_documents_are_read_without_panic(
        document in any::<prop::sample::Index>(),
        damages in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<Option<prop::sample::Index>>(),
    ) {
        let mut document = document.get(&DOCUMENTS).clone();
        for (position, byte) in damages {
            let position = position.index(document.len());
            document[position] = byte;
        }
        if let Some(cut) = cut {
            document.truncate(cut.index(document.len()));
        }
        read(&document);
    }
}
