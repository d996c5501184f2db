//! `strongroom certificate issuer`

use clap::{ArgAction, Args, Subcommand};
use serde::Serialize;

use crate::api::grpc::pb;
use crate::cli::failure::Outcome;
use crate::cli::output::TableRow;
use crate::cli::{Context, table, time_argument};
use crate::model::Timestamp;
use crate::model::name::IssuerName;

/// Subcommands of `strongroom certificate issuer`.
#[derive(Debug, Subcommand)]
pub enum IssuerCommand {
    /// Create an issuer, or replace it as a whole
    Set(SetArgs),
    /// Show an issuer
    Show(IssuerArgs),
    /// List the issuers
    List,
    /// Update an issuer
    Update(UpdateArgs),
    /// Delete an issuer; existing certificates do not change
    Delete(IssuerArgs),
}

/// Selects an issuer.
#[derive(Args, Clone, Debug)]
pub struct IssuerArgs {
    /// Name of the issuer
    name: IssuerName,
}

/// An issuer.
#[derive(Args, Clone, Debug)]
pub struct SetArgs {
    /// Name of the issuer
    name: IssuerName,
    /// Provider, for example DigiCert
    #[arg(long, value_name = "NAME")]
    provider: String,
    /// Account at the provider. No password is stored: nothing uses it
    #[arg(long, value_name = "ID")]
    account_id: Option<String>,
    /// Organization at the provider
    #[arg(long, value_name = "ID")]
    organization_id: Option<String>,
    /// Person who administers certificates at the provider (repeatable)
    #[arg(long = "administrator", value_parser = administrator, value_name = "EMAIL[,FIRST[,LAST[,PHONE]]]")]
    administrators: Vec<pb::IssuerAdministrator>,
    /// Create the issuer disabled, so that no new certificate can name it
    #[arg(long)]
    disabled: bool,
}

/// An issuer and its changes.
#[derive(Args, Clone, Debug)]
pub struct UpdateArgs {
    /// Name of the issuer
    name: IssuerName,
    #[command(flatten)]
    changes: Changes,
}

/// The changes. Other fields keep their values.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = true)]
struct Changes {
    /// Provider, for example DigiCert
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Account at the provider
    #[arg(long, value_name = "ID")]
    account_id: Option<String>,
    /// Organization at the provider
    #[arg(long, value_name = "ID")]
    organization_id: Option<String>,
    /// Person who administers certificates at the provider (repeatable); replaces all existing ones
    #[arg(long = "administrator", value_parser = administrator, value_name = "EMAIL[,FIRST[,LAST[,PHONE]]]")]
    administrators: Vec<pb::IssuerAdministrator>,
    /// Remove all administrators
    #[arg(long, conflicts_with = "administrators")]
    clear_administrators: bool,
    /// Enable or disable the issuer; no new certificate can name a disabled one
    #[arg(long, action = ArgAction::Set, value_name = "true|false")]
    enabled: Option<bool>,
}

/// Parses `email`, with first name, last name and telephone number, each of which may be empty.
fn administrator(text: &str) -> Result<pb::IssuerAdministrator, &'static str> {
    let mut parts = text.splitn(4, ',').map(str::trim);
    let email = parts.next().filter(|email| !email.is_empty());
    let email = email.ok_or("expected EMAIL[,FIRST[,LAST[,PHONE]]]")?.to_owned();
    let mut next = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
    Ok(pb::IssuerAdministrator { email: Some(email), first_name: next(), last_name: next(), phone: next() })
}

impl Changes {
    /// Returns the update mask: the fields that are set or cleared.
    fn mask(&self) -> Vec<String> {
        let fields = [
            ("provider", self.provider.is_some()),
            ("account_id", self.account_id.is_some()),
            ("organization_id", self.organization_id.is_some()),
            ("administrators", !self.administrators.is_empty() || self.clear_administrators),
            ("enabled", self.enabled.is_some()),
        ];
        fields.into_iter().filter(|(_, named)| *named).map(|(field, _)| field.to_owned()).collect()
    }
}

/// The printed form of an issuer.
#[derive(Serialize)]
struct IssuerView {
    name: String,
    provider: String,
    account_id: Option<String>,
    organization_id: Option<String>,
    administrators: Vec<AdministratorView>,
    enabled: Option<bool>,
    created: Option<Timestamp>,
    updated: Option<Timestamp>,
}

#[derive(Serialize)]
struct AdministratorView {
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    phone: Option<String>,
}

impl From<pb::CertificateIssuer> for IssuerView {
    fn from(issuer: pb::CertificateIssuer) -> Self {
        let administrator = |administrator: pb::IssuerAdministrator| {
            let pb::IssuerAdministrator { first_name, last_name, email, phone } = administrator;
            AdministratorView { first_name, last_name, email, phone }
        };
        Self {
            name: issuer.name,
            provider: issuer.provider,
            account_id: issuer.account_id,
            organization_id: issuer.organization_id,
            administrators: issuer.administrators.into_iter().map(administrator).collect(),
            enabled: issuer.enabled,
            created: time_argument::from_wire(issuer.created),
            updated: time_argument::from_wire(issuer.updated),
        }
    }
}

