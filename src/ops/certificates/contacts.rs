//! The contacts of the certificates of a vault: set, get, delete.

use std::sync::Arc;

use super::AllCertificates;
use crate::model::audit_entry::Meter;
use crate::model::certificate::{CertificateSettings, Contact};
use crate::model::change::Change;
use crate::model::name::VaultName;
use crate::model::resource_kind::{Resource, ResourceKind};
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, Operation};

/// Replaces the contacts
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/set-certificate-contacts/set-certificate-contacts>).
#[derive(Clone, Debug)]
pub struct SetCertificateContacts {
    /// The vault.
    pub vault: VaultName,
    /// The contacts; at least one.
    pub contacts: Vec<Contact>,
}

impl Operation for SetCertificateContacts {
    const NAME: &'static str = "SetCertificateContacts";
    const EVENT: &'static str = "CertificateContactsSet";
    const ACTION: VaultAction = VaultAction::CertificateContactsWrite;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = AllCertificates;
    type Reply = Vec<Contact>;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    fn check(&self, _: &AllCertificates, _: Timestamp) -> Result<()> {
        if self.contacts.is_empty() {
            return Err(Error::invalid(
                Field::Contacts,
                "there is at least one contact; delete them instead",
            ));
        }
        Ok(())
    }

    async fn execute(self, _: AllCertificates, cx: &Cx) -> Result<Done<Vec<Contact>>> {
        let settings = CertificateSettings { contacts: self.contacts.clone(), ..settings(cx, &self.vault) };
        settings.check()?;
        Ok(Done::with(self.contacts, [Change::PutCertificateSettings(self.vault, Arc::new(settings))]))
    }
}

/// Returns the contacts
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate-contacts/get-certificate-contacts>).
#[derive(Clone, Debug)]
pub struct GetCertificateContacts {
    /// The vault.
    pub vault: VaultName,
}

impl Operation for GetCertificateContacts {
    const NAME: &'static str = "GetCertificateContacts";
    const EVENT: &'static str = "CertificateContactsGet";
    const ACTION: VaultAction = VaultAction::CertificateContactsWrite;
    const METER: Meter = Meter::Management;
    type Target = AllCertificates;
    type Reply = Vec<Contact>;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    async fn execute(self, _: AllCertificates, cx: &Cx) -> Result<Done<Vec<Contact>>> {
        Ok(Done::reply(existing(cx, &self.vault)?))
    }
}

/// Deletes all contacts
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/delete-certificate-contacts/delete-certificate-contacts>).
#[derive(Clone, Debug)]
pub struct DeleteCertificateContacts {
    /// The vault.
    pub vault: VaultName,
}

impl Operation for DeleteCertificateContacts {
    const NAME: &'static str = "DeleteCertificateContacts";
    const EVENT: &'static str = "CertificateContactsDelete";
    const ACTION: VaultAction = VaultAction::CertificateContactsWrite;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = AllCertificates;
    type Reply = Vec<Contact>;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    async fn execute(self, _: AllCertificates, cx: &Cx) -> Result<Done<Vec<Contact>>> {
        let contacts = existing(cx, &self.vault)?;
        let settings = CertificateSettings { contacts: Vec::new(), ..settings(cx, &self.vault) };
        Ok(Done::with(contacts, [Change::PutCertificateSettings(self.vault, Arc::new(settings))]))
    }
}

fn settings(cx: &Cx, vault: &VaultName) -> CertificateSettings {
    CertificateSettings::clone(&cx.store.certificate_settings(vault))
}

fn existing(cx: &Cx, vault: &VaultName) -> Result<Vec<Contact>> {
    let contacts = settings(cx, vault).contacts;
    if contacts.is_empty() {
        return Err(Error::NotFound(Resource::unnamed(ResourceKind::CertificateContacts)));
    }
    Ok(contacts)
}
