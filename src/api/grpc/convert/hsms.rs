//! Converts the messages of `managed_hsm.proto`.

use super::super::pb;
use super::resources::{group, subscription};
use super::{parse_field, segments, wire_instant};
use crate::model::hsm::{Activation, ManagedHsm, NetworkRules};
use crate::model::name::HsmName;
use crate::model::retention::RetentionDays;
use crate::model::{Error, Field, Result};
use crate::ops::hsms::{
    ActivateManagedHsm, CheckManagedHsmName, CreateManagedHsm, DeleteManagedHsm, DeletedHsmPath,
    GetDeletedManagedHsm, GetManagedHsm, HsmBundle, HsmChanges, HsmPath, ListDeletedManagedHsms,
    ListManagedHsms, NameAvailability, PurgeDeletedManagedHsm, RecoverDeletedManagedHsm, UpdateManagedHsm,
};
use crate::ops::{Page, PageRequest};

/// The default page size.
const DEFAULT_PAGE_SIZE: usize = 100;
/// The largest page size.
const MAX_PAGE_SIZE: usize = 1000;
/// The default SKU of a new HSM.
const DEFAULT_SKU: &str = "Standard_B1";

/// Parses the resource name of a live HSM.
fn hsm_path(field: Field, name: &str) -> Result<HsmPath> {
    let [subscription, group, hsm] =
        segments(field, name, "subscriptions/{}/resourceGroups/{}/managedHsms/{}")?;
    Ok(HsmPath {
        subscription: parse_field(field, subscription)?,
        resource_group: parse_field(field, group)?,
        name: parse_field(field, hsm)?,
    })
}

fn deleted_path(name: &str) -> Result<DeletedHsmPath> {
    let [subscription, location, hsm] =
        segments(Field::Name, name, "subscriptions/{}/locations/{}/deletedManagedHsms/{}")?;
    Ok(DeletedHsmPath {
        subscription: parse_field(Field::Name, subscription)?,
        location: location.to_owned(),
        name: parse_field(Field::Name, hsm)?,
    })
}

fn network(given: pb::NetworkRules) -> Result<NetworkRules> {
    /// Parses a value; an absent one is the default.
    fn parse_or_default<T: Default + std::str::FromStr<Err = Error>>(text: Option<&String>) -> Result<T> {
        text.map_or_else(|| Ok(T::default()), |text| text.parse())
    }
    Ok(NetworkRules {
        public_network_access: parse_or_default(given.public_network_access.as_ref())?,
        default_action: parse_or_default(given.default_action.as_ref())?,
        bypass: parse_or_default(given.bypass.as_ref())?,
        ip_rules: given.ip_rules,
    })
}

impl TryFrom<pb::CreateManagedHsmRequest> for CreateManagedHsm {
    type Error = Error;

