//! What concerns all certificates of a vault: the contacts, and the issuers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::issuance::TestAccount;
use crate::name::IssuerName;
use crate::{Error, Field, Result, Timestamp};

/// The maximum number of contacts, and of issuers, of a vault.
// assumption: Azure's maximum is not recorded.
const MAX: usize = 100;

/// The maximum length of a text of a contact or an issuer, in bytes.
const MAX_TEXT: usize = 1024;

/// A person who is notified before certificates expire.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Contact {
    /// The email address.
    pub email: String,
    /// The name.
    pub name: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
}

/// A person who may administer certificates at an issuer. Stored and reported.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct IssuerAdministrator {
    /// The first name.
    pub first_name: Option<String>,
    /// The last name.
    pub last_name: Option<String>,
    /// The email address.
    pub email: Option<String>,
    /// The telephone number.
    pub phone: Option<String>,
}

/// An issuer of certificates. The password of its account is accepted and not stored: nothing uses it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CertificateIssuer {
    /// The name in its original spelling.
    pub name: IssuerName,
    /// The provider, such as `Test` or `DigiCert`.
    pub provider: String,
    /// The account at the provider.
    pub account_id: Option<String>,
    /// The organization at the provider.
    pub organization_id: Option<String>,
    /// The administrators.
    pub administrators: Vec<IssuerAdministrator>,
    /// Whether it can be used.
    pub enabled: bool,
    /// When it was created.
    pub created: Timestamp,
    /// When it was last changed.
    pub updated: Timestamp,
}

/// The contacts and issuers of a vault.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct CertificateSettings {
    /// The contacts; empty if there are none.
    pub contacts: Vec<Contact>,
    /// The issuers, by name in lower case.
    pub issuers: BTreeMap<String, CertificateIssuer>,
}

impl CertificateIssuer {
    /// The provider of the test issuer, ignoring case.
    const TEST: &'static str = "Test";

    /// Returns what the account asks the test issuer for; `None` if the provider is another one.
    ///
    /// # Errors
    /// `Invalid` naming `credentials.account_id`.
    pub fn test_account(&self) -> Result<Option<TestAccount>> {
        if !self.provider.eq_ignore_ascii_case(Self::TEST) {
            return Ok(None);
        }
        self.account_id.as_deref().unwrap_or_default().parse().map(Some)
    }
}

impl CertificateSettings {
    /// Returns an issuer; case is ignored.
    pub fn issuer(&self, name: &IssuerName) -> Option<&CertificateIssuer> {
        self.issuers.get(&name.to_case_insensitive())
    }

    /// Checks the sizes.
    ///
    /// # Errors
    /// `Invalid` naming `contacts` or `issuer`, `LimitExceeded`.
    pub fn check(&self) -> Result<()> {
        let too_many = |what| Err(Error::LimitExceeded { what, limit: MAX });
        if self.contacts.len() > MAX {
            return too_many("contacts of a vault");
        }
        if self.issuers.len() > MAX {
            return too_many("issuers of a vault");
        }
        let fits = |text: &str| text.len() <= MAX_TEXT && !text.contains('\0');
        let fits_if_any = |text: &Option<String>| text.as_deref().is_none_or(fits);
        for Contact { email, name, phone } in &self.contacts {
            if email.is_empty() || !fits(email) || !fits_if_any(name) || !fits_if_any(phone) {
                let why = format!("a contact has an email address; its texts have at most {MAX_TEXT} bytes");
                return Err(Error::invalid(Field::Contacts, why));
            }
        }
        for issuer in self.issuers.values() {
            let texts = [&issuer.account_id, &issuer.organization_id];
            let of_administrators = issuer.administrators.iter().flat_map(
                |IssuerAdministrator { first_name, last_name, email, phone }| {
                    [first_name, last_name, email, phone]
                },
            );
            let mut texts = texts.into_iter().chain(of_administrators);
            let is_small = issuer.administrators.len() <= MAX;
            if issuer.provider.is_empty() || !fits(&issuer.provider) || !is_small || !texts.all(fits_if_any) {
                let why = format!("an issuer has a provider; its texts have at most {MAX_TEXT} bytes");
                return Err(Error::invalid(Field::Issuer, why));
            }
        }
        Ok(())
    }
}
