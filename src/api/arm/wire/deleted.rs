//! Requests and responses of deleted managed HSMs.

use serde::Serialize;

use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use super::{List, decoded, page, paged, seconds, subscription, unfiltered};
use crate::model::Result;
use crate::model::key::Tags;
use crate::ops::Page;
use crate::ops::hsms::{
    DeletedHsmPath, GetDeletedManagedHsm, HsmBundle, ListDeletedManagedHsms, PurgeDeletedManagedHsm,
};

fn path(input: &RequestInput<'_>) -> Result<DeletedHsmPath> {
    Ok(DeletedHsmPath {
        subscription: subscription(input)?,
        location: decoded(input.argument("location")),
        name: input.argument("name").parse()?,
    })
}

pub(in super::super) fn get(input: &RequestInput<'_>) -> Result<GetDeletedManagedHsm> {
    Ok(GetDeletedManagedHsm { id: path(input)? })
}

pub(in super::super) fn purge(input: &RequestInput<'_>) -> Result<PurgeDeletedManagedHsm> {
    Ok(PurgeDeletedManagedHsm { id: path(input)? })
}

pub(in super::super) fn list(input: &RequestInput<'_>) -> Result<ListDeletedManagedHsms> {
    unfiltered(input)?;
    Ok(ListDeletedManagedHsms { container: subscription(input)?, page: page(input)? })
}

/// A deleted HSM.
#[derive(Serialize)]
pub(in super::super) struct DeletedHsm {
    id: String,
    name: String,
    r#type: &'static str,
    properties: DeletedHsmProperties,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeletedHsmProperties {
    mhsm_id: String,
    location: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deletion_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_purge_date: Option<String>,
    purge_protection_enabled: bool,
    tags: Tags,
}

pub(in super::super) fn deleted_hsm_response(_: &Endpoint, bundle: HsmBundle) -> DeletedHsm {
    let hsm = &bundle.resource;
    DeletedHsm {
        id: hsm.deleted_id(),
        name: hsm.name.to_string(),
        // In the service's spelling (recorded).
        r#type: "Microsoft.Keyvault/deletedManagedHSMs",
        properties: DeletedHsmProperties {
            mhsm_id: hsm.scope().to_string(),
            location: hsm.location.clone(),
            deletion_date: hsm.deletion.map(|deletion| seconds(deletion.deleted_at)),
            scheduled_purge_date: hsm.deletion.map(|deletion| seconds(deletion.scheduled_purge_at)),
            purge_protection_enabled: hsm.purge_protection,
            tags: hsm.tags.clone(),
        },
    }
}

pub(in super::super) fn listed(endpoint: &Endpoint, page: Page<HsmBundle>) -> List<DeletedHsm> {
    paged(endpoint, page, deleted_hsm_response)
}
