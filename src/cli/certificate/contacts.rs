//! `strongroom certificate contacts`

use clap::{Args, Subcommand};
use serde::Serialize;

use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;
use crate::cli::output::TableRow;

/// Subcommands of `strongroom certificate contacts`.
#[derive(Debug, Subcommand)]
pub enum ContactsCommand {
    /// Show the contacts
    Show,
    /// Replace all contacts
    Set(SetArgs),
    /// Delete all contacts
    Delete,
}

/// The contacts.
#[derive(Args, Clone, Debug)]
pub struct SetArgs {
    /// Person to notify before certificates expire (repeatable)
    #[arg(long = "contact", value_parser = contact, value_name = "EMAIL[,NAME[,PHONE]]", required = true)]
    contacts: Vec<pb::CertificateContact>,
}

/// Parses `email`, `email,name` or `email,name,phone`. A name may be empty.
fn contact(text: &str) -> Result<pb::CertificateContact, &'static str> {
    let mut parts = text.splitn(3, ',').map(str::trim);
    let email = parts.next().filter(|email| !email.is_empty()).ok_or("expected EMAIL[,NAME[,PHONE]]")?;
    let mut next = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
    Ok(pb::CertificateContact { email: email.to_owned(), name: next(), phone: next() })
}

/// The printed form of a contact.
#[derive(Serialize)]
struct ContactView {
    email: String,
    name: Option<String>,
    phone: Option<String>,
}

impl From<pb::CertificateContact> for ContactView {
    fn from(pb::CertificateContact { email, name, phone }: pb::CertificateContact) -> Self {
        Self { email, name, phone }
    }
}

impl TableRow for ContactView {
    const HEADINGS: &'static [&'static str] = &["EMAIL", "NAME", "PHONE"];

    fn cells(&self) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![self.email.clone(), text(&self.name), text(&self.phone)]
    }
}

/// Runs the subcommand, and prints the contacts: the new ones, or the deleted ones.
pub(super) async fn run(context: &Context, command: ContactsCommand) -> Outcome {
    let session = context.connect_vault().await?;
    let parent = session.vault_parent()?;
    let mut service = session.certificates();
    let reply = match command {
        ContactsCommand::Show => {
            service.get_certificate_contacts(pb::GetCertificateContactsRequest { parent }).await?
        }
        ContactsCommand::Set(SetArgs { contacts }) => {
            let request = pb::SetCertificateContactsRequest { parent, contacts };
            service.set_certificate_contacts(request).await?
        }
        ContactsCommand::Delete => {
            service.delete_certificate_contacts(pb::DeleteCertificateContactsRequest { parent }).await?
        }
    };
    let rows: Vec<_> = reply.into_inner().contacts.into_iter().map(ContactView::from).collect();
    context.output.print_list(&rows, "there are no contacts")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parses_contacts() {
        let parsed = |text: &str| {
            let pb::CertificateContact { email, name, phone } = contact(text).unwrap();
            (email, name.unwrap_or_default(), phone.unwrap_or_default())
        };
        let texts =
            |email: &str, name: &str, phone: &str| (email.to_owned(), name.to_owned(), phone.to_owned());
        assert_eq!(parsed("a@example.com"), texts("a@example.com", "", ""));
        assert_eq!(parsed("a@example.com, Jo Doe"), texts("a@example.com", "Jo Doe", ""));
        assert_eq!(parsed("a@example.com,,555"), texts("a@example.com", "", "555"));
        assert!(contact("").is_err() && contact(",Jo").is_err());
    }
}
