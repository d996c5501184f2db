//! Requests and responses of managed HSMs.
//!
//! Source: `Microsoft.KeyVault/managedHSMs`, api-version 2026-05-15, and responses recorded from the service.

use std::marker::PhantomData;

use http::StatusCode;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::super::super::azure::filter::{self, Filter};
use super::super::super::azure::response::CallResponse;
use super::super::super::azure::tags::SentTags;
use super::super::call::RequestInput;
use super::super::endpoint::Endpoint;
use super::network::{self, IpRuleResponse, NetworkAcls, NetworkAclsResponse};
use super::{List, decoded, page, paged, subscription};
use crate::model::hsm::{Activation, ManagedHsm, NetworkChanges, NetworkRules};
use crate::model::key::Tags;
use crate::model::name::PrincipalId;
use crate::model::retention::RetentionDays;
use crate::model::{Error, Field, Result};
use crate::ops::Page;
use crate::ops::hsms::{
    CheckManagedHsmName, CreateManagedHsm, DeleteManagedHsm, DeletedHsmPath, GetManagedHsm,
    GetManagedHsmOperationResult, HsmBundle, HsmChanges, HsmPath, ImmutableProperties, ListManagedHsms,
    OperationOutcome, RecoverDeletedManagedHsm, UpdateManagedHsm,
};

/// The resource type of managed HSMs.
pub(super) const TYPE: &str = "Microsoft.KeyVault/managedHSMs";

/// The request body for creating and updating. Read-only members, which clients send back, are ignored.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Request {
    location: Option<String>,
    sku: Option<Sku>,
    tags: Option<SentTags>,
    identity: Option<Identity>,
    properties: Option<Properties>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Sku {
    name: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Identity {
    r#type: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Properties {
    tenant_id: Option<Uuid>,
    initial_admin_object_ids: Option<Vec<String>>,
    create_mode: Option<String>,
    enable_soft_delete: Option<bool>,
    soft_delete_retention_in_days: Option<Days>,
    enable_purge_protection: Option<bool>,
    network_acls: Option<NetworkAcls>,
    public_network_access: Option<String>,
    regions: Option<Vec<IgnoredAny>>,
}

/// A number of days; the az command line sends it as a string.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Days {
    Number(u32),
    Text(String),
}

impl Days {
    /// Returns the retention interval.
    pub(super) fn parse(&self) -> Result<RetentionDays> {
        let wrong = |_| Error::invalid(Field::RetentionDays, "the retention interval is 7 to 90 days");
        let days = match self {
            Self::Number(days) => *days,
            Self::Text(text) => text.parse().map_err(wrong)?,
        };
        Ok(days.try_into()?)
    }
}

impl Request {
    fn of(input: &RequestInput<'_>) -> Result<Self> {
        let request: Self = input.body()?;
        let unsupported = |what: &str| Err(Error::Unsupported { what: format!("{what} not available yet") });
        let has_any = |list: Option<&Vec<IgnoredAny>>| list.is_some_and(|list| !list.is_empty());
        let identity = request.identity.as_ref().and_then(|identity| identity.r#type.as_deref());
        if identity.is_some_and(|kind| !kind.eq_ignore_ascii_case("None")) {
            return unsupported("Managed identities of an HSM are");
        }
        let Some(properties) = &request.properties else { return Ok(request) };
        if has_any(properties.regions.as_ref()) {
            return unsupported("Further regions of an HSM are");
        }
        let acls = properties.network_acls.as_ref();
        if acls.is_some_and(NetworkAcls::has_virtual_networks) {
            return unsupported("Virtual network rules are");
        }
        if has_any(acls.and_then(|acls| acls.service_tags.as_ref())) {
            return unsupported("Service tags are");
        }
        if properties.enable_soft_delete == Some(false) {
            return Err(Error::invalid(Field::PropertiesEnableSoftDelete, "soft-delete cannot be disabled"));
        }
        Ok(request)
    }
}

impl Properties {
    fn retention(&self) -> Result<Option<RetentionDays>> {
        self.soft_delete_retention_in_days.as_ref().map(Days::parse).transpose()
    }

