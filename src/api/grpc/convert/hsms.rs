//! Converts the messages of `managed_hsm.proto`.

use super::super::pb;
use super::containers::{
    check_name, deleted_path, deleted_resource_name, list, mask_paths, named_but_unset, network, page, path,
    resource_name, tenant, unavailability, wire_network,
};
use super::resources::{group, subscription};
use super::{named, parse_field, segments, wire_instant};
use crate::model::hsm::{Activation, ManagedHsm};
use crate::model::name::HsmName;
use crate::model::retention::RetentionDays;
use crate::model::{Error, Field, Result};
use crate::ops::Page;
use crate::ops::containers::NameAvailability;
use crate::ops::hsms::{
    ActivateManagedHsm, CheckManagedHsmName, CreateManagedHsm, DeleteManagedHsm, GetDeletedManagedHsm,
    GetManagedHsm, HsmBundle, HsmChanges, HsmPath, ListDeletedManagedHsms, ListManagedHsms,
    PurgeDeletedManagedHsm, RecoverDeletedManagedHsm, UpdateManagedHsm,
};

/// The default SKU of a new HSM.
const DEFAULT_SKU: &str = "Standard_B1";

impl TryFrom<pb::CreateManagedHsmRequest> for CreateManagedHsm {
    type Error = Error;

    fn try_from(request: pb::CreateManagedHsmRequest) -> Result<Self> {
        let (subscription, resource_group) = group(Field::Parent, &request.parent)?;
        let name: HsmName = parse_field(Field::ManagedHsmId, &request.managed_hsm_id)?;
        let given =
            request.managed_hsm.ok_or_else(|| Error::invalid(Field::ManagedHsm, "the HSM is missing"))?;
        let administrator = |id: &String| parse_field(Field::Administrators, id);
        Ok(Self {
            path: HsmPath { subscription, resource_group, name },
            location: given.location,
            sku: given.sku.unwrap_or_else(|| DEFAULT_SKU.to_owned()),
            tenant: tenant(&given.tenant_id)?,
            administrators: given.administrators.iter().map(administrator).collect::<Result<_>>()?,
            retention: given.retention_days.map_or(Ok(RetentionDays::DEFAULT), RetentionDays::try_from)?,
            purge_protection: given.purge_protection,
            tags: given.tags.into_iter().collect(),
            network: network(given.network.unwrap_or_default())?,
        })
    }
}

impl TryFrom<pb::UpdateManagedHsmRequest> for UpdateManagedHsm {
    type Error = Error;

    fn try_from(request: pb::UpdateManagedHsmRequest) -> Result<Self> {
        let given =
            request.managed_hsm.ok_or_else(|| Error::invalid(Field::ManagedHsm, "the HSM is missing"))?;
        let path = path(Field::ManagedHsmName, &given.name)?;
        let mut changes = HsmChanges::default();
        for field in mask_paths(request.update_mask)? {
            match field.as_str() {
                "tags" => {
                    let tags = given.tags.iter().map(|(name, value)| (name.clone(), value.clone()));
                    changes.tags = Some(tags.collect());
                }
                "purge_protection" => changes.purge_protection = Some(given.purge_protection),
                "network" => changes.network = network(given.network.clone().unwrap_or_default())?.into(),
                "retention_days" => {
                    let days = given.retention_days.ok_or_else(|| named_but_unset(Field::RetentionDays))?;
                    changes.fixed.retention = Some(days.try_into()?);
                }
                _ => {
                    return Err(Error::invalid(
                        Field::UpdateMask,
                        "the update mask may contain tags, purge_protection, network and retention_days",
                    ));
                }
            }
        }
        Ok(Self { path, changes })
    }
}

impl TryFrom<pb::ListManagedHsmsRequest> for ListManagedHsms {
    type Error = Error;

    fn try_from(request: pb::ListManagedHsmsRequest) -> Result<Self> {
        list(&request.parent, page(request.page_size, &request.page_token)?)
    }
}

impl TryFrom<pb::ListDeletedManagedHsmsRequest> for ListDeletedManagedHsms {
    type Error = Error;

