//! Azure's routes that this service does not implement, by feature.
//!
//! They are answered with 501 `NotSupported`: clients would take 404 for an absent resource and continue.

use std::fmt;

use http::Method;

use crate::model::Error;
use crate::model::container_id::ContainerKind;

/// Matches any one segment in the path of a [`RouteFamily`].
const ANY: &str = "*";

/// Routes with a common prefix that belong to one feature.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct RouteFamily {
    /// The HTTP methods; empty for all.
    methods: &'static [&'static str],
    /// The segments in lower case.
    path: &'static [&'static str],
    /// Whether further segments may follow.
    is_prefix: bool,
    /// The feature, as the documentation calls it.
    pub(in crate::api) feature: &'static str,
}

/// All routes that begin with these segments.
const fn below(path: &'static [&'static str], feature: &'static str) -> RouteFamily {
    RouteFamily { methods: &[], path, is_prefix: true, feature }
}

/// One route with these HTTP methods.
const fn exactly(
    methods: &'static [&'static str],
    path: &'static [&'static str],
    feature: &'static str,
) -> RouteFamily {
    RouteFamily { methods, path, is_prefix: false, feature }
}

const POST: &[&str] = &["POST"];
const ATTESTATION: &str = "key attestation";
const RELEASE: &str = "key release";
const SECURE_WRAP: &str = "secure key wrapping";
const STORAGE: &str = "managed storage accounts";

/// The routes of the data planes of managed HSMs. They include those of secrets and certificates, which clients request
/// there by mistake. Keys and versions may have any name, so routes below `keys`
/// are listed one by one.
///
/// Source: the Key Vault data-plane references, api-version 7.0 (`storage`) to 2026-03-01-preview.
pub(in crate::api) const DATA_PLANE: &[RouteFamily] = &[
    exactly(&["GET"], &["keys", ANY, "attestation"], ATTESTATION),
    exactly(&["GET"], &["keys", ANY, ANY, "attestation"], ATTESTATION),
    exactly(POST, &["keys", ANY, "release"], RELEASE),
    exactly(POST, &["keys", ANY, ANY, "release"], RELEASE),
    exactly(POST, &["keys", ANY, "securewrapkey"], SECURE_WRAP),
    exactly(POST, &["keys", ANY, ANY, "securewrapkey"], SECURE_WRAP),
    exactly(POST, &["keys", ANY, "secureunwrapkey"], SECURE_WRAP),
    exactly(POST, &["keys", ANY, ANY, "secureunwrapkey"], SECURE_WRAP),
    below(&["ekm"], "external keys"),
    below(&["secrets"], "secrets"),
    below(&["deletedsecrets"], "secrets"),
    below(&["certificates"], "certificates"),
    below(&["deletedcertificates"], "certificates"),
    below(&["storage"], STORAGE),
    below(&["deletedstorage"], STORAGE),
];

/// The routes of the data planes of vaults.
///
/// Source: the same.
pub(in crate::api) const VAULT: &[RouteFamily] = &[
    exactly(&["GET"], &["keys", ANY, "attestation"], ATTESTATION),
    exactly(&["GET"], &["keys", ANY, ANY, "attestation"], ATTESTATION),
    exactly(POST, &["keys", ANY, "release"], RELEASE),
    exactly(POST, &["keys", ANY, ANY, "release"], RELEASE),
    below(&["storage"], STORAGE),
    below(&["deletedstorage"], STORAGE),
];

const DEPLOYMENTS: &str = "template deployments";
const DEPLOYMENT_STACKS: &str = "deployment stacks";
const TAGS: &str = "tags as resources";
const DIAGNOSTIC_SETTINGS: &str = "diagnostic settings";
const METRICS: &str = "metrics";
const POLICY: &str = "Azure Policy";
const PRIVATE_ENDPOINTS: &str = "private endpoints";
const MOVING: &str = "moving resources";
const SUBSCRIPTIONS: &str = "managing subscriptions";

