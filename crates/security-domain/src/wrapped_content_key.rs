//! The encrypted form of a content key.

/// A content key encrypted with AES-GCM, without additional data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedContentKey {
    /// The initialization vector.
    pub iv: Vec<u8>,
    /// The ciphertext.
    pub ciphertext: Vec<u8>,
    /// The authentication tag.
    pub tag: Vec<u8>,
}
