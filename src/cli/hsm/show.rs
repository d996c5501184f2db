//! `strongroom hsm show|list`

use super::view::HsmView;
use super::{HsmArgs, ListArgs, group};
use crate::api::grpc::pb;
use crate::cli::Context;
use crate::cli::failure::Outcome;

/// Shows a managed HSM.
pub(super) async fn show(context: &Context, args: HsmArgs) -> Outcome {
    let session = context.connect().await?;
    let request = pb::GetManagedHsmRequest { name: args.resource(&session)? };
    let hsm = HsmView::from(session.hsms().get_managed_hsm(request).await?.into_inner());
    context.output.print(&hsm, || hsm.text())
}

/// Lists managed HSMs, all pages.
pub(super) async fn list(context: &Context, args: ListArgs) -> Outcome {
    let session = context.connect().await?;
    let parent = match &args.resource_group {
        Some(name) => group(&session, Some(name))?,
        None => format!("subscriptions/{}", session.subscription()?),
    };
    let mut service = session.hsms();
    let mut request = pb::ListManagedHsmsRequest { parent, ..Default::default() };
    let mut rows: Vec<HsmView> = Vec::new();
    loop {
        let page = service.list_managed_hsms(request.clone()).await?.into_inner();
        rows.extend(page.managed_hsms.into_iter().map(HsmView::from));
        if page.next_page_token.is_empty() {
            return context.output.print_list(&rows, &format!("{} has no managed HSMs", request.parent));
        }
        request.page_token = page.next_page_token;
    }
}
