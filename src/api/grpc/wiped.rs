//! Requests whose secret fields are zeroized when they are dropped before conversion, because the caller was refused or
//! another field was invalid. After conversion, the operation zeroizes the fields.

use zeroize::Zeroize as _;

use super::pb;
use crate::model::Error;
use crate::ops::crypto::{Encrypt, WrapKey};
use crate::ops::keys::ImportKey;

/// A message with secret fields.
pub(super) trait Secret: Default {
    /// Zeroizes the secret fields.
    fn wipe(&mut self);
}

/// Zeroizes the secret fields of a message when it is dropped.
pub(super) struct Wiped<M: Secret>(M);

impl<M: Secret> Wiped<M> {
    /// Wraps a received message.
    pub(super) fn new(message: M) -> Self {
        Self(message)
    }

    fn take(mut self) -> M {
        std::mem::take(&mut self.0)
    }
}

impl<M: Secret> Drop for Wiped<M> {
    fn drop(&mut self) {
        self.0.wipe();
    }
}

impl Secret for pb::ImportKeyMaterial {
    fn wipe(&mut self) {
        let Self { kty: _, n, e, d, p, q, dp, dq, qi, crv: _, x, y, k } = self;
        for bytes in [n, e, d, p, q, dp, dq, qi, x, y, k] {
            bytes.zeroize();
        }
    }
}

impl Secret for pb::ImportKeyRequest {
    fn wipe(&mut self) {
        if let Some(key) = &mut self.key {
            key.wipe();
        }
    }
}

impl Secret for pb::EncryptRequest {
    fn wipe(&mut self) {
        self.plaintext.zeroize();
    }
}

impl Secret for pb::WrapKeyRequest {
    fn wipe(&mut self) {
        self.key.zeroize();
    }
}

/// Converts wrapped messages to operations like unwrapped ones.
macro_rules! convert_wrapped {
    ($($message:ident => $operation:ident,)+) => {
        $(impl TryFrom<Wiped<pb::$message>> for $operation {
            type Error = Error;

            fn try_from(message: Wiped<pb::$message>) -> Result<Self, Error> {
                message.take().try_into()
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
    use super::*;

    #[test]
    fn wipe_clears_all_secret_fields() {
        let k = vec![171; 32];
        let key = pb::ImportKeyMaterial { k: k.clone(), d: k.clone(), qi: k.clone(), ..Default::default() };
        let mut import = pb::ImportKeyRequest { key: Some(key), ..Default::default() };
        import.wipe();
        assert_eq!(import, pb::ImportKeyRequest { key: Some(Default::default()), ..Default::default() });
        let mut encrypt = pb::EncryptRequest { plaintext: k.clone(), ..Default::default() };
        encrypt.wipe();
        let mut wrap = pb::WrapKeyRequest { key: k, ..Default::default() };
        wrap.wipe();
        assert!(encrypt.plaintext.is_empty() && wrap.key.is_empty());
    }
}