/// The routes of Azure Resource Manager outside resource providers.
///
/// Source: the references of `Microsoft.Resources` and `Microsoft.Subscription`.
pub(in crate::api) const RESOURCE_MANAGER: &[RouteFamily] = &[
    below(&["batch"], "batches of requests"),
    below(&["resources"], "the list of resources across subscriptions"),
    exactly(&["GET"], &["providers"], "the list of resource providers across subscriptions"),
    below(&["subscriptions", ANY, "tagnames"], TAGS),
    exactly(POST, &["subscriptions", ANY, "cancel"], SUBSCRIPTIONS),
    exactly(POST, &["subscriptions", ANY, "enable"], SUBSCRIPTIONS),
    exactly(POST, &["subscriptions", ANY, "rename"], SUBSCRIPTIONS),
    exactly(POST, &["subscriptions", ANY, "resourcegroups", ANY, "exporttemplate"], DEPLOYMENTS),
    exactly(POST, &["subscriptions", ANY, "resourcegroups", ANY, "moveresources"], MOVING),
    exactly(POST, &["subscriptions", ANY, "resourcegroups", ANY, "validatemoveresources"], MOVING),
    exactly(POST, &["subscriptions", ANY, "validatemoveresources"], MOVING),
    exactly(POST, &["subscriptions", ANY, "providers", ANY, "unregister"], "registering resource providers"),
];

/// The routes of resource providers at any scope, by the segments after `providers`.
///
/// Source: the references of the providers; used by clients: `deployments`, `tags`, `locks`, diagnostic settings,
/// metrics and the activity log.
pub(in crate::api) const PROVIDERS: &[RouteFamily] = &[
    below(&["microsoft.keyvault", "vaults", ANY, "privateendpointconnections"], PRIVATE_ENDPOINTS),
    below(&["microsoft.keyvault", "vaults", ANY, ANY], "further parts of a vault"),
    below(&["microsoft.keyvault", "managedhsms", ANY, "keys"], "keys through Azure Resource Manager"),
    below(&["microsoft.keyvault", "managedhsms", ANY, "privateendpointconnections"], PRIVATE_ENDPOINTS),
    below(&["microsoft.keyvault", "managedhsms", ANY, ANY], "further parts of a managed HSM"),
    below(&["microsoft.network", "privateendpoints"], PRIVATE_ENDPOINTS),
    below(&["microsoft.resources", "deployments"], DEPLOYMENTS),
    below(&["microsoft.resources", "deploymentstacks"], DEPLOYMENT_STACKS),
    below(&["microsoft.resources", "tags"], TAGS),
    below(&["microsoft.insights", "diagnosticsettings"], DIAGNOSTIC_SETTINGS),
    below(&["microsoft.insights", "diagnosticsettingscategories"], DIAGNOSTIC_SETTINGS),
    below(&["microsoft.insights", "metrics"], METRICS),
    below(&["microsoft.insights", "metricdefinitions"], METRICS),
    below(&["microsoft.insights", "metricnamespaces"], METRICS),
    below(&["microsoft.insights", "eventtypes"], "the activity log"),
    below(&["microsoft.authorization", "locks"], "locks"),
    below(&["microsoft.authorization", "policyassignments"], POLICY),
    below(&["microsoft.authorization", "policydefinitions"], POLICY),
    below(&["microsoft.authorization", "policysetdefinitions"], POLICY),
];

/// The implemented resource types; other routes of these types do not exist in Azure.
const IMPLEMENTED: &[(&str, &str)] = &[
    ("microsoft.keyvault", "managedhsms"),
    ("microsoft.keyvault", "deletedmanagedhsms"),
    ("microsoft.keyvault", "checkmhsmnameavailability"),
    ("microsoft.keyvault", "vaults"),
    ("microsoft.keyvault", "deletedvaults"),
    ("microsoft.keyvault", "checknameavailability"),
    ("microsoft.keyvault", "locations"),
    ("microsoft.keyvault", "operations"),
    ("microsoft.authorization", "roledefinitions"),
    ("microsoft.authorization", "roleassignments"),
];

/// A feature of Azure that this service does not implement.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::api) enum UnsupportedFeature<'a> {
    /// A feature of a [`RouteFamily`].
    Feature(&'static str),
    /// A resource provider and a resource type, as the client wrote them.
    Provider(&'a str, Option<&'a str>),
}

