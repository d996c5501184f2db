//! Routes of Azure Resource Manager, by method and path. Names are not validated: the caller is not yet authenticated.

use http::Method;

use super::super::azure::path::Segments;
use super::super::azure::unsupported::{self, UnsupportedFeature};
use super::wire::cloud;

/// The route of a request, with the names in its path as the client wrote them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Route<'a> {
    /// Needs no credential.
    CloudMetadata,
    ListSubscriptions,
    ListTenants,
    ListProviderOperations,
    GetSubscription(&'a str),
    ListLocations(&'a str),
    ListProviders(&'a str),
    GetProvider(&'a str, &'a str),
    ListResources(&'a str, Option<&'a str>),
    /// Key Vault's vaults: always an empty list.
    ListVaults(&'a str, Option<&'a str>),
    ListGroups(&'a str),
    GetGroup(GroupRef<'a>),
    HasGroup(GroupRef<'a>),
    PutGroup(GroupRef<'a>),
    UpdateGroup(GroupRef<'a>),
    DeleteGroup(GroupRef<'a>),
    /// The result of the deletion of a resource group.
    GroupDeletionResult(&'a str, &'a str),
    ListHsms(&'a str, Option<&'a str>),
    GetHsm(HsmRef<'a>),
    PutHsm(HsmRef<'a>),
    UpdateHsm(HsmRef<'a>),
    DeleteHsm(HsmRef<'a>),
    ListRegions(HsmRef<'a>),
    /// Private endpoint connections and private link resources of an HSM: always an empty list.
    ListPrivateLinks(HsmRef<'a>),
    CheckName(&'a str),
    ListDeletedHsms(&'a str),
    GetDeletedHsm(DeletedHsmRef<'a>),
    PurgeDeletedHsm(DeletedHsmRef<'a>),
    /// The operation result of the HSM with this id.
    OperationResult(&'a str, &'a str),
    /// The first value is the scope: its part of the path.
    ListRoleDefinitions(&'a str),
    GetRoleDefinition(&'a str, &'a str),
    ListRoleAssignments(&'a str),
    GetRoleAssignment(&'a str, &'a str),
    PutRoleAssignment(&'a str, &'a str),
    DeleteRoleAssignment(&'a str, &'a str),
    /// A route of Azure that is not implemented.
    Unsupported(UnsupportedFeature<'a>),
    /// A route that does not exist.
    Unknown,
}

/// A resource group.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct GroupRef<'a> {
    pub(super) subscription: &'a str,
    pub(super) group: &'a str,
}

/// A managed HSM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct HsmRef<'a> {
    pub(super) subscription: &'a str,
    pub(super) group: &'a str,
    pub(super) name: &'a str,
}

/// A deleted managed HSM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct DeletedHsmRef<'a> {
    pub(super) subscription: &'a str,
    pub(super) location: &'a str,
    pub(super) name: &'a str,
}

impl<'a> Route<'a> {
    /// Parses a method and a path.
    pub(super) fn of(method: &Method, path: &'a str) -> Self {
        let Some(segments) = Segments::of(path) else { return Self::Unknown };
        let (given, lowercase) = (&segments.given, segments.lowercase());
        match Self::implemented(method, path, given, &lowercase) {
            Self::Unknown => unsupported::resource_manager_feature(method, given, &lowercase)
                .map_or(Self::Unknown, Self::Unsupported),
            route => route,
        }
    }

    fn implemented(method: &Method, path: &'a str, given: &[&'a str], lowercase: &[&str]) -> Self {
        // The last provider counts: the one before it is part of the scope.
        let roles = lowercase.windows(2).rposition(|pair| pair == ["providers", "microsoft.authorization"]);
        if let Some(index) = roles {
            let scope = scope_of(path, index);
            return Self::of_roles(method, scope, &given[index + 2..], &lowercase[index + 2..]);
        }
        match (method.as_str(), lowercase) {
            ("GET", ["metadata", "endpoints"]) => Self::CloudMetadata,
            ("GET", ["subscriptions"]) => Self::ListSubscriptions,
            ("GET", ["tenants"]) => Self::ListTenants,
            ("GET", ["providers", "microsoft.keyvault", "operations"]) => Self::ListProviderOperations,
            (_, ["subscriptions", _, "resourcegroups", _, "providers", "microsoft.keyvault", ..]) => {
                let group = GroupRef { subscription: given[1], group: given[3] };
                Self::of_key_vault_in(method, group, &given[6..], &lowercase[6..])
            }
            (_, ["subscriptions", _, "providers", "microsoft.keyvault", _, ..]) => {
                Self::of_key_vault(method, given[1], &given[4..], &lowercase[4..])
            }
            (_, ["subscriptions", _, ..]) => {
                Self::of_subscription(method, given[1], &given[2..], &lowercase[2..])
            }
            _ => Self::Unknown,
        }
    }

    fn of_subscription(
        method: &Method,
        subscription: &'a str,
        given: &[&'a str],
        lowercase: &[&str],
    ) -> Self {
        let group = || GroupRef { subscription, group: given[1] };
        match (method.as_str(), lowercase) {
            ("GET", []) => Self::GetSubscription(subscription),
            ("GET", ["locations"]) => Self::ListLocations(subscription),
            ("GET", ["providers"]) => Self::ListProviders(subscription),
            ("GET", ["providers", _]) | ("POST", ["providers", _, "register"])
                if cloud::is_known_provider(given[1]) =>
            {
                Self::GetProvider(subscription, given[1])
            }
            ("GET", ["resources"]) => Self::ListResources(subscription, None),
            ("GET", ["resourcegroups"]) => Self::ListGroups(subscription),
            ("GET", ["resourcegroups", _]) => Self::GetGroup(group()),
            ("HEAD", ["resourcegroups", _]) => Self::HasGroup(group()),
            ("PUT", ["resourcegroups", _]) => Self::PutGroup(group()),
            ("PATCH", ["resourcegroups", _]) => Self::UpdateGroup(group()),
            ("DELETE", ["resourcegroups", _]) => Self::DeleteGroup(group()),
            ("GET", ["operationresults", _]) => Self::GroupDeletionResult(subscription, given[1]),
            ("GET", ["resourcegroups", _, "resources"]) => Self::ListResources(subscription, Some(given[1])),
            _ => Self::Unknown,
        }
    }

    /// Routes of Key Vault in a subscription, outside resource groups.
    fn of_key_vault(method: &Method, subscription: &'a str, given: &[&'a str], lowercase: &[&str]) -> Self {
        let deleted = || DeletedHsmRef { subscription, location: given[1], name: given[3] };
        match (method.as_str(), lowercase) {
            ("GET", ["managedhsms"]) => Self::ListHsms(subscription, None),
            ("GET", ["deletedmanagedhsms"]) => Self::ListDeletedHsms(subscription),
            ("GET", ["vaults" | "deletedvaults"]) => Self::ListVaults(subscription, None),
            ("POST", ["register"]) => Self::GetProvider(subscription, cloud::KEY_VAULT),
            ("POST", ["checkmhsmnameavailability"]) => Self::CheckName(subscription),
            ("GET", ["locations", _, "deletedmanagedhsms", _]) => Self::GetDeletedHsm(deleted()),
            ("POST", ["locations", _, "deletedmanagedhsms", _, "purge"]) => Self::PurgeDeletedHsm(deleted()),
            ("GET", ["locations", _, "managedhsmoperationresults", _]) => {
                Self::OperationResult(subscription, given[3])
            }
            _ => Self::Unknown,
        }
    }

    /// Routes of Key Vault in a resource group.
    fn of_key_vault_in(method: &Method, group: GroupRef<'a>, given: &[&'a str], lowercase: &[&str]) -> Self {
        let GroupRef { subscription, group } = group;
        let hsm = || HsmRef { subscription, group, name: given[1] };
        match (method.as_str(), lowercase) {
            ("GET", ["managedhsms"]) => Self::ListHsms(subscription, Some(group)),
            ("GET", ["managedhsms", _]) => Self::GetHsm(hsm()),
            ("PUT", ["managedhsms", _]) => Self::PutHsm(hsm()),
            ("PATCH", ["managedhsms", _]) => Self::UpdateHsm(hsm()),
            ("DELETE", ["managedhsms", _]) => Self::DeleteHsm(hsm()),
            ("GET", ["managedhsms", _, "regions"]) => Self::ListRegions(hsm()),
            ("GET", ["managedhsms", _, "privateendpointconnections" | "privatelinkresources"]) => {
                Self::ListPrivateLinks(hsm())
            }
            ("GET", ["vaults"]) => Self::ListVaults(subscription, Some(group)),
            _ => Self::Unknown,
        }
    }

    fn of_roles(method: &Method, scope: &'a str, given: &[&'a str], lowercase: &[&str]) -> Self {
        match (method.as_str(), lowercase) {
            ("GET", ["roledefinitions"]) => Self::ListRoleDefinitions(scope),
            ("GET", ["roledefinitions", _]) => Self::GetRoleDefinition(scope, given[1]),
            ("GET", ["roleassignments"]) => Self::ListRoleAssignments(scope),
            ("GET", ["roleassignments", _]) => Self::GetRoleAssignment(scope, given[1]),
            ("PUT", ["roleassignments", _]) => Self::PutRoleAssignment(scope, given[1]),
            ("DELETE", ["roleassignments", _]) => Self::DeleteRoleAssignment(scope, given[1]),
            _ => Self::Unknown,
        }
    }
}

/// Returns the part of a path before the segment at `index`, without a trailing slash.
fn scope_of(path: &str, index: usize) -> &str {
    let mut segment = 0;
    let mut previous = '/';
    for (position, letter) in path.char_indices() {
        if previous == '/' && letter != '/' {
            if segment == index {
                return path[..position].trim_end_matches('/');
            }
            segment += 1;
        }
        previous = letter;
    }
    path
}

#[cfg(test)]
mod tests;
