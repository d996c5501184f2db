//! What Azure has and this service has not: the families of routes, and the feature that each belongs to.
//!
//! Clients read 404 as "there is no such thing" and go on, so these routes are answered 501 `NotSupported`.

use std::fmt;

use http::Method;

use crate::model::Error;

/// Stands for any one segment in the path of a [`Family`].
const ANY: &str = "*";

/// Routes that begin alike, and belong to one feature.
#[derive(Clone, Copy, Debug)]
pub(in crate::api) struct Family {
    /// With which verbs; none is all of them.
    verbs: &'static [&'static str],
    /// The segments in small letters.
    path: &'static [&'static str],
    /// Whether more segments may follow.
    open: bool,
    /// What the routes belong to, in words that users search the documentation for.
    pub(in crate::api) feature: &'static str,
}

/// Every route that begins with these segments.
const fn below(path: &'static [&'static str], feature: &'static str) -> Family {
    Family { verbs: &[], path, open: true, feature }
}

/// One route, with these verbs.
const fn exactly(
    verbs: &'static [&'static str],
    path: &'static [&'static str],
    feature: &'static str,
) -> Family {
    Family { verbs, path, open: false, feature }
}

const POST: &[&str] = &["POST"];
const BACKUP: &str = "backup and restore";
const ATTESTATION: &str = "key attestation";
const RELEASE: &str = "key release";
const SECURE_WRAP: &str = "secure key wrapping";
const STORAGE: &str = "managed storage accounts";

/// What data planes have, of Managed HSMs and of vaults. Keys and their versions may be called like anything, so what
/// stands below `keys` is one route each.
///
/// Source: the Key Vault data-plane references, api-version 7.0 (`storage`) to 2026-03-01-preview.
pub(in crate::api) const DATA_PLANE: &[Family] = &[
    exactly(POST, &["keys", "restore"], BACKUP),
    exactly(POST, &["keys", ANY, "backup"], BACKUP),
    exactly(&["PUT"], &["keys", ANY, "restore"], BACKUP),
    exactly(&["GET"], &["keys", ANY, "attestation"], ATTESTATION),
    exactly(&["GET"], &["keys", ANY, ANY, "attestation"], ATTESTATION),
    exactly(POST, &["keys", ANY, "release"], RELEASE),
    exactly(POST, &["keys", ANY, ANY, "release"], RELEASE),
    exactly(POST, &["keys", ANY, "securewrapkey"], SECURE_WRAP),
    exactly(POST, &["keys", ANY, ANY, "securewrapkey"], SECURE_WRAP),
    exactly(POST, &["keys", ANY, "secureunwrapkey"], SECURE_WRAP),
    exactly(POST, &["keys", ANY, ANY, "secureunwrapkey"], SECURE_WRAP),
    below(&["backup"], BACKUP),
    below(&["prebackup"], BACKUP),
    below(&["restore"], BACKUP),
    below(&["prerestore"], BACKUP),
    below(&["securitydomain"], "the security domain"),
    below(&["ekm"], "external keys"),
    below(&["secrets"], "secrets"),
    below(&["deletedsecrets"], "secrets"),
    below(&["certificates"], "certificates"),
    below(&["deletedcertificates"], "certificates"),
    below(&["storage"], STORAGE),
    below(&["deletedstorage"], STORAGE),
];

const VAULTS: &str = "vaults through Azure Resource Manager";
const DEPLOYMENTS: &str = "template deployments";
const DEPLOYMENT_STACKS: &str = "deployment stacks";
const TAGS: &str = "tags as resources";
const DIAGNOSTIC_SETTINGS: &str = "diagnostic settings";
const METRICS: &str = "metrics";
const POLICY: &str = "Azure Policy";
const PRIVATE_ENDPOINTS: &str = "private endpoints";
const MOVING: &str = "moving resources";
const SUBSCRIPTIONS: &str = "managing subscriptions";

