//! The attribute templates of token and session objects.
//!
//! A private or secret key is `PRIVATE`, `SENSITIVE`, `EXTRACTABLE` only for backups, and has only the usages
//! that its type needs. Each usage is set explicitly, because modules' defaults differ and some are `true`.
//! Keys of callers never have `WRAP` or `UNWRAP`.

use cryptoki::mechanism::MechanismType;
use cryptoki::object::{Attribute, KeyType as TokenKeyType, ObjectClass};
use zeroize::Zeroize as _;

use super::mechanism::curve_parameters;
use crate::model::import::ImportMaterial;
use crate::model::key::{Curve, KeyType};
use crate::model::name::VersionId;

/// The label of the sentinel, the object whose visibility shows that the token has not lost its objects.
pub(super) const SENTINEL_LABEL: &[u8] = b"strongroom-sentinel";

/// The label of the two keys of a security domain begins with this.
pub(super) const DOMAIN_LABEL: &str = "strongroom-domain";

/// A list of attributes; secret values are zeroized when it is dropped.
pub(super) struct Template(Vec<Attribute>);

impl std::ops::Deref for Template {
    type Target = [Attribute];

    fn deref(&self) -> &[Attribute] {
        &self.0
    }
}

impl Drop for Template {
    fn drop(&mut self) {
        for attribute in &mut self.0 {
            if let Attribute::Value(bytes)
            | Attribute::PrivateExponent(bytes)
            | Attribute::Prime1(bytes)
            | Attribute::Prime2(bytes)
            | Attribute::Exponent1(bytes)
            | Attribute::Exponent2(bytes)
            | Attribute::Coefficient(bytes) = attribute
            {
                bytes.zeroize();
            }
        }
    }
}

/// The lifetime of an object, with the identifier of token objects.
#[derive(Clone, Copy)]
pub(super) enum Lifetime {
    /// A token object with this identifier.
    Token(VersionId),
    /// A session object, without an identifier.
    Session,
}

/// The kinds of private and secret key objects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Rsa,
    Ec,
    Aes,
    /// The HMAC companion of an AES key, with the same bytes.
    Hmac,
}

impl Kind {
    /// The kind of a key's main object.
    pub(super) const fn of(key_type: KeyType) -> Self {
        match key_type {
            KeyType::Rsa { .. } => Self::Rsa,
            KeyType::Ec { .. } => Self::Ec,
            KeyType::Oct { .. } => Self::Aes,
        }
    }

    /// The value of `CKA_ALLOWED_MECHANISMS`: every mechanism that the service uses with such a key.
    fn mechanisms(self) -> Vec<MechanismType> {
        match self {
            Self::Rsa => vec![
                MechanismType::RSA_PKCS,
                MechanismType::RSA_PKCS_PSS,
                MechanismType::RSA_PKCS_OAEP,
                MechanismType::RSA_X_509,
            ],
            Self::Ec => vec![MechanismType::ECDSA],
            Self::Aes => vec![
                MechanismType::AES_GCM,
                MechanismType::AES_CBC,
                MechanismType::AES_CBC_PAD,
                MechanismType::AES_ECB,
                MechanismType::AES_KEY_WRAP,
            ],
            Self::Hmac => {
                vec![MechanismType::SHA256_HMAC, MechanismType::SHA384_HMAC, MechanismType::SHA512_HMAC]
            }
        }
    }

    const fn class(self) -> ObjectClass {
        match self {
            Self::Rsa | Self::Ec => ObjectClass::PRIVATE_KEY,
            Self::Aes | Self::Hmac => ObjectClass::SECRET_KEY,
        }
    }

    const fn key_type(self) -> TokenKeyType {
        match self {
            Self::Rsa => TokenKeyType::RSA,
            Self::Ec => TokenKeyType::EC,
            Self::Aes => TokenKeyType::AES,
            Self::Hmac => TokenKeyType::GENERIC_SECRET,
        }
    }
}

/// What the template of a key restricts, beyond its kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Restrictions {
    /// Whether to set `CKA_ALLOWED_MECHANISMS`.
    pub(super) mechanisms: bool,
    /// Whether a wrapping key may wrap the key (`CKA_EXTRACTABLE`). It stays sensitive: the token does not return it
    /// in the clear.
    pub(super) wrappable: bool,
}

