//! Converts requests that are wrapped in [`Zeroizing`]. Their secret fields are zeroized even if the request is dropped
//! before conversion, because the caller was refused or another field is invalid.

use zeroize::Zeroizing;

use super::pb;
use crate::model::Error;
use crate::ops::crypto::{Encrypt, WrapKey};
use crate::ops::keys::ImportKey;

/// Converts wrapped messages to operations like unwrapped ones.
macro_rules! convert_wrapped {
    ($($message:ident => $operation:ident,)+) => {
        $(impl TryFrom<Zeroizing<pb::$message>> for $operation {
            type Error = Error;

            fn try_from(mut message: Zeroizing<pb::$message>) -> Result<Self, Error> {
                std::mem::take(&mut *message).try_into()
            }
        })+
    };
}

convert_wrapped! {
    ImportKeyRequest => ImportKey,
    EncryptRequest => Encrypt,
    WrapKeyRequest => WrapKey,
}

#[cfg(test)]
mod tests {
    use zeroize::Zeroize as _;

    use super::*;

    #[test]
    fn zeroize_clears_all_secret_fields() {
        let k = vec![171; 32];
        let key = pb::ImportKeyMaterial { k: k.clone(), d: k.clone(), qi: k.clone(), ..Default::default() };
        let mut import = pb::ImportKeyRequest { key: Some(key), ..Default::default() };
        import.zeroize();
        assert_eq!(import, pb::ImportKeyRequest { key: Some(Default::default()), ..Default::default() });
        let mut encrypt = pb::EncryptRequest { plaintext: k.clone(), ..Default::default() };
        encrypt.zeroize();
        let mut wrap = pb::WrapKeyRequest { key: k, ..Default::default() };
        wrap.zeroize();
        assert!(encrypt.plaintext.is_empty() && wrap.key.is_empty());
    }
}
