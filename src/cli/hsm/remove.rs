//! `strongroom hsm delete`, and the commands for deleted managed HSMs

use clap::Args;

use super::HsmArgs;
use super::view::{DeletedHsmView, HsmView};
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::container::Purged;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::output::note;
use crate::cli::session::Session;
use crate::model::name::HsmName;

/// Selects a deleted managed HSM.
#[derive(Args, Clone, Debug)]
pub struct DeletedArgs {
    /// Name of the deleted managed HSM
    name: HsmName,
    /// Region of the deleted managed HSM [default: the region found by name]
    #[arg(long, value_name = "NAME")]
    location: Option<String>,
}

impl DeletedArgs {
    async fn resource(&self, session: &Session) -> Outcome<String> {
        let subscription = session.subscription()?;
        if let Some(location) = &self.location {
            return Ok(format!(
                "subscriptions/{subscription}/locations/{location}/deletedManagedHsms/{}",
                self.name
            ));
        }
        let wanted = format!("/{}", self.name.to_case_insensitive());
        let deleted = all_deleted(session).await?;
        let found = deleted.into_iter().find(|hsm| hsm.name.to_lowercase().ends_with(&wanted));
        found.map(|hsm| hsm.name).ok_or_else(|| {
            Failure::problem(format!("there is no deleted managed HSM {} in {subscription}", self.name))
        })
    }
}

async fn all_deleted(session: &Session) -> Outcome<Vec<pb::DeletedManagedHsm>> {
    let mut service = session.hsms();
    let parent = format!("subscriptions/{}", session.subscription()?);
    let mut request = pb::ListDeletedManagedHsmsRequest { parent, ..Default::default() };
    let mut deleted = Vec::new();
    loop {
        let page = service.list_deleted_managed_hsms(request.clone()).await?.into_inner();
        deleted.extend(page.deleted_managed_hsms);
        if page.next_page_token.is_empty() {
            return Ok(deleted);
        }
        request.page_token = page.next_page_token;
    }
}

/// Deletes a managed HSM.
pub(super) async fn delete(context: &Context, args: HsmArgs) -> Outcome {
    let session = context.connect_control().await?;
    let request = pb::DeleteManagedHsmRequest { name: args.resource(&session)? };
    let hsm = DeletedHsmView::from(session.hsms().delete_managed_hsm(request).await?.into_inner());
    context.output.print(&hsm, || hsm.text())?;
    note("the managed HSM is charged until it is purged; see strongroom usage forecast");
    Ok(())
}

/// Shows a deleted managed HSM.
pub(super) async fn show(context: &Context, args: DeletedArgs) -> Outcome {
    let session = context.connect_control().await?;
    let request = pb::GetDeletedManagedHsmRequest { name: args.resource(&session).await? };
    let hsm = DeletedHsmView::from(session.hsms().get_deleted_managed_hsm(request).await?.into_inner());
    context.output.print(&hsm, || hsm.text())
}

/// Lists deleted managed HSMs.
pub(super) async fn list(context: &Context) -> Outcome {
    let session = context.connect_control().await?;
    let rows: Vec<_> = all_deleted(&session).await?.into_iter().map(DeletedHsmView::from).collect();
    context.output.print_list(&rows, "the subscription has no deleted managed HSMs")
}

/// Recovers a deleted managed HSM.
pub(super) async fn recover(context: &Context, args: DeletedArgs) -> Outcome {
    let session = context.connect_control().await?;
    let request = pb::RecoverDeletedManagedHsmRequest { name: args.resource(&session).await? };
    let hsm = HsmView::from(session.hsms().recover_deleted_managed_hsm(request).await?.into_inner());
    context.output.print(&hsm, || hsm.text())
}

/// Purges a deleted managed HSM.
pub(super) async fn purge(context: &Context, args: DeletedArgs) -> Outcome {
    let session = context.connect_control().await?;
    let name = args.resource(&session).await?;
    session
        .hsms()
        .purge_deleted_managed_hsm(pb::PurgeDeletedManagedHsmRequest { name: name.clone() })
        .await?;
    let text = format!("purged {name}");
    context.output.print_value(&Purged { name, purged: true }, &text)
}
