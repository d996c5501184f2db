//! Converts contacts and issuers of certificates: `certificate_settings.proto`, and the requests about them.

use super::super::pb;
use super::certificates::{page, vault};
use super::{parse_field, segments, wire_instant};
use crate::model::certificate::{Contact, IssuerAdministrator};
use crate::model::name::{IssuerName, VaultName};
use crate::model::resource_kind::Resource;
use crate::model::{Error, Field, Result};
use crate::ops::Page;
use crate::ops::certificates::{
    DeleteCertificateContacts, DeleteCertificateIssuer, GetCertificateContacts, GetCertificateIssuer,
    IssuerBundle, IssuerChanges, ListCertificateIssuers, SetCertificateContacts, SetCertificateIssuer,
    UpdateCertificateIssuer,
};

/// The fields that an update mask may contain.
const MASK: &str =
    "the update mask may contain provider, account_id, organization_id, administrators and enabled";

/// Parses `vaults/{vault}/issuers/{issuer}`.
fn issuer(name: &str) -> Result<(VaultName, IssuerName)> {
    let [vault, issuer] = segments(Field::Name, name, "vaults/{}/issuers/{}")?;
    Ok((parse_field(Field::Name, vault)?, parse_field(Field::Name, issuer)?))
}

impl From<pb::CertificateContact> for Contact {
    fn from(pb::CertificateContact { email, name, phone }: pb::CertificateContact) -> Self {
        Self { email, name, phone }
    }
}

impl From<Contact> for pb::CertificateContact {
    fn from(Contact { email, name, phone }: Contact) -> Self {
        Self { email, name, phone }
    }
}

impl From<Vec<Contact>> for pb::CertificateContacts {
    fn from(contacts: Vec<Contact>) -> Self {
        Self { contacts: contacts.into_iter().map(Into::into).collect() }
    }
}

impl TryFrom<pb::SetCertificateContactsRequest> for SetCertificateContacts {
    type Error = Error;

    fn try_from(request: pb::SetCertificateContactsRequest) -> Result<Self> {
        let contacts = request.contacts.into_iter().map(Into::into).collect();
        Ok(Self { vault: vault(&request.parent)?, contacts })
    }
}

impl TryFrom<pb::GetCertificateContactsRequest> for GetCertificateContacts {
    type Error = Error;

    fn try_from(request: pb::GetCertificateContactsRequest) -> Result<Self> {
        Ok(Self { vault: vault(&request.parent)? })
    }
}

impl TryFrom<pb::DeleteCertificateContactsRequest> for DeleteCertificateContacts {
    type Error = Error;

    fn try_from(request: pb::DeleteCertificateContactsRequest) -> Result<Self> {
        Ok(Self { vault: vault(&request.parent)? })
    }
}

impl From<pb::IssuerAdministrator> for IssuerAdministrator {
    fn from(administrator: pb::IssuerAdministrator) -> Self {
        let pb::IssuerAdministrator { first_name, last_name, email, phone } = administrator;
        Self { first_name, last_name, email, phone }
    }
}

impl From<IssuerAdministrator> for pb::IssuerAdministrator {
    fn from(administrator: IssuerAdministrator) -> Self {
        let IssuerAdministrator { first_name, last_name, email, phone } = administrator;
        Self { first_name, last_name, email, phone }
    }
}

impl TryFrom<pb::SetCertificateIssuerRequest> for SetCertificateIssuer {
    type Error = Error;

    fn try_from(request: pb::SetCertificateIssuerRequest) -> Result<Self> {
        let given = request.issuer.unwrap_or_default();
        let members = IssuerChanges {
            provider: Some(given.provider),
            account_id: given.account_id,
            organization_id: given.organization_id,
            administrators: Some(given.administrators.into_iter().map(Into::into).collect()),
            enabled: given.enabled,
        };
        let issuer = parse_field(Field::IssuerId, &request.issuer_id)?;
        Ok(Self { vault: vault(&request.parent)?, issuer, members })
    }
}

impl TryFrom<pb::UpdateCertificateIssuerRequest> for UpdateCertificateIssuer {
    type Error = Error;

    fn try_from(request: pb::UpdateCertificateIssuerRequest) -> Result<Self> {
        let (vault, issuer) = issuer(&request.name)?;
        let mask = request.update_mask.unwrap_or_default().paths;
        if mask.is_empty() {
            return Err(Error::invalid(Field::UpdateMask, "the update mask is empty"));
        }
        let given = request.issuer.unwrap_or_default();
        let mut members = IssuerChanges::default();
        for path in &mask {
            match path.as_str() {
                "provider" => members.provider = Some(given.provider.clone()),
                "account_id" => members.account_id = Some(given.account_id.clone().unwrap_or_default()),
                "organization_id" => {
                    members.organization_id = Some(given.organization_id.clone().unwrap_or_default());
                }
                "administrators" => {
                    let administrators = given.administrators.iter().cloned().map(Into::into);
                    members.administrators = Some(administrators.collect());
                }
                "enabled" => {
                    let missing = "the update mask names enabled, but the issuer does not have it";
                    let missing = || Error::invalid(Field::UpdateMask, missing);
                    members.enabled = Some(given.enabled.ok_or_else(missing)?);
                }
                _ => return Err(Error::invalid(Field::UpdateMask, MASK)),
            }
        }
        Ok(Self { vault, issuer, members })
    }
}

impl TryFrom<pb::GetCertificateIssuerRequest> for GetCertificateIssuer {
    type Error = Error;

    fn try_from(request: pb::GetCertificateIssuerRequest) -> Result<Self> {
        let (vault, issuer) = issuer(&request.name)?;
        Ok(Self { vault, issuer })
    }
}

impl TryFrom<pb::DeleteCertificateIssuerRequest> for DeleteCertificateIssuer {
    type Error = Error;

    fn try_from(request: pb::DeleteCertificateIssuerRequest) -> Result<Self> {
        let (vault, issuer) = issuer(&request.name)?;
        Ok(Self { vault, issuer })
    }
}

impl TryFrom<pb::ListCertificateIssuersRequest> for ListCertificateIssuers {
    type Error = Error;

    fn try_from(request: pb::ListCertificateIssuersRequest) -> Result<Self> {
        Ok(Self { vault: vault(&request.parent)?, page: page(request.page_size, &request.page_token)? })
    }
}

impl From<IssuerBundle> for pb::CertificateIssuer {
    fn from(IssuerBundle { vault, issuer }: IssuerBundle) -> Self {
        Self {
            name: Resource::certificate_issuer(&vault, &issuer.name).name,
            provider: issuer.provider,
            account_id: issuer.account_id,
            organization_id: issuer.organization_id,
            administrators: issuer.administrators.into_iter().map(Into::into).collect(),
            enabled: Some(issuer.enabled),
            created: Some(wire_instant(issuer.created)),
            updated: Some(wire_instant(issuer.updated)),
        }
    }
}

impl From<Page<IssuerBundle>> for pb::ListCertificateIssuersResponse {
    fn from(page: Page<IssuerBundle>) -> Self {
        // Who may list issuers may not read them.
        let issuers = page.items.into_iter().map(|IssuerBundle { vault, issuer }| pb::CertificateIssuer {
            name: Resource::certificate_issuer(&vault, &issuer.name).name,
            provider: issuer.provider,
            ..Default::default()
        });
        Self { issuers: issuers.collect(), next_page_token: page.next.unwrap_or_default() }
    }
}
