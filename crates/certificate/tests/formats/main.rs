//! Tests of the formats of certificates against independent implementations: OpenSSL and rustls.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking, in its helpers too")]

mod bundles;
mod handshake;
mod issue;
mod kit;
mod parsers;
mod pkcs12;