impl IssuerView {
    /// Formats all fields as text.
    fn text(&self) -> String {
        let administrators = self.administrators.iter().map(|administrator| {
            let AdministratorView { first_name, last_name, email, phone } = administrator;
            let parts: Vec<&str> =
                [first_name, last_name, email, phone].into_iter().flatten().map(String::as_str).collect();
            parts.join(" ")
        });
        table::fields(&[
            ("name", self.name.clone()),
            ("provider", self.provider.clone()),
            ("account", self.account_id.clone().unwrap_or_default()),
            ("organization", self.organization_id.clone().unwrap_or_default()),
            ("administrators", administrators.collect::<Vec<_>>().join(", ")),
            ("enabled", self.enabled.map(table::yes_or_no).unwrap_or_default()),
            ("created", time_argument::format(self.created)),
            ("updated", time_argument::format(self.updated)),
        ])
    }
}

/// An issuer in a list, which has no other members.
#[derive(Serialize)]
struct ListedIssuer {
    name: String,
    provider: String,
}

impl TableRow for ListedIssuer {
    const HEADINGS: &'static [&'static str] = &["NAME", "PROVIDER"];

    fn cells(&self) -> Vec<String> {
        vec![self.name.rsplit('/').next().unwrap_or_default().to_owned(), self.provider.clone()]
    }
}

/// Runs the subcommand.
pub(super) async fn run(context: &Context, command: IssuerCommand) -> Outcome {
    let session = context.connect_vault().await?;
    let parent = session.vault_parent()?;
    let name = |issuer: &IssuerName| format!("{parent}/issuers/{issuer}");
    let mut service = session.certificates();
    let reply = match command {
        IssuerCommand::List => return list(context).await,
        IssuerCommand::Set(args) => {
            let issuer = pb::CertificateIssuer {
                provider: args.provider,
                account_id: args.account_id,
                organization_id: args.organization_id,
                administrators: args.administrators,
                enabled: Some(!args.disabled),
                ..Default::default()
            };
            let (issuer_id, issuer) = (args.name.to_string(), Some(issuer));
            service
                .set_certificate_issuer(pb::SetCertificateIssuerRequest { parent, issuer_id, issuer })
                .await?
        }
        IssuerCommand::Show(args) => {
            let name = name(&args.name);
            service.get_certificate_issuer(pb::GetCertificateIssuerRequest { name }).await?
        }
        IssuerCommand::Update(UpdateArgs { name: issuer, changes }) => {
            let update_mask = Some(prost_types::FieldMask { paths: changes.mask() });
            let name = name(&issuer);
            let issuer = Some(pb::CertificateIssuer {
                provider: changes.provider.unwrap_or_default(),
                account_id: changes.account_id,
                organization_id: changes.organization_id,
                administrators: changes.administrators,
                enabled: changes.enabled,
                ..Default::default()
            });
            service
                .update_certificate_issuer(pb::UpdateCertificateIssuerRequest { name, issuer, update_mask })
                .await?
        }
        IssuerCommand::Delete(args) => {
            let name = name(&args.name);
            service.delete_certificate_issuer(pb::DeleteCertificateIssuerRequest { name }).await?
        }
    };
    let issuer = IssuerView::from(reply.into_inner());
    context.output.print(&issuer, || issuer.text())
}

/// Lists the issuers, from all pages.
async fn list(context: &Context) -> Outcome {
    let session = context.connect_vault().await?;
    let mut service = session.certificates();
    let mut request =
        pb::ListCertificateIssuersRequest { parent: session.vault_parent()?, ..Default::default() };
    let mut rows: Vec<ListedIssuer> = Vec::new();
    loop {
        let page = service.list_certificate_issuers(request.clone()).await?.into_inner();
        rows.extend(
            page.issuers
                .into_iter()
                .map(|issuer| ListedIssuer { name: issuer.name, provider: issuer.provider }),
        );
        if page.next_page_token.is_empty() {
            return context.output.print_list(&rows, &format!("{} has no issuers", request.parent));
        }
        request.page_token = page.next_page_token;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_administrators() {
        let found = administrator("jo@example.com,Jo,,555").unwrap();
        assert_eq!(
            (found.email.as_deref(), found.first_name.as_deref()),
            (Some("jo@example.com"), Some("Jo"))
        );
        assert_eq!((found.last_name, found.phone.as_deref()), (None, Some("555")));
        assert!(administrator("").is_err() && administrator(",Jo").is_err());
    }
}