/// What Azure Resource Manager has outside resource providers.
///
/// Source: the references of `Microsoft.Resources` and `Microsoft.Subscription`.
pub(in crate::api) const RESOURCE_MANAGER: &[Family] = &[
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

/// What resource providers have at any scope, by what follows `providers` in the path.
///
/// Source: the references of the providers; seen of clients: `deployments`, `tags`, `locks`, diagnostic settings,
/// metrics and the activity log.
pub(in crate::api) const PROVIDERS: &[Family] = &[
    below(&["microsoft.keyvault", "vaults"], VAULTS),
    below(&["microsoft.keyvault", "deletedvaults"], VAULTS),
    below(&["microsoft.keyvault", "checknameavailability"], VAULTS),
    below(&["microsoft.keyvault", "locations", ANY, "deletedvaults"], VAULTS),
    below(&["microsoft.keyvault", "locations", ANY, "operationresults"], VAULTS),
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
    exactly(
        &["PUT", "DELETE"],
        &["microsoft.authorization", "roledefinitions", ANY],
        "custom roles of the control plane",
    ),
];

/// Types of resources that are here; what else is asked of them is no route of Azure's.
const BUILT: &[(&str, &str)] = &[
    ("microsoft.keyvault", "managedhsms"),
    ("microsoft.keyvault", "deletedmanagedhsms"),
    ("microsoft.keyvault", "checkmhsmnameavailability"),
    ("microsoft.keyvault", "locations"),
    ("microsoft.keyvault", "operations"),
    ("microsoft.authorization", "roledefinitions"),
    ("microsoft.authorization", "roleassignments"),
];

/// Something of Azure's that is not here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::api) enum Unbuilt<'a> {
    /// A feature of the lists above.
    Feature(&'static str),
    /// A resource provider, and the type of resources that was asked for, as the client wrote them.
    Provider(&'a str, Option<&'a str>),
}

impl fmt::Display for Unbuilt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feature(feature) => f.write_str(feature),
            Self::Provider(namespace, None) => f.write_str(namespace),
            Self::Provider(namespace, Some(kind)) => write!(f, "{namespace}/{kind}"),
        }
    }
}

impl From<Unbuilt<'_>> for Error {
    fn from(unbuilt: Unbuilt<'_>) -> Self {
        Self::Unsupported { what: format!("the feature \"{unbuilt}\" is not available yet") }
    }
}

impl Family {
    fn has(&self, method: &Method, words: &[&str]) -> bool {
        let fits = if self.open { words.len() >= self.path.len() } else { words.len() == self.path.len() };
        fits && (self.verbs.is_empty() || self.verbs.contains(&method.as_str()))
            && self.path.iter().zip(words).all(|(wanted, word)| *wanted == ANY || wanted == word)
    }
}

fn find(families: &[Family], method: &Method, words: &[&str]) -> Option<Unbuilt<'static>> {
    families.iter().find(|family| family.has(method, words)).map(|family| Unbuilt::Feature(family.feature))
}

/// What a route of a data plane belongs to, if it is not built.
pub(in crate::api) fn of_data_plane(method: &Method, words: &[&str]) -> Option<Unbuilt<'static>> {
    find(DATA_PLANE, method, words)
}

/// What a route of Azure Resource Manager belongs to that is none of the built ones. Segments as they were given, and
/// in small letters.
pub(in crate::api) fn of_resource_manager<'a>(
    method: &Method,
    given: &[&'a str],
    words: &[&str],
) -> Option<Unbuilt<'a>> {
    if let Some(feature) = find(RESOURCE_MANAGER, method, words) {
        return Some(feature);
    }
    // What is below it belongs to the scope before it.
    let place = words.iter().rposition(|word| *word == "providers")?;
    let (given, words) = (given.get(place + 1..)?, words.get(place + 1..)?);
    if let Some(feature) = find(PROVIDERS, method, words) {
        return Some(feature);
    }
    let namespace = given.first().filter(|name| is_name(name) && name.contains('.'))?;
    let kind = given.get(1).filter(|name| is_name(name)).copied();
    let is_built = |kind: &&str| BUILT.contains(&(words[0], *kind));
    let is_built = words.get(1).is_some_and(is_built);
    (!is_built).then_some(Unbuilt::Provider(namespace, kind))
}

/// Whether a segment can be a resource provider's namespace, or a type of resources: it is said again to the client.
fn is_name(segment: &str) -> bool {
    segment.len() <= 64 && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each feature is told to users where they look for it.
    #[test]
    fn features_that_are_not_built_are_in_the_documentation() {
        let words = |page: &str| page.split_whitespace().collect::<Vec<_>>().join(" ");
        let data_plane = words(include_str!("../../../docs/azure.md"));
        let resource_manager = words(include_str!("../../../docs/resource-manager.md"));
        for (families, page) in
            [(DATA_PLANE, &data_plane), (RESOURCE_MANAGER, &resource_manager), (PROVIDERS, &resource_manager)]
        {
            for family in families {
                assert!(page.contains(family.feature), "{}", family.feature);
            }
        }
    }

    #[test]
    fn paths_of_families_are_in_small_letters() {
        for family in DATA_PLANE.iter().chain(RESOURCE_MANAGER).chain(PROVIDERS) {
            assert!(family.path.iter().all(|word| *word == word.to_ascii_lowercase()), "{family:?}");
        }
    }
}
