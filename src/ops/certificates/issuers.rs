//! The issuers of the certificates of a vault: set, get, list, update, delete.

use std::sync::Arc;

use super::AllCertificates;
use crate::model::audit_entry::Meter;
use crate::model::certificate::{CertificateIssuer, CertificateSettings, IssuerAdministrator};
use crate::model::change::Change;
use crate::model::name::{IssuerName, VaultName};
use crate::model::resource_kind::Resource;
use crate::model::vault_rbac::VaultAction;
use crate::model::{Error, Field, Result, Timestamp};
use crate::ops::{Cx, Done, Operation, Page, PageRequest};

/// An issuer as surfaces show it.
#[derive(Clone, Debug)]
pub struct IssuerBundle {
    /// The vault.
    pub vault: VaultName,
    /// The issuer.
    pub issuer: CertificateIssuer,
}

/// The members of an issuer in a request; `None` means not given. The password of the account is accepted and not kept.
#[derive(Clone, Debug, Default)]
pub struct IssuerChanges {
    /// The provider.
    pub provider: Option<String>,
    /// The account.
    pub account_id: Option<String>,
    /// The organization.
    pub organization_id: Option<String>,
    /// The administrators.
    pub administrators: Option<Vec<IssuerAdministrator>>,
    /// Whether it can be used.
    pub enabled: Option<bool>,
}

/// Creates or replaces an issuer
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/set-certificate-issuer/set-certificate-issuer>).
#[derive(Clone, Debug)]
pub struct SetCertificateIssuer {
    /// The vault.
    pub vault: VaultName,
    /// The issuer.
    pub issuer: IssuerName,
    /// Its members; the provider is required.
    pub members: IssuerChanges,
}

impl Operation for SetCertificateIssuer {
    const NAME: &'static str = "SetCertificateIssuer";
    const EVENT: &'static str = "CertificateIssuerSet";
    const ACTION: VaultAction = VaultAction::CertificateIssuerWrite;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = AllCertificates;
    type Reply = IssuerBundle;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    fn check(&self, _: &AllCertificates, _: Timestamp) -> Result<()> {
        let reserved = ["Self", "Unknown"];
        if reserved.iter().any(|name| name.eq_ignore_ascii_case(self.issuer.as_str())) {
            return Err(Error::invalid(
                Field::IssuerId,
                "Self and Unknown are not names of issuers of a vault",
            ));
        }
        Ok(())
    }

    async fn execute(self, _: AllCertificates, cx: &Cx) -> Result<Done<IssuerBundle>> {
        let known = cx.store.certificate_settings(&self.vault);
        let known = known.issuer(&self.issuer);
        let missing = || Error::invalid(Field::Issuer, "an issuer has a provider");
        let issuer = CertificateIssuer {
            name: known.map_or(self.issuer, |known| known.name.clone()),
            provider: self.members.provider.ok_or_else(missing)?,
            account_id: self.members.account_id,
            organization_id: self.members.organization_id,
            administrators: self.members.administrators.unwrap_or_default(),
            enabled: self.members.enabled.unwrap_or(true),
            created: known.map_or(cx.now, |known| known.created),
            updated: cx.now,
        };
        put(cx, self.vault, issuer)
    }
}

/// Updates an issuer
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/update-certificate-issuer/update-certificate-issuer>). A member that is
/// not given is kept.
#[derive(Clone, Debug)]
pub struct UpdateCertificateIssuer {
    /// The vault.
    pub vault: VaultName,
    /// The issuer.
    pub issuer: IssuerName,
    /// The members to change.
    pub members: IssuerChanges,
}

impl Operation for UpdateCertificateIssuer {
    const NAME: &'static str = "UpdateCertificateIssuer";
    const EVENT: &'static str = "CertificateIssuerUpdate";
    const ACTION: VaultAction = VaultAction::CertificateIssuerWrite;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = AllCertificates;
    type Reply = IssuerBundle;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    async fn execute(self, _: AllCertificates, cx: &Cx) -> Result<Done<IssuerBundle>> {
        let known = existing(cx, &self.vault, &self.issuer)?;
        let IssuerChanges { provider, account_id, organization_id, administrators, enabled } = self.members;
        let issuer = CertificateIssuer {
            provider: provider.unwrap_or(known.provider),
            account_id: account_id.or(known.account_id),
            organization_id: organization_id.or(known.organization_id),
            administrators: administrators.unwrap_or(known.administrators),
            enabled: enabled.unwrap_or(known.enabled),
            updated: cx.now,
            ..known
        };
        put(cx, self.vault, issuer)
    }
}