/// A key without its value, for generation and unwrapping.
pub(super) fn key(kind: Kind, life: Lifetime, restrict: Restrictions) -> Template {
    let mut attributes = vec![
        Attribute::Class(kind.class()),
        Attribute::KeyType(kind.key_type()),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(restrict.wrappable),
        Attribute::Sign(kind != Kind::Aes),
        Attribute::Decrypt(matches!(kind, Kind::Rsa | Kind::Aes)),
        Attribute::Unwrap(false),
        Attribute::Derive(false),
    ];
    match kind.class() {
        ObjectClass::PRIVATE_KEY => attributes.push(Attribute::SignRecover(false)),
        _ => attributes.extend([
            Attribute::Verify(kind == Kind::Hmac),
            Attribute::Encrypt(kind == Kind::Aes),
            Attribute::Wrap(false),
        ]),
    }
    match life {
        Lifetime::Session => attributes.push(Attribute::Token(false)),
        Lifetime::Token(id) => attributes.extend([
            Attribute::Token(true),
            Attribute::Id(id.as_bytes().to_vec()),
            Attribute::Label(format!("strongroom {id}").into_bytes()),
        ]),
    }
    if restrict.mechanisms {
        attributes.push(Attribute::AllowedMechanisms(kind.mechanisms()));
    }
    Template(attributes)
}

/// A secret key with its value, for `C_CreateObject`. The value of an HMAC companion may be zero-padded.
pub(super) fn secret(kind: Kind, life: Lifetime, restrict: Restrictions, value: Vec<u8>) -> Template {
    let mut template = key(kind, life, restrict);
    template.0.push(Attribute::Value(value));
    template
}

/// A private key for `C_GenerateKeyPair`.
pub(super) fn generated(kind: Kind, life: Lifetime, restrict: Restrictions) -> Template {
    let mut template = key(kind, life, restrict);
    // The mechanism implies class and type; some modules reject them in the template.
    template.0.retain(|attribute| !matches!(attribute, Attribute::Class(_) | Attribute::KeyType(_)));
    template
}

/// A secret key of `length` bytes for `C_GenerateKey`.
pub(super) fn sized(kind: Kind, life: Lifetime, restrict: Restrictions, length: u64) -> Template {
    let mut template = generated(kind, life, restrict);
    template.0.push(Attribute::ValueLen(length.into()));
    template
}

/// The main object of an imported key, with its value.
pub(super) fn imported(material: &ImportMaterial, life: Lifetime, restrict: Restrictions) -> Template {
    let mut template = key(Kind::of(material.key_type()), life, restrict);
    match material {
        ImportMaterial::Rsa { n, e, d, p, q, dp, dq, qi } => template.0.extend([
            Attribute::Modulus(n.clone()),
            Attribute::PublicExponent(e.clone()),
            Attribute::PrivateExponent(d.clone()),
            Attribute::Prime1(p.clone()),
            Attribute::Prime2(q.clone()),
            Attribute::Exponent1(dp.clone()),
            Attribute::Exponent2(dq.clone()),
            Attribute::Coefficient(qi.clone()),
        ]),
        ImportMaterial::Ec { crv, d, .. } => template
            .0
            .extend([Attribute::EcParams(curve_parameters(*crv).to_vec()), Attribute::Value(d.clone())]),
        ImportMaterial::Oct { k } => template.0.push(Attribute::Value(k.clone())),
    }
    template
}

/// An RSA public key for `C_GenerateKeyPair`: a session object, read once and destroyed.
pub(super) fn public_rsa(bits: u64, exponent: &[u8]) -> Template {
    Template(vec![
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::Verify(true),
        Attribute::Encrypt(true),
        Attribute::Wrap(false),
        Attribute::ModulusBits(bits.into()),
        Attribute::PublicExponent(exponent.to_vec()),
    ])
}

/// An EC public key for `C_GenerateKeyPair`: a session object, read once and destroyed.
pub(super) fn public_ec(curve: Curve) -> Template {
    Template(vec![
        Attribute::Token(false),
        Attribute::Private(false),
        Attribute::Verify(true),
        Attribute::EcParams(curve_parameters(curve).to_vec()),
    ])
}