    fn administrators(&self) -> Result<Option<Vec<PrincipalId>>> {
        let wrong = |_| Error::invalid(Field::Administrators, "this is not an object id, which is a GUID");
        let principal = |id: &String| id.parse().map_err(wrong);
        self.initial_admin_object_ids.as_ref().map(|ids| ids.iter().map(principal).collect()).transpose()
    }

    /// Checks `createMode`, which is `default` unless given; `recover` is handled by [`recover`].
    fn check_mode(&self) -> Result<()> {
        match &self.create_mode {
            Some(mode) if !mode.eq_ignore_ascii_case("default") => {
                Err(Error::invalid(Field::PropertiesCreateMode, "this is neither default nor recover"))
            }
            _ => Ok(()),
        }
    }

    /// Returns the network settings of a new HSM.
    fn new_network(&self) -> Result<NetworkRules> {
        self.network()?.apply(&NetworkRules::default())
    }

    fn network(&self) -> Result<NetworkChanges> {
        network::network(self.network_acls.as_ref(), self.public_network_access.as_deref())
    }
}

pub(in super::super) fn path(input: &RequestInput<'_>) -> Result<HsmPath> {
    Ok(HsmPath {
        subscription: subscription(input)?,
        resource_group: decoded(input.argument("group")).parse()?,
        name: input.argument("name").parse()?,
    })
}

/// Whether a `PUT` is a recovery. The body is inspected before the caller is authorized, and only to choose the
/// operation.
pub(in super::super) fn is_recovery(input: &RequestInput<'_>) -> bool {
    let mode = input.body::<Request>().ok().and_then(|request| request.properties?.create_mode);
    mode.is_some_and(|mode| mode.eq_ignore_ascii_case("recover"))
}

pub(in super::super) fn create(input: &RequestInput<'_>) -> Result<CreateManagedHsm> {
    let (path, request) = (path(input)?, Request::of(input)?);
    let properties = request.properties.unwrap_or_default();
    properties.check_mode()?;
    Ok(CreateManagedHsm {
        path,
        // Checked by the operation after authorization: an existing HSM needs neither.
        location: request.location.unwrap_or_default(),
        sku: request.sku.and_then(|sku| sku.name).unwrap_or_default(),
        tenant: properties.tenant_id,
        administrators: properties.administrators()?.unwrap_or_default(),
        retention: properties.retention()?.unwrap_or(RetentionDays::DEFAULT),
        purge_protection: properties.enable_purge_protection.unwrap_or(false),
        tags: request.tags.unwrap_or_default().into(),
        network: properties.new_network()?,
    })
}

/// Parses a recovery. Clients send a SKU that may differ from the deleted HSM's (recorded), so only the location is used.
pub(in super::super) fn recover(input: &RequestInput<'_>) -> Result<RecoverDeletedManagedHsm> {
    let (path, request) = (path(input)?, input.body::<Request>()?);
    let location = request.location.ok_or_else(|| Error::invalid(Field::Location, "this is required"))?;
    let HsmPath { subscription, name, .. } = path;
    Ok(RecoverDeletedManagedHsm { id: DeletedHsmPath { subscription, location, name } })
}

/// Parses a `PUT` of an existing HSM (`is_put`), or a `PATCH`. Absent members are not changed, except that a `PUT` replaces
/// all tags.
fn changes(input: &RequestInput<'_>, is_put: bool) -> Result<UpdateManagedHsm> {
    let (path, request) = (path(input)?, Request::of(input)?);
    let properties = request.properties.unwrap_or_default();
    // A `PUT` is parsed alike whether the HSM exists or not: its errors must not reveal that.
    if is_put {
        properties.check_mode()?;
        properties.new_network()?;
    }
    let changes = HsmChanges {
        tags: if is_put {
            Some(request.tags.unwrap_or_default().into())
        } else {
            request.tags.map(Tags::from)
        },
        purge_protection: properties.enable_purge_protection,
        fixed: ImmutableProperties {
            retention: properties.retention()?,
            location: request.location,
            sku: request.sku.and_then(|sku| sku.name),
            tenant: properties.tenant_id,
            administrators: properties.administrators()?,
        },
        network: properties.network()?,
    };
    Ok(UpdateManagedHsm { path, changes })
}

/// Parses a `PATCH`.
pub(in super::super) fn update(input: &RequestInput<'_>) -> Result<UpdateManagedHsm> {
    changes(input, false)
}

/// Parses a `PUT` of an existing HSM.
pub(in super::super) fn replace(input: &RequestInput<'_>) -> Result<UpdateManagedHsm> {
    changes(input, true)
}

pub(in super::super) fn get(input: &RequestInput<'_>) -> Result<GetManagedHsm> {
    Ok(GetManagedHsm { path: path(input)? })
}

pub(in super::super) fn delete(input: &RequestInput<'_>) -> Result<DeleteManagedHsm> {
    Ok(DeleteManagedHsm { id: path(input)? })
}

pub(in super::super) fn list(input: &RequestInput<'_>) -> Result<ListManagedHsms> {
    let resource_group = input.arguments.get("group").map(|group| decoded(group).parse()).transpose()?;
    let (subscription, page) = (subscription(input)?, page(input)?);
    Ok(ListManagedHsms { subscription, resource_group, page, kind: PhantomData })
}

pub(in super::super) fn operation_result(input: &RequestInput<'_>) -> Result<GetManagedHsmOperationResult> {
    let id = Uuid::parse_str(input.argument("id")).map_err(|_| Error::RouteNotFound)?;
    Ok(GetManagedHsmOperationResult { subscription: subscription(input)?, id })
}

#[derive(Deserialize)]
struct NameRequest {
    name: String,
}

pub(in super::super) fn check_name(input: &RequestInput<'_>) -> Result<CheckManagedHsmName> {
    let name = input.body::<NameRequest>().map_err(|_| Error::invalid(Field::Name, "this is required"))?.name;
    Ok(CheckManagedHsmName { subscription: subscription(input)?, name, kind: PhantomData })
}

/// A managed HSM. Members are in the order of the service's responses.
#[derive(Serialize)]
pub(in super::super) struct Hsm {
    sku: SkuResponse,
    id: String,
    name: String,
    r#type: &'static str,
    location: String,
    tags: Tags,
    properties: HsmProperties,
}

#[derive(Serialize)]
struct SkuResponse {
    family: &'static str,
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HsmProperties {
    tenant_id: Uuid,
    hsm_uri: String,
    initial_admin_object_ids: Vec<PrincipalId>,
    enable_soft_delete: bool,
    soft_delete_retention_in_days: u32,
    enable_purge_protection: bool,
    provisioning_state: &'static str,
    status_message: &'static str,
    network_acls: NetworkAclsResponse,
    public_network_access: &'static str,
    regions: [(); 0],
    security_domain_properties: SecurityDomain,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecurityDomain {
    activation_status: &'static str,
    activation_status_message: &'static str,
}

/// Returns the family of a SKU: the letter after the underscore.
fn family(sku: &str) -> &'static str {
    if sku.split('_').nth(1).is_some_and(|rest| rest.starts_with('C')) { "C" } else { "B" }
}

fn security_domain(hsm: &ManagedHsm) -> SecurityDomain {
    let (activation_status, activation_status_message) = match hsm.activation {
        Activation::Active => {
            ("Active", "Your HSM has been activated and can be used for cryptographic operations.")
        }
        Activation::NotActivated => (
            "NotActivated",
            "Your HSM has been provisioned, but cannot be used for cryptographic operations until it is activated. To activate the HSM, download the security domain.",
        ),
    };
    SecurityDomain { activation_status, activation_status_message }
}

pub(in super::super) fn hsm_response(endpoint: &Endpoint, bundle: HsmBundle) -> Hsm {
    let hsm = &bundle.resource;
    let ip_rules = hsm.network.ip_rules.iter().map(|rule| IpRuleResponse { value: rule.clone() }).collect();
    Hsm {
        sku: SkuResponse { family: family(&hsm.sku), name: hsm.sku.clone() },
        id: hsm.scope().to_string(),
        name: hsm.name.to_string(),
        r#type: TYPE,
        location: hsm.location.clone(),
        tags: hsm.tags.clone(),
        properties: HsmProperties {
            tenant_id: hsm.tenant,
            hsm_uri: format!("https://{}.{}/", hsm.name, endpoint.data_plane),
            initial_admin_object_ids: hsm.initial_administrators.clone(),
            enable_soft_delete: true,
            soft_delete_retention_in_days: hsm.retention.days(),
            enable_purge_protection: hsm.purge_protection,
            provisioning_state: "Succeeded",
            status_message: "The Managed HSM is provisioned and ready to use.",
            network_acls: NetworkAclsResponse {
                bypass: hsm.network.bypass.as_str(),
                default_action: hsm.network.default_action.as_str(),
                ip_rules,
                virtual_network_rules: Vec::new(),
            },
            public_network_access: hsm.network.public_network_access.as_str(),
            regions: [],
            security_domain_properties: security_domain(hsm),
        },
    }
}

/// Returns the URL of the operation result of an HSM.
pub(in super::super) fn operation_result_url(
    endpoint: &Endpoint,
    bundle: &HsmBundle,
    version: &str,
) -> String {
    let ManagedHsm { subscription, location, id, .. } = bundle.resource.as_ref();
    // The name of the location in a URL: without spaces and in lower case.
    let location: String = location.chars().filter(char::is_ascii_alphanumeric).collect();
    format!(
        "{}/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{}/managedHsmOperationResults/{id}?api-version={version}",
        endpoint.base,
        location.to_ascii_lowercase()
    )
}

/// Responds with the operation result of an HSM: the resource, or an empty body if it no longer exists (recorded).
pub(in super::super) fn operation_outcome(
    endpoint: &Endpoint,
    outcome: OperationOutcome,
) -> Result<CallResponse> {
    match outcome {
        OperationOutcome::Live(bundle) => CallResponse::json(StatusCode::OK, &hsm_response(endpoint, bundle)),
        OperationOutcome::Deleted => Ok(CallResponse::empty(StatusCode::OK)),
    }
}

/// Parses the filter of a list of HSMs, or of resources.
pub(in super::super) fn filter(input: &RequestInput<'_>) -> Result<Filter> {
    let known = ["name", "location", "resourcegroup", "resourcetype", "tagname", "tagvalue"];
    Filter::of_resources(input.query.filter(), &known)
}

/// Returns the HSMs of a page that match a filter; further pages may have more.
pub(in super::super) fn listed(endpoint: &Endpoint, page: Page<HsmBundle>, filter: &Filter) -> List<Hsm> {
    let Page { mut items, next } = page;
    items.retain(|HsmBundle { resource: hsm, .. }| {
        filter.matches(&filter::Candidate {
            name: hsm.name.as_str(),
            location: &hsm.location,
            resource_group: hsm.resource_group.as_str(),
            resource_type: TYPE,
            tags: &hsm.tags,
        })
    });
    paged(endpoint, Page { items, next }, hsm_response)
}

/// The region of an HSM; there is only one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(in super::super) struct Region {
    name: String,
    provisioning_state: &'static str,
    is_primary: bool,
}

pub(in super::super) fn regions(_: &Endpoint, bundle: HsmBundle) -> List<Region> {
    let name = bundle.resource.location.clone();
    List::all([Region { name, provisioning_state: "Succeeded", is_primary: true }])
}