    fn try_from(request: pb::ListDeletedManagedHsmsRequest) -> Result<Self> {
        let page = page(request.page_size, &request.page_token)?;
        Ok(Self { container: subscription(Field::Parent, &request.parent)?, page })
    }
}

impl TryFrom<pb::CheckManagedHsmNameRequest> for CheckManagedHsmName {
    type Error = Error;

    fn try_from(request: pb::CheckManagedHsmNameRequest) -> Result<Self> {
        check_name(&request.parent, request.managed_hsm_id)
    }
}

impl TryFrom<pb::ActivateManagedHsmRequest> for ActivateManagedHsm {
    type Error = Error;

    fn try_from(request: pb::ActivateManagedHsmRequest) -> Result<Self> {
        let [hsm] = segments(Field::Name, &request.name, "hsms/{}")?;
        Ok(Self { hsm: parse_field(Field::Name, hsm)? })
    }
}

named! {
    GetManagedHsmRequest => GetManagedHsm { path: |name| path(Field::Name, name) },
    DeleteManagedHsmRequest => DeleteManagedHsm { id: |name| path(Field::Name, name) },
    GetDeletedManagedHsmRequest => GetDeletedManagedHsm { id: deleted_path },
    RecoverDeletedManagedHsmRequest => RecoverDeletedManagedHsm { id: deleted_path },
    PurgeDeletedManagedHsmRequest => PurgeDeletedManagedHsm { id: deleted_path },
}

impl From<HsmBundle> for pb::ManagedHsm {
    fn from(HsmBundle { resource: hsm, level }: HsmBundle) -> Self {
        let ManagedHsm { name, network, .. } = &*hsm;
        Self {
            name: resource_name(&*hsm),
            location: hsm.location.clone(),
            sku: Some(hsm.sku.clone()),
            tenant_id: hsm.tenant.to_string(),
            administrators: hsm.initial_administrators.iter().map(ToString::to_string).collect(),
            retention_days: Some(hsm.retention.days()),
            purge_protection: hsm.purge_protection,
            tags: hsm.tags.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
            network: Some(wire_network(network)),
            activated: hsm.activation == Activation::Active,
            recovery_level: level.as_str().to_owned(),
            data_plane: format!("hsms/{name}"),
            created: Some(wire_instant(hsm.created)),
        }
    }
}

impl From<HsmBundle> for pb::DeletedManagedHsm {
    fn from(bundle: HsmBundle) -> Self {
        let hsm = &bundle.resource;
        Self {
            name: deleted_resource_name(&**hsm),
            deleted_at: hsm.deletion.map(|deletion| wire_instant(deletion.deleted_at)),
            scheduled_purge_at: hsm.deletion.map(|deletion| wire_instant(deletion.scheduled_purge_at)),
            managed_hsm: Some(bundle.into()),
        }
    }
}

impl From<Page<HsmBundle>> for pb::ListManagedHsmsResponse {
    fn from(page: Page<HsmBundle>) -> Self {
        Self {
            managed_hsms: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next.unwrap_or_default(),
        }
    }
}

impl From<Page<HsmBundle>> for pb::ListDeletedManagedHsmsResponse {
    fn from(page: Page<HsmBundle>) -> Self {
        Self {
            deleted_managed_hsms: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next.unwrap_or_default(),
        }
    }
}

impl From<NameAvailability> for pb::CheckManagedHsmNameResponse {
    fn from(availability: NameAvailability) -> Self {
        let unavailable = unavailability::<ManagedHsm>(availability);
        let available = unavailable.is_none();
        let (reason, message) = unavailable.unwrap_or_default();
        Self { available, reason: reason.to_owned(), message }
    }
}

impl From<HsmBundle> for pb::PurgeDeletedManagedHsmResponse {
    fn from(_: HsmBundle) -> Self {
        Self {}
    }
}

impl From<()> for pb::ActivateManagedHsmResponse {
    fn from((): ()) -> Self {
        Self {}
    }
}
