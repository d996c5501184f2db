//! `strongroom hsm show|list`

use super::HsmArgs;
use super::view::HsmView;
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::container::{ListArgs, group};
use crate::cli::failure::Outcome;
use crate::cli::session::Session;

/// Shows a managed HSM.
pub(super) async fn show(context: &Context, args: HsmArgs) -> Outcome {
    let session = context.connect_control().await?;
    let request = pb::GetManagedHsmRequest { name: args.resource(&session)? };
    let hsm = HsmView::from(session.hsms().get_managed_hsm(request).await?.into_inner());
    context.output.print(&hsm, || hsm.text())
}

/// Lists managed HSMs, from all pages.
pub(super) async fn list(context: &Context, args: ListArgs) -> Outcome {
    let session = context.connect_control().await?;
    let parent = match &args.resource_group {
        Some(name) => group(&session, Some(name))?,
        None => format!("subscriptions/{}", session.subscription()?),
    };
    let rows: Vec<HsmView> = fetch_all(&session, &parent).await?.into_iter().map(HsmView::from).collect();
    context.output.print_list(&rows, &format!("{parent} has no managed HSMs"))
}

/// Fetches all pages of the managed HSMs of a subscription or resource group.
pub(crate) async fn fetch_all(session: &Session, parent: &str) -> Outcome<Vec<pb::ManagedHsm>> {
    let mut service = session.hsms();
    let mut request = pb::ListManagedHsmsRequest { parent: parent.to_owned(), ..Default::default() };
    let mut found = Vec::new();
    loop {
        let page = service.list_managed_hsms(request.clone()).await?.into_inner();
        found.extend(page.managed_hsms);
        if page.next_page_token.is_empty() {
            return Ok(found);
        }
        request.page_token = page.next_page_token;
    }
}