    fn try_from(request: pb::CreateManagedHsmRequest) -> Result<Self> {
        let (subscription, resource_group) = group(Field::Parent, &request.parent)?;
        let name: HsmName = parse_field(Field::ManagedHsmId, &request.managed_hsm_id)?;
        let given =
            request.managed_hsm.ok_or_else(|| Error::invalid(Field::ManagedHsm, "the HSM is missing"))?;
        let tenant = match given.tenant_id.as_str() {
            "" => None,
            text => Some(
                uuid::Uuid::parse_str(text)
                    .map_err(|_| Error::invalid(Field::TenantId, "the tenant id is not a GUID"))?,
            ),
        };
        let administrator = |id: &String| parse_field(Field::Administrators, id);
        Ok(Self {
            path: HsmPath { subscription, resource_group, name },
            location: given.location,
            sku: given.sku.unwrap_or_else(|| DEFAULT_SKU.to_owned()),
            tenant,
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
        let path = hsm_path(Field::ManagedHsmName, &given.name)?;
        let mask = request.update_mask.unwrap_or_default().paths;
        if mask.is_empty() {
            return Err(Error::invalid(Field::UpdateMask, "the update mask is empty"));
        }
        let mut changes = HsmChanges::default();
        for field in &mask {
            match field.as_str() {
                "tags" => {
                    let tags = given.tags.iter().map(|(name, value)| (name.clone(), value.clone()));
                    changes.tags = Some(tags.collect());
                }
                "purge_protection" => changes.purge_protection = Some(given.purge_protection),
                "network" => changes.network = network(given.network.clone().unwrap_or_default())?.into(),
                "retention_days" => {
                    let missing = || {
                        Error::invalid(
                            Field::RetentionDays,
                            "the update mask names this field, but it is not set",
                        )
                    };
                    changes.fixed.retention = Some(given.retention_days.ok_or_else(missing)?.try_into()?);
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
        let page =
            PageRequest::parse(request.page_size, &request.page_token, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)?;
        let (subscription, resource_group) = match request.parent.split('/').count() {
            2 => (subscription(Field::Parent, &request.parent)?, None),
            _ => group(Field::Parent, &request.parent)
                .map(|(subscription, group)| (subscription, Some(group)))?,
        };
        Ok(Self { subscription, resource_group, page })
    }
}

impl TryFrom<pb::ListDeletedManagedHsmsRequest> for ListDeletedManagedHsms {
    type Error = Error;

    fn try_from(request: pb::ListDeletedManagedHsmsRequest) -> Result<Self> {
        let page =
            PageRequest::parse(request.page_size, &request.page_token, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)?;
        Ok(Self { container: subscription(Field::Parent, &request.parent)?, page })
    }
}

impl TryFrom<pb::CheckManagedHsmNameRequest> for CheckManagedHsmName {
    type Error = Error;

    fn try_from(request: pb::CheckManagedHsmNameRequest) -> Result<Self> {
        Ok(Self { subscription: subscription(Field::Parent, &request.parent)?, name: request.managed_hsm_id })
    }
}

impl TryFrom<pb::ActivateManagedHsmRequest> for ActivateManagedHsm {
    type Error = Error;

    fn try_from(request: pb::ActivateManagedHsmRequest) -> Result<Self> {
        let [hsm] = segments(Field::Name, &request.name, "hsms/{}")?;
        Ok(Self { hsm: parse_field(Field::Name, hsm)? })
    }
}

/// Converts requests whose only field is the name of an HSM.
macro_rules! named {
    ($($request:ident => $operation:ident { $field:ident: $path:expr },)+) => {
        $(impl TryFrom<pb::$request> for $operation {
            type Error = Error;

            fn try_from(request: pb::$request) -> Result<Self> {
                Ok(Self { $field: $path(&request.name)? })
            }
        })+
    };
}

named! {
    GetManagedHsmRequest => GetManagedHsm { path: |name| hsm_path(Field::Name, name) },
    DeleteManagedHsmRequest => DeleteManagedHsm { id: |name| hsm_path(Field::Name, name) },
    GetDeletedManagedHsmRequest => GetDeletedManagedHsm { id: deleted_path },
    RecoverDeletedManagedHsmRequest => RecoverDeletedManagedHsm { id: deleted_path },
    PurgeDeletedManagedHsmRequest => PurgeDeletedManagedHsm { id: deleted_path },
}

impl From<HsmBundle> for pb::ManagedHsm {
    fn from(HsmBundle { hsm, level }: HsmBundle) -> Self {
        let ManagedHsm { name, subscription, resource_group, network, .. } = &*hsm;
        Self {
            name: format!("subscriptions/{subscription}/resourceGroups/{resource_group}/managedHsms/{name}"),
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

fn wire_network(rules: &NetworkRules) -> pb::NetworkRules {
    pb::NetworkRules {
        public_network_access: Some(rules.public_network_access.as_str().to_owned()),
        default_action: Some(rules.default_action.as_str().to_owned()),
        bypass: Some(rules.bypass.as_str().to_owned()),
        ip_rules: rules.ip_rules.clone(),
    }
}

impl From<HsmBundle> for pb::DeletedManagedHsm {
    fn from(bundle: HsmBundle) -> Self {
        let hsm = &bundle.hsm;
        let (subscription, location) = (hsm.subscription, &hsm.location);
        Self {
            name: format!(
                "subscriptions/{subscription}/locations/{location}/deletedManagedHsms/{}",
                hsm.name
            ),
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
    /// Uses the reasons of `checkMhsmNameAvailability`.
    fn from(availability: NameAvailability) -> Self {
        let (reason, message) = match availability {
            NameAvailability::Available => {
                return Self { available: true, reason: String::new(), message: String::new() };
            }
            NameAvailability::Invalid(why) => ("AccountNameInvalid", why),
            NameAvailability::Taken { deleted: false } => ("AlreadyExists", "the name is in use".to_owned()),
            NameAvailability::Taken { deleted: true } => (
                "AlreadyExists",
                "the name is in use by a deleted HSM, which can be recovered or purged".to_owned(),
            ),
        };
        Self { available: false, reason: reason.to_owned(), message }
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