/// Returns an issuer
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate-issuer/get-certificate-issuer>).
#[derive(Clone, Debug)]
pub struct GetCertificateIssuer {
    /// The vault.
    pub vault: VaultName,
    /// The issuer.
    pub issuer: IssuerName,
}

impl Operation for GetCertificateIssuer {
    const NAME: &'static str = "GetCertificateIssuer";
    const EVENT: &'static str = "CertificateIssuerGet";
    const ACTION: VaultAction = VaultAction::CertificateIssuerRead;
    const METER: Meter = Meter::Management;
    type Target = AllCertificates;
    type Reply = IssuerBundle;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    async fn execute(self, _: AllCertificates, cx: &Cx) -> Result<Done<IssuerBundle>> {
        let issuer = existing(cx, &self.vault, &self.issuer)?;
        Ok(Done::reply(IssuerBundle { vault: self.vault, issuer }))
    }
}

/// Lists the issuers, ordered by name
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/get-certificate-issuers/get-certificate-issuers>).
#[derive(Clone, Debug)]
pub struct ListCertificateIssuers {
    /// The vault.
    pub vault: VaultName,
    /// The requested page.
    pub page: PageRequest,
}

impl Operation for ListCertificateIssuers {
    const NAME: &'static str = "ListCertificateIssuers";
    const EVENT: &'static str = "CertificateIssuersList";
    const ACTION: VaultAction = VaultAction::CertificateIssuerList;
    const METER: Meter = Meter::Management;
    type Target = AllCertificates;
    type Reply = Page<IssuerBundle>;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    async fn execute(self, _: AllCertificates, cx: &Cx) -> Result<Done<Page<IssuerBundle>>> {
        let settings = cx.store.certificate_settings(&self.vault);
        let after = self.page.after.unwrap_or_default();
        let later = settings.issuers.iter().filter(|(name, _)| **name > after);
        let bundle =
            |issuer: &CertificateIssuer| IssuerBundle { vault: self.vault.clone(), issuer: issuer.clone() };
        let bundles = later.take(self.page.size + 1).map(|(_, issuer)| bundle(issuer)).collect();
        let name = |bundle: &IssuerBundle| bundle.issuer.name.to_case_insensitive();
        Ok(Done::reply(Page::cut(bundles, self.page.size, name)))
    }
}

/// Deletes an issuer
/// (<https://learn.microsoft.com/rest/api/keyvault/certificates/delete-certificate-issuer/delete-certificate-issuer>).
#[derive(Clone, Debug)]
pub struct DeleteCertificateIssuer {
    /// The vault.
    pub vault: VaultName,
    /// The issuer.
    pub issuer: IssuerName,
}

impl Operation for DeleteCertificateIssuer {
    const NAME: &'static str = "DeleteCertificateIssuer";
    const EVENT: &'static str = "CertificateIssuerDelete";
    const ACTION: VaultAction = VaultAction::CertificateIssuerDelete;
    const METER: Meter = Meter::Management;
    const CHANGES: bool = true;
    type Target = AllCertificates;
    type Reply = IssuerBundle;

    fn target(&self) -> VaultName {
        self.vault.clone()
    }

    async fn execute(self, _: AllCertificates, cx: &Cx) -> Result<Done<IssuerBundle>> {
        let issuer = existing(cx, &self.vault, &self.issuer)?;
        let mut settings = CertificateSettings::clone(&cx.store.certificate_settings(&self.vault));
        settings.issuers.remove(&issuer.name.to_case_insensitive());
        let reply = IssuerBundle { vault: self.vault.clone(), issuer };
        Ok(Done::with(reply, [Change::PutCertificateSettings(self.vault, Arc::new(settings))]))
    }
}

fn existing(cx: &Cx, vault: &VaultName, name: &IssuerName) -> Result<CertificateIssuer> {
    let found = cx.store.certificate_settings(vault).issuer(name).cloned();
    found.ok_or_else(|| Error::NotFound(Resource::certificate_issuer(vault, name)))
}

fn put(cx: &Cx, vault: VaultName, issuer: CertificateIssuer) -> Result<Done<IssuerBundle>> {
    if issuer.test_account()?.is_some() {
        cx.test_issuer(Field::IssuerProvider)?;
    }
    let mut settings = CertificateSettings::clone(&cx.store.certificate_settings(&vault));
    settings.issuers.insert(issuer.name.to_case_insensitive(), issuer.clone());
    settings.check()?;
    let reply = IssuerBundle { vault: vault.clone(), issuer };
    Ok(Done::with(reply, [Change::PutCertificateSettings(vault, Arc::new(settings))]))
}