impl fmt::Display for UnsupportedFeature<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feature(feature) => f.write_str(feature),
            Self::Provider(namespace, None) => f.write_str(namespace),
            Self::Provider(namespace, Some(kind)) => write!(f, "{namespace}/{kind}"),
        }
    }
}

impl From<UnsupportedFeature<'_>> for Error {
    fn from(unbuilt: UnsupportedFeature<'_>) -> Self {
        Self::Unsupported { what: format!("the feature \"{unbuilt}\" is not available yet") }
    }
}

impl RouteFamily {
    fn matches(&self, method: &Method, lowercase: &[&str]) -> bool {
        let fits = if self.is_prefix {
            lowercase.len() >= self.path.len()
        } else {
            lowercase.len() == self.path.len()
        };
        fits && (self.methods.is_empty() || self.methods.contains(&method.as_str()))
            && self.path.iter().zip(lowercase).all(|(wanted, segment)| *wanted == ANY || wanted == segment)
    }
}

fn find(
    families: &[RouteFamily],
    method: &Method,
    lowercase: &[&str],
) -> Option<UnsupportedFeature<'static>> {
    families
        .iter()
        .find(|family| family.matches(method, lowercase))
        .map(|family| UnsupportedFeature::Feature(family.feature))
}

/// Returns the unimplemented feature of a route of the data plane of this kind of container, if any.
pub(in crate::api) fn data_plane_feature(
    kind: ContainerKind,
    method: &Method,
    lowercase: &[&str],
) -> Option<UnsupportedFeature<'static>> {
    let families = match kind {
        ContainerKind::ManagedHsm => DATA_PLANE,
        ContainerKind::Vault => VAULT,
    };
    find(families, method, lowercase)
}

/// Returns the unimplemented feature of an Azure Resource Manager route, if any. Takes the segments as given, and in
/// lower case.
pub(in crate::api) fn resource_manager_feature<'a>(
    method: &Method,
    given: &[&'a str],
    lowercase: &[&str],
) -> Option<UnsupportedFeature<'a>> {
    if let Some(feature) = find(RESOURCE_MANAGER, method, lowercase) {
        return Some(feature);
    }
    // The last provider counts: the one before it is part of the scope.
    let index = lowercase.iter().rposition(|segment| *segment == "providers")?;
    let (given, lowercase) = (given.get(index + 1..)?, lowercase.get(index + 1..)?);
    if let Some(feature) = find(PROVIDERS, method, lowercase) {
        return Some(feature);
    }
    let namespace = given.first().filter(|name| is_name(name) && name.contains('.'))?;
    let kind = given.get(1).filter(|name| is_name(name)).copied();
    let is_implemented = |kind: &&str| IMPLEMENTED.contains(&(lowercase[0], *kind));
    let is_implemented = lowercase.get(1).is_some_and(is_implemented);
    (!is_implemented).then_some(UnsupportedFeature::Provider(namespace, kind))
}

/// Whether a segment can be a resource provider or a resource type, and thus be quoted in an error message.
fn is_name(segment: &str) -> bool {
    segment.len() <= 64 && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unimplemented_features_are_documented() {
        let normalized = |page: &str| page.split_whitespace().collect::<Vec<_>>().join(" ");
        let data_plane = normalized(include_str!("../../../docs/azure.md"));
        let resource_manager = normalized(include_str!("../../../docs/resource-manager.md"));
        for (families, page) in [
            (DATA_PLANE, &data_plane),
            (VAULT, &data_plane),
            (RESOURCE_MANAGER, &resource_manager),
            (PROVIDERS, &resource_manager),
        ] {
            for family in families {
                assert!(page.contains(family.feature), "{}", family.feature);
            }
        }
    }

    #[test]
    fn paths_of_route_families_are_in_lower_case() {
        for family in DATA_PLANE.iter().chain(VAULT).chain(RESOURCE_MANAGER).chain(PROVIDERS) {
            assert!(family.path.iter().all(|segment| *segment == segment.to_ascii_lowercase()), "{family:?}");
        }
    }
}
