//! The test issuer of certificates: a certification authority of the simulator, whose key pair is in the token of the service.
//!
//! Its certificate is not stored: name, serial number and validity period are fixed, and RSA signatures of PKCS #1 v1.5 do not vary, so
//! that signing it again gives the same certificate.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::certificate::{Certificate, NewCertificate, Unsigned};
use crate::model::certificate::x509_properties::X509Members;
use crate::model::certificate::{KeyUsage, Validity, X509Properties};
use crate::model::key::{KeySpec, KeyType, PublicMaterial};
use crate::model::key_date::KeyDate;
use crate::model::name::VersionId;
use crate::model::wrapped_key::BackupPolicy;
use crate::model::{Error, Result};
use crate::token::Token;

/// The identifier of its key pair in the token.
const KEY: VersionId = VersionId::from_bytes(*b"strongroom-ca-01");

/// The specification of its key pair.
const SPEC: KeySpec = KeySpec { key_type: KeyType::Rsa { bits: 3072 }, public_exponent: 65537 };

/// Its name.
const SUBJECT: &str = "CN=Strongroom Test Issuer";

/// Its serial number.
const SERIAL: [u8; 16] = *b"strongroom-ca-01";

/// The validity period of its certificate in seconds of the Unix time: from 2000 on, and without a defined end (RFC 5280,
/// section 4.1.2.5).
const VALIDITY: (i64, i64) = (946_684_800, 253_402_300_799);

/// The test issuer. Cheap to clone.
#[derive(Clone)]
pub struct TestIssuer {
    token: Token,
    certificate: Arc<OnceCell<Certificate>>,
}

impl TestIssuer {
    /// Creates the issuer; its key pair is generated on first use.
    pub fn new(token: Token) -> Self {
        Self { token, certificate: Arc::default() }
    }

    /// Returns its certificate.
    ///
    /// # Errors
    /// Those of the token.
    pub async fn certificate(&self) -> Result<&Certificate> {
        self.certificate.get_or_try_init(|| self.open()).await
    }

    /// Makes its certificate. An interruption leaves no other object than the key pair, because its identifier is fixed.
    async fn open(&self) -> Result<Certificate> {
        let public = self.ensure_key_pair().await?;
        let members = X509Members {
            subject: Some(SUBJECT.to_owned()),
            ekus: Some(Vec::new()),
            ..X509Members::default()
        };
        let x509 = X509Properties {
            key_usage: vec![KeyUsage::DigitalSignature, KeyUsage::KeyCertSign, KeyUsage::CrlSign],
            ca: true,
            ..X509Properties::parse(members)?
        };
        let date =
            |second| KeyDate::from_second(second).ok_or_else(|| Error::internal("a date is not valid"));
        let new = NewCertificate {
            subject: &x509.subject()?,
            x509: &x509,
            public_key: &public,
            serial: SERIAL,
            validity: Validity { not_before: date(VALIDITY.0)?, not_after: date(VALIDITY.1)? },
        };
        self.sign(&new.self_signed().map_err(Error::internal)?).await
    }

    async fn ensure_key_pair(&self) -> Result<PublicMaterial> {
        let exists = self.token.has_cached_handle(KEY) || self.token.holds(vec![KEY]).await? == [true];
        if exists {
            return self.token.rsa_public_key(KEY).await;
        }
        self.token.generate(KEY, &SPEC, BackupPolicy::Never).await
    }

    /// Signs a certificate with the key of the issuer.
    ///
    /// # Errors
    /// Those of the token.
    pub async fn sign(&self, unsigned: &Unsigned) -> Result<Certificate> {
        let signature = self.token.sign(KEY, SPEC.key_type, unsigned.algorithm(), unsigned.digest()).await?;
        let der = unsigned.assemble(&signature).map_err(Error::internal)?;
        Certificate::from_der(&der).map_err(Error::internal)
    }
}
