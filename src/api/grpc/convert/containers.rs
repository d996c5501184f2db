//! Converts what the messages of managed HSMs and vaults as resources have in common.

use std::marker::PhantomData;

use uuid::Uuid;

use super::super::pb;
use super::resources::{group, subscription};
use super::{parse_field, segments};
use crate::model::hsm::{ManagedHsm, NetworkRules};
use crate::model::resource::SubscriptionId;
use crate::model::vault::Vault;
use crate::model::{Error, Field, Result};
use crate::ops::PageRequest;
use crate::ops::containers::{
    CheckName, ContainerPath, ContainerResource, DeletedPath, List, NameAvailability,
};

/// The default page size.
const DEFAULT_PAGE_SIZE: usize = 100;
/// The largest page size.
const MAX_PAGE_SIZE: usize = 1000;

/// A kind of container, as resource names and error messages name it.
pub(super) trait NamedKind: ContainerResource {
    /// The collection of the live resources.
    const COLLECTION: &'static str;
    /// The collection of the deleted resources.
    const DELETED_COLLECTION: &'static str;
    /// The noun in messages.
    const NOUN: &'static str;
}

impl NamedKind for ManagedHsm {
    const COLLECTION: &'static str = "managedHsms";
    const DELETED_COLLECTION: &'static str = "deletedManagedHsms";
    const NOUN: &'static str = "HSM";
}

impl NamedKind for Vault {
    const COLLECTION: &'static str = "vaults";
    const DELETED_COLLECTION: &'static str = "deletedVaults";
    const NOUN: &'static str = "vault";
}

/// Parses `subscriptions/{subscription}/resourceGroups/{resource_group}/{collection}/{name}`.
pub(super) fn path<R: NamedKind>(field: Field, name: &str) -> Result<ContainerPath<R>> {
    let pattern = format!("subscriptions/{{}}/resourceGroups/{{}}/{}/{{}}", R::COLLECTION);
    let [subscription, group, name] = segments(field, name, &pattern)?;
    Ok(ContainerPath {
        subscription: parse_field(field, subscription)?,
        resource_group: parse_field(field, group)?,
        name: parse_field(field, name)?,
    })
}

/// Parses `subscriptions/{subscription}/locations/{location}/{collection}/{name}`.
pub(super) fn deleted_path<R: NamedKind>(name: &str) -> Result<DeletedPath<R>> {
    let pattern = format!("subscriptions/{{}}/locations/{{}}/{}/{{}}", R::DELETED_COLLECTION);
    let [subscription, location, name] = segments(Field::Name, name, &pattern)?;
    Ok(DeletedPath {
        subscription: parse_field(Field::Name, subscription)?,
        location: location.to_owned(),
        name: parse_field(Field::Name, name)?,
    })
}

/// Formats the resource name of a live container.
pub(super) fn resource_name<R: NamedKind>(resource: &R) -> String {
    format!(
        "subscriptions/{}/resourceGroups/{}/{}/{}",
        resource.subscription(),
        resource.resource_group(),
        R::COLLECTION,
        resource.name()
    )
}

/// Formats the resource name of a deleted container.
pub(super) fn deleted_resource_name<R: NamedKind>(resource: &R) -> String {
    deleted_name::<R>(resource.subscription(), resource.location(), resource.name())
}

/// Formats the resource name of the deleted container of this path.
pub(super) fn deleted_path_name<R: NamedKind>(path: &DeletedPath<R>) -> String {
    deleted_name::<R>(path.subscription, &path.location, &path.name)
}

fn deleted_name<R: NamedKind>(subscription: SubscriptionId, location: &str, name: &R::Name) -> String {
    format!("subscriptions/{subscription}/locations/{location}/{}/{name}", R::DELETED_COLLECTION)
}

/// Parses the page of a list.
pub(super) fn page(size: i32, token: &str) -> Result<PageRequest> {
    PageRequest::parse(size, token, DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)
}

/// Parses the request for a list of the live containers of a subscription or of a resource group.
pub(super) fn list<R>(parent: &str, page: PageRequest) -> Result<List<R>> {
    let (subscription, resource_group) = match parent.split('/').count() {
        2 => (subscription(Field::Parent, parent)?, None),
        _ => group(Field::Parent, parent).map(|(subscription, group)| (subscription, Some(group)))?,
    };
    Ok(List { subscription, resource_group, page, kind: PhantomData })
}

/// Parses the request for the availability of a name.
pub(super) fn check_name<R>(parent: &str, name: String) -> Result<CheckName<R>> {
    Ok(CheckName { subscription: subscription(Field::Parent, parent)?, name, kind: PhantomData })
}

/// Returns reason and message of a name that is not available, and `None` for an available one. The reasons are those of
/// Azure's `checkNameAvailability`.
pub(super) fn unavailability<R: NamedKind>(availability: NameAvailability) -> Option<(&'static str, String)> {
    match availability {
        NameAvailability::Available => None,
        NameAvailability::Invalid(why) => Some(("AccountNameInvalid", why)),
        NameAvailability::Taken { deleted: false } => {
            Some(("AlreadyExists", "the name is in use".to_owned()))
        }
        NameAvailability::Taken { deleted: true } => Some((
            "AlreadyExists",
            format!("the name is in use by a deleted {}, which can be recovered or purged", R::NOUN),
        )),
    }
}

/// Parses the tenant of a container; `None` if it is empty.
pub(super) fn tenant(text: &str) -> Result<Option<Uuid>> {
    match text {
        "" => Ok(None),
        text => Uuid::parse_str(text)
            .map(Some)
            .map_err(|_| Error::invalid(Field::TenantId, "the tenant id is not a GUID")),
    }
}

/// Returns the paths of an update mask.
///
/// # Errors
/// `Invalid` if there are none.
pub(super) fn mask_paths(mask: Option<prost_types::FieldMask>) -> Result<Vec<String>> {
    let paths = mask.unwrap_or_default().paths;
    match paths.is_empty() {
        true => Err(Error::invalid(Field::UpdateMask, "the update mask is empty")),
        false => Ok(paths),
    }
}

/// The error of an optional field that the update mask names, but that is not set.
pub(super) fn named_but_unset(field: Field) -> Error {
    Error::invalid(field, "the update mask names this field, but it is not set")
}

/// Parses network rules; an absent value is the default.
pub(super) fn network(given: pb::NetworkRules) -> Result<NetworkRules> {
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

/// Converts network rules to their message.
pub(super) fn wire_network(rules: &NetworkRules) -> pb::NetworkRules {
    pb::NetworkRules {
        public_network_access: Some(rules.public_network_access.as_str().to_owned()),
        default_action: Some(rules.default_action.as_str().to_owned()),
        bypass: Some(rules.bypass.as_str().to_owned()),
        ip_rules: rules.ip_rules.clone(),
    }
}