/// A secret key of `length` bytes for `C_DeriveKey`.
pub(super) fn derived(kind: Kind, life: Lifetime, restrict: Restrictions, length: u64) -> Template {
    let mut template = key(kind, life, restrict);
    template.0.push(Attribute::ValueLen(length.into()));
    template
}

/// The temporary AES-256 key from which an AES key and its HMAC companion are derived: generated, or
/// created with a known value.
pub(super) fn root(value: Option<&[u8]>) -> Template {
    let mut template = Template(vec![
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(false),
        Attribute::Decrypt(true),
        Attribute::Wrap(false),
        Attribute::Unwrap(false),
        Attribute::Derive(true),
    ]);
    match value {
        None => template.0.push(Attribute::ValueLen(32.into())),
        Some(value) => template.0.extend([
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(TokenKeyType::AES),
            Attribute::Value(value.to_vec()),
        ]),
    }
    template
}

/// The secret that is wrapped and then unwrapped as an AES key and its HMAC companion. It is the only
/// extractable object, a session object that exists for a few milliseconds.
pub(super) fn seed(length: u64) -> Template {
    Template(vec![
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(true),
        Attribute::Sign(false),
        Attribute::Verify(false),
        Attribute::Derive(false),
        Attribute::ValueLen(length.into()),
    ])
}

/// The temporary key that wraps the seed.
pub(super) fn seed_wrapper() -> Template {
    Template(vec![
        Attribute::Token(false),
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Wrap(true),
        Attribute::Unwrap(true),
        Attribute::ValueLen(32.into()),
    ])
}

/// The wrapping key of a security domain, with its value. It wraps and unwraps keys and does nothing else: a key that
/// also decrypts returns what it has wrapped in the clear.
pub(super) fn wrapping_key(life: Lifetime, restrict: Restrictions, value: &[u8]) -> Template {
    let mut template = key(Kind::Aes, life, Restrictions { mechanisms: false, wrappable: false });
    label_as_domain_key(&mut template, life);
    template.0.retain(|attribute| {
        !matches!(
            attribute,
            Attribute::Encrypt(_) | Attribute::Decrypt(_) | Attribute::Wrap(_) | Attribute::Unwrap(_)
        )
    });
    template.0.extend([
        Attribute::Encrypt(false),
        Attribute::Decrypt(false),
        Attribute::Wrap(true),
        Attribute::Unwrap(true),
        Attribute::Value(value.to_vec()),
    ]);
    if restrict.mechanisms {
        template.0.push(Attribute::AllowedMechanisms(vec![MechanismType::AES_KEY_WRAP_PAD]));
    }
    template
}

/// The sealing key of a security domain, of `length` bytes, for `C_GenerateKey`.
pub(super) fn sealing_key(life: Lifetime, restrict: Restrictions, length: u64) -> Template {
    let mut template = sized(Kind::Aes, life, Restrictions { wrappable: false, ..restrict }, length);
    label_as_domain_key(&mut template, life);
    template
}

/// Distinguishes the keys of a security domain from those of callers.
fn label_as_domain_key(template: &mut Template, life: Lifetime) {
    template.0.retain(|attribute| !matches!(attribute, Attribute::Label(_)));
    if let Lifetime::Token(id) = life {
        template.0.push(Attribute::Label(format!("{DOMAIN_LABEL} {id}").into_bytes()));
    }
}

/// The sentinel object. It is private, so that it is visible only while logged in.
pub(super) fn sentinel() -> Template {
    Template(vec![
        Attribute::Class(ObjectClass::DATA),
        Attribute::Token(true),
        Attribute::Private(true),
        Attribute::Modifiable(false),
        Attribute::Label(SENTINEL_LABEL.to_vec()),
        Attribute::Value(b"This object shows that the token is whole. Strongroom made it.".to_vec()),
    ])
}

/// The search template for the sentinel.
pub(super) fn find_sentinel() -> Template {
    Template(vec![
        Attribute::Class(ObjectClass::DATA),
        Attribute::Token(true),
        Attribute::Label(SENTINEL_LABEL.to_vec()),
    ])
}

/// The search template for the objects of one key.
pub(super) fn find_key(id: VersionId) -> Template {
    Template(vec![Attribute::Token(true), Attribute::Id(id.as_bytes().to_vec())])
}
