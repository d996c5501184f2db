//! Contacts and issuers of certificates.

use serde::{Deserialize, Serialize};

use super::super::super::call::RequestInput;
use super::super::super::endpoint::Endpoint;
use super::super::vault_list::{VaultList, list};
use super::SentAttributes;
use crate::model::Result;
use crate::model::certificate::{Contact, IssuerAdministrator};
use crate::model::name::IssuerName;
use crate::ops::Page;
use crate::ops::certificates::{
    DeleteCertificateContacts, DeleteCertificateIssuer, GetCertificateContacts, GetCertificateIssuer,
    IssuerBundle, IssuerChanges, ListCertificateIssuers, SetCertificateContacts, SetCertificateIssuer,
    UpdateCertificateIssuer,
};

/// The body of contacts.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ContactsRequest {
    contacts: Option<Vec<SentContact>>,
}

/// A contact. `null` counts as absent.
#[derive(Default, Deserialize)]
#[serde(default)]
struct SentContact {
    email: Option<String>,
    name: Option<String>,
    phone: Option<String>,
}

/// The body of an issuer. `null` counts as absent; the password of the account is not read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct IssuerRequest {
    provider: Option<String>,
    credentials: Option<SentCredentials>,
    org_details: Option<SentOrganization>,
    attributes: Option<SentAttributes>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentCredentials {
    account_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SentOrganization {
    id: Option<String>,
    admin_details: Option<Vec<Administrator>>,
}

/// An administrator, in requests and responses.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Administrator {
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

impl From<Administrator> for IssuerAdministrator {
    fn from(Administrator { first_name, last_name, email, phone }: Administrator) -> Self {
        Self { first_name, last_name, email, phone }
    }
}

impl From<IssuerAdministrator> for Administrator {
    fn from(IssuerAdministrator { first_name, last_name, email, phone }: IssuerAdministrator) -> Self {
        Self { first_name, last_name, email, phone }
    }
}

impl IssuerRequest {
    fn changes(self) -> IssuerChanges {
        let SentOrganization { id, admin_details } = self.org_details.unwrap_or_default();
        IssuerChanges {
            provider: self.provider,
            account_id: self.credentials.and_then(|credentials| credentials.account_id),
            organization_id: id,
            administrators: admin_details.map(|given| given.into_iter().map(Into::into).collect()),
            enabled: self.attributes.and_then(|attributes| attributes.enabled),
        }
    }
}

fn named(input: &RequestInput<'_>) -> Result<IssuerName> {
    Ok(input.argument("issuer").parse()?)
}

pub(in super::super::super) fn set_contacts(input: &RequestInput<'_>) -> Result<SetCertificateContacts> {
    let sent = input.body::<ContactsRequest>()?.contacts.unwrap_or_default();
    let contacts = sent.into_iter().map(|SentContact { email, name, phone }| Contact {
        email: email.unwrap_or_default(),
        name,
        phone,
    });
    Ok(SetCertificateContacts { vault: input.vault()?, contacts: contacts.collect() })
}

pub(in super::super::super) fn get_contacts(input: &RequestInput<'_>) -> Result<GetCertificateContacts> {
    Ok(GetCertificateContacts { vault: input.vault()? })
}

pub(in super::super::super) fn delete_contacts(
    input: &RequestInput<'_>,
) -> Result<DeleteCertificateContacts> {
    Ok(DeleteCertificateContacts { vault: input.vault()? })
}

pub(in super::super::super) fn set_issuer(input: &RequestInput<'_>) -> Result<SetCertificateIssuer> {
    let members = input.body::<IssuerRequest>()?.changes();
    Ok(SetCertificateIssuer { vault: input.vault()?, issuer: named(input)?, members })
}

pub(in super::super::super) fn update_issuer(input: &RequestInput<'_>) -> Result<UpdateCertificateIssuer> {
    let members = input.body::<IssuerRequest>()?.changes();
    Ok(UpdateCertificateIssuer { vault: input.vault()?, issuer: named(input)?, members })
}

pub(in super::super::super) fn get_issuer(input: &RequestInput<'_>) -> Result<GetCertificateIssuer> {
    Ok(GetCertificateIssuer { vault: input.vault()?, issuer: named(input)? })
}

pub(in super::super::super) fn delete_issuer(input: &RequestInput<'_>) -> Result<DeleteCertificateIssuer> {
    Ok(DeleteCertificateIssuer { vault: input.vault()?, issuer: named(input)? })
}

pub(in super::super::super) fn list_issuers(input: &RequestInput<'_>) -> Result<ListCertificateIssuers> {
    Ok(ListCertificateIssuers { vault: input.vault()?, page: input.page()? })
}

/// The contacts.
#[derive(Serialize)]
pub(in super::super::super) struct Contacts {
    id: String,
    contacts: Vec<ShownContact>,
}

#[derive(Serialize)]
struct ShownContact {
    email: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
}

pub(in super::super::super) fn contacts(endpoint: &Endpoint, contacts: Vec<Contact>) -> Contacts {
    let contacts =
        contacts.into_iter().map(|Contact { email, name, phone }| ShownContact { email, name, phone });
    Contacts { id: format!("{}/certificates/contacts", endpoint.base), contacts: contacts.collect() }
}

/// An issuer. The password of the account is never returned.
#[derive(Serialize)]
pub(in super::super::super) struct Issuer {
    id: String,
    provider: String,
    credentials: Credentials,
    org_details: Organization,
    attributes: Attributes,
}

#[derive(Serialize)]
struct Credentials {
    #[serde(skip_serializing_if = "Option::is_none")]
    account_id: Option<String>,
}

#[derive(Serialize)]
struct Organization {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Always 0, as recorded.
    zip: u8,
    admin_details: Vec<Administrator>,
}

/// Times are Unix times in seconds.
#[derive(Serialize)]
struct Attributes {
    enabled: bool,
    created: i64,
    updated: i64,
}

/// An issuer in a list.
#[derive(Serialize)]
pub(in super::super::super) struct IssuerItem {
    id: String,
    provider: String,
}

fn url(endpoint: &Endpoint, bundle: &IssuerBundle) -> String {
    format!("{}/certificates/issuers/{}", endpoint.base, bundle.issuer.name)
}

pub(in super::super::super) fn issuer(endpoint: &Endpoint, bundle: IssuerBundle) -> Issuer {
    let (id, issuer) = (url(endpoint, &bundle), bundle.issuer);
    Issuer {
        id,
        provider: issuer.provider,
        credentials: Credentials { account_id: issuer.account_id },
        org_details: Organization {
            id: issuer.organization_id,
            zip: 0,
            admin_details: issuer.administrators.into_iter().map(Into::into).collect(),
        },
        attributes: Attributes {
            enabled: issuer.enabled,
            created: issuer.created.as_second(),
            updated: issuer.updated.as_second(),
        },
    }
}

pub(in super::super::super) fn listed_issuers(
    endpoint: &Endpoint,
    page: Page<IssuerBundle>,
) -> VaultList<IssuerItem> {
    list(endpoint, "certificates/issuers", &page, |bundle| IssuerItem {
        id: url(endpoint, bundle),
        provider: bundle.issuer.provider.clone(),
    })
}
