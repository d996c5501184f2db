//! The formats of the certificates of vaults: X.509 (RFC 5280), requests (PKCS#10, RFC 2986), and bundles of a private key with
//! certificates (PKCS#12, RFC 7292, and PEM, RFC 7468).
//!
//! Certificates and requests are made in two phases, because their signer is the token: [`Unsigned`] has the digest that is
//! signed, and becomes the document with the signature.
//!
//! | direction | from | to |
//! |---|---|---|
//! | issue | policy and public key | [`Unsigned`] certificate or request |
//! | read | DER | [`Certificate`] |
//! | import | PKCS#12 or PEM | [`Bundle`] |
//! | export | [`Bundle`] | PKCS#12 or PEM |

mod bundle;
mod certificate;
mod chain;
mod error;
mod extensions;
mod issue;
mod name;
mod oid;
mod pem;
mod pkcs12;
mod private_key;
mod public_key;
mod unsigned;

use strongroom_model as model;

pub use bundle::{Bundle, Format};
pub use certificate::Certificate;
pub use chain::leaf_first;
pub use error::Error;
pub use issue::{NewCertificate, request};
pub use private_key::PrivateKey;
pub use unsigned::Unsigned;

/// The result of a function of this package.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The maximum number of certificates in a bundle.
// assumption: Azure's maximum is not recorded.
pub const MAX_CERTIFICATES: usize = 50;
