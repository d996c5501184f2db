//! The ASN.1 structures of PKCS#12 (RFC 7292, appendix D), borrowed from the file so that nothing in the clear is copied.

use der::Sequence;
use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};

const fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new_unwrap(text)
}

// RFC 5652, sections 4 and 8.
pub(super) const DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.1");
pub(super) const ENCRYPTED_DATA: ObjectIdentifier = oid("1.2.840.113549.1.7.6");
// RFC 7292, appendix D.
pub(super) const KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.1");
pub(super) const SHROUDED_KEY_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.2");
pub(super) const CERTIFICATE_BAG: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.3");
pub(super) const NESTED_BAGS: ObjectIdentifier = oid("1.2.840.113549.1.12.10.1.6");
// RFC 2985, sections 5.5.2 and 5.6.1.
pub(super) const LOCAL_KEY_ID: ObjectIdentifier = oid("1.2.840.113549.1.9.21");
pub(super) const X509_CERTIFICATE: ObjectIdentifier = oid("1.2.840.113549.1.9.22.1");

/// The only version of files.
pub(super) const VERSION: u8 = 3;

/// `PFX`.
#[derive(Sequence)]
pub(super) struct Pfx<'a> {
    pub(super) version: u8,
    pub(super) auth_safe: ContentInfo<'a>,
    pub(super) mac_data: Option<MacData<'a>>,
}

/// `ContentInfo` (RFC 5652, section 3).
#[derive(Sequence)]
pub(super) struct ContentInfo<'a> {
    pub(super) content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) content: AnyRef<'a>,
}

/// `MacData`.
#[derive(Sequence)]
pub(super) struct MacData<'a> {
    pub(super) mac: DigestInfo<'a>,
    pub(super) salt: &'a OctetStringRef,
    #[asn1(default = "one")]
    pub(super) iterations: u32,
}

const fn one() -> u32 {
    1
}

/// `DigestInfo` (RFC 8017, appendix A.2.4).
#[derive(Sequence)]
pub(super) struct DigestInfo<'a> {
    pub(super) algorithm: Algorithm<'a>,
    pub(super) digest: &'a OctetStringRef,
}

/// `AlgorithmIdentifier` (RFC 5280, section 4.1.1.2).
#[derive(Clone, Copy, Sequence)]
pub(super) struct Algorithm<'a> {
    pub(super) oid: ObjectIdentifier,
    pub(super) parameters: Option<AnyRef<'a>>,
}

/// `EncryptedData` (RFC 5652, section 8).
#[derive(Sequence)]
pub(super) struct EncryptedData<'a> {
    pub(super) version: u8,
    pub(super) info: EncryptedContentInfo<'a>,
}

/// `EncryptedContentInfo` (RFC 5652, section 6.1).
#[derive(Sequence)]
pub(super) struct EncryptedContentInfo<'a> {
    pub(super) content_type: ObjectIdentifier,
    pub(super) algorithm: Algorithm<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    pub(super) content: &'a OctetStringRef,
}

/// `SafeBag`.
#[derive(Sequence)]
pub(super) struct SafeBag<'a> {
    pub(super) id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) value: AnyRef<'a>,
    pub(super) attributes: Option<AnyRef<'a>>,
}

/// `EncryptedPrivateKeyInfo` (RFC 5958, section 3).
#[derive(Sequence)]
pub(super) struct EncryptedPrivateKey<'a> {
    pub(super) algorithm: Algorithm<'a>,
    pub(super) content: &'a OctetStringRef,
}

/// `CertBag`.
#[derive(Sequence)]
pub(super) struct CertificateBag<'a> {
    pub(super) id: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) value: &'a OctetStringRef,
}

/// `PBEParameter` (RFC 8018, appendix A.3), `pkcs-12PbeParams` of RFC 7292.
#[derive(Sequence)]
pub(super) struct PbeParameters<'a> {
    pub(super) salt: &'a OctetStringRef,
    pub(super) iterations: u32,
}
